"""Who comes to the server during a soak: readers that behave, readers that leave or are slow, and requests that are none."""

import asyncio
import contextlib
import dataclasses
import json
import random
import socket
import sys

import aiohttp

CONTEXT = 1024
PATIENCE = 300  # seconds; longer than any answer may take here


class Wrong(Exception):
    """The server did what it must not."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A greedy request and what was answered when it came alone."""

    path: str
    body: dict
    text: str
    finish: str
    tokens: int
    logprobs: tuple


def questions(ids, count, rng):
    """Path and body of greedy requests with prompts of 1 to 512 tokens; some prompts begin alike, as those of chats do."""
    made = []
    for number in range(count):
        length = rng.choice([1, 7, 16, 33, 64, 128, 200, 350, 512])
        begin = 1000 * rng.randrange(4) if number % 3 == 0 else rng.randrange(len(ids) - length)
        prompt = ids[begin:begin + length]
        body = {"max_tokens": rng.choice([1, 8, 24, 48, 96, 128]), "temperature": 0, "ignore_eos": rng.random() < 0.5}
        if number % 4 == 3:
            words = rng.choice(["Name three colours.", "What is a lighthouse?", "Write a short story about a fox.", "Count to twenty."])
            made.append(("/v1/chat/completions", body | {"messages": [{"role": "user", "content": words}], "logprobs": True}))
        else:
            made.append(("/v1/completions", body | {"prompt": prompt, "logprobs": 0}))
    return made


def content(choice):
    """The text of a choice or of a piece of one, and the log-probabilities that came with it."""
    scores = choice.get("logprobs") or {}
    values = scores.get("token_logprobs") or [one["logprob"] for one in scores.get("content") or []]
    said = choice.get("message") or choice.get("delta")
    return (said.get("content") if said is not None else choice.get("text")) or "", values


