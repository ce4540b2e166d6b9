function configurationSection() {
  const described = data.runs.filter((run) => run.configuration);
  if (!described.length) return null;
  // What a run is called, and where it was written, says nothing of how it was trained.
  const named = ['name', 'out'];
  const settings = (run) => ({ ...run.configuration, ...Object.fromEntries(Object.entries(run.model).map(([key, value]) => [`model: ${key}`, value])) });
  const all = described.map((run) => [run, settings(run)]);
  const keys = [...new Set(all.flatMap(([, values]) => Object.keys(values)))].filter((key) => !named.includes(key));
  const differing = keys.filter((key) => new Set(all.map(([, values]) => values[key])).size > 1);
  const same = keys.filter((key) => !differing.includes(key));
  const parts = [];
  const body = el('tbody');
  const draw = () =>
    body.replaceChildren(
      ...all.map(([run, values]) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row', title: run.name }, dot(colorOf(run)), run.name),
          differing.map((key) => settingCell(values[key], commonest(all.map(([, other]) => other[key])))),
        ),
      ),
    );
  if (differing.length) {
    draw();
    parts.push(
      el('p', { class: 'lead' }, 'What differs between the runs; values off the commonest one are marked.'),
      scrolling('Differing settings', el('table', {}, el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Run'), differing.map((key) => el('th', { scope: 'col', class: 'text' }, key)))), body)),
    );
  }
  const list = el('dl', { class: 'same' }, same.map((key) => el('div', {}, el('dt', {}, key), el('dd', {}, all[0][1][key]))));
  if (same.length) {
    parts.push(all.length > 1 ? el('details', { open: !differing.length }, el('summary', {}, `${same.length} settings are the same in every run`), list) : list);
  }
  return { node: section('configuration', 'Configuration', null, parts), refresh: draw };
}

function settingCell(value, usual) {
  if (value === undefined) return el('td', { class: 'absent' }, NOT_THERE);
  return el('td', { class: value === usual ? '' : 'differs' }, value);
}

// The earlier run's where values tie.
function commonest(values) {
  const counts = new Map();
  values.filter((value) => value !== undefined).forEach((value) => counts.set(value, (counts.get(value) ?? 0) + 1));
  return [...counts.entries()].sort((a, b) => b[1] - a[1])[0]?.[0];
}
