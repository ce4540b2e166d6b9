import { byId, store, stored } from './dom.js';

const KEY = 'graft.panels';
const wide = matchMedia('(min-width: 900px)');

// Settings and the live view: beside the conversation where there is room, else over it, one at a time.
export class Panels {
  #names;
  #changed;

  constructor(names, changed) {
    this.#names = names;
    this.#changed = changed;
    for (const name of names) {
      this.#button(name).addEventListener('click', () => this.#toggle(name));
      this.#panel(name).querySelector('.close').addEventListener('click', () => this.close(name));
    }
    wide.addEventListener('change', () => this.#arrange());
    this.#arrange();
  }

  isOpen(name) {
    return !this.#panel(name).hidden;
  }

  close(name) {
    this.#open(name, false);
    this.#button(name).focus();
  }

  // Closes what covers the conversation; false if nothing does.
  closeCover() {
    const open = this.#names.find((name) => this.isOpen(name));
    if (wide.matches || !open) return false;
    this.close(open);
    return true;
  }

  #panel(name) {
    return byId(`${name}-panel`);
  }

  #button(name) {
    return byId(`toggle-${name}`);
  }

  #toggle(name) {
    const open = !this.isOpen(name);
    if (!wide.matches) this.#names.forEach((other) => other !== name && this.#open(other, false));
    this.#open(name, open);
    if (open) this.#panel(name).focus({ preventScroll: true });
  }

  #arrange() {
    const kept = stored(localStorage, KEY) ?? ['live'];
    for (const name of this.#names) this.#open(name, wide.matches && kept.includes(name), false);
  }

  #open(name, open, keep = true) {
    this.#panel(name).hidden = !open;
    this.#button(name).setAttribute('aria-expanded', String(open));
    const covered = !wide.matches && this.#names.some((other) => this.isOpen(other));
    byId('chat').inert = covered;
    document.body.classList.toggle('covered', covered);
    if (keep && wide.matches) store(localStorage, KEY, this.#names.filter((other) => this.isOpen(other)));
    this.#changed(name, open);
  }
}
