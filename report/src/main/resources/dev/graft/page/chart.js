// Charts of the page: created when they come into sight, redrawn when the controls, the colour scheme or
// their width change.
const charts = [];
const NARROW = 480;

const sight = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const chart = charts.find((candidate) => candidate.plot === entry.target);
      chart.inSight = entry.isIntersecting;
      if (chart.inSight && chart.stale) chart.draw();
    }
  },
  { rootMargin: '500px' },
);

const widths = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const chart = charts.find((candidate) => candidate.plot === entry.target);
    if (chart.instance && Math.abs(entry.contentRect.width - chart.drawnWidth) >= 1) chart.refresh();
  }
});

// `build(width)` gives {option, label, walk?} for ECharts, or nothing where there is nothing to draw; `walk` is the
// series and the number of points that the arrow keys step through.
function chartFigure({ title, note, height = 300, build, caption = [] }) {
  const plot = el('div', { class: 'plot', tabIndex: 0, role: 'img', style: { height: `${height}px` } });
  const noteNode = el('span', { class: 'note' }, note ?? '');
  const node = el('figure', {}, el('figcaption', {}, el('strong', {}, title), noteNode, caption), plot);
  const chart = {
    node, plot, instance: null, inSight: false, stale: true, drawnWidth: 0,
    say(text) {
      noteNode.textContent = text;
    },
    draw() {
      chart.stale = false;
      chart.drawnWidth = plot.clientWidth;
      const built = build(plot.clientWidth);
      node.hidden = !built;
      if (!built) return;
      chart.instance ??= echarts.init(plot, null, { renderer: 'canvas' });
      chart.instance.resize();
      chart.instance.setOption({ ...frame(), ...built.option }, { notMerge: true });
      plot.setAttribute('aria-label', `${title}. ${built.label}`);
      chart.walk = built.walk;
      chart.at = -1;
    },
    refresh() {
      chart.stale = true;
      node.hidden = false;
      if (chart.inSight) chart.draw();
    },
  };
  plot.addEventListener('keydown', (event) => walkOnKey(chart, event));
  charts.push(chart);
  sight.observe(plot);
  widths.observe(plot);
  return chart;
}

function walkOnKey(chart, event) {
  if (!chart.walk || !chart.instance) return;
  if (event.key === 'Escape') {
    chart.instance.dispatchAction({ type: 'hideTip' });
    return;
  }
  const stride = Math.max(1, Math.round(chart.walk.points / 60));
  const move = { ArrowRight: stride, ArrowLeft: -stride }[event.key];
  if (!move) return;
  event.preventDefault();
  const start = chart.at < 0 && move < 0 ? chart.walk.points : chart.at;
  chart.at = Math.min(chart.walk.points - 1, Math.max(0, start + move));
  chart.instance.dispatchAction({ type: 'showTip', seriesIndex: chart.walk.series, dataIndex: chart.at });
}

function discard(chart) {
  sight.unobserve(chart.plot);
  widths.unobserve(chart.plot);
  chart.instance?.dispose();
  charts.splice(charts.indexOf(chart), 1);
}

function refreshCharts() {
  charts.forEach((chart) => chart.refresh());
}

function drawAll() {
  charts.filter((chart) => chart.stale).forEach((chart) => chart.draw());
}

// Charts out of sight are drawn one by one when the browser has time, so that scrolling meets finished ones.
function drawWhenIdle() {
  const next = charts.find((chart) => chart.stale);
  if (!next) return;
  const later = window.requestIdleCallback ?? ((task) => setTimeout(task, 60));
  later(() => {
    if (next.stale) next.draw();
    drawWhenIdle();
  });
}

function frame() {
  return {
    animation: false,
    textStyle: { fontFamily: theme.token('sans'), color: theme.token('muted') },
  };
}

