import { Marked } from './lib/marked.esm.js';
import DOMPurify from './lib/purify.es.mjs';
import { el } from './dom.js';
import { copyButton } from './copy.js';

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => escapes[character]);
}

// Markup that a model writes is shown as the text it is; pictures become links, since this page loads nothing from
// elsewhere; headings start below the page's own two levels.
const parser = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html({ text }) {
      return escaped(text);
    },
    image({ href, text }) {
      return `<a href="${escaped(href)}">${escaped(text || href)}</a>`;
    },
    heading({ tokens, depth }) {
      const level = Math.min(6, Math.max(3, depth + 1));
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox({ checked }) {
      return checked ? '☑ ' : '☐ ';
    },
  },
});

const allowed = {
  ALLOWED_TAGS: [
    'p', 'br', 'hr', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 'del', 'code', 'pre', 'ul', 'ol', 'li', 'blockquote', 'a',
    'table', 'thead', 'tbody', 'tr', 'th', 'td',
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'align', 'class'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ADD_URI_SAFE_ATTR: ['align', 'start'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

function language(code) {
  return /\blanguage-(\S+)/.exec(code.className)?.[1] ?? '';
}

function nodes(html) {
  const fragment = DOMPurify.sanitize(html, allowed);
  for (const link of fragment.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  for (const pre of fragment.querySelectorAll('pre')) {
    const name = language(pre.firstElementChild ?? pre);
    pre.tabIndex = 0;
    pre.setAttribute('role', 'region');
    pre.setAttribute('aria-label', name ? `Code, ${name}` : 'Code');
    const box = el('div', { class: 'code' }, el('div', { class: 'code-head' }, el('span', {}, name || 'code'), copyButton('Copy code', () => pre.textContent)));
    pre.replaceWith(box);
    box.append(pre);
  }
  for (const table of fragment.querySelectorAll('table')) {
    const box = el('div', { class: 'table', tabIndex: 0, role: 'region', 'aria-label': 'Table' });
    table.replaceWith(box);
    box.append(table);
  }
  return [...fragment.childNodes];
}

// A text that grows: blocks that have not changed keep their elements, and with them a selection or a scroll position.
export class MarkdownView {
  #blocks = [];

  constructor(node) {
    this.node = node;
  }

  show(text) {
    const tokens = parser.lexer(text);
    let same = 0;
    while (same < this.#blocks.length && this.#blocks[same].raw === tokens[same]?.raw) same++;
    for (const block of this.#blocks.splice(same)) block.nodes.forEach((node) => node.remove());
    for (const token of tokens.slice(same)) {
      const block = { raw: token.raw, nodes: nodes(parser.parser([token])) };
      this.#blocks.push(block);
      this.node.append(...block.nodes);
    }
  }
}