class Visitors:
    """Keeps count of what came and what was answered."""

    def __init__(self, url, session, asked, ids, rng):
        self.url, self.session, self.asked, self.ids, self.rng = url, session, asked, ids, rng
        self.host, port = url.removeprefix("http://").split(":")
        self.port = int(port)
        self.counts, self.wrongs = {}, []
        self.widest = 0.0  # difference of a log-probability from that of the single request
        self.kinds = {self.whole: 20, self.streamed: 34, self.leaves_stream: 12, self.leaves_early: 6, self.reads_slowly: 8, self.stops_reading: 1,
                      self.sends_nonsense: 14, self.sends_half: 2, self.sends_slowly: 1, self.looks_around: 5, self.draws: 6}

    def count(self, what, by=1):
        self.counts[what] = self.counts.get(what, 0) + by

    async def come(self, until):
        """One visitor after the other."""
        while asyncio.get_running_loop().time() < until:
            kind = self.rng.choices(list(self.kinds), list(self.kinds.values()))[0]
            name = kind.__name__.replace("_", " ")
            try:
                await kind()
                self.count(name)
            except Exception as e:  # everything that is not answered as it must be is kept and told at the end
                self.wrongs.append(f"{name}: {type(e).__name__}: {e}")
                print(f"wrong: {self.wrongs[-1][:1000]}", file=sys.stderr, flush=True)

    def compare(self, asked, text, finish, tokens, logprobs):
        if (text, finish) != (asked.text, asked.finish) or tokens not in (None, asked.tokens):
            raise Wrong(f"{text!r}, {finish}, {tokens} tokens instead of {asked.text!r}, {asked.finish}, {asked.tokens} for {asked.body}")
        if len(logprobs) != len(asked.logprobs):
            raise Wrong(f"{len(logprobs)} log-probabilities instead of {len(asked.logprobs)} for {asked.body}")
        self.count("answers compared")
        self.widest = max([self.widest, *(abs(a - b) for a, b in zip(logprobs, asked.logprobs))])

    @contextlib.asynccontextmanager
    async def post(self, path, body):
        """An answer with status 200; comes again while the server says that it is full."""
        while True:
            async with self.session.post(self.url + path, json=body) as response:
                if response.status == 429:
                    self.count("refused with 429")
                    if "Retry-After" not in response.headers:
                        raise Wrong("429 without Retry-After")
                    await response.read()
                elif response.status != 200:
                    raise Wrong(f"{response.status}: {await response.text()}")
                else:
                    yield response
                    return
            await asyncio.sleep(self.rng.uniform(0.2, 1.5))

    async def whole(self):
        asked = self.rng.choice(self.asked)
        async with self.post(asked.path, asked.body) as response:
            answer = await response.json()
        choice = answer["choices"][0]
        text, logprobs = content(choice)
        self.compare(asked, text, choice["finish_reason"], answer["usage"]["completion_tokens"], logprobs)

    async def streamed(self, slowly=False):
        asked = self.rng.choice(self.asked)
        async with self.post(asked.path, asked.body | {"stream": True, "stream_options": {"include_usage": True}}) as response:
            text, finish, tokens, logprobs, done = "", None, None, [], False
            async for line in response.content:
                if slowly:
                    await asyncio.sleep(self.rng.uniform(0, 0.15))
                if not line.strip():
                    continue
                if done or not line.startswith(b"data: "):
                    raise Wrong(f"in a stream: {line!r}")
                done = line.strip() == b"data: [DONE]"
                event = {} if done else json.loads(line[6:])
                if event.get("error"):
                    raise Wrong(f"in a stream: {event['error']}")
                if event.get("usage"):
                    tokens = event["usage"]["completion_tokens"]
                for choice in event.get("choices", []):
                    piece, values = content(choice)
                    text, finish = text + piece, choice["finish_reason"] or finish
                    logprobs += values
            if not done:
                raise Wrong("a stream ended without [DONE]")
        self.compare(asked, text, finish, tokens, logprobs)

    async def reads_slowly(self):
        await self.streamed(slowly=True)

    async def leaves_stream(self):
        asked, left = self.rng.choice(self.asked), self.rng.randrange(30)
        async with self.post(asked.path, asked.body | {"stream": True, "max_tokens": 400, "ignore_eos": True}) as response:
            async for _ in response.content:
                left -= 1
                if left < 0:
                    break
            response.close()

    async def leaves_early(self):
        asked = self.rng.choice(self.asked)
        body = asked.body | {"stream": self.rng.random() < 0.5, "max_tokens": 400, "n": self.rng.choice([1, 1, 3])}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.rng.uniform(0, 1)), self.post(asked.path, body) as response:
                await response.read()

    async def stops_reading(self):
        """Asks for more than the buffers between hold, takes nothing of it for longer than the server waits, and goes."""
        body = json.dumps({"prompt": "Once", "max_tokens": 700, "ignore_eos": True, "logprobs": 20, "n": 2, "stream": True}).encode()
        with socket.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            own.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(own, (self.host, self.port))
            await loop.sock_sendall(own, self.head("POST", "/v1/completions", len(body)) + body)
            await asyncio.sleep(self.rng.uniform(1, 45))

    def head(self, method, path, length):
        return (f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {length}\r\n\r\n").encode()

    async def sends_nonsense(self):
        """Requests that must be refused with a status of 4xx and a reason."""
        post, get = "POST", "GET"
        rng, completions, chats = self.rng, "/v1/completions", "/v1/chat/completions"
        prompt = {"prompt": "Once upon a time", "max_tokens": 4}
        talk = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
        wrong = rng.choice([-1, 1e300, "many", [], {}, True, [[[]]], -(2**70), 2**70, "\u0000"])
        method, path, body = rng.choice([
            (post, completions, b"{"), (post, completions, b""), (post, completions, b"[1, 2]"), (post, chats, b"\xff\xfe{}"),
            (post, completions, b'{"prompt": "\xc3\x28"}'), (post, completions, b'{"prompt": ' + b"[" * 5000), (post, completions, {}),
            (post, completions, prompt | {rng.choice(["max_tokens", "n", "temperature", "top_p", "logprobs", "logit_bias"]): wrong}),
            (post, completions, prompt | {"n": 100_000}), (post, completions, prompt | {"model": "nobody/knows-it"}),
            (post, completions, prompt | {"logprobs": 10_000}), (post, completions, prompt | {"prompt": [5] * (CONTEXT + 1)}),
            (post, completions, prompt | {"prompt": [rng.choice([-1, 2**31, 10**9])]}), (post, completions, prompt | {"prompt": []}),
            (post, completions, prompt | {"stop": [1, 2]}), (post, chats, talk | {"messages": wrong}), (post, chats, talk | {"messages": [wrong]}),
            (post, chats, talk | {"messages": [{"role": "nobody", "content": "a"}]}), (post, chats, talk | {"tools": [{"type": "function"}]}),
            (post, chats, talk | {"response_format": {"type": "nothing"}}), (get, completions, b""), (get, "/v1/nothing", b""),
            ("DELETE", "/v1/models", b""), (post, "/tokenize", {"prompt": 3}), (post, "/detokenize", {"tokens": ["a"]}),
        ])
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(method, self.url + path, data=data, headers={"Content-Type": "application/json"}) as response:
            text = await response.text()
        # Infinite and doubtful values that a field may well take are answered; nothing may be the server's failure.
        allowed = range(400, 500) if not isinstance(body, dict) or wrong not in body.values() else range(200, 500)
        if response.status not in allowed:
            raise Wrong(f"{response.status} for {method} {path} {data[:200]!r}: {text[:200]}")
        if response.status >= 400 and not json.loads(text)["error"]["message"]:
            raise Wrong(f"no reason for {data[:200]!r}: {text[:200]}")

    async def sends_half(self):
        """Bytes that are no request, or only the beginning of one."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        body = b'{"prompt": "Once", "max_tokens": 10'
        writer.write(self.rng.choice([
            self.rng.randbytes(200), b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/completions HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            self.head("POST", "/v1/completions", 1000) + body, self.head("POST", "/v1/completions", 10**12) + body,
            b"GET /" + b"a" * 50_000 + b" HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\n" + b"x: y\r\n" * 5000 + b"\r\n"]))
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    answer = await reader.read(4096)
                    # 501 and 505 are for versions of HTTP that there are not
                    if answer and (status := answer.split(None, 2)[1]) not in (b"501", b"505") and not status.startswith(b"4"):
                        raise Wrong(f"{answer[:100]!r} for half a request")
        writer.transport.abort()

    async def sends_slowly(self):
        """A request that never arrives whole (slow loris): the server must end the connection."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        with contextlib.suppress(ConnectionError):
            writer.write(self.head("POST", "/v1/completions", 1000))
            for _ in range(90):
                writer.write(b" ")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await reader.read()
                        break
            else:
                raise Wrong("a request that does not arrive is waited for longer than 45 s")
        writer.transport.abort()

    async def looks_around(self):
        for path in ("/health", "/v1/models", "/metrics"):
            async with self.session.get(self.url + path) as response:
                if response.status != 200 or not await response.read():
                    raise Wrong(f"{response.status} for {path}")
        ids = self.ids[:self.rng.randrange(1, 200)]
        async with self.post("/detokenize", {"tokens": ids}) as response:
            text = (await response.json())["prompt"]
        async with self.post("/tokenize", {"prompt": text, "add_special_tokens": False}) as response:
            back = (await response.json())["tokens"]
        if back != ids:
            raise Wrong(f"{ids} became {back}")

    async def draws(self):
        """Several choices at a temperature."""
        n = self.rng.choice([1, 2, 4])
        body = {"prompt": ["Once upon a time", "The"], "n": n, "max_tokens": 24, "temperature": 1, "seed": self.rng.randrange(100)}
        async with self.post("/v1/completions", body) as response:
            choices = (await response.json())["choices"]
        if [choice["index"] for choice in choices] != list(range(2 * n)):
            raise Wrong(f"{len(choices)} choices instead of {2 * n}")


async def ask_alone(url, session, questions):
    """What the server answers to each while nothing else runs."""
    asked = []
    for path, body in questions:
        async with session.post(url + path, json=body) as response:
            if response.status != 200:
                raise SystemExit(f"{response.status}: {await response.text()}")
            answer = await response.json()
        choice = answer["choices"][0]
        text, logprobs = content(choice)
        asked.append(Asked(path, body, text, choice["finish_reason"], answer["usage"]["completion_tokens"], tuple(logprobs)))
    return asked


def session():
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE), connector=aiohttp.TCPConnector(limit=0))
