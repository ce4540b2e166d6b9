// The page of evaluations: scores of models beside published ones, subject by subject, and each against the first.
const data = JSON.parse(document.getElementById('data').textContent);

const BENCHMARKS = { ceval: 'C-Eval', cmmlu: 'CMMLU', mmlu: 'MMLU', gsm8k: 'GSM8K', math: 'MATH', humaneval: 'HumanEval' };
const NORMAL_95 = 1.96;

const tasks = [...new Set(data.results.map((result) => result.task))].map((name) => {
  const results = data.results.filter((result) => result.task === name);
  return { name, title: results[0].title, results, metric: Object.keys(results[0].metrics)[0] };
});
const scored = tasks.filter((task) => !isPerplexity(task.metric));

function isPerplexity(metric) {
  return /perplexity|bits_per_byte/.test(metric);
}

function colorOf(model) {
  return theme.series(data.models.indexOf(model));
}

function resultOf(task, model) {
  return task?.results.find((result) => result.model === model);
}

// What a task's first metric says of a model, in percent unless it is a perplexity.
function scoreOf(task, model) {
  const estimate = resultOf(task, model)?.metrics[task.metric];
  if (!estimate) return null;
  const unit = isPerplexity(task.metric) ? 1 : 100;
  return { value: unit * estimate.value, error: present(estimate.stderr) ? unit * estimate.stderr : null, items: estimate.items };
}

function masthead() {
  return el(
    'header',
    { class: 'masthead' },
    el('p', { class: 'brand' }, 'Graft evaluation'),
    el('h1', {}, data.title),
  );
}

function modelName(model) {
  return [dot(colorOf(model)), model];
}

function table(label, heads, rows) {
  return el(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': label },
    el('table', {}, el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))), el('tbody', {}, rows)),
  );
}

function scoreCell(score, digits = 1) {
  if (!score) return el('td', { class: 'absent' }, NOT_THERE);
  return el('td', { title: `${score.items.toLocaleString('en')} questions` }, score.value.toFixed(digits), score.error === null ? null : el('small', {}, ` ± ${score.error.toFixed(digits)}`));
}

function summarySection() {
  const columns = data.published.columns;
  const own = data.models.map((model) =>
    el(
      'tr',
      { class: 'own' },
      el('th', { scope: 'row', title: model }, modelName(model)),
      el('td', {}),
      el('td', {}),
      columns.map((name) => scoreCell(scoreOf(tasks.find((task) => task.name === name), model))),
    ),
  );
  const published = data.published.models.map((model) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, model.name),
      el('td', {}, `${model.active} B`),
      el('td', {}, `${model.total} B`),
      model.scores.map((score) => (score === null ? el('td', { class: 'absent' }, NOT_THERE) : el('td', {}, score.toFixed(1)))),
    ),
  );
  const heads = ['Model', 'Active', 'Parameters', ...columns.map((name) => BENCHMARKS[name])];
  return section(
    'summary', 'Benchmarks', 'Percent right, ± one standard error. Coloured rows were measured here; the others are as published.',
    table('Scores of all models', heads, [...own, ...published]),
    el('p', { class: 'note-below' }, `Published: ${data.published.source}. Its authors’ prompts, shots and answer rules are not ours, so compare rows measured here with each other.`),
  );
}

// Horizontal bars with their 95 % intervals; groups: [{name, values: [{model, value, error, items}]}].
function barsOption(width, groups, models, { maximum } = {}) {
  const bar = Math.max(3, Math.min(13, Math.round(26 / models.length)));
  const cells = groups.flatMap((group, g) => group.values.map((value) => [g, models.indexOf(value.model), value.value, value.error === null ? null : NORMAL_95 * value.error, value.items]));
  const high = maximum ?? Math.min(100, Math.max(10, ...cells.map(([, , value, half]) => value + (half ?? 0))));
  const labels = Math.min(Math.round(width * 0.42), 12 + Math.max(...groups.map((group) => textWidth(group.name))));
  return {
    grid: { left: labels, right: 16, top: 4, bottom: 40 },
    xAxis: { ...axisOf({ low: 0, high, target: width < NARROW ? 3 : 6, format: plain, name: 'percent right' }), nameGap: 26 },
    yAxis: {
      type: 'category', inverse: true, data: groups.map((group) => group.name), axisTick: { show: false }, axisLine: { show: false },
      axisLabel: { color: theme.token('ink'), fontSize: 12, width: labels - 10, overflow: 'truncate', interval: 0 },
    },
    tooltip: {
      ...tooltipStyle(), trigger: 'item',
      formatter: ({ value: [g, m, value, half, items] }) =>
        tip(groups[g].name, [[colorOf(models[m]), models[m], `${value.toFixed(1)} %${half === null ? '' : ` ± ${half.toFixed(1)}`}`], [null, 'questions', items.toLocaleString('en')]], 0),
    },
    series: [{
      type: 'custom', data: cells, progressive: 0, clip: true, encode: { x: 2, y: 0 },
      renderItem(params, api) {
        const [g, m, value, half] = cells[params.dataIndex];
        const [left, middle] = api.coord([0, g]);
        const at = (x) => api.coord([x, g])[0];
        const top = Math.round(middle + (m - models.length / 2) * bar);
        const y = top + bar / 2 - 0.5;
        const line = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: theme.token('ink'), lineWidth: 1 } });
        const children = [{ type: 'rect', shape: { x: left, y: top, width: Math.max(at(value) - left, 1), height: bar - 1 }, style: { fill: colorOf(models[m]), opacity: 0.85 } }];
        if (half !== null && half > 0) {
          const low = at(Math.max(0, value - half));
          const top95 = at(value + half);
          const cap = Math.min(3, bar / 3);
          children.push(line(low, y, top95, y), line(low, y - cap, low, y + cap), line(top95, y - cap, top95, y + cap));
        }
        return { type: 'group', children };
      },
    }],
  };
}

