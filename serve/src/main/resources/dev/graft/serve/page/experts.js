import { el } from './dom.js';
import { percent } from './format.js';

const WINDOW = 60;
const dark = matchMedia('(prefers-color-scheme: dark)');

function ramp() {
  const colors = getComputedStyle(document.documentElement).getPropertyValue('--heat').trim().split(/\s+/);
  return colors.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
}

function color(stops, part) {
  const at = Math.max(0, Math.min(1, part)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const mix = stops[low].map((channel, i) => Math.round(channel + (at - low) * (stops[low + 1][i] - channel)));
  return `rgb(${mix.join(',')})`;
}

// Each row as shares of that layer's tokens that sum to 1; a layer without tokens stays empty.
function normalized(load) {
  return load.map((row) => {
    const sum = row.reduce((a, b) => a + (b || 0), 0);
    return row.map((value) => (sum > 0 ? (value || 0) / sum : 0));
  });
}

// The load of every expert of every layer as a heat map: of the last second, or of the last minute weighted by tokens.
export class ExpertLoad {
  #history = [];
  #minute = true;
  #shown;
  #canvas = el('canvas', { role: 'img', 'aria-label': 'Load of each expert, layer by layer' });
  #detail = el('p', { class: 'caption detail' });
  #most = el('p', { class: 'busiest' });
  #top = el('span', {});
  #even = el('b', {}, 'even');
  #dense = el('p', { class: 'caption' }, 'No load has been reported yet.');
  #figure;

  constructor() {
    const choose = (minute) => () => {
      this.#minute = minute;
      this.#update();
    };
    this.#figure = el(
      'figure',
      { class: 'experts', hidden: true },
      el(
        'fieldset',
        { class: 'segmented' },
        el('legend', { class: 'visually-hidden' }, 'Load of'),
        el('label', {}, el('input', { type: 'radio', name: 'window', onchange: choose(false) }), el('span', {}, 'last second')),
        el('label', {}, el('input', { type: 'radio', name: 'window', checked: true, onchange: choose(true) }), el('span', {}, 'last minute')),
      ),
      el('div', { class: 'map' }, el('span', { class: 'axis layer', 'aria-hidden': 'true' }, 'layer'), this.#canvas, el('span', { class: 'axis expert', 'aria-hidden': 'true' }, 'expert')),
      el('div', { class: 'scale', 'aria-hidden': 'true' }, el('span', {}, '0'), el('div', {}, el('i', {}), this.#even), this.#top),
      this.#most,
      this.#detail,
    );
    this.node = el('div', {}, this.#dense, this.#figure);
    this.#canvas.addEventListener('pointermove', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerdown', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerleave', () => { this.#detail.textContent = ''; });
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    dark.addEventListener('change', () => this.draw());
  }

  // load: layers × experts, absent for a dense model; tokensPerSecond weighs it in the mean.
  add(load, tokensPerSecond) {
    if (!load?.length) {
      if (!this.#history.length) this.#dense.textContent = 'This model is dense: it has no experts.';
      return;
    }
    this.#dense.hidden = true;
    this.#figure.hidden = false;
    const busy = load.some((row) => row.some((value) => value > 0));
    if (busy) this.#history.push({ load: normalized(load), weight: Math.max(tokensPerSecond, 1e-3) });
    else if (!this.#history.length) this.#history.push({ load: normalized(load), weight: 0 });
    if (this.#history.length > WINDOW) this.#history.shift();
    this.#update();
  }

  #update() {
    if (!this.#history.length) return;
    this.#shown = this.#minute ? this.#mean() : this.#history.at(-1).load;
    let busiest = { share: 0 };
    this.#shown.forEach((row, layer) => row.forEach((share, expert) => {
      if (share > busiest.share) busiest = { share, layer, expert };
    }));
    const text = busiest.share ? `Busiest: expert ${busiest.expert} of layer ${busiest.layer}, ${this.#words(busiest.share)}.` : 'Idle since this page was opened.';
    this.#most.textContent = text;
    this.#canvas.setAttribute('aria-label', `Load of ${this.#shown[0].length} experts in ${this.#shown.length} layers. ${text}`);
    this.draw();
  }

  #mean() {
    const total = this.#history.reduce((sum, { weight }) => sum + weight, 0) || 1;
    const mean = this.#history[0].load.map((row) => row.map(() => 0));
    for (const { load, weight } of this.#history) {
      load.forEach((row, l) => row.forEach((share, e) => { mean[l][e] += (share * weight) / total; }));
    }
    return mean;
  }

  #words(share) {
    return `${percent(share)} of the layer’s assignments, ${(share * this.#shown[0].length).toFixed(1)} × even`;
  }

  draw() {
    const width = this.#canvas.clientWidth;
    if (!this.#shown || !width) return;
    const layers = this.#shown.length;
    const experts = this.#shown[0].length;
    const scale = Math.max(2, ...this.#shown.flat().map((share) => share * experts));
    const ratio = window.devicePixelRatio || 1;
    const cell = Math.max(4, Math.min(22, 260 / layers));
    const height = Math.round(cell * layers);
    this.#canvas.style.height = `${height}px`;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const context = this.#canvas.getContext('2d');
    const stops = ramp();
    const gap = cell >= 8 && width / experts >= 8 ? ratio : 0;
    const x = (e) => Math.round((e * this.#canvas.width) / experts);
    const y = (l) => Math.round((l * this.#canvas.height) / layers);
    this.#shown.forEach((row, l) => row.forEach((share, e) => {
      context.fillStyle = color(stops, (share * experts) / scale);
      context.fillRect(x(e), y(l), x(e + 1) - x(e) - gap, y(l + 1) - y(l) - gap);
    }));
    this.#top.textContent = `${scale.toFixed(1)} ×`;
    this.#even.style.left = `${100 / scale}%`;
  }

  #point(event) {
    if (!this.#shown) return;
    const box = this.#canvas.getBoundingClientRect();
    const layer = Math.floor(((event.clientY - box.top) / box.height) * this.#shown.length);
    const expert = Math.floor(((event.clientX - box.left) / box.width) * this.#shown[0].length);
    const share = this.#shown[layer]?.[expert];
    if (share !== undefined) this.#detail.textContent = `Layer ${layer}, expert ${expert}: ${this.#words(share)}`;
  }
}
