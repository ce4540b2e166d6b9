// Every colour comes from the style sheet, so that light and dark are said once.
const darkScheme = window.matchMedia('(prefers-color-scheme: dark)');

const theme = {
  token(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  },
  ramp(name) {
    return theme.token(name).split(/\s+/);
  },
  // The colour of a group: the same wherever it appears.
  series(index) {
    const colors = theme.ramp('series');
    return colors[index % colors.length];
  },
  // From the first layer to the last.
  depth(index, size) {
    const [from, to] = theme.ramp('depth').map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
    const part = size < 2 ? 1 : index / (size - 1);
    return `rgb(${from.map((channel, i) => Math.round(channel + part * (to[i] - channel))).join(',')})`;
  },
  gradient(name) {
    return `linear-gradient(to right, ${theme.ramp(name).join(', ')})`;
  },
};