function legend(models) {
  const node = el('span', { class: 'legend' });
  node.refresh = () => node.replaceChildren(...models.flatMap((model) => [dot(colorOf(model)), el('span', {}, model)]));
  return node;
}

function rowsHeight(groups, models) {
  return 46 + groups.length * Math.max(24, models.length * Math.max(3, Math.min(13, Math.round(26 / models.length))) + 8);
}

function barsFigure(title, note, groups, models, options) {
  const caption = legend(models);
  return chartFigure({
    title, note, height: rowsHeight(groups, models), caption: [caption],
    build(width) {
      caption.refresh();
      const said = groups.slice(0, 12).map((group) => `${group.name}: ${group.values.map((value) => `${value.model} ${value.value.toFixed(1)} %`).join(', ')}`);
      return { option: barsOption(width, groups, models, options), label: `${said.join('; ')}.` };
    },
  });
}

function valuesOf(estimates) {
  return estimates
    .filter(({ estimate }) => estimate)
    .map(({ model, estimate }) => ({ model, value: 100 * estimate.value, error: present(estimate.stderr) ? 100 * estimate.stderr : null, items: estimate.items }));
}

function scoresSection() {
  if (!scored.length) return null;
  const groups = scored.map((task) => ({
    name: task.title,
    values: valuesOf(task.results.map((result) => ({ model: result.model, estimate: result.metrics[task.metric] }))),
  }));
  return section('scores', 'Scores', null, barsFigure('All benchmarks', 'bars: percent right; lines: 95 % confidence', groups, data.models).node);
}

function metricsSection() {
  const rows = tasks.flatMap((task) =>
    Object.keys(task.results[0].metrics).map((metric) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, task.title),
        el('td', { class: 'text' }, metric),
        data.models.map((model) => {
          const estimate = resultOf(task, model)?.metrics[metric];
          if (!estimate) return el('td', { class: 'absent' }, NOT_THERE);
          const unit = isPerplexity(metric) ? 1 : 100;
          return el('td', {}, (unit * estimate.value).toFixed(unit === 1 ? 3 : 1), present(estimate.stderr) ? el('small', {}, ` ± ${(unit * estimate.stderr).toFixed(unit === 1 ? 3 : 1)}`) : null);
        }),
      ),
    ),
  );
  return section('metrics', 'Every metric', 'Accuracies in percent, ± one standard error; perplexities as they are.', table('Every metric', ['Benchmark', 'Metric', ...data.models], rows));
}

function subjectsSection() {
  const divided = scored.filter((task) => task.results.some((result) => Object.keys(result.subjects).length > 1));
  if (!divided.length) return null;
  return section(
    'subjects', 'Subject by subject', 'With few questions a subject the intervals are wide: look at the pattern, not at single bars.',
    el(
      'div',
      { class: 'charts' },
      divided.map((task) => {
        const names = [...new Set(task.results.flatMap((result) => Object.keys(result.subjects)))];
        const groups = names.map((name) => ({
          name: name.replaceAll('_', ' '),
          values: valuesOf(task.results.map((result) => ({ model: result.model, estimate: result.subjects[name]?.[task.metric] }))),
        }));
        return barsFigure(task.title, '95 % confidence', groups, data.models, { maximum: 100 }).node;
      }),
    ),
  );
}

// Answers of a perplexity are no choices: such pairs have no metric.
const pairs = data.pairs.filter((pair) => pair.metric).map((pair) => ({
  ...pair,
  title: tasks.find((task) => task.name === pair.task)?.title ?? pair.task,
  half: NORMAL_95 * pair.change_stderr,
}));

