// What each rank did when, in the steps that were recorded.
const KINDS = ['compute', 'pipeline-wait', 'all-reduce', 'all-to-all', 'all-gather', 'reduce-scatter', 'broadcast', 'barrier'];

function timelineSection() {
  const recorded = data.runs.filter((run) => run.timelines);
  if (!recorded.length) return null;
  const chosen = { run: recorded[0], step: 0 };
  const holder = el('div', {});
  let own = null;
  const steps = el('span', {});
  const draw = () => {
    if (own) discard(own);
    own = timelineFigure(chosen.run, chosen.run.timelines[chosen.step]);
    holder.replaceChildren(own.node);
  };
  const chooseRun = (name) => {
    chosen.run = recorded.find((run) => run.name === name);
    chosen.step = 0;
    const options = chosen.run.timelines.map((timeline, i) => [String(i), String(timeline.step)]);
    steps.replaceChildren(choice('Step', options, '0', (i) => {
      chosen.step = Number(i);
      draw();
    }));
    draw();
  };
  chooseRun(chosen.run.name);
  return section(
    'timeline', 'A step, rank by rank', 'What each process was busy with. A wait inside of a computation is drawn over it.',
    el('div', { class: 'row chooser' }, choice('Run', recorded.map((run) => [run.name, run.name]), chosen.run.name, chooseRun), steps),
    holder,
  );
}

function kindColor(kind) {
  return theme.series(Math.max(0, KINDS.indexOf(kind)));
}

function timelineFigure(run, timeline) {
  const kinds = KINDS.filter((kind) => timeline.tracks.some((track) => track.kind.includes(kind)));
  const end = Math.max(...timeline.tracks.flatMap((track) => track.start.map((start, i) => start + track.seconds[i])), 1e-6);
  const legend = el('span', { class: 'legend' });
  return chartFigure({
    title: `Step ${timeline.step}`, note: 'milliseconds', height: 84 + 34 * timeline.tracks.length, caption: [legend],
    build(width) {
      legend.replaceChildren(...kinds.flatMap((kind) => [dot(kindColor(kind)), el('span', {}, kind)]));
      const spans = timeline.tracks.flatMap((track, row) =>
        track.start.map((start, i) => [row, 1000 * start, 1000 * (start + track.seconds[i]), track.kind[i], track.name[i]]));
      const axis = axisOf({ low: 0, high: 1000 * end, target: width < NARROW ? 3 : 7, format: plain });
      const share = (track, kind) => percent((track.shares[kind] ?? 0) / end, 2);
      return {
        label: `Rank by time, run ${run.name}; ${timeline.tracks.slice(0, 8).map((track) => `rank ${track.rank}: ${kinds.map((kind) => `${kind} ${share(track, kind)}`).join(', ')}`).join('; ')}.`,
        option: {
          grid: { left: 58, right: 14, top: 8, bottom: 34 },
          xAxis: { ...axis, splitLine: { show: false } },
          yAxis: {
            type: 'category', inverse: true, data: timeline.tracks.map((track) => `rank ${track.rank}`),
            axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.token('muted'), fontSize: 12 },
          },
          tooltip: {
            ...tooltipStyle(), trigger: 'item',
            formatter: ({ value: [row, from, to, kind, name] }) =>
              tip(`rank ${timeline.tracks[row].rank}, from ${plain(from)} ms`, [
                [kindColor(kind), kind === 'compute' ? name : `${kind}, group ${name}`, `${plain(to - from)} ms`],
                ...kinds.map((each) => [kindColor(each), `${each} in all`, share(timeline.tracks[row], each)]),
              ], 0),
          },
          series: [{
            type: 'custom', data: spans, progressive: 0, clip: true, encode: { x: [1, 2], y: 0 },
            renderItem(params, api) {
              const [left, middle] = api.coord([api.value(1), api.value(0)]);
              const [right] = api.coord([api.value(2), api.value(0)]);
              const kind = spans[params.dataIndex][3];
              const height = Math.round(api.size([0, 1])[1] * 0.72);
              return {
                type: 'rect', shape: { x: left, y: Math.round(middle - height / 2), width: Math.max(right - left, 0.5), height },
                style: { fill: kindColor(kind), stroke: theme.token('paper'), lineWidth: right - left > 4 ? 0.6 : 0 },
              };
            },
          }],
        },
      };
    },
  });
}
