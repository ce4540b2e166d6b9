import { byId, el, store, stored } from './dom.js';

const KEY = 'graft.settings';

const NUMBERS = [
  { name: 'temperature', label: 'Temperature', min: 0, max: 2, step: 0.05, hint: '0 always takes the likeliest token' },
  { name: 'top_p', label: 'Top p', min: 0.01, max: 1, step: 0.01, hint: 'share of the probability to draw from' },
  { name: 'top_k', label: 'Top k', min: 0, step: 1, hint: 'tokens to draw from; 0 for all' },
  { name: 'min_p', label: 'Min p', min: 0, max: 1, step: 0.01, hint: 'least part of the likeliest token’s probability' },
  { name: 'repetition_penalty', label: 'Repetition penalty', min: 0.1, max: 2, step: 0.05, hint: '1 for none' },
  { name: 'max_completion_tokens', label: 'Max tokens', min: 1, step: 1, hint: 'longest answer' },
  { name: 'seed', label: 'Seed', step: 1, hint: 'same seed, same answer', empty: 'random' },
];

// Sampling settings and the system prompt, kept in this browser. What is left empty is not sent: the server decides.
export class Settings {
  #values = stored(localStorage, KEY) ?? {};

  constructor() {
    this.#build();
  }

  // {system, parameters}: what the next request uses.
  current() {
    const parameters = {};
    for (const { name } of NUMBERS) {
      if (typeof this.#values[name] === 'number') parameters[name] = this.#values[name];
    }
    const stop = (this.#values.stop ?? '').split('\n').filter((line) => line !== '');
    if (stop.length) parameters.stop = stop.map((line) => line.replace(/\\n/g, '\n').replace(/\\t/g, '\t'));
    return { system: (this.#values.system ?? '').trim(), parameters };
  }

  #set(name, value) {
    if (value === undefined || value === '') delete this.#values[name];
    else this.#values[name] = value;
    store(localStorage, KEY, this.#values);
  }

  #build() {
    const form = byId('settings');
    form.replaceChildren(
      this.#text('system', 'System prompt', 4, 'said to the model before the conversation'),
      el('div', { class: 'numbers' }, NUMBERS.map((field) => this.#number(field))),
      this.#text('stop', 'Stop strings', 2, 'one a line; \\n stands for a new line'),
      el('div', { class: 'buttons' }, el('button', { type: 'button', class: 'quiet', onclick: () => this.#reset() }, 'Back to defaults')),
    );
    form.addEventListener('submit', (event) => event.preventDefault());
  }

  #reset() {
    for (const name of Object.keys(this.#values)) this.#set(name, undefined);
    this.#build();
    byId('settings').querySelector('.buttons button').focus();
  }

  #text(name, label, rows, hint) {
    const id = `setting-${name}`;
    return el(
      'div',
      { class: 'field' },
      el('label', { for: id }, label),
      el('textarea', { id, rows, value: this.#values[name] ?? '', spellcheck: name === 'system', 'aria-describedby': `${id}-hint`, oninput: (event) => this.#set(name, event.target.value) }),
      el('p', { class: 'hint', id: `${id}-hint` }, hint),
    );
  }

  #number({ name, label, min, max, step, hint, empty = 'default' }) {
    const id = `setting-${name}`;
    const note = el('p', { class: 'hint', id: `${id}-hint` }, hint);
    const input = el('input', {
      id, type: 'number', inputMode: step < 1 ? 'decimal' : 'numeric', min, max, step: step < 1 ? 'any' : step,
      value: this.#values[name] ?? '', placeholder: empty, 'aria-describedby': note.id,
    });
    const check = () => {
      const bad = !input.validity.valid;
      input.setAttribute('aria-invalid', String(bad));
      note.textContent = bad ? input.validationMessage || 'not a number' : hint;
      note.classList.toggle('bad', bad);
      if (!bad) this.#set(name, input.value === '' ? undefined : input.valueAsNumber);
    };
    input.addEventListener('input', check);
    return el('div', { class: 'field' }, el('label', { for: id }, label), input, note);
  }
}
