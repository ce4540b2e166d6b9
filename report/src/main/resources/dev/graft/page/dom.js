// Builds elements. Text becomes text nodes only: nothing on this page is ever parsed as markup.
function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === 'class') node.className = value;
    else if (name === 'style') Object.assign(node.style, value);
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name.includes('-') || name === 'role' || name === 'for') node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

function dot(color) {
  return el('i', { class: 'dot', style: { background: color } });
}

// A section with a heading that a link can point at.
function section(id, title, lead, ...children) {
  return el(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    el('h2', { id: `${id}-title` }, title),
    lead ? el('p', { class: 'lead' }, lead) : null,
    children,
  );
}

function segmented(legend, name, options, value, change) {
  return el(
    'fieldset',
    { class: 'segmented' },
    el('legend', { class: 'visually-hidden' }, legend),
    options.map(([key, text, title]) =>
      el(
        'label',
        { title: title ?? '' },
        el('input', { type: 'radio', name, value: key, checked: key === value, onchange: () => change(key) }),
        el('span', {}, text),
      ),
    ),
  );
}

function checkbox(text, checked, change) {
  return el(
    'label',
    { class: 'option' },
    el('input', { type: 'checkbox', checked, onchange: (event) => change(event.target.checked) }),
    text,
  );
}

function slider(text, { min, max, step, value, long }, change) {
  return el(
    'label',
    { class: 'option' },
    text,
    el('input', {
      type: 'range', min, max, step, value, class: long ? 'long' : '',
      oninput: (event) => change(Number(event.target.value)),
    }),
  );
}

function choice(text, options, value, change) {
  return el(
    'label',
    { class: 'option' },
    text,
    el(
      'select',
      { onchange: (event) => change(event.target.value) },
      options.map(([key, label]) => el('option', { value: key, selected: key === value }, label)),
    ),
  );
}
