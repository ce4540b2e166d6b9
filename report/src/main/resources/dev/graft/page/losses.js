function lossAxis() {
  return { log: view.logY, late: !view.whole, format: plain, exact: loss, lowFirst: true };
}

function lossesSection() {
  const of = (name) => (run) => ({ x: positions(run, run[name].tokens, run[name].seconds), y: run[name].loss });
  return section(
    'losses', 'Loss', null,
    el(
      'div',
      { class: 'charts' },
      measureFigure({ title: 'Validation loss', note: 'nats per token', height: 360, columns: of('validation'), y: lossAxis }).node,
      measureFigure({ title: 'Training loss', note: thinningNote(), height: 360, columns: of('curves'), y: lossAxis, smooth: true }).node,
    ),
  );
}

function thinningNote() {
  const every = Math.max(...data.runs.map((run) => run.curves.every));
  return every > 1 ? `nats per token, points are means of up to ${every} steps` : 'nats per token';
}
