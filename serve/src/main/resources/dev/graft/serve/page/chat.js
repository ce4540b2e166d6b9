import { ApiError, chatCompletion } from './api.js';
import { Conversation } from './conversation.js';
import { byId, el } from './dom.js';
import { rate } from './format.js';
import { answerTurn, userTurn } from './turns.js';

const SUGGESTIONS = [
  'Explain a mixture of experts in three sentences.',
  'Write a short poem about grafting an apple tree.',
  'Give me a list of five things to see in Lisbon.',
];

// The conversation on the page: sends, shows the answer as it comes, stops and starts over.
export class Chat {
  #conversation = new Conversation();
  #views = [];
  #abort;
  #answering;
  #settings;
  #model;
  #changed;

  // settings() and model() give what the next request uses; changed() is told when writing begins or ends.
  constructor({ settings, model, changed }) {
    this.#settings = settings;
    this.#model = model;
    this.#changed = changed;
    this.#follow();
    this.#show();
  }

  get writing() {
    return this.#abort !== undefined;
  }

  // The id of the answer that is being written, as the server calls it.
  get answering() {
    return this.#answering;
  }

  send(text) {
    this.#conversation.add({ role: 'user', content: text });
    this.#append(this.#conversation.turns.length - 1);
    return this.#answer();
  }

  stop() {
    this.#abort?.abort();
  }

  clear() {
    this.stop();
    this.#abort = undefined;
    this.#conversation.clear();
    this.#show();
  }

  regenerate() {
    const { turns } = this.#conversation;
    if (this.writing || turns.at(-1)?.role !== 'assistant') return undefined;
    this.#cut(turns.length - 1);
    return this.#answer();
  }

  #edit(index, text) {
    if (this.writing) return;
    this.#cut(index);
    byId('message').focus();
    this.send(text);
  }

  #cut(index) {
    this.#conversation.cut(index);
    for (const view of this.#views.splice(index)) view.node.remove();
  }

  #show() {
    this.#views = [];
    byId('messages').replaceChildren();
    if (!this.#conversation.turns.length) {
      byId('messages').append(this.#welcome());
      return;
    }
    this.#conversation.turns.forEach((turn, index) => {
      this.#append(index);
      if (turn.role === 'assistant') this.#views[index].settle();
    });
    this.#toEnd();
  }

  #welcome() {
    const restore = () => {
      this.#conversation.restore();
      this.#show();
      byId('message').focus();
    };
    const ask = (text) => {
      const message = byId('message');
      message.value = text;
      message.dispatchEvent(new Event('input'));
      message.focus();
    };
    return el(
      'div',
      { class: 'welcome' },
      el('p', { class: 'greeting' }, 'What shall we talk about?'),
      el('ul', { class: 'suggestions' }, SUGGESTIONS.map((text) => el('li', {}, el('button', { type: 'button', onclick: () => ask(text) }, text)))),
      this.#conversation.canRestore ? el('button', { type: 'button', class: 'quiet', onclick: restore }, 'Back to the last conversation') : null,
    );
  }

  #append(index) {
    if (!index) byId('messages').replaceChildren();
    const turn = this.#conversation.turns[index];
    const view = turn.role === 'user'
      ? userTurn(turn, { edit: (text) => this.#edit(index, text) })
      : answerTurn(turn, { regenerate: () => { byId('message').focus(); this.regenerate(); } });
    this.#views[index] = view;
    byId('messages').append(view.node);
    this.#toEnd();
    return view;
  }

  async #answer() {
    const conversation = this.#conversation;
    const { system, parameters } = this.#settings();
    const body = { model: this.#model(), messages: conversation.messages(system), ...parameters };
    const turn = conversation.add({ role: 'assistant', content: '' });
    const view = this.#append(conversation.turns.length - 1);
    const abort = new AbortController();
    this.#abort = abort;
    this.#changed();
    announce('Writing the answer.');
    view.begin();
    try {
      await write(turn, view, body, abort.signal, (id) => { this.#answering = id; });
    } catch (error) {
      if (abort.signal.aborted) turn.end = 'stopped';
      else turn.error = error instanceof ApiError ? error.message : 'The answer broke off: the connection was lost.';
    }
    view.settle();
    conversation.keep();
    // The page may have gone on to another conversation.
    if (this.#abort !== abort && this.#abort) return;
    this.#abort = undefined;
    this.#answering = undefined;
    this.#changed();
    announce(turn.error ? '' : turn.end === 'stopped' ? 'Stopped.' : `Answer: ${view.node.querySelector('.markdown').textContent}`);
  }

  // The end stays in sight while an answer grows, unless the reader has scrolled away from it.
  #follow() {
    const scroller = byId('scroller');
    const latest = byId('latest');
    const below = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    let following = true;
    let height = scroller.scrollTop;
    scroller.addEventListener('scroll', () => {
      if (scroller.scrollTop < height - 2) following = false;
      if (below() < 40) following = true;
      height = scroller.scrollTop;
      latest.hidden = following || below() < 200;
    }, { passive: true });
    new ResizeObserver(() => {
      if (following) scroller.scrollTop = scroller.scrollHeight;
      else latest.hidden = below() < 200;
    }).observe(byId('messages'));
    this.#toEnd = () => {
      following = true;
      scroller.scrollTop = scroller.scrollHeight;
      latest.hidden = true;
    };
    latest.addEventListener('click', () => {
      this.#toEnd();
      byId('message').focus({ preventScroll: true });
    });
  }

  #toEnd = () => {};
}

// Rates count tokens after the first, as the usage at the end gives them; until then pieces of text stand for tokens.
async function write(turn, view, body, signal, known) {
  const begun = performance.now();
  const since = (from) => (performance.now() - from) / 1000;
  let first;
  let last;
  let pieces = 0;
  let usage;
  turn.statistics = {};
  for await (const piece of chatCompletion(body, signal)) {
    known(piece.id);
    usage = piece.usage ?? usage;
    turn.end = piece.finish ?? turn.end;
    if (!piece.text) continue;
    if (first === undefined) {
      first = performance.now();
      turn.statistics.first = since(begun);
    }
    last = performance.now();
    pieces++;
    turn.content += piece.text;
    view.grow(pieces > 4 ? `≈ ${rate((pieces - 1) / since(first))} tokens/s` : '');
  }
  if (!usage) return;
  turn.statistics.tokens = usage.completion_tokens;
  turn.statistics.prompt = usage.prompt_tokens;
  if (usage.completion_tokens > 1 && last > first) turn.statistics.rate = ((usage.completion_tokens - 1) * 1000) / (last - first);
}

// For those who listen: the whole answer once, rather than every piece of it.
function announce(text) {
  byId('announcer').textContent = text;
}
