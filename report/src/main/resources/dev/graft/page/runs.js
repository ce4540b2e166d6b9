// The runs, what the reader chose to see of them, and how they become lines.
const data = JSON.parse(document.getElementById('data').textContent);

const groupNames = [...new Set(data.runs.map((run) => run.group))];
const repeated = groupNames.length < data.runs.length;
const severalRates = groupNames.some(
  (group) => new Set(data.runs.filter((run) => run.group === group).map((run) => run.learning_rate)).size > 1,
);
const hasCompute = data.runs.every((run) => run.flops_per_token > 0);
const hasLayers = data.runs.some((run) => run.layers);

const view = {
  x: 'tokens', logX: false, logY: false, whole: false, smoothing: 0.8,
  level: repeated ? 'best' : 'runs',
  hidden: new Set(),
};

function colorOf(run) {
  return theme.series(groupNames.indexOf(run.group));
}

const X_AXES = {
  tokens: { name: 'tokens', format: count, head: (value) => `${count(value)} tokens` },
  compute: { name: 'training compute', format: flops, head: flops },
  time: { name: 'training time', format: duration, head: duration, unit: durationUnit },
};

function xAxis() {
  return { ...X_AXES[view.x], log: view.logX };
}

// Positions on the chosen axis of something measured at `tokens`.
function positions(run, tokens, seconds) {
  if (view.x === 'tokens') return tokens;
  if (view.x === 'compute') return tokens.map((count) => count * run.flops_per_token);
  return seconds ?? tokens.map((count) => interpolated(run.curves.tokens, run.curves.seconds, count));
}

// Runs drawn as one line: alone, or the repetitions of one learning rate.
function bundles() {
  const shown = data.runs.filter((run) => !view.hidden.has(run.group));
  if (view.level === 'runs' || !repeated) {
    return shown.map((run) => ({ name: run.name, runs: [run], color: colorOf(run), dash: dashOf(run) }));
  }
  return data.groups
    .filter((group) => !view.hidden.has(group.group))
    .flatMap((group) =>
      group.rates
        .filter((entry, i) => view.level === 'rates' || entry.best || (i === 0 && !group.rates.some((other) => other.best)))
        .map((entry) => {
          const runs = data.runs.filter((run) => entry.runs.includes(run.name));
          const many = group.rates.length > 1 && view.level === 'rates';
          return {
            name: many ? `${group.group}, lr ${rate(entry.learning_rate)}` : group.group,
            runs, color: colorOf(runs[0]), dash: many ? dashOf(runs[0]) : 'solid',
          };
        }),
    );
}

// Learning rates of a group differ by dash; groups past the palette's end too.
function dashOf(run) {
  const rates = [...new Set(data.runs.filter((other) => other.group === run.group).map((other) => other.learning_rate))].sort((a, b) => a - b);
  const turn = Math.floor(groupNames.indexOf(run.group) / theme.ramp('series').length);
  return ['solid', 'dashed', 'dotted'][(rates.indexOf(run.learning_rate) + turn) % 3];
}

// `columns(run)` gives {x, y} or nothing. Several runs become their mean and a band of one standard deviation.
function linesOf(columns, { smooth = false } = {}) {
  const lines = [];
  for (const bundle of bundles()) {
    const curves = bundle.runs.map(columns).filter((curve) => curve?.x.length);
    if (!curves.length) continue;
    const thin = view.level === 'runs' && repeated;
    const line = { name: bundle.name, color: bundle.color, dash: bundle.dash, ...(thin ? { width: 1.2, opacity: 0.85 } : {}) };
    const smoothed = smooth && view.smoothing > 0 ? curves.map((curve) => ({ x: curve.x, y: smoothedBy(view.smoothing, curve.y) })) : curves;
    if (curves.length === 1) {
      line.points = zip(smoothed[0]);
      if (smoothed !== curves && !thin) line.faint = zip(curves[0]);
    } else {
      Object.assign(line, meanAndBand(smoothed));
    }
    lines.push(line);
  }
  return lines;
}

function zip({ x, y }) {
  return x.map((value, i) => [value, y[i]]);
}

// Exponential moving average, corrected for its start as Adam's is; gaps stay gaps.
function smoothedBy(weight, values) {
  let average = 0;
  let mass = 0;
  return values.map((value) => {
    if (!present(value)) return null;
    average = weight * average + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return average / mass;
  });
}

function meanAndBand(curves) {
  const grid = curves.reduce((a, b) => (a.x.at(-1) <= b.x.at(-1) ? a : b)).x;
  const points = [];
  const band = [];
  for (const x of grid) {
    const values = curves.map((curve) => interpolated(curve.x, curve.y, x)).filter(present);
    if (!values.length) {
      points.push([x, null]);
      continue;
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    points.push([x, mean]);
    if (values.length > 1) {
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
      band.push([x, mean - deviation, mean + deviation]);
    }
  }
  return { points, band };
}

function describeEnds(lines, exact) {
  return lines
    .slice(0, 8)
    .map((line) => `${line.name} ends at ${exact(line.points.findLast(([, y]) => present(y))?.[1])}`)
    .join('; ');
}

// A chart of one measure over the bundles, under the page's controls.
function measureFigure({ title, note, height, columns, y, smooth, endLabels }) {
  return chartFigure({
    title, note, height,
    build(width) {
      const lines = linesOf(columns, { smooth });
      const drawn = lineOption(width, lines, { x: xAxis(), y: typeof y === 'function' ? y() : y, endLabels });
      return drawn && { ...drawn, label: `${describeEnds(lines, (typeof y === 'function' ? y() : y).exact)}.` };
    },
  });
}
