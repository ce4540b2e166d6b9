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

function percent(value) {
  return present(value) ? `${Number((100 * value).toPrecision(3))} %` : NOT_THERE;
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

function count(value) {
  return withUnit(value, ['', 'K', 'M', 'B', 'T'], 1000, 3);
}

function flops(value) {
  return withUnit(value, ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'].map((p) => `${p}FLOP`), 1000, 3);
}

function bytes(value) {
  return withUnit(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024, 3);
}

// The unit in which round numbers of bytes look round.
function bytesUnit(value) {
  return 1024 ** Math.max(0, Math.min(4, Math.floor(Math.log(value) / Math.log(1024))));
}

function duration(seconds) {
  if (!present(seconds)) return NOT_THERE;
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = seconds / 60;
  if (minutes < 60) return `${Number(minutes.toPrecision(3))} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${Number(hours.toPrecision(3))} h` : `${Number((hours / 24).toPrecision(3))} d`;
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