function tooltipStyle() {
  return {
    confine: true,
    backgroundColor: theme.token('raised'),
    borderColor: theme.token('line'),
    borderWidth: 1,
    padding: [7, 10],
    textStyle: { color: theme.token('ink') },
    extraCssText: 'box-shadow: 0 2px 10px rgb(0 0 0 / .12)',
    transitionDuration: 0,
  };
}

function tip(head, rows, left) {
  return el(
    'div',
    { class: 'tip' },
    el('div', { class: 'head' }, head),
    el(
      'table',
      {},
      rows.map(([color, name, value]) => el('tr', {}, el('td', {}, color ? dot(color) : null, name), el('td', {}, value))),
    ),
    left > 0 ? el('div', { class: 'head' }, `and ${left} more`) : null,
  );
}

// ---- scales ----

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((m) => m * power).find((step) => step >= rough * 0.85);
}

function linearTicks(low, high, target, unit = 1) {
  const step = niceStep(Math.max((high - low) / unit / target, 1e-12)) * unit;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

function logTicks(low, high, target) {
  if (high / low < 4) return linearTicks(low, high, target);
  for (const mantissas of [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const mantissa of mantissas) {
        const tick = mantissa * 10 ** power;
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(Number(tick.toPrecision(12)));
      }
    }
    if (ticks.length <= target + 2) return ticks;
  }
  const powers = [];
  const stride = Math.ceil(Math.log10(high / low) / target);
  for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high); power += stride) powers.push(10 ** power);
  return powers;
}

// Logarithmic axes are drawn as linear axes of log10, with ticks of our own: ECharts marks powers of ten only, and a
// loss curve seldom spans one.
function axisOf({ low, high, log, target, format, unit, name }) {
  const ticks = log ? logTicks(low, high, target) : linearTicks(low, high, target, unit);
  const shown = log ? ticks.map((tick) => Math.log10(tick)) : ticks;
  const digits = [3, 4, 5].find((d) => ticks.every((tick) => format(tick, d) === format(tick, 9))) ?? 6;
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameTextStyle: { color: theme.token('muted'), fontSize: 12 },
    min: log ? Math.log10(low) : low,
    max: log ? Math.log10(high) : high,
    axisLine: { show: false },
    axisTick: { show: false, customValues: shown },
    axisLabel: {
      color: theme.token('muted'), fontSize: 12, customValues: shown, hideOverlap: true,
      formatter: (value) => format(log ? Number((10 ** value).toPrecision(6)) : value, digits),
    },
    splitLine: { lineStyle: { color: theme.token('grid') }, customValues: shown },
    axisPointer: { lineStyle: { color: theme.token('faint'), type: 'solid' }, label: { show: false } },
  };
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

// The range that shows the end of training well: what is above all values of the last three quarters is cut off.
function lateHighest(lines) {
  let high = -Infinity;
  for (const { points, band } of lines) {
    const start = points[0]?.[0] ?? 0;
    const end = points.at(-1)?.[0] ?? 0;
    const settled = points.filter(([x, y]) => x >= start + (end - start) * 0.25 && present(y)).map(([, y]) => y);
    const upper = (band ?? []).filter(([x]) => x >= start + (end - start) * 0.25).map(([, , top]) => top);
    for (const y of [...(settled.length ? settled : points.map((point) => point[1])), ...upper]) if (y > high) high = y;
  }
  return high;
}

// ---- lines ----

