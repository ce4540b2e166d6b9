// The page of graft plan: plans side by side, and one of them in detail.
const data = JSON.parse(document.getElementById('data').textContent);
const PASSES = ['forward', 'backward'];
const chosen = { plan: 0, part: data.plans[0]?.parts[0]?.name ?? '' };

const seconds = (value, digits = 4) => {
  if (!present(value)) return NOT_THERE;
  if (value === 0) return '0';
  const [unit, name] = Math.abs(value) < 1e-3 ? [1e-6, 'µs'] : Math.abs(value) < 1 ? [1e-3, 'ms'] : [1, 's'];
  return `${Number((value / unit).toPrecision(digits))} ${name}`;
};
const decimalBytes = (value, digits = 3) => withUnit(value, ['B', 'kB', 'MB', 'GB', 'TB'], 1000, digits);
const list = (values) => {
  const groups = [];
  for (const value of values) {
    if (groups.at(-1)?.value === value) groups.at(-1).times++;
    else groups.push({ value, times: 1 });
  }
  return groups.map(({ value, times }) => (times > 1 ? `${value} × ${times}` : String(value))).join(', ');
};

function table(label, heads, rows) {
  return el(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': label },
    el('table', {},
      el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))),
      el('tbody', {}, rows.map(([first, ...rest]) => el('tr', {}, el('th', { scope: 'row', title: typeof first === 'string' ? first : '' }, first), rest.map((value) => el('td', {}, value)))))),
  );
}

function plansSection() {
  if (!data.plans.length) return null;
  const best = data.plans[0].tokens_per_second;
  return section(
    'summary', 'Plans side by side', 'The fastest first. Layers and recomputed layers are given stage by stage.',
    table('Plans', ['Plan', 'Micro-batch', 'Layers', 'Recomputed', 'Step', 'Tokens/s a device', 'Against first', 'MFU', 'Waiting', 'Memory'],
      data.plans.map((plan, i) => [
        [dot(theme.series(i)), plan.name], String(plan.micro_batch), list(plan.stages.map((stage) => stage.layers)),
        list(plan.stages.map((stage) => stage.recomputed)), seconds(plan.seconds), plain(plan.tokens_per_second),
        present(best) && i > 0 ? percent(plan.tokens_per_second / best - 1) : NOT_THERE, present(plan.mfu) ? percent(plan.mfu) : NOT_THERE, percent(plan.bubble),
        `${decimalBytes(Math.max(...plan.stages.map((stage) => stage.bytes)))} of ${decimalBytes(Math.min(...plan.stages.map((stage) => stage.limit)))}`,
      ])),
    el('ul', { class: 'findings' }, data.plans.map((plan) => el('li', {}, el('span', { class: 'verdict open' }, 'Limited by'), el('p', { class: 'statement' }, plan.name), el('p', { class: 'evidence' }, plan.binds)))),
    termsFigure(),
  );
}

// Where the seconds of a step go, a bar a plan.
function termsFigure() {
  const terms = [...new Set(data.plans.flatMap((plan) => Object.keys(plan.terms)))];
  if (!terms.length) return null;
  const legend = el('span', { class: 'legend' });
  return chartFigure({
    title: 'Where a step goes', note: 'seconds of the slowest stage', height: 70 + 34 * data.plans.length, caption: [legend],
    build(width) {
      legend.replaceChildren(...terms.flatMap((term, i) => [dot(theme.series(i)), el('span', {}, term)]));
      const end = Math.max(...data.plans.map((plan) => plan.seconds));
      return {
        label: data.plans.map((plan) => `${plan.name}: ${terms.filter((term) => plan.terms[term]).map((term) => `${term} ${seconds(plan.terms[term], 3)}`).join(', ')}`).join('; '),
        option: {
          grid: { left: width < NARROW ? 46 : 150, right: 14, top: 8, bottom: 34 },
          xAxis: axisOf({ low: 0, high: end, target: width < NARROW ? 3 : 7, format: plain }),
          yAxis: {
            type: 'category', inverse: true, data: data.plans.map((plan, i) => (width < NARROW ? `${i + 1}` : plan.name)),
            axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.token('muted'), fontSize: 12, width: 140, overflow: 'truncate' },
          },
          tooltip: { ...tooltipStyle(), trigger: 'item', formatter: ({ seriesIndex, dataIndex }) => tip(data.plans[dataIndex].name, [[theme.series(seriesIndex), terms[seriesIndex], seconds(data.plans[dataIndex].terms[terms[seriesIndex]])]], 0) },
          series: terms.map((term, i) => ({
            type: 'bar', stack: 'step', name: term, data: data.plans.map((plan) => plan.terms[term] ?? 0), barWidth: '62%',
            itemStyle: { color: theme.series(i) }, emphasis: { disabled: true },
          })),
        },
      };
    },
  }).node;
}

