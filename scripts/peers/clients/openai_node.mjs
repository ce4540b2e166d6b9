// A scripted conversation by the official OpenAI client for Node. usage: openai_node.mjs BASE_URL [API_KEY]
//
// One line for each check, OK or FAIL with the reason; exit code 1 if any failed. BASE_URL ends in /v1; the model, the
// first that is listed, must have a chat template. The client lies in $NODE_CLIENT/node_modules, where scripts/peers/clients/run puts it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const home = process.env.NODE_CLIENT ?? process.cwd();
const { default: OpenAI } = await import(pathToFileURL(createRequire(`${home}/`).resolve("openai")));
const { version } = JSON.parse(readFileSync(`${home}/node_modules/openai/package.json`, "utf8"));

const PROMPT = "The capital of France is";
const ASKED = [
  { role: "system", content: "You are a helpful assistant." },
  { role: "user", content: "Name three colours." },
];
const [url, key] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url, apiKey: key ?? "none", maxRetries: 0, timeout: 120_000 });
const model = (await client.models.list()).data[0].id;

const complete = (more = {}) =>
  client.completions.create({ model, prompt: PROMPT, max_tokens: 12, temperature: 0, ...more });
const chat = (more = {}) =>
  client.chat.completions.create({ model, messages: ASKED, max_completion_tokens: 24, temperature: 0, ...more });

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.text ?? chunk.choices[0]?.delta?.content ?? "").join("");

async function refused(kind, ask, fields = {}) {
  await assert.rejects(ask, (error) => {
    assert(error instanceof kind, `${error} is no ${kind.name}`);
    for (const [name, value] of Object.entries(fields)) assert.equal(error[name], value, name);
    return true;
  });
}

