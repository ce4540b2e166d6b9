"""A scripted conversation by the official OpenAI client for Python. usage: openai_python.py BASE_URL [API_KEY]

One line for each check, OK or FAIL with the reason; exit code 1 if any failed. BASE_URL ends in /v1; the
model, the first that is listed, must have a chat template.
"""

import asyncio
import json
import math
import sys
import traceback

import openai
from pydantic import BaseModel, ConfigDict

PROMPT = "The capital of France is"
ASKED = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Name three colours."}]
url, key = (sys.argv[1:] + [None, None])[:2]
model = None  # the first that the server lists
client = openai.OpenAI(base_url=url, api_key=key or "none", max_retries=0, timeout=120)
checks = []


def check(function):
    checks.append(function)
    return function


def complete(prompt=PROMPT, **more):
    return client.completions.create(**{"model": model, "prompt": prompt, "max_tokens": 12, "temperature": 0, **more})


def chat(messages=ASKED, **more):
    return client.chat.completions.create(**{"model": model, "messages": messages, "max_completion_tokens": 24, "temperature": 0, **more})


def equal(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


def near(actual, expected, allowed):
    assert abs(actual - expected) <= allowed, f"{actual} instead of {expected}"


def counted(usage):
    equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
    return usage.completion_tokens


def refused(kind, ask, param=None, code=None):
    try:
        ask()
    except kind as e:
        assert e.body and e.body.get("message") and e.body.get("type"), f"no message or type in {e.body}"
        if param:
            equal(e.param, param)
        if code:
            equal(e.code, code)
        return
    raise AssertionError(f"no {kind.__name__}")


@check
def models_are_listed_and_found():
    served = [one.id for one in client.models.list()]
    assert model in served, f"{model} is not among {served}"
    equal(client.models.retrieve(model).id, model)


@check
def completion():
    answer = complete()
    equal(answer.object, "text_completion")
    equal(len(answer.choices), 1)
    assert answer.choices[0].text, "no text"
    equal(answer.choices[0].finish_reason, "length")
    equal(counted(answer.usage), 12)


@check
def completion_streamed():
    chunks = list(complete(stream=True, stream_options={"include_usage": True}))
    *pieces, last = chunks
    equal("".join(c.choices[0].text for c in pieces), complete().choices[0].text)
    equal([c.choices[0].finish_reason for c in pieces if c.choices[0].finish_reason], ["length"])
    assert len(pieces) > 3, f"only {len(pieces)} pieces"
    assert all(c.usage is None for c in pieces), "usage before the end"
    equal(last.choices, [])
    equal(counted(last.usage), 12)
    assert all(c.usage is None for c in complete(stream=True)), "usage that was not asked for"


@check
def completion_of_several_prompts():
    one, two = complete().choices[0].text, complete("Water boils at").choices[0].text
    answer = complete([PROMPT, "Water boils at"])
    equal([(c.index, c.text) for c in sorted(answer.choices, key=lambda c: c.index)], [(0, one), (1, two)])
    texts = ["", ""]
    for chunk in complete([PROMPT, "Water boils at"], stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    equal(texts, [one, two])


@check
def completion_of_token_ids():
    ids = [504, 1575, 282, 4649]
    single = complete(ids).choices[0].text
    equal([c.text for c in complete([ids, ids]).choices], [single, single])


@check
def completion_with_logprobs():
    scores = complete(logprobs=3).choices[0].logprobs
    equal(len(scores.tokens), 12)
    for token, logprob, top in zip(scores.tokens, scores.token_logprobs, scores.top_logprobs, strict=True):
        assert 3 <= len(top) <= 4, f"{len(top)} alternatives"
        near(top[token], logprob, 1e-6)
        near(max(top.values()), logprob, 1e-6)  # greedy
    equal(scores.text_offset[0], 0)
    streamed = [x for c in complete(logprobs=3, stream=True) if c.choices[0].logprobs for x in c.choices[0].logprobs.token_logprobs]
    equal(len(streamed), 12)
    for a, b in zip(streamed, scores.token_logprobs, strict=True):
        near(a, b, 1e-5)


@check
def prompt_scored_by_echo():
    answer = complete(max_tokens=1, echo=True, logprobs=1).choices[0]
    assert answer.text.startswith(PROMPT), answer.text
    equal(answer.logprobs.token_logprobs[0], None)
    assert all(x <= 0 for x in answer.logprobs.token_logprobs[1:])
    equal("".join(answer.logprobs.tokens), answer.text)
    equal(len(answer.logprobs.tokens), answer.logprobs.text_offset.__len__())


@check
def stop_strings_end_an_answer():
    whole = complete(max_tokens=24).choices[0].text
    stop = whole[len(whole) // 2:][:3]
    for more in ({"stop": stop}, {"stop": ["never in it", stop]}):
        choice = complete(max_tokens=24, **more).choices[0]
        equal((choice.text, choice.finish_reason), (whole[:whole.index(stop)], "stop"))
        equal("".join(c.choices[0].text for c in complete(max_tokens=24, stream=True, **more)), choice.text)


@check
def several_choices_and_seeds():
    drawn = [[c.text for c in complete(n=3, temperature=1, seed=7).choices] for _ in range(2)]
    equal(len(drawn[0]), 3)
    equal(drawn[0], drawn[1])
    assert len(set(drawn[0])) > 1, "choices do not differ"
    equal(counted(complete(n=2).usage), 24)


@check
def conversation():
    messages = list(ASKED)
    for question in ("And three animals?", "Thank you."):
        answer = chat(messages)
        equal(answer.object, "chat.completion")
        message = answer.choices[0].message
        equal(message.role, "assistant")
        assert message.content, "no text"
        assert answer.choices[0].finish_reason in ("stop", "length")
        assert 0 < counted(answer.usage) <= 24
        messages += [message.model_dump(exclude_none=True), {"role": "user", "content": question}]
    equal(len(messages), 6)


@check
def conversation_streamed():
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    *pieces, last = chunks
    equal(pieces[0].choices[0].delta.role, "assistant")
    whole = chat()
    equal("".join(c.choices[0].delta.content or "" for c in pieces), whole.choices[0].message.content)
    equal([c.choices[0].finish_reason for c in pieces if c.choices[0].finish_reason], [whole.choices[0].finish_reason])
    equal(last.usage.completion_tokens, whole.usage.completion_tokens)
    with client.chat.completions.stream(model=model, messages=ASKED, max_completion_tokens=24, temperature=0) as stream:
        events = [event.type for event in stream]
        equal(stream.get_final_completion().choices[0].message.content, whole.choices[0].message.content)
    assert "content.delta" in events and "content.done" in events, set(events)


@check
def content_in_parts():
    parts = [{"role": "user", "content": [{"type": "text", "text": "Name three "}, {"type": "text", "text": "colours."}]}]
    equal(chat(parts).choices[0].message.content, chat([{"role": "user", "content": "Name three colours."}]).choices[0].message.content)


@check
def conversation_with_logprobs():
    choice = chat(logprobs=True, top_logprobs=4).choices[0]
    scores = choice.logprobs.content
    joined = b"".join(bytes(one.bytes) for one in scores).decode()
    assert joined.startswith(choice.message.content), f"{joined!r}"
    for one in scores:
        equal(len(one.top_logprobs), 4)
        near(max(top.logprob for top in one.top_logprobs), one.logprob, 1e-6)
        assert sum(math.exp(top.logprob) for top in one.top_logprobs) <= 1 + 1e-6


@check
def conversation_with_stop_and_n():
    whole = chat().choices[0].message.content
    stop = whole[len(whole) // 2:][:3]
    choice = chat(stop=[stop]).choices[0]
    equal((choice.message.content, choice.finish_reason), (whole[:whole.index(stop)], "stop"))
    equal([c.message.content for c in chat(n=2).choices], [whole, whole])
    equal(counted(chat(max_completion_tokens=3).usage), 3)


class Colour(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    warm: bool
    brightness: int


@check
def answer_by_schema():
    answer = client.chat.completions.parse(
        model=model, messages=[{"role": "user", "content": "Describe a colour in JSON."}], temperature=0, max_completion_tokens=400,
        response_format=Colour)
    equal(answer.choices[0].finish_reason, "stop")
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Colour) and parsed.name, parsed


@check
def answer_as_json():
    answer = chat([{"role": "user", "content": "Describe a colour as a small JSON object."}], response_format={"type": "json_object"},
                  max_completion_tokens=400)
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)


@check
def errors_are_typed():
    refused(openai.NotFoundError, lambda: complete(model="nobody/knows-it"), "model", "model_not_found")
    refused(openai.NotFoundError, lambda: chat(model="nobody/knows-it", stream=True), "model", "model_not_found")
    refused(openai.BadRequestError, lambda: complete(temperature=-1), "temperature")
    refused(openai.BadRequestError, lambda: complete(max_tokens=-5), "max_tokens")
    refused(openai.BadRequestError, lambda: chat([]), "messages")
    refused(openai.BadRequestError, lambda: chat([{"role": "nobody", "content": "Hello"}]))
    refused(openai.BadRequestError, lambda: complete([5] * 100_000), code="context_length_exceeded")
    refused(openai.BadRequestError, lambda: chat(n=100_000), "n")
    refused(openai.BadRequestError, lambda: chat(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]), "tools")
    refused(openai.NotFoundError, lambda: client.embeddings.create(model=model, input="Hello"))


@check
def unknown_fields_are_ignored():
    equal(complete(extra_body={"nobody_knows": {"this": 1}}).choices[0].text, complete().choices[0].text)


@check
def keys_are_checked():
    if key:
        wrong = openai.OpenAI(base_url=url, api_key=key + "x", max_retries=0)
        refused(openai.AuthenticationError, lambda: wrong.models.list())


@check
def stream_left_early():
    with complete(max_tokens=200, stream=True) as stream:
        next(iter(stream))
    equal(counted(complete().usage), 12)


@check
def requests_at_once():
    prompts = [f"{PROMPT} {word}" for word in ("a", "the", "not", "also", "said", "in", "one", "very")]
    alone = [complete(prompt).choices[0].text for prompt in prompts]

    async def ask():
        async with openai.AsyncOpenAI(base_url=url, api_key=key or "none", max_retries=0) as own:
            answers = await asyncio.gather(
                *(own.completions.create(model=model, prompt=prompt, max_tokens=12, temperature=0) for prompt in prompts))
            return [answer.choices[0].text for answer in answers]

    equal(asyncio.run(ask()), alone)


def main():
    global model
    failed = 0
    model = next(iter(client.models.list())).id
    for one in checks:
        name = one.__name__.replace("_", " ")
        try:
            one()
            print(f"OK   python: {name}", flush=True)
        except Exception as e:
            failed += 1
            where = traceback.extract_tb(e.__traceback__)
            own = [frame.lineno for frame in where if frame.filename == __file__]
            print(f"FAIL python: {name}: line {own[min(1, len(own) - 1)]}: {type(e).__name__}: {e}", flush=True)
    print(f"python, openai {openai.__version__}: {len(checks) - failed} of {len(checks)} checks passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
