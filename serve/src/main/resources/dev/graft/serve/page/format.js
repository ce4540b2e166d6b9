const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function whole(value) {
  return grouped.format(value);
}

// Three significant digits, none of them made up for large numbers.
export function rate(value) {
  return value >= 100 ? whole(value) : String(Number(value.toPrecision(3)));
}

export function seconds(value) {
  return value < 60 ? `${value.toFixed(value < 10 ? 2 : 1)} s` : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

export function percent(value) {
  return `${value >= 0.0995 ? Math.round(100 * value) : (100 * value).toFixed(1)} %`;
}

export function plural(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
