import { health, models, prepareKeyDialog } from './api.js';
import { Chat } from './chat.js';
import { byId, el } from './dom.js';
import { Live } from './live.js';
import { Panels } from './panels.js';
import { Settings } from './settings.js';

const NOTICES = {
  starting: 'The model is being loaded…',
  ready: '',
  draining: 'The server is shutting down: it takes no new messages.',
  failed: 'The engine has failed: its server’s log says why. It has to be started anew.',
  unreachable: 'The server cannot be reached. This page tries again by itself.',
};

const message = byId('message');
const model = byId('model');
let state = 'starting';

prepareKeyDialog();
const settings = new Settings();
const chat = new Chat({ settings: () => settings.current(), model: () => model.value || undefined, changed: refresh });
const live = new Live((id) => chat.answering === id);
const panels = new Panels(['settings', 'live'], (name, open) => name === 'live' && live.show(open));

function refresh() {
  const { writing } = chat;
  const focused = document.activeElement;
  byId('stop').hidden = !writing;
  byId('send').hidden = writing;
  byId('send').disabled = state !== 'ready' || !message.value.trim();
  document.body.classList.toggle('is-writing', writing);
  // The button under the finger goes away: the focus moves to the one in its place, or back to the message.
  if (focused === byId('send') && writing) byId('stop').focus();
  if (focused === byId('stop') && !writing) (matchMedia('(pointer: fine)').matches ? message : byId('scroller')).focus();
}

async function send() {
  const text = message.value.trim();
  if (!text || chat.writing || state !== 'ready') return;
  if (!model.options.length && !(await list(true))) return;
  message.value = '';
  grow();
  chat.send(text);
  refresh();
}

function grow() {
  message.style.height = 'auto';
  // its border is no part of what it scrolls
  const border = message.offsetHeight - message.clientHeight;
  message.style.height = `${Math.min(message.scrollHeight + border, 0.4 * window.innerHeight)}px`;
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
byId('stop').addEventListener('click', () => chat.stop());
message.addEventListener('input', () => {
  grow();
  refresh();
});
message.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
byId('new-conversation').addEventListener('click', () => {
  panels.closeCover();
  chat.clear();
  message.focus();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || byId('key-dialog').open) return;
  if (chat.writing) chat.stop();
  else if (!panels.closeCover()) return;
  event.preventDefault();
});

// Whether the server said which models it has.
async function list(insist) {
  let found;
  try {
    found = await models(insist);
  } catch (error) {
    byId('notice').textContent = error.message;
    return false;
  }
  byId('notice').textContent = NOTICES[state] ?? '';
  model.replaceChildren(...found.map(({ id }) => el('option', { value: id, title: id }, id.split('/').filter(Boolean).at(-1) ?? id)));
  model.disabled = found.length < 2;
  document.title = `${model.selectedOptions[0]?.textContent ?? ''} · Graft`.replace(/^ · /, '');
  return true;
}

// Often while it starts or is away, rarely once it is ready.
async function watch() {
  const now = await health();
  if (now !== state || now !== 'ready') {
    state = now;
    byId('health').dataset.state = now;
    byId('health').title = now;
    byId('notice').textContent = NOTICES[now] ?? now;
    refresh();
  }
  if (now === 'ready' && !model.options.length) await list(false);
  setTimeout(watch, now === 'ready' && model.options.length ? 10000 : 1500);
}

window.addEventListener('resize', grow);
refresh();
grow();
watch();
if (matchMedia('(pointer: fine)').matches) message.focus();