// lines: [{name, color, dash?, points: [[x, y]], band?: [[x, low, high]], faint?: [[x, y]]}]
function lineOption(width, lines, { x, y, endLabels = true }) {
  const drawn = lines
    .filter((line) => line.points.some(([, value]) => present(value)))
    .map((line) => ({ ...line, xs: line.points.map((point) => point[0]), ys: line.points.map((point) => point[1]) }));
  if (!drawn.length) return null;
  const [xLow, xHigh] = extent(drawn.flatMap((line) => line.points.map((point) => point[0]))) ?? [0, 1];
  const logX = Boolean(x.log) && xHigh > 0;
  const left = logX ? Math.min(...drawn.flatMap((line) => line.points.map(([at]) => at).filter((at) => at > 0))) : Math.min(0, xLow);
  const values = drawn.flatMap((line) => [
    ...line.points.map((point) => point[1]),
    ...(line.band ?? []).flatMap(([, low, high]) => [low, high]),
  ]);
  let [low, high] = extent(values);
  if (y.late) high = Math.max(lateHighest(drawn), low);
  const logY = Boolean(y.log) && low > 0;
  if (y.zero && !logY) low = Math.min(0, low);
  if (high === low) {
    high += Math.abs(high) * 0.05 || 1;
    if (!y.zero) low -= Math.abs(low) * 0.05;
  }
  const margin = logY ? (high / low) ** 0.04 : (high - low) * 0.05;
  if (logY) {
    low /= margin;
    high *= margin;
  } else {
    high += margin;
    if (!(y.zero && low === 0)) low -= margin;
  }
  const wide = width >= NARROW;
  const labelled = endLabels && wide && drawn.length <= 8;
  const labelWidth = labelled ? Math.min(190, 14 + Math.ceil(Math.max(...drawn.map((line) => textWidth(line.name))))) : 0;
  const tx = logX ? (value) => (value > 0 ? Math.log10(value) : null) : (value) => value;
  const ty = logY ? (value) => (value > 0 ? Math.log10(value) : null) : (value) => value;
  const at = (points) => points.map(([px, py]) => [tx(px), present(py) ? ty(py) : null]);
  const series = [];
  for (const line of drawn) {
    if (line.band?.length > 1) series.push(bandSeries(line, tx, ty));
    if (line.faint) {
      series.push({ type: 'line', silent: true, symbol: 'none', data: at(line.faint), tooltip: { show: false }, z: 1,
        lineStyle: { color: line.color, width: 1, opacity: 0.22 } });
    }
  }
  const first = series.length;
  for (const line of drawn) {
    const single = line.points.length < 2;
    series.push({
      type: 'line', name: line.name, data: at(line.points), z: 3, sampling: 'none', triggerLineEvent: false,
      symbol: 'circle', symbolSize: single ? 7 : 5, showSymbol: single,
      lineStyle: { color: line.color, width: line.width ?? 1.8, type: line.dash ?? 'solid', opacity: line.opacity ?? 1 },
      itemStyle: { color: line.color },
      emphasis: { disabled: true },
      endLabel: { show: labelled, formatter: line.name, color: line.color, fontSize: 12, width: labelWidth - 4, overflow: 'truncate', distance: 6 },
      labelLayout: { moveOverlap: 'shiftY' },
    });
  }
  return {
    walk: { series: first, points: drawn[0].points.length },
    option: {
      grid: { left: wide ? 54 : 46, right: labelled ? labelWidth + 6 : 14, top: 14, bottom: 44 },
      xAxis: { ...axisOf({ low: left, high: xHigh, log: logX, target: wide ? 6 : 3, format: x.format, unit: x.unit?.(xHigh), name: x.name }), nameGap: 26, splitLine: { show: false } },
      yAxis: axisOf({ low, high, log: logY, target: 5, format: y.format, unit: y.unit?.(high) }),
      tooltip: {
        ...tooltipStyle(),
        trigger: 'axis',
        formatter(all) {
          // Lines have points of their own: each is read where the pointer stands.
          const position = logX ? 10 ** all[0].axisValue : all[0].axisValue;
          const rows = drawn
            .map((line) => ({ line, value: interpolated(line.xs, line.ys, position) }))
            .filter(({ value }) => present(value))
            .sort((a, b) => (y.lowFirst ? a.value - b.value : b.value - a.value));
          return rows.length
            ? tip(x.head(position), rows.slice(0, 12).map(({ line, value }) => [line.color, line.name, y.exact(value)]), rows.length - 12)
            : '';
        },
      },
      series,
    },
  };
}

