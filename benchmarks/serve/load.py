"""Clients in a closed loop: each sends the next request as soon as its last answer is complete. One process, one thread."""

import asyncio
import json
import random
import time

import aiohttp

PROMPTS = (64, 512)


def requests(ids, count, generate, seed):
    """Requests with prompts of 64 to 512 tokens, cut from a text so that no two begin alike."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        length = rng.randint(*PROMPTS)
        begin = rng.randrange(len(ids) - length)
        made.append({"prompt": ids[begin:begin + length], "max_tokens": generate, "temperature": 0, "stream": True,
                     "ignore_eos": True, "cache_prompt": False})
    return made


async def stream(session, url, body):
    """Times of one answer: until its first piece, of each piece, and of its end, in seconds since it was asked for."""
    begun = time.perf_counter()
    times, pieces = [], []
    async with session.post(url + "/v1/completions", json=body) as response:
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {await response.text()}")
        async for line in response.content:
            if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                continue
            event = json.loads(line[6:])
            if event.get("error"):
                raise RuntimeError(str(event["error"]))
            # One event a token, from both servers, whether it has text or not; the last event ends the answer.
            if event["choices"] and not event["choices"][0].get("finish_reason"):
                times.append(time.perf_counter() - begun)
                pieces.append(event["choices"][0].get("text") or "")
    return {"begun": begun, "times": times, "end": time.perf_counter() - begun, "text": "".join(pieces)}


async def closed_loop(url, bodies, clients):
    """All answers, in the order of their requests, and the seconds that all of it took."""
    queue = list(enumerate(bodies))[::-1]
    answers = [None] * len(bodies)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=300)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:

        async def client():
            while queue:
                number, body = queue.pop()
                answers[number] = await stream(session, url, body)

        begun = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return answers, time.perf_counter() - begun


def figures(answers, seconds, generate):
    """Rates and latencies of a run."""
    gaps = sorted(b - a for answer in answers for a, b in zip(answer["times"], answer["times"][1:]))
    first = sorted(answer["times"][0] for answer in answers)

    def at(sorted_values, share):
        return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]

    return {"tokens_per_second": len(answers) * generate / seconds, "ttft_p50": at(first, 0.5), "ttft_p99": at(first, 0.99),
            "gap_p50": at(gaps, 0.5), "gap_p99": at(gaps, 0.99)}


def run(url, bodies, clients, generate):
    answers, seconds = asyncio.run(closed_loop(url, bodies, clients))
    return figures(answers, seconds, generate)
