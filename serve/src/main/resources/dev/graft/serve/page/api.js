import { byId, store, stored } from './dom.js';
import { events } from './stream.js';

const KEY = 'graft.key';

// What went wrong, in a sentence for the person at the page.
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

let asking;
let declined = false;

// Several requests may meet a 401 at once: they share one question.
function askForKey(reason) {
  asking ??= new Promise((resolve) => {
    const dialog = byId('key-dialog');
    byId('key-reason').textContent = reason;
    byId('key').value = '';
    dialog.returnValue = '';
    dialog.addEventListener('close', () => {
      asking = undefined;
      // Chromium gives the focus back without the caret: keys then arrive and write nothing.
      const back = document.activeElement;
      back?.blur();
      back?.focus();
      const given = dialog.returnValue === 'given' ? byId('key').value.trim() : '';
      byId('key').value = '';
      declined = !given;
      if (given) store(sessionStorage, KEY, given);
      resolve(given);
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

export function prepareKeyDialog() {
  const dialog = byId('key-dialog');
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    dialog.close('given');
  });
  byId('key-cancel').addEventListener('click', () => dialog.close(''));
}

async function failure(response) {
  let message;
  try {
    message = (await response.json()).error?.message;
  } catch {
    // not in OpenAI's form: a proxy's page, say
  }
  if (response.status === 429) {
    const wait = Number(response.headers.get('retry-after'));
    return new ApiError(`The server is busy${wait > 0 ? `; it asks to try again in ${wait} s` : ''}.${message ? ` (${message})` : ''}`, 429);
  }
  return new ApiError(message || `The server answered ${response.status}${response.statusText ? ` ${response.statusText}` : ''}.`, response.status);
}

// Paths are relative to the page, so that it also works behind a proxy's prefix. Whoever declined to give a key is asked
// again only when a message is sent.
async function request(path, { body, signal, insist = Boolean(body) } = {}) {
  for (;;) {
    const key = stored(sessionStorage, KEY);
    const headers = {};
    if (body) headers['Content-Type'] = 'application/json';
    if (key) headers.Authorization = `Bearer ${key}`;
    let response;
    try {
      response = await fetch(path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body), signal, cache: 'no-store' });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError('The server cannot be reached.', 0);
    }
    if (response.ok) return response;
    if (response.status !== 401 || (declined && !insist)) throw await failure(response);
    const latest = stored(sessionStorage, KEY);
    if (latest !== key) continue;
    const refused = await failure(response);
    const given = await askForKey(key ? 'The server did not take this key. Give another; it is kept in this tab only.' : 'This server asks for a key. It is kept in this tab only.');
    if (signal?.aborted) throw signal.reason;
    if (!given) throw refused;
  }
}

export async function models(insist) {
  return (await (await request('v1/models', { insist })).json()).data;
}

// 'starting', 'ready', 'draining' or 'unreachable'. A server that is not ready may say so with a 503.
export async function health() {
  try {
    const response = await fetch('health', { cache: 'no-store' });
    return (await response.json()).status ?? 'unreachable';
  } catch {
    return 'unreachable';
  }
}

// The pieces of an answer as they come: {text}, then {finish}, {usage}.
export async function* chatCompletion(body, signal) {
  const response = await request('v1/chat/completions', {
    body: { ...body, stream: true, stream_options: { include_usage: true } },
    signal,
  });
  for await (const data of events(response)) {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(chunk.error.message ?? 'The server failed.', 500);
    const choice = chunk.choices?.[0];
    yield {
      id: chunk.id,
      text: choice?.delta?.content ?? '',
      finish: choice?.finish_reason ?? undefined,
      usage: chunk.usage ?? undefined,
    };
  }
  if (signal.aborted) throw signal.reason;
  throw new ApiError('The answer broke off: the connection was closed.', 0);
}

// What the server is at, about once a second, until aborted or cut off.
export async function* live(signal) {
  const response = await request('live', { signal });
  for await (const data of events(response)) yield JSON.parse(data);
}
