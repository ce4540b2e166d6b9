import { copyButton } from './copy.js';
import { el, icon } from './dom.js';
import { plural, rate, seconds } from './format.js';
import { MarkdownView } from './markdown.js';

function action(label, name, onclick) {
  return el('button', { type: 'button', class: 'act', 'aria-label': label, title: label, onclick }, icon(name));
}

export function userTurn(turn, { edit }) {
  const text = el('div', { class: 'bubble' }, turn.content);
  const node = el(
    'article',
    { class: 'turn user', 'aria-label': 'You' },
    text,
    el('div', { class: 'actions' }, copyButton('Copy message', () => turn.content), action('Edit message', 'edit', () => open())),
  );

  function open() {
    const area = el('textarea', { value: turn.content, 'aria-label': 'Edit message' });
    const close = () => {
      node.replaceChildren(...kept);
      node.classList.remove('editing');
      node.querySelector('[aria-label="Edit message"]').focus();
    };
    const save = () => {
      if (area.value.trim()) edit(area.value.trim());
    };
    const kept = [...node.childNodes];
    const form = el(
      'form',
      { class: 'edit', onsubmit: (event) => { event.preventDefault(); save(); } },
      area,
      el('div', { class: 'buttons' }, el('button', { type: 'button', class: 'quiet', onclick: close }, 'Cancel'), el('button', { type: 'submit', class: 'primary' }, 'Send')),
    );
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        save();
      } else if (event.key === 'Escape') {
        event.stopPropagation();
        close();
      }
    });
    node.classList.add('editing');
    node.replaceChildren(form);
    const grow = () => {
      area.style.height = 'auto';
      area.style.height = `${area.scrollHeight + 2}px`;
    };
    area.addEventListener('input', grow);
    grow();
    area.focus();
  }

  return { node };
}

const ends = { length: 'ended at the limit of tokens', stopped: 'stopped', content_filter: 'filtered' };

function summary({ end, statistics }) {
  const parts = [];
  if (statistics?.tokens !== undefined) parts.push(plural(statistics.tokens, 'token'));
  if (statistics?.rate) parts.push(`${rate(statistics.rate)} tokens/s`);
  if (statistics?.first !== undefined) parts.push(`first after ${seconds(statistics.first)}`);
  if (statistics?.prompt !== undefined) parts.push(`prompt ${plural(statistics.prompt, 'token')}`);
  if (ends[end]) parts.push(ends[end]);
  return parts.flatMap((part, i) => [i ? ' · ' : '', el('span', {}, part)]);
}

export function answerTurn(turn, { regenerate }) {
  const text = el('div', { class: 'markdown' });
  const view = new MarkdownView(text);
  const line = el('p', { class: 'statistics' });
  const alert = el('div', { class: 'alert', role: 'alert' });
  const foot = el('div', { class: 'actions' }, copyButton('Copy answer', () => turn.content), action('Regenerate answer', 'again', regenerate), line);
  const node = el('article', { class: 'turn answer', 'aria-label': 'Answer' }, text, alert, foot);
  let frame;

  function draw() {
    frame = undefined;
    view.show(turn.content);
  }

  function settle() {
    cancelAnimationFrame(frame);
    draw();
    node.classList.remove('writing', 'waiting');
    node.removeAttribute('aria-busy');
    line.replaceChildren(...summary(turn));
    alert.replaceChildren();
    node.classList.toggle('failed', !turn.content);
    if (turn.error) alert.append(el('p', {}, turn.error), el('button', { type: 'button', class: 'quiet', onclick: regenerate }, 'Retry'));
  }

  return {
    node,
    begin() {
      node.classList.add('writing', 'waiting');
      node.setAttribute('aria-busy', 'true');
    },
    // Once a frame at most, however fast the pieces come.
    grow(progress) {
      node.classList.remove('waiting');
      line.textContent = progress;
      frame ??= requestAnimationFrame(draw);
    },
    settle,
  };
}
