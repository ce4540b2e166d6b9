import { el, icon } from './dom.js';

// The clipboard is not there on plain http from another host; selecting and asking the browser works everywhere.
async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed here: the older way
    }
  }
  const area = el('textarea', { class: 'visually-hidden', value: text, 'aria-hidden': 'true', tabIndex: -1 });
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return done;
}

export function copyButton(label, text) {
  const button = el('button', { type: 'button', class: 'act', 'aria-label': label, title: label }, icon('copy'));
  button.addEventListener('click', async () => {
    const done = await copy(text());
    button.replaceChildren(icon(done ? 'check' : 'copy'));
    button.setAttribute('aria-label', done ? 'Copied' : 'Could not copy');
    setTimeout(() => {
      button.replaceChildren(icon('copy'));
      button.setAttribute('aria-label', label);
    }, 1600);
  });
  return button;
}
