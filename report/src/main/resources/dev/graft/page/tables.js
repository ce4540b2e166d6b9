const COLUMNS = [
  { head: 'Validation\nloss', value: (s) => s.validation_loss, show: loss, best: Math.min },
  { head: 'Best\nvalidation', value: (s) => s.best_validation_loss, show: loss, best: Math.min, title: (s) => `at step ${s.best_validation_step}` },
  { head: 'Training\nloss', value: (s) => s.loss, show: loss, best: Math.min },
  { head: 'Tokens', value: (s) => s.tokens, show: count, title: (s) => `${s.steps.toLocaleString('en')} steps` },
  { head: 'Compute', value: (s) => s.flops, show: flops },
  { head: 'Parameters\n(active)', value: (s) => s.parameters, show: count, more: (s) => (present(s.active_parameters) && s.active_parameters !== s.parameters ? ` (${count(s.active_parameters)})` : '') },
  { head: 'Tokens/s', value: (s) => s.tokens_per_second, show: (value) => Math.round(value).toLocaleString('en') },
  { head: 'MFU', value: (s) => s.mfu, show: percent },
  { head: 'Peak\nmemory', value: (s) => s.memory_bytes || null, show: bytes },
  { head: 'Training\ntime', value: (s) => s.seconds, show: duration },
  { head: 'Drop rate,\nlast fifth', value: (s) => s.drop_rate, show: percent },
];

function summaryTable() {
  const rows = data.runs.map((run) => ({ run, summary: { ...run.summary, flops: run.flops_per_token ? run.flops_per_token * run.summary.tokens : null } }));
  const columns = COLUMNS.filter((column) => rows.some((row) => present(column.value(row.summary))));
  const bests = new Map(
    columns.filter((column) => column.best && rows.length > 1)
      .map((column) => [column, column.best(...rows.map((row) => column.value(row.summary)).filter(present))]),
  );
  const body = el('tbody');
  const head = el('tr');
  let order = { column: null, down: false };
  const draw = () => {
    const sorted = [...rows];
    if (order.column) {
      const rank = (row) => order.column.value(row.summary) ?? (order.down ? -Infinity : Infinity);
      sorted.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0) * (order.down ? -1 : 1));
    }
    head.replaceChildren(
      el('th', { scope: 'col' }, 'Run'),
      ...columns.map((column) =>
        el(
          'th',
          { scope: 'col', 'aria-sort': order.column === column ? (order.down ? 'descending' : 'ascending') : 'none' },
          el('button', {
            type: 'button',
            onclick: () => {
              order = { column, down: order.column === column && !order.down };
              const index = columns.indexOf(column);
              draw();
              head.querySelectorAll('button')[index].focus();
            },
          }, column.head),
        ),
      ),
    );
    body.replaceChildren(
      ...sorted.map(({ run, summary }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row', title: run.name }, dot(colorOf(run)), run.name),
          columns.map((column) => {
            const value = column.value(summary);
            const best = bests.has(column) && value === bests.get(column);
            return el('td', { class: best ? 'best' : '', title: present(value) && column.title ? column.title(summary) : '' }, present(value) ? column.show(value) + (column.more?.(summary) ?? '') : NOT_THERE);
          }),
        ),
      ),
    );
  };
  draw();
  return { node: scrolling('Summary of the runs', el('table', {}, el('thead', {}, head), body)), refresh: draw };
}

function scrolling(label, table) {
  const long = data.runs.length > 14;
  return el('div', { class: long ? 'scroll long' : 'scroll', tabIndex: 0, role: 'region', 'aria-label': label }, table);
}

function rateTable() {
  const range = extent(data.groups.flatMap((group) => group.rates.flatMap((entry) => [entry.least, entry.greatest])));
  if (!repeated || !range) return null;
  const [low, high] = range;
  const place = (value) => `${(100 * (value - low)) / (high - low || 1)}%`;
  const body = el('tbody');
  const draw = () =>
    body.replaceChildren(
      ...data.groups.flatMap((group) => {
        const color = theme.series(groupNames.indexOf(group.group));
        return group.rates.map((entry) =>
          el(
            'tr',
            { class: entry.best && group.rates.length > 1 ? 'best-rate' : '' },
            el('th', { scope: 'row', title: group.group }, dot(color), group.group),
            el('td', {}, rate(entry.learning_rate)),
            el('td', {}, String(entry.runs.length)),
            el('td', {}, present(entry.mean) ? entry.mean.toFixed(4) : NOT_THERE),
            el('td', {}, present(entry.spread) ? `± ${entry.spread.toFixed(4)}` : NOT_THERE),
            el(
              'td',
              {},
              el(
                'span',
                { class: 'range', title: `${loss(entry.least)} to ${loss(entry.greatest)}` },
                present(entry.mean) && el('i', { style: { left: place(entry.least), width: `${(100 * (entry.greatest - entry.least)) / (high - low || 1)}%`, background: color } }),
                present(entry.mean) && el('b', { style: { left: place(entry.mean), background: color } }),
              ),
            ),
          ),
        );
      }),
    );
  draw();
  const heads = ['Group', 'Learning rate', 'Runs', 'Mean', 'Spread', `${loss(low)} to ${loss(high)}`];
  return {
    node: scrolling('Learning rates', el('table', {}, el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))), body)),
    refresh: draw,
  };
}
