function meanOverLayers(rows) {
  return rows[0].map((_, i) => {
    const values = rows.map((row) => row[i]).filter(present);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  });
}

function routingSection() {
  if (!hasLayers) return null;
  const across = (key) => (run) => run.layers && { x: positions(run, run.layers.tokens), y: meanOverLayers(run.layers[key]) };
  const number = { format: plain, exact: (value) => plain(value, 4) };
  const share = { format: percent, exact: percent, zero: true };
  const small = (title, note, columns, y) => measureFigure({ title, note, height: 230, columns, y, endLabels: false }).node;
  const routed = data.runs.filter((run) => run.layers);
  return section(
    'routing', 'Routing', null,
    layerByLayer(routed),
    routed.length > 1 ? el('h3', {}, 'Across runs') : el('h3', {}, 'All layers'),
    el('p', { class: 'lead' }, 'Means over the MoE layers.'),
    el(
      'div',
      { class: 'charts small' },
      small('Drop rate', 'share of assignments', across('drop_rate'), share),
      small('Balance coefficient α', 'weight of the auxiliary loss', across('alpha'), { ...number, zero: true }),
      small('Max1/Max2', 'how sharply the gate prefers its first', across('max1_over_max2'), number),
      routed.some((run) => hasThree(run)) ? small('Max2/Max3', 'and its second', across('max2_over_max3'), number) : null,
      small('Gate entropy', 'nats', across('entropy'), number),
      data.runs.some((run) => run.similarity)
        ? small('Expert similarity', 'mean pairwise cosine', (run) => run.similarity && { x: positions(run, run.similarity.tokens), y: meanOverLayers(run.similarity.mean_cosine) }, number)
        : null,
    ),
  );
}

// With two experts there is no third probability, and the run says 0.
function hasThree(run) {
  return run.layers.max2_over_max3.some((row) => row.some((value) => value > 0));
}

function layerByLayer(routed) {
  const chosen = { run: preferred(routed), layer: 0, column: null };
  const holder = el('div', {});
  const own = [];
  const draw = () => {
    own.splice(0).forEach(discard);
    const run = chosen.run;
    chosen.layer = Math.min(chosen.layer, run.layers.index.length - 1);
    chosen.column = run.load.step.length - 1;
    const figures = [
      ...heatFigures(run, routed),
      ...lineFigures(run),
      ...loadFigures(run, chosen),
    ];
    own.push(...figures);
    const [maps, lines, loads] = ['map', 'line', 'load'].map((kind) => figures.filter((figure) => figure.kind === kind).map((figure) => figure.block ?? figure.node));
    holder.replaceChildren(
      el('div', { class: 'charts' }, maps),
      el('div', { class: 'charts tiny', style: { marginTop: '28px' } }, lines),
      el('div', { class: 'charts', style: { marginTop: '28px' } }, loads),
    );
  };
  draw();
  return el(
    'div',
    {},
    el(
      'div',
      { class: 'row chooser' },
      choice('Layer by layer, run', routed.map((run) => [run.name, run.name]), chosen.run.name, (name) => {
        chosen.run = routed.find((run) => run.name === name);
        draw();
      }),
    ),
    holder,
  );
}

// The run that ended best.
function preferred(routed) {
  const ending = (run) => run.summary.validation_loss ?? run.summary.loss ?? Infinity;
  return routed.reduce((best, run) => (ending(run) < ending(best) ? run : best));
}

// One scale for all runs, so that switching between them compares.
function highest(routed, key, part) {
  const values = routed.flatMap((run) => run.layers[key].flat()).filter(present).sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;
}

function heatFigures(run, routed) {
  const layers = run.layers;
  const height = Math.min(460, Math.max(190, 54 + 22 * layers.index.length));
  const map = (title, key, ramp, high, show) =>
    Object.assign(
      chartFigure({
        title, height,
        caption: [scale(ramp, show(0), show(high))],
        build(width) {
          const drawn = heatOption(width, {
            rows: layers[key], rowNames: layers.index.map(String), columns: layers.step, columnTicks: columnTicks(layers.step, width),
            ramp, low: 0, high, exact: show, yName: 'layer', xName: 'step',
            head: (c, r) => `layer ${layers.index[r]}, ${stepsOf(layers, c)}`,
          });
          return drawn && { ...drawn, label: `Layer by step, run ${run.name}; the mean ends at ${show(meanOverLayers(layers[key]).at(-1))}.` };
        },
      }),
      { kind: 'map' },
    );
  return [
    map('Drop rate', 'drop_rate', 'heat', highest(routed, 'drop_rate', 0.995), percent),
    map('Balance coefficient α', 'alpha', 'ember', highest(routed, 'alpha', 1), (value) => plain(value, 3)),
  ];
}

