import { ApiError, live } from './api.js';
import { byId, el, svg } from './dom.js';
import { ExpertLoad } from './experts.js';
import { plural, rate, whole } from './format.js';

const SECONDS = 60;
const ROWS = 24;

// What the server is at: its rate, its batch, its pages and its experts. Connected only while someone can see it.
export class Live {
  #abort;
  #rates = [];
  #parts;
  #experts;
  #own;

  // own(id): whether an answer of this page is the sequence of that id.
  constructor(own) {
    this.#own = own;
    this.#experts = new ExpertLoad();
    this.#build();
    document.addEventListener('visibilitychange', () => this.#connect());
  }

  show(open) {
    this.open = open;
    this.#connect();
    this.#experts.draw();
  }

  async #connect() {
    if (!this.open || document.hidden) {
      this.#abort?.abort();
      this.#abort = undefined;
      return;
    }
    if (this.#abort) return;
    const abort = new AbortController();
    this.#abort = abort;
    for (let wait = 1000; !abort.signal.aborted; wait = Math.min(15000, wait * 2)) {
      try {
        for await (const event of live(abort.signal)) {
          wait = 1000;
          this.#event(event);
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        this.#say(error instanceof ApiError ? error.message : 'The connection was lost.');
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  #say(text) {
    this.#parts.note.textContent = text;
  }

  #build() {
    const figure = () => el('dd', {}, '–');
    this.#parts = {
      note: el('p', { class: 'note', role: 'status' }),
      rate: figure(),
      running: figure(),
      waiting: figure(),
      spark: svg('polyline', { points: '' }),
      peak: el('span', {}),
      used: el('i', { class: 'used' }),
      cached: el('i', { class: 'cached' }),
      pages: el('p', { class: 'caption' }),
      rows: el('tbody'),
      more: el('p', { class: 'caption' }),
    };
    const p = this.#parts;
    byId('live').append(
      p.note,
      el(
        'dl',
        { class: 'figures' },
        el('div', {}, el('dt', {}, 'tokens/s'), p.rate),
        el('div', {}, el('dt', {}, 'running'), p.running),
        el('div', {}, el('dt', {}, 'waiting'), p.waiting),
      ),
      el('div', { class: 'spark', 'aria-hidden': 'true' }, svg('svg', { viewBox: '0 0 100 24', preserveAspectRatio: 'none' }, p.spark), el('p', { class: 'caption' }, el('span', {}, 'last minute'), p.peak)),
      el('h3', {}, 'Key/value pages'),
      el('div', { class: 'bar', 'aria-hidden': 'true' }, p.used, p.cached),
      p.pages,
      el('h3', {}, 'Experts'),
      this.#experts.node,
      el('h3', {}, 'Batch'),
      el(
        'table',
        { class: 'sequences' },
        el('caption', { class: 'visually-hidden' }, 'Sequences in the batch'),
        el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'sequence'), el('th', { scope: 'col' }, 'prompt'), el('th', { scope: 'col' }, 'written'), el('th', { scope: 'col' }, 'at'))),
        p.rows,
      ),
      p.more,
    );
    this.#sequences([]);
  }

  #event(event) {
    const p = this.#parts;
    this.#say('');
    p.rate.textContent = rate(event.tokens_per_second ?? 0);
    p.running.replaceChildren(whole(event.running), el('small', {}, ` of ${whole(event.max_sequences)}`));
    p.waiting.textContent = whole(event.waiting);
    this.#spark(event.tokens_per_second ?? 0);
    const { pages, pages_used: used, pages_cached: cached } = event;
    p.used.style.width = `${(100 * used) / pages}%`;
    p.cached.style.width = `${(100 * cached) / pages}%`;
    p.pages.replaceChildren(
      el('span', {}, el('i', { class: 'key used' }), `${whole(used)} in use`),
      el('span', {}, el('i', { class: 'key cached' }), `${whole(cached)} cached`),
      el('span', {}, `of ${whole(pages)}`),
    );
    this.#sequences(event.sequences ?? []);
    this.#experts.add(event.expert_load, event.tokens_per_second ?? 0);
  }

  #spark(value) {
    this.#rates.push(value);
    if (this.#rates.length > SECONDS) this.#rates.shift();
    const peak = Math.max(...this.#rates);
    const from = SECONDS - this.#rates.length;
    const point = (v, i) => `${((from + i) * 100) / (SECONDS - 1)},${22.5 - (peak ? (21 * v) / peak : 0)}`;
    this.#parts.spark.setAttribute('points', this.#rates.map(point).join(' '));
    this.#parts.peak.textContent = peak ? `peak ${rate(peak)}` : '';
  }

  #sequences(sequences) {
    const shown = sequences.slice(0, ROWS);
    this.#parts.rows.replaceChildren(
      ...shown.map(({ id, prompt_tokens: prompt, completion_tokens: written, state }) => {
        const own = this.#own(id);
        return el(
          'tr',
          { class: own ? 'own' : '' },
          el('th', { scope: 'row', title: id }, own ? 'this page' : id.replace(/^(chat)?cmpl-/, '').slice(0, 8)),
          el('td', {}, whole(prompt)),
          el('td', {}, whole(written)),
          el('td', {}, el('span', { class: `state ${state}` }, state)),
        );
      }),
    );
    if (!shown.length) this.#parts.rows.append(el('tr', {}, el('td', { class: 'none', colSpan: 4 }, 'nothing is running')));
    const rest = sequences.length - shown.length;
    this.#parts.more.textContent = rest ? `and ${plural(rest, 'more', 'more')}` : '';
  }
}
