function findingsSection() {
  if (!data.findings.length) return null;
  const verdicts = { HOLDS: ['holds', 'Holds'], DOES_NOT_HOLD: ['fails', 'Does not hold'], UNDECIDED: ['open', 'Undecided'] };
  return section(
    'findings', 'What holds', null,
    el(
      'ul',
      { class: 'findings' },
      data.findings.map(({ statement, verdict, evidence }) =>
        el(
          'li',
          {},
          el('span', { class: `verdict ${verdicts[verdict][0]}` }, verdicts[verdict][1]),
          el('p', { class: 'statement' }, statement),
          el('p', { class: 'evidence' }, evidence),
        ),
      ),
    ),
  );
}

function controls() {
  const set = (key) => (value) => {
    view[key] = value;
    refreshCharts();
  };
  const chips = el('div', { class: 'chips', role: 'group', 'aria-label': 'Runs shown' });
  const drawChips = () =>
    chips.replaceChildren(
      ...groupNames.map((group, i) =>
        el(
          'button',
          {
            type: 'button', class: 'chip', title: group, 'aria-pressed': String(!view.hidden.has(group)),
            onclick: (event) => {
              if (!view.hidden.delete(group)) view.hidden.add(group);
              event.currentTarget.setAttribute('aria-pressed', String(!view.hidden.has(group)));
              refreshCharts();
            },
          },
          dot(theme.series(i)),
          el('span', {}, group),
        ),
      ),
    );
  drawChips();
  const dashes = el('span', { class: 'option' });
  const explainDashes = () => {
    dashes.textContent = severalRates && view.level !== 'best' ? dashLegend() : '';
  };
  explainDashes();
  const axes = [['tokens', 'Tokens'], ...(hasCompute ? [['compute', 'Compute']] : []), ['time', 'Time']];
  const levels = [
    ['best', severalRates ? 'Best rate' : 'Mean', 'mean of the repetitions, with a band of one standard deviation'],
    ...(severalRates ? [['rates', 'Every rate', 'each learning rate: mean of its seeds']] : []),
    ['runs', 'Every run'],
  ];
  return {
    node: el(
      'div',
      { class: 'bar', role: 'region', 'aria-label': 'What the curves show' },
      el('div', { class: 'row' }, chips, dashes),
      el(
        'div',
        { class: 'row' },
        segmented('Horizontal axis', 'axis', axes, view.x, set('x')),
        repeated ? segmented('Lines', 'level', levels, view.level, (level) => {
          set('level')(level);
          explainDashes();
        }) : null,
        checkbox('log x', view.logX, set('logX')),
        checkbox('log loss', view.logY, set('logY')),
        checkbox('whole range', view.whole, set('whole')),
        slider('smoothing', { min: 0, max: 0.98, step: 0.02, value: view.smoothing }, set('smoothing')),
      ),
    ),
    refresh: drawChips,
  };
}

// The learning rates by their dashes, where every group has the same ones.
function dashLegend() {
  const [first, ...others] = groupNames.map((group) => {
    const runs = data.runs.filter((run) => run.group === group).sort((a, b) => a.learning_rate - b.learning_rate);
    return [...new Set(runs.map((run) => `${rate(run.learning_rate)} ${dashOf(run)}`))].join(', ');
  });
  return others.every((other) => other === first) ? `learning rates: ${first}` : '';
}

function footer() {
  return el(
    'footer',
    {},
    el('p', {}, 'Written by graft report from the runs’ events.jsonl. Losses are cross entropies in nats per token; the training loss of the table is the mean of the last twentieth of the steps; spreads are sample standard deviations. Curves of long runs are thinned to means of neighbouring steps.'),
    hasLayers ? el('p', {}, 'Drop rate: dropped assignments over all assignments of a step. Max1/Max2 and Max2/Max3: mean ratios of the gate’s largest probabilities. Expert load: assignments of an expert relative to an even share, before capacity.') : null,
  );
}

const bar = controls();
const summary = summaryTable();
const rates = rateTable();
const samples = samplesSection();
const configuration = configurationSection();
document.getElementById('page').append(
  ...[
    masthead('Graft report'),
    findingsSection(),
    bar.node,
    lossesSection(),
    rates && section('rates', severalRates ? 'Learning rates' : 'Repetitions', `${data.groups_by === 'validation_loss' ? 'Final validation loss' : 'Training loss (mean of the last twentieth of the steps)'}: mean over the seeds, sample standard deviation, and the range.${severalRates ? ' The best rate of each group is bold.' : ''}`, rates.node),
    section('summary', 'Summary', null, summary.node),
    routingSection(),
    efficiencySection(),
    timelineSection(),
    samples?.node,
    configuration?.node,
    footer(),
  ].filter(Boolean),
);

darkScheme.addEventListener('change', () => {
  [bar, summary, rates, samples, configuration].forEach((part) => part?.refresh());
  refreshCharts();
  drawWhenIdle();
});
window.addEventListener('beforeprint', drawAll);
drawWhenIdle();