function interpolated(xs, ys, x) {
  if (!xs.length || x < xs[0] || x > xs.at(-1)) return xs.length && x <= xs[0] ? ys[0] : null;
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  if (xs[high] === xs[low] || ys[low] === null || ys[high] === null) return ys[high];
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low]);
}

const ruler = document.createElement('canvas').getContext('2d');

function textWidth(text) {
  ruler.font = `12px ${theme.token('sans')}`;
  return ruler.measureText(text).width;
}

function bandSeries(line, tx, ty) {
  const upper = line.band.map(([x, , high]) => [tx(x), ty(high)]);
  const lower = line.band.map(([x, low]) => [tx(x), ty(low)]);
  const outline = [...upper, ...lower.reverse()].filter(([x, y]) => x !== null && y !== null);
  return {
    type: 'custom', silent: true, clip: true, z: 1, tooltip: { show: false }, data: outline,
    renderItem: (params, api) =>
      params.dataIndex === 0
        ? { type: 'polygon', shape: { points: outline.map((point) => api.coord(point)) }, style: { fill: line.color, opacity: 0.16 } }
        : null,
  };
}

// ---- heat maps ----

// rows[r][c] over steps[c]; `ramp` names a colour ramp of the style sheet.
function heatOption(width, { rows, rowNames, columns, columnTicks, ramp, low, high, head, exact, yName, xName }) {
  const cells = rows.flatMap((row, r) => row.map((value, c) => [c, r, value])).filter((cell) => cell[2] !== null);
  if (!cells.length) return null;
  const labels = new Map(columnTicks);
  const common = { splitLine: { show: false }, axisTick: { show: false }, axisLine: { show: false },
    nameLocation: 'middle', nameTextStyle: { color: theme.token('muted'), fontSize: 12 } };
  const labelStyle = { color: theme.token('muted'), fontSize: 12 };
  return {
    option: {
      grid: { left: 46, right: 14, top: 10, bottom: 44 },
      xAxis: { ...common, type: 'category', data: columns, name: xName, nameGap: 26,
        axisLabel: { ...labelStyle, interval: (index) => labels.has(index), formatter: (_, index) => labels.get(index) ?? '', hideOverlap: true } },
      yAxis: { ...common, type: 'category', data: rowNames, name: yName, nameGap: 30, axisLabel: { ...labelStyle, hideOverlap: true } },
      visualMap: { show: false, type: 'continuous', min: low, max: high > low ? high : low + 1e-9, dimension: 2, inRange: { color: theme.ramp(ramp) } },
      tooltip: { ...tooltipStyle(), trigger: 'item', formatter: (item) => tip(head(item.value[0], item.value[1]), [[null, exact(item.value[2]), '']], 0) },
      series: [{ type: 'custom', data: cells, progressive: 0, renderItem: cell }],
    },
  };
}

// Whole pixels: cells that meet between two pixels would show a seam.
function cell(params, api) {
  const [width, height] = api.size([1, 1]);
  const [x, y] = api.coord([api.value(0), api.value(1)]);
  const left = Math.round(x - width / 2);
  const top = Math.round(y - height / 2);
  const shape = { x: left, y: top, width: Math.round(x + width / 2) - left, height: Math.round(y + height / 2) - top };
  return { type: 'rect', shape, style: { fill: api.visual('color') }, emphasis: { style: { stroke: theme.token('ink'), lineWidth: 1 } } };
}

// Round steps at the columns nearest to them.
function columnTicks(steps, width) {
  const ticks = linearTicks(0, steps.at(-1), width < NARROW ? 4 : 7).filter((tick) => tick >= steps[0]);
  return ticks.map((tick) => {
    let nearest = 0;
    steps.forEach((step, i) => {
      if (Math.abs(step - tick) < Math.abs(steps[nearest] - tick)) nearest = i;
    });
    return [nearest, count(tick)];
  });
}

function scale(ramp, low, high) {
  return el('span', { class: 'scale' }, el('span', {}, low), el('i', { style: { background: theme.gradient(ramp) } }), el('span', {}, high));
}