function stepsOf(columns, c) {
  const last = columns.step[c];
  const first = c === 0 ? 1 : columns.step[c - 1] + 1;
  return columns.every > 1 && first < last ? `steps ${first} to ${last}` : `step ${last}`;
}

function lineFigures(run) {
  const layers = run.layers;
  const lines = (title, note, tokens, rows, format) =>
    Object.assign(
      chartFigure({
        title, note, height: 220,
        caption: rows.length > 1 ? [layerScale(layers.index)] : [],
        build(width) {
          const x = positions(run, tokens);
          const drawn = rows.map((row, l) => ({ name: `layer ${layers.index[l] ?? l}`, color: theme.depth(l, rows.length), width: 1.4, points: row.map((value, i) => [x[i], value]) }));
          const built = lineOption(width, drawn, { x: xAxis(), y: { format: plain, exact: format }, endLabels: false });
          return built && { ...built, label: `${describeEnds(drawn, format)}.` };
        },
      }),
      { kind: 'line' },
    );
  const number = (value) => plain(value, 4);
  return [
    lines('Max1/Max2', '', layers.tokens, layers.max1_over_max2, number),
    ...(hasThree(run) ? [lines('Max2/Max3', '', layers.tokens, layers.max2_over_max3, number)] : []),
    lines('Gate entropy', 'nats', layers.tokens, layers.entropy, number),
    ...(run.similarity ? [lines('Expert similarity', '', run.similarity.tokens, run.similarity.mean_cosine, number)] : []),
  ];
}

function layerScale(index) {
  const gradient = `linear-gradient(to right, ${theme.depth(0, 2)}, ${theme.depth(1, 2)})`;
  return el('span', { class: 'scale' }, el('span', {}, `layer ${index[0]}`), el('i', { style: { background: gradient, width: '48px' } }), el('span', {}, String(index.at(-1))));
}

function loadFigures(run, chosen) {
  const { load, layers } = run;
  const experts = Array.from({ length: load.experts }, (_, e) => String(e));
  const even = (share) => (share === null ? null : share * load.experts);
  const show = (value) => `${plain(value, 3)} × an even share`;
  const high = 2;
  const step = el('span', { class: 'note' });
  const now = chartFigure({
    title: 'Expert load', height: Math.min(460, Math.max(190, 54 + 22 * layers.index.length)),
    caption: [step, scale('balance', '0', '2 ×')],
    build(width) {
      step.textContent = stepsOf(load, chosen.column);
      const drawn = heatOption(width, {
        rows: load.share.map((layer) => layer.map((row) => even(row[chosen.column]))),
        rowNames: layers.index.map(String), columns: experts, columnTicks: experts.map((name, e) => [e, name]),
        ramp: 'balance', low: 0, high, exact: show, yName: 'layer', xName: 'expert',
        head: (c, r) => `layer ${layers.index[r]}, expert ${c}`,
      });
      return drawn && { ...drawn, label: `Layer by expert, run ${run.name}, ${stepsOf(load, chosen.column)}.` };
    },
  });
  const over = chartFigure({
    title: 'Expert load over training', height: Math.min(460, Math.max(190, 54 + 22 * load.experts)),
    caption: [scale('balance', '0', '2 ×')],
    build(width) {
      const drawn = heatOption(width, {
        rows: load.share[chosen.layer].map((row) => row.map(even)),
        rowNames: experts, columns: load.step, columnTicks: columnTicks(load.step, width),
        ramp: 'balance', low: 0, high, exact: show, yName: 'expert', xName: 'step',
        head: (c, r) => `layer ${layers.index[chosen.layer]}, expert ${r}, ${stepsOf(load, c)}`,
      });
      return drawn && { ...drawn, label: `Expert by step, layer ${layers.index[chosen.layer]}, run ${run.name}.` };
    },
  });
  now.block = el('div', {}, now.node, el('div', { class: 'row' }, slider('Step', { min: 0, max: load.step.length - 1, step: 1, value: chosen.column, long: true }, (value) => {
    chosen.column = value;
    now.refresh();
  })));
  over.block = el('div', {}, over.node, el('div', { class: 'row' }, choice('Layer', layers.index.map((layer, l) => [String(l), String(layer)]), String(chosen.layer), (value) => {
    chosen.layer = Number(value);
    over.refresh();
  })));
  return [Object.assign(now, { kind: 'load' }), Object.assign(over, { kind: 'load' })];
}
