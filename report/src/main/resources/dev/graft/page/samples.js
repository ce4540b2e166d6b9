function samplesSection() {
  const speaking = data.runs.filter((run) => run.samples.length);
  if (!speaking.length) return null;
  const holder = el('div', { class: 'samples' });
  const latest = () => {
    const one = new Set(bundlesOfBest().map((run) => run.name));
    const shown = speaking.filter((run) => !repeated || one.has(run.name));
    return (shown.length ? shown : speaking).flatMap((run) => latestOf(run).map((sample) => card(run, sample, run.name)));
  };
  let mode = '';
  const draw = () => {
    const run = speaking.find((candidate) => candidate.name === mode);
    holder.replaceChildren(...(run ? run.samples.map((sample) => card(run, sample, `step ${sample.step}`)) : latest()));
  };
  draw();
  const all = repeated ? 'the latest of one run of each group' : 'the latest of every run';
  return {
    node: section(
      'samples', 'Samples', 'Text the models wrote; the prompt is grey.',
      el('div', { class: 'row chooser' }, choice('Show', [['', all], ...speaking.map((run) => [run.name, `${run.name}, step by step`])], '', (value) => {
        mode = value;
        draw();
      })),
      holder,
    ),
    refresh: draw,
  };
}

// A run may write several samples at one step, from several prompts.
function latestOf(run) {
  const step = run.samples.at(-1).step;
  return run.samples.filter((sample) => sample.step === step);
}

// The first run of every group's best learning rate.
function bundlesOfBest() {
  return data.groups.map((group) => {
    const best = group.rates.find((entry) => entry.best) ?? group.rates[0];
    return data.runs.find((run) => run.name === best.runs[0]);
  });
}

// Some runs write the prompt into the text.
function card(run, sample, title) {
  const text = sample.text.startsWith(sample.prompt) ? sample.text.slice(sample.prompt.length) : sample.text;
  return el(
    'article',
    { class: 'sample', style: { borderColor: colorOf(run) } },
    el('header', {}, el('b', {}, title), title.startsWith('step ') ? null : `step ${sample.step}`),
    el('p', { tabIndex: 0 }, el('span', { class: 'prompt' }, sample.prompt), text),
  );
}
