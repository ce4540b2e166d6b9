function efficiencySection() {
  const of = (key) => (run) => {
    const y = run.curves[key];
    return y.some((value) => present(value) && value !== 0) ? { x: positions(run, run.curves.tokens, run.curves.seconds), y } : null;
  };
  const number = { format: plain, exact: (value) => plain(value, 4) };
  const formulas = [...new Set(data.runs.map((run) => run.flops_formula).filter(Boolean))];
  const small = (title, note, key, y, smooth = true) => measureFigure({ title, note, height: 230, columns: of(key), y, smooth, endLabels: false }).node;
  return section(
    'efficiency', 'Speed and stability', null,
    el(
      'div',
      { class: 'charts small' },
      small('Throughput', 'tokens per second', 'tokens_per_second', { format: count, exact: (value) => `${Math.round(value).toLocaleString('en')} tokens/s`, zero: true }),
      small('MFU', 'of the measured peak FLOP/s', 'mfu', { format: percent, exact: percent, zero: true }),
      small('Memory', 'resident set', 'memory_bytes', { format: bytes, exact: bytes, zero: true, unit: bytesUnit }, false),
      small('Gradient norm', 'before clipping', 'grad_norm', () => ({ ...number, log: view.logY, late: !view.whole })),
      small('Learning rate', '', 'lr', { ...number, zero: true }, false),
      small('Auxiliary loss', 'Σ α · L_aux', 'aux_loss', number),
      small('Router z-loss', 'after its coefficient', 'z_loss', number),
    ),
    formulas.length ? el('p', { class: 'note-below' }, `How FLOPs are counted: ${formulas.join(' Or: ')}.`) : null,
  );
}