function pairsSection() {
  if (!pairs.length) return null;
  const firsts = [...new Set(pairs.map((pair) => pair.first))].join(', ');
  const signed = (value) => (present(value) ? `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(2)}` : NOT_THERE);
  const rows = pairs.map((pair) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row', title: pair.second }, modelName(pair.second)),
      el('td', { class: 'text' }, pair.title),
      el('td', {}, pair.items.toLocaleString('en')),
      el('td', {}, percent(pair.equal_answers, 4)),
      el('td', {}, signed(pair.change)),
      el('td', {}, present(pair.half) ? `${signed(pair.change - pair.half)} to ${signed(pair.change + pair.half)}` : NOT_THERE),
      el('td', {}, `${pair.only_first_right} : ${pair.only_second_right}`),
      el('td', {}, plain(pair.mcnemar_p, 2)),
      el('td', {}, plain(pair.mean_absolute_loglikelihood_difference, 3)),
      el('td', {}, plain(pair.mean_absolute_difference_among_choices, 3)),
    ),
  );
  const heads = ['Model', 'Benchmark', 'Questions', 'Same\nanswer', 'Difference', '95 % interval', 'Only first :\nonly second', 'McNemar’s\np', 'Mean |Δ log-\nlikelihood|', 'The same\namong choices'];
  return section(
    'pairs', `Against ${firsts}`, 'Question by question. Differences are in points of percent; the interval is that of the mean difference per question, and p is that of McNemar’s exact test that the two are equally good.',
    pairsFigure(firsts).node,
    table('Each model against the first', heads, rows),
  );
}

// Differences with their intervals, one line each, around zero.
function pairsFigure(first) {
  const others = [...new Set(pairs.map((pair) => pair.second))];
  const caption = legend(others);
  return chartFigure({
    title: 'Difference', note: `points of percent, 95 % confidence; left of zero: ${first} is better`, height: 46 + 26 * pairs.length, caption: [caption],
    build(width) {
      caption.refresh();
      const cells = pairs.map((pair, row) => [row, 100 * pair.change, 100 * (pair.half ?? 0)]);
      const reach = Math.max(1, ...cells.map(([, difference, half]) => Math.abs(difference) + half)) * 1.05;
      const axis = axisOf({ low: -reach, high: reach, target: width < NARROW ? 3 : 7, format: plain });
      return {
        label: `${pairs.map((pair) => `${pair.second} on ${pair.title} ${(100 * pair.change).toFixed(2)}`).join('; ')}.`,
        option: {
          grid: { left: Math.min(170, Math.round(width * 0.3)), right: 16, top: 4, bottom: 34 },
          xAxis: axis,
          yAxis: {
            type: 'category', inverse: true, data: pairs.map((pair) => pair.title), axisTick: { show: false },
            axisLine: { show: false }, axisLabel: { color: theme.token('ink'), fontSize: 12.5, interval: 0 },
          },
          tooltip: {
            ...tooltipStyle(), trigger: 'item',
            formatter: ({ value: [row, difference, half] }) => tip(pairs[row].title, [[colorOf(pairs[row].second), pairs[row].second, `${difference.toFixed(2)} ± ${half.toFixed(2)}`]], 0),
          },
          series: [{
            type: 'custom', data: cells, progressive: 0, clip: true, encode: { x: 1, y: 0 },
            renderItem(params, api) {
              const [row, difference, half] = cells[params.dataIndex];
              const [x, y] = api.coord([difference, row]);
              const [left] = api.coord([difference - half, row]);
              const [right] = api.coord([difference + half, row]);
              const [zero] = api.coord([0, row]);
              const color = colorOf(pairs[row].second);
              return {
                type: 'group',
                children: [
                  { type: 'line', shape: { x1: zero, y1: y - 13, x2: zero, y2: y + 13 }, style: { stroke: theme.token('faint'), lineWidth: 1 } },
                  { type: 'line', shape: { x1: left, y1: y, x2: right, y2: y }, style: { stroke: color, lineWidth: 2 } },
                  { type: 'circle', shape: { cx: x, cy: y, r: 4.5 }, style: { fill: color } },
                ],
              };
            },
          }],
        },
      };
    },
  });
}

function conditionsSection() {
  const rows = data.results.map((result) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row', title: result.model }, modelName(result.model)),
      el('td', { class: 'text' }, result.title),
      el('td', {}, result.version || NOT_THERE),
      el('td', {}, String(result.num_fewshot)),
      el('td', {}, result.chat ? 'chat' : 'plain'),
      el('td', {}, result.items.toLocaleString('en')),
      el('td', {}, result.truncated.toLocaleString('en')),
      el('td', {}, result.answer_outside_choices.toLocaleString('en')),
    ),
  );
  const heads = ['Model', 'Benchmark', 'Version', 'Shots', 'Prompt', 'Questions', 'Longer than the context', 'Answer not among choices'];
  return section('conditions', 'How it was measured', 'Prompts longer than the context lost their beginning. Questions whose right answer is not among the choices count as wrong.', table('How it was measured', heads, rows));
}

function footer() {
  return el('footer', {}, el('p', {}, 'Written by graft from what graft eval measured. Prompts and metrics are those of lm-evaluation-harness 0.4.13; standard errors are its as well. Confidence intervals are 1.96 standard errors.'));
}

function draw() {
  document.getElementById('page').replaceChildren(
    ...[masthead(), summarySection(), scoresSection(), pairsSection(), subjectsSection(), metricsSection(), conditionsSection(), footer()].filter(Boolean),
  );
}

draw();
darkScheme.addEventListener('change', () => {
  document.querySelectorAll('tr .dot').forEach((node) => {
    node.style.background = colorOf(node.parentElement.textContent);
  });
  refreshCharts();
  drawWhenIdle();
});
window.addEventListener('beforeprint', drawAll);
drawWhenIdle();