// Both need the same choice of a plan.
function detailSection() {
  if (!data.plans.length) return null;
  const holder = el('div', {});
  let own = [];
  const draw = () => {
    own.forEach(discard);
    own = [pipelineFigure(data.plans[chosen.plan]), memoryFigure(data.plans[chosen.plan]), partsFigure(data.plans[chosen.plan])].filter(Boolean);
    holder.replaceChildren(...own.map((figure) => figure.node));
  };
  draw();
  return section(
    'timeline', 'A step, stage by stage', 'One forward, one backward as simulated: blank is waiting. The line of a stage’s memory rises with every forward pass and falls with every backward pass.',
    el('div', { class: 'row chooser' }, choice('Plan', data.plans.map((plan, i) => [String(i), plan.name]), '0', (value) => {
      chosen.plan = Number(value);
      draw();
    })),
    holder,
  );
}

function passColor(kind) {
  return theme.series(kind === 'forward' ? 0 : 2);
}

function pipelineFigure(plan) {
  if (!plan.passes.start.length) return null;
  const { stage, micro, forward, start, end } = plan.passes;
  const last = Math.max(...end);
  const legend = el('span', { class: 'legend' });
  return chartFigure({
    title: 'Pipeline', note: `${plan.micro_batches} micro-batches, ${percent(plan.bubble)} waiting`, height: 84 + 26 * plan.stages.length, caption: [legend],
    build(width) {
      legend.replaceChildren(...PASSES.flatMap((kind) => [dot(passColor(kind)), el('span', {}, kind)]));
      const scaled = last < 1 ? 1000 : 1;
      const spans = start.map((from, i) => [stage[i], scaled * from, scaled * end[i], forward[i] ? 0 : 1, micro[i]]);
      const axis = axisOf({ low: 0, high: scaled * last, target: width < NARROW ? 3 : 7, format: plain, name: scaled === 1 ? 'seconds' : 'milliseconds' });
      return {
        label: `Stages by time: ${plan.stages.map((each, i) => `stage ${i} forward ${seconds(each.forward, 3)}, backward ${seconds(each.backward, 3)}`).join('; ')}.`,
        option: {
          grid: { left: 62, right: 14, top: 8, bottom: 44 },
          xAxis: { ...axis, nameGap: 26, splitLine: { show: false } },
          yAxis: {
            type: 'category', inverse: true, data: plan.stages.map((_, i) => `stage ${i}`),
            axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.token('muted'), fontSize: 12 },
          },
          tooltip: {
            ...tooltipStyle(), trigger: 'item',
            formatter: ({ value: [row, from, to, kind, batch] }) => tip(`stage ${row}, micro-batch ${batch}`, [[passColor(PASSES[kind]), PASSES[kind], seconds((to - from) / scaled)], [null, 'from', seconds(from / scaled)]], 0),
          },
          series: [{
            type: 'custom', data: spans, progressive: 0, clip: true, encode: { x: [1, 2], y: 0 },
            renderItem(params, api) {
              const [left, middle] = api.coord([api.value(1), api.value(0)]);
              const [right] = api.coord([api.value(2), api.value(0)]);
              const height = Math.round(api.size([0, 1])[1] * 0.78);
              return {
                type: 'rect', shape: { x: left, y: Math.round(middle - height / 2), width: Math.max(right - left, 0.5), height },
                style: { fill: passColor(PASSES[api.value(3)]), stroke: theme.token('paper'), lineWidth: right - left > 4 ? 0.8 : 0 },
              };
            },
          }],
        },
      };
    },
  });
}

