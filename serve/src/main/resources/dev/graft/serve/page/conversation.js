import { store, stored } from './dom.js';

const KEY = 'graft.conversation';
const LAST = 'graft.conversation.last';

// The turns of one conversation, kept in this tab:
// {role: 'user', content} and {role: 'assistant', content, end, error, statistics}.
export class Conversation {
  #turns = stored(sessionStorage, KEY) ?? [];

  get turns() {
    return this.#turns;
  }

  add(turn) {
    this.#turns.push(turn);
    this.keep();
    return turn;
  }

  // Forgets a turn and all that follow it.
  cut(index) {
    this.#turns.length = index;
    this.keep();
  }

  clear() {
    if (this.#turns.length) store(sessionStorage, LAST, this.#turns);
    this.#turns = [];
    this.keep();
  }

  get canRestore() {
    return stored(sessionStorage, LAST) !== undefined;
  }

  restore() {
    this.#turns = stored(sessionStorage, LAST) ?? [];
    store(sessionStorage, LAST, undefined);
    this.keep();
  }

  keep() {
    store(sessionStorage, KEY, this.#turns);
  }

  // As the API takes them. Many chat templates refuse two turns of one side in a row, as they are after an answer that
  // failed: these are joined.
  messages(system) {
    const messages = system ? [{ role: 'system', content: system }] : [];
    for (const { role, content } of this.#turns) {
      if (!content) continue;
      const last = messages.at(-1);
      if (last?.role === role) last.content += `\n\n${content}`;
      else messages.push({ role, content });
    }
    return messages;
  }
}
