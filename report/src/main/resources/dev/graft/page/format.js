const NOT_THERE = '–';

function present(value) {
  return value !== null && value !== undefined && Number.isFinite(value);
}

// Four significant digits, no exponent where people do not expect one.
function plain(value, digits = 4) {
  if (!present(value)) return NOT_THERE;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) {
    return value.toExponential(Math.max(0, digits - 1)).replace(/\.?0+e/, 'e').replace('e+', 'e');
  }
  return String(Number(value.toPrecision(digits)));
}

function loss(value) {
  return present(value) ? value.toFixed(4) : NOT_THERE;
}

function percent(value, digits = 3) {
  return present(value) ? `${Number((100 * value).toPrecision(digits))} %` : NOT_THERE;
}

function withUnit(value, units, base, digits) {
  if (!present(value)) return NOT_THERE;
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= base * 0.99995 && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  const shown = Number(size.toPrecision(digits));
  return units[unit] ? `${shown} ${units[unit]}` : String(shown);
}

function count(value, digits = 3) {
  return withUnit(value, ['', 'K', 'M', 'B', 'T'], 1000, digits);
}

function flops(value, digits = 3) {
  return withUnit(value, ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'].map((p) => `${p}FLOP`), 1000, digits);
}

function bytes(value, digits = 3) {
  return withUnit(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024, digits);
}

// The unit in which round numbers of bytes look round.
function bytesUnit(value) {
  return 1024 ** Math.max(0, Math.min(4, Math.floor(Math.log(value) / Math.log(1024))));
}

function duration(seconds, digits = 3) {
  if (!present(seconds)) return NOT_THERE;
  const [unit, name] = [[86400, 'd', 172800], [3600, 'h', 3600], [60, 'min', 60]].find(([, , from]) => seconds >= from) ?? [1, 's'];
  return `${Number((seconds / unit).toPrecision(digits))} ${name}`;
}

// The unit in which round numbers of seconds look round.
function durationUnit(seconds) {
  if (seconds < 120) return 1;
  if (seconds < 7200) return 60;
  return seconds < 172800 ? 3600 : 86400;
}

// As recipes write learning rates.
function rate(value) {
  if (!present(value)) return 'not known';
  return value < 0.01 && value > 0 ? value.toExponential().replace('e+', 'e') : String(value);
}