function memoryFigure(plan) {
  if (!plan.memory.length) return null;
  const end = Math.max(...plan.memory.flatMap((line) => line.at));
  return chartFigure({
    title: 'Memory of a rank', note: 'weights, gradients and optimiser below, activations of the micro-batches under way above', height: 320,
    build(width) {
      const size = plan.memory.length;
      const lines = plan.memory.map((line, i) => ({
        name: `stage ${line.stage}`, color: theme.depth(i, size), width: 1.4, points: line.at.map((at, k) => [at, line.bytes[k]]),
      }));
      lines.push({ name: 'limit', color: theme.token('bad'), dash: 'dashed', points: [[0, plan.limit], [end, plan.limit]] });
      const built = lineOption(width, lines, {
        x: { name: 'time in the step', format: (value) => seconds(value, 2), head: seconds, unit: null },
        y: { format: decimalBytes, exact: decimalBytes, zero: true },
        endLabels: size <= 4,
      });
      return built && { ...built, label: plan.memory.map((line) => `stage ${line.stage} at most ${decimalBytes(Math.max(...line.bytes))}`).join(', ') };
    },
  });
}

// What the fullest moment of each stage consists of.
function partsFigure(plan) {
  const names = plan.parts.map((part) => part.name);
  const legend = el('span', { class: 'legend' });
  return chartFigure({
    title: 'What a rank holds at its fullest', note: 'bytes, stage by stage', height: 84 + 26 * plan.stages.length, caption: [legend],
    build(width) {
      legend.replaceChildren(...names.flatMap((name, i) => [dot(theme.series(i)), el('span', {}, name)]));
      const high = Math.max(plan.limit, ...plan.stages.map((stage) => stage.bytes));
      return {
        label: plan.stages.map((stage, i) => `stage ${i} ${decimalBytes(stage.bytes)}`).join(', '),
        option: {
          grid: { left: 62, right: 14, top: 8, bottom: 34 },
          xAxis: axisOf({ low: 0, high, target: width < NARROW ? 3 : 6, format: decimalBytes }),
          yAxis: {
            type: 'category', inverse: true, data: plan.stages.map((_, i) => `stage ${i}`),
            axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.token('muted'), fontSize: 12 },
          },
          tooltip: { ...tooltipStyle(), trigger: 'item', formatter: ({ seriesIndex, dataIndex }) => tip(`stage ${dataIndex}`, [[theme.series(seriesIndex), names[seriesIndex], decimalBytes(plan.parts[seriesIndex].bytes[dataIndex])]], 0) },
          series: plan.parts.map((part, i) => ({
            type: 'bar', stack: 'memory', name: part.name, data: part.bytes, barWidth: '66%', itemStyle: { color: theme.series(i) }, emphasis: { disabled: true },
            markLine: i === 0 ? { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: theme.token('bad'), type: 'dashed' }, data: [{ xAxis: plan.limit }] } : undefined,
          })),
        },
      };
    },
  });
}

function sensitivitySection() {
  if (!data.sensitivity.length) return null;
  const base = data.plans[0].tokens_per_second;
  return section(
    'sensitivity', 'What if', 'The first plan with one thing changed, its layers and recomputed layers as they are; in the last column they are planned anew for it.',
    table('Sensitivity', ['Change', 'Tokens/s a device', 'Against the plan', 'Planned anew', 'Against the plan'],
      data.sensitivity.map((row) => [row.change, plain(row.tokens_per_second), present(row.tokens_per_second) ? percent(row.tokens_per_second / base - 1) : NOT_THERE,
        plain(row.replanned), present(row.replanned) ? percent(row.replanned / base - 1) : NOT_THERE])),
  );
}

