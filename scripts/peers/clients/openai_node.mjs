// A conversation with a server by OpenAI's own client for Node, streaming and not.
//
// usage: node openai_node.mjs BASE_URL [API_KEY]      (BASE_URL ends in /v1)
//
// Prints a line for each thing that holds, and ends with 1 at the first that does not.
import OpenAI from 'openai';

function check(what, holds, seen = '') {
  console.log((holds ? 'ok    ' : 'FAILED ') + what + (holds ? '' : ': ' + JSON.stringify(seen)));
  if (!holds) process.exit(1);
}

const [url, apiKey = 'none'] = process.argv.slice(2);
if (!url) {
  console.error('usage: node openai_node.mjs BASE_URL [API_KEY]');
  process.exit(2);
}
const client = new OpenAI({ baseURL: url, apiKey, maxRetries: 0, timeout: 120_000 });
const model = (await client.models.list()).data[0].id;
check('a model is listed', Boolean(model));

const asked = { model, prompt: 'The capital of France is', max_tokens: 8, temperature: 0 };
const plain = await client.completions.create(asked);
check('completion', plain.choices[0].text && plain.usage.completion_tokens === 8, plain);
let text = '';
for await (const event of await client.completions.create({ ...asked, stream: true })) text += event.choices[0]?.text ?? '';
check('a streamed completion says the same', text === plain.choices[0].text, text);

const messages = [{ role: 'user', content: 'What is the capital of France?' }];
const answer = await client.chat.completions.create({ model, messages, max_completion_tokens: 24, temperature: 0, logprobs: true, top_logprobs: 2 });
check('chat', answer.choices[0].message.content, answer);
check('its log-probabilities', answer.choices[0].logprobs.content.every((t) => t.top_logprobs.length === 2), answer);
messages.push({ role: 'assistant', content: answer.choices[0].message.content }, { role: 'user', content: 'And of Germany?' });
const turn = { model, messages, max_completion_tokens: 24, temperature: 0 };
const again = await client.chat.completions.create(turn);
const runner = client.chat.completions.stream({ ...turn, stream_options: { include_usage: true } });
const final = await runner.finalChatCompletion();
check('a streamed second turn says the same', final.choices[0].message.content === again.choices[0].message.content, final);
check('with the same usage', final.usage.completion_tokens === again.usage.completion_tokens, final.usage);

const stream = await client.chat.completions.create({ model, messages, max_completion_tokens: 1000, stream: true });
for await (const _ of stream) break;
check('a stream that is left', (await client.models.list()).data.length === 1);

for (const [what, kind, call] of [
  ['an unknown model', OpenAI.NotFoundError, () => client.completions.create({ model: 'nobody', prompt: 'a' })],
  ['a wrong value', OpenAI.BadRequestError, () => client.completions.create({ model, prompt: 'a', temperature: -1 })],
]) {
  try {
    await call();
    check(what, false, 'no error');
  } catch (e) {
    check(`${what} is refused with ${kind.name}`, e instanceof kind && e.message, String(e));
  }
}