const checks = {
  async "models are listed and found"() {
    const served = (await all(client.models.list())).map((one) => one.id);
    assert(served.includes(model), `${model} is not among ${served}`);
    assert.equal((await client.models.retrieve(model)).id, model);
  },

  async completion() {
    const answer = await complete();
    assert.equal(answer.object, "text_completion");
    assert(answer.choices[0].text);
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 12);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 12);
  },

  async "completion streamed"() {
    const chunks = await all(await complete({ stream: true, stream_options: { include_usage: true } }));
    const last = chunks.pop();
    assert.equal(textOf(chunks), (await complete()).choices[0].text);
    assert(chunks.length > 3);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "length");
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 12);
  },

  async "completion of several prompts and of token ids"() {
    const ids = [504, 1575, 282, 4649];
    const [byText, byIds] = [(await complete()).choices[0].text, (await complete({ prompt: ids })).choices[0].text];
    const texts = await complete({ prompt: [PROMPT, PROMPT] });
    assert.deepEqual(texts.choices.map((choice) => [choice.index, choice.text]), [[0, byText], [1, byText]]);
    assert.deepEqual((await complete({ prompt: [ids, ids] })).choices.map((choice) => choice.text), [byIds, byIds]);
  },

  async "logprobs and echo"() {
    const scores = (await complete({ logprobs: 3 })).choices[0].logprobs;
    assert.equal(scores.tokens.length, 12);
    scores.tokens.forEach((token, i) => assert.equal(scores.top_logprobs[i][token], scores.token_logprobs[i]));
    const echoed = (await complete({ max_tokens: 1, echo: true, logprobs: 1 })).choices[0];
    assert(echoed.text.startsWith(PROMPT));
    assert.equal(echoed.logprobs.token_logprobs[0], null);
    assert.equal(echoed.logprobs.tokens.join(""), echoed.text);
    const content = (await chat({ logprobs: true, top_logprobs: 4 })).choices[0].logprobs.content;
    for (const one of content) assert.equal(one.top_logprobs.length, 4);
  },

  async "stop, n and seed"() {
    const whole = (await complete({ max_tokens: 24 })).choices[0].text;
    const stop = whole.slice(whole.length / 2, whole.length / 2 + 3);
    const choice = (await complete({ max_tokens: 24, stop })).choices[0];
    assert.deepEqual([choice.text, choice.finish_reason], [whole.slice(0, whole.indexOf(stop)), "stop"]);
    const drawn = [];
    for (let i = 0; i < 2; i++) drawn.push((await complete({ n: 3, temperature: 1, seed: 7 })).choices.map((c) => c.text));
    assert.equal(drawn[0].length, 3);
    assert.deepEqual(drawn[0], drawn[1]);
  },

  async conversation() {
    const messages = [...ASKED];
    for (const question of ["And three animals?", "Thank you."]) {
      const answer = await chat({ messages });
      assert.equal(answer.object, "chat.completion");
      assert.equal(answer.choices[0].message.role, "assistant");
      assert(answer.choices[0].message.content);
      messages.push(answer.choices[0].message, { role: "user", content: question });
    }
  },

  async "conversation streamed"() {
    const whole = (await chat()).choices[0];
    const chunks = await all(await chat({ stream: true }));
    assert.equal(chunks[0].choices[0].delta.role, "assistant");
    assert.equal(textOf(chunks), whole.message.content);
    assert.equal(chunks.at(-1).choices[0].finish_reason, whole.finish_reason);
    const helper = client.chat.completions.stream({ model, messages: ASKED, max_completion_tokens: 24, temperature: 0 });
    let pieces = "";
    helper.on("content", (piece) => (pieces += piece));
    assert.equal(await helper.finalContent(), whole.message.content);
    assert.equal(pieces, whole.message.content);
  },

  async "answer by schema"() {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, warm: { type: "boolean" }, brightness: { type: "integer" } },
      required: ["name", "warm", "brightness"],
      additionalProperties: false,
    };
    const answer = await chat({
      messages: [{ role: "user", content: "Describe a colour in JSON." }],
      max_completion_tokens: 400,
      response_format: { type: "json_schema", json_schema: { name: "colour", strict: true, schema } },
    });
    assert.equal(answer.choices[0].finish_reason, "stop");
    const { name, warm, brightness, ...more } = JSON.parse(answer.choices[0].message.content);
    assert.deepEqual([typeof name, typeof warm, Number.isInteger(brightness), more], ["string", "boolean", true, {}]);
  },

  async "errors are typed"() {
    const unknown = { status: 404, param: "model", code: "model_not_found", type: "invalid_request_error" };
    await refused(OpenAI.NotFoundError, () => complete({ model: "nobody/knows-it" }), unknown);
    await refused(OpenAI.NotFoundError, () => chat({ model: "nobody/knows-it", stream: true }), unknown);
    await refused(OpenAI.BadRequestError, () => complete({ temperature: -1 }), { param: "temperature" });
    await refused(OpenAI.BadRequestError, () => chat({ messages: [] }), { param: "messages" });
    await refused(OpenAI.BadRequestError, () => complete({ prompt: Array(100_000).fill(5) }), { code: "context_length_exceeded" });
    if (key) {
      const wrong = new OpenAI({ baseURL: url, apiKey: key + "x", maxRetries: 0 });
      await refused(OpenAI.AuthenticationError, () => wrong.models.list());
    }
  },

  async "stream left early"() {
    for await (const _ of await complete({ max_tokens: 200, stream: true })) break;
    const abort = new AbortController();
    const stream = await client.completions.create({ model, prompt: PROMPT, max_tokens: 200, stream: true }, { signal: abort.signal });
    for await (const _ of stream) abort.abort();
    assert.equal((await complete()).usage.completion_tokens, 12);
  },

  async "requests at once"() {
    const prompts = ["a", "the", "not", "also", "said", "in", "one", "very"].map((word) => `${PROMPT} ${word}`);
    const alone = [];
    for (const prompt of prompts) alone.push((await complete({ prompt })).choices[0].text);
    const together = await Promise.all(prompts.map((prompt) => complete({ prompt })));
    assert.deepEqual(together.map((answer) => answer.choices[0].text), alone);
  },
};

let failed = 0;
for (const [name, run] of Object.entries(checks)) {
  try {
    await run();
    console.log(`OK   node: ${name}`);
  } catch (error) {
    failed++;
    const line = /openai_node\.mjs:(\d+)/.exec(error.stack)?.[1];
    console.log(`FAIL node: ${name}: line ${line}: ${error.name}: ${error.message.replaceAll("\n", " ")}`);
  }
}
const total = Object.keys(checks).length;
console.log(`node ${process.version}, openai ${version}: ${total - failed} of ${total} checks passed`);
process.exitCode = failed ? 1 : 0;