function servingSection() {
  const serving = data.serving;
  if (!serving) return null;
  const points = (key) => serving.points.map((point) => [point.batch, point[key]]);
  const curve = chartFigure({
    title: 'Tokens per second', note: 'all devices together, over sequences at once', height: 320,
    build(width) {
      const lines = [
        { name: 'decode', color: theme.series(0), points: points('decode') },
        { name: 'with prefill', color: theme.series(2), points: points('output') },
      ];
      if (serving.published) {
        const [low, high] = [serving.points[0].batch, serving.points.at(-1).batch];
        lines.push({ name: 'published', color: theme.token('bad'), dash: 'dashed', points: [[low, serving.published], [high, serving.published]] });
      }
      const built = lineOption(width, lines, {
        x: { name: 'sequences at once', log: true, format: plain, head: (value) => `${plain(value, 3)} sequences` },
        y: { format: count, exact: (value) => `${Math.round(value).toLocaleString('en')} tokens/s`, zero: true },
      });
      return built && { ...built, label: serving.points.map((point) => `${point.batch} sequences ${Math.round(point.decode)} tokens/s`).join(', ') };
    },
  });
  const names = Object.keys(serving.points[0].terms);
  const legend = el('span', { class: 'legend' });
  const terms = chartFigure({
    title: 'A step of decoding', note: 'share of its time', height: 300, caption: [legend],
    build(width) {
      legend.replaceChildren(...names.flatMap((name, i) => [dot(theme.series(i)), el('span', {}, name)]));
      return {
        label: serving.points.map((point) => `${point.batch} sequences limited by ${point.limit}`).join(', '),
        option: {
          grid: { left: 54, right: 14, top: 14, bottom: 44 },
          xAxis: { type: 'category', data: serving.points.map((point) => String(point.batch)), name: 'sequences at once', nameLocation: 'middle', nameGap: 26, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: theme.token('muted'), fontSize: 12 }, nameTextStyle: { color: theme.token('muted'), fontSize: 12 } },
          yAxis: axisOf({ low: 0, high: 1, target: 4, format: (value) => percent(value) }),
          tooltip: { ...tooltipStyle(), trigger: 'item', formatter: ({ seriesIndex, dataIndex }) => tip(`${serving.points[dataIndex].batch} sequences`, [[theme.series(seriesIndex), names[seriesIndex], seconds(serving.points[dataIndex].terms[names[seriesIndex]])]], 0) },
          series: names.map((name, i) => ({
            type: 'bar', stack: 'step', name, barWidth: '70%', itemStyle: { color: theme.series(i) }, emphasis: { disabled: true },
            data: serving.points.map((point) => point.terms[name] / Object.values(point.terms).reduce((a, b) => a + b, 0)),
          })),
        },
      };
    },
  });
  return section(
    'serving', 'Serving', serving.answer,
    table('Ranks', ['Rank', 'Device', 'Heads', 'FFN columns', 'Weights', 'Cache a token', 'Usable'],
      serving.ranks.map((rank) => [`rank ${rank.rank}`, rank.device, String(rank.heads), String(rank.columns), decimalBytes(rank.weights), decimalBytes(rank.cache), decimalBytes(rank.usable)])),
    el('div', { class: 'charts' }, curve.node, terms.node),
    table('Throughput', ['Sequences', 'Experts read a layer', 'Decode step', 'Decode tokens/s', 'With prefill', 'Limited by', 'Cache'],
      serving.points.map((point) => [String(point.batch), point.experts ? plain(point.experts, 3) : NOT_THERE, seconds(point.seconds, 3), Math.round(point.decode).toLocaleString('en'), Math.round(point.output).toLocaleString('en'), point.limit, point.fits ? 'fits' : 'does not fit'])),
    serving.note ? el('p', { class: 'note-below' }, serving.note) : null,
  );
}

document.getElementById('page').append(
  ...[
    masthead('Graft plan'),
    plansSection(),
    detailSection(),
    sensitivitySection(),
    servingSection(),
    el('footer', {}, data.notes.map((note) => el('p', {}, note))),
  ].filter(Boolean),
);

darkScheme.addEventListener('change', () => {
  refreshCharts();
  drawWhenIdle();
});
window.addEventListener('beforeprint', drawAll);
drawWhenIdle();
