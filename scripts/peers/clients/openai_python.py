"""A conversation with a server by OpenAI's own client for Python, streaming and not.

usage: openai_python.py BASE_URL [API_KEY]      (BASE_URL ends in /v1)

Prints a line for each thing that holds, and ends with 1 at the first that does not.
"""

import json
import sys

import openai


def check(what, holds, seen=""):
    print(("ok    " if holds else "FAILED ") + what + ("" if holds else f": {seen!r}"), flush=True)
    if not holds:
        sys.exit(1)


def main(url, key="none"):
    client = openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=120)
    model = client.models.list().data[0].id
    check("a model is listed", bool(model))

    plain = client.completions.create(model=model, prompt="The capital of France is", max_tokens=8, temperature=0)
    check("completion", plain.choices[0].text and plain.usage.completion_tokens == 8, plain)
    events = list(client.completions.create(model=model, prompt="The capital of France is", max_tokens=8, temperature=0, stream=True,
                                            stream_options={"include_usage": True}))
    text = "".join(e.choices[0].text for e in events if e.choices)
    check("a streamed completion says the same", text == plain.choices[0].text, text)
    check("its usage comes last", events[-1].usage.completion_tokens == 8, events[-1])
    scored = client.completions.create(model=model, prompt="The capital of France is", max_tokens=1, temperature=0, echo=True, logprobs=1)
    logprobs = scored.choices[0].logprobs
    check("echo scores the prompt", logprobs.token_logprobs[0] is None and len(logprobs.tokens) == len(logprobs.token_logprobs), logprobs)
    many = client.completions.create(model=model, prompt=["One", "Two"], n=2, max_tokens=4, temperature=0.8, seed=3)
    check("two prompts with two choices each", [c.index for c in many.choices] == [0, 1, 2, 3], many)
    stopped = client.completions.create(model=model, prompt="1, 2, 3, 4,", max_tokens=20, temperature=0, stop=["7"])
    check("a stop string", "7" not in stopped.choices[0].text and stopped.choices[0].finish_reason in ("stop", "length"), stopped)

    talk = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "What is the capital of France?"}]
    answer = client.chat.completions.create(model=model, messages=talk, max_completion_tokens=24, temperature=0, logprobs=True, top_logprobs=3)
    message = answer.choices[0].message
    check("chat", message.role == "assistant" and message.content, answer)
    check("its log-probabilities", all(len(t.top_logprobs) == 3 and t.logprob <= 0 for t in answer.choices[0].logprobs.content), answer)
    talk += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [{"type": "text", "text": "And of Germany?"}]}]
    again = client.chat.completions.create(model=model, messages=talk, max_tokens=24, temperature=0)
    chunks = list(client.chat.completions.create(model=model, messages=talk, max_tokens=24, temperature=0, stream=True))
    check("a streamed second turn says the same", "".join(c.choices[0].delta.content or "" for c in chunks) == again.choices[0].message.content, chunks)
    check("its end has a reason", chunks[-1].choices[0].finish_reason in ("stop", "length"), chunks[-1])
    with client.chat.completions.create(model=model, messages=talk, max_tokens=1000, temperature=0, stream=True) as stream:
        next(iter(stream))
    check("a stream that is left", client.models.list().data[0].id == model)

    for what, kind, call in (
        ("an unknown model", openai.NotFoundError, lambda: client.completions.create(model="nobody", prompt="a")),
        ("a wrong value", openai.BadRequestError, lambda: client.completions.create(model=model, prompt="a", temperature=-1)),
        ("a prompt that is too long", openai.BadRequestError, lambda: client.completions.create(model=model, prompt=[5] * 100_000)),
    ):
        try:
            call()
            check(what, False, "no error")
        except kind as e:
            check(what + " is refused with " + kind.__name__, bool(e.body and e.body.get("message")), json.dumps(e.body))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
