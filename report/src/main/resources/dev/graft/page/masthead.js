function masthead(brand) {
  const namespace = 'http://www.w3.org/2000/svg';
  const mark = document.createElementNS(namespace, 'svg');
  mark.setAttribute('viewBox', '0 0 24 24');
  mark.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', 'M12 22V11M12 15C12 9 7 9 5 3M12 15c0-6 5-6 7-12M12 11V3');
  for (const [name, value] of [['fill', 'none'], ['stroke', 'currentColor'], ['stroke-width', '2'], ['stroke-linecap', 'round']]) path.setAttribute(name, value);
  mark.append(path);
  return el(
    'header',
    { class: 'masthead' },
    el('p', { class: 'brand' }, mark, brand),
    el('h1', {}, data.title),
    data.introduction.length
      ? el('div', { class: 'introduction' }, data.introduction.flatMap(({ heading, text }) => [heading ? el('h2', {}, heading) : null, ...text.split(/\n\s*\n/).map((part) => el('p', {}, part))]))
      : null,
  );
}
