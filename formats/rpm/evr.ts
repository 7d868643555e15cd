// Versions of rpm packages: rpm-version(7), "Version comparison"; the RPM reference manual, "Dependencies", for `[epoch:]version[-release]`.

/** Epoch, version and release; `''` where none is given. A missing epoch is 0. */
export interface Evr {
  readonly epoch: number;
  readonly version: string;
  readonly release: string;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
const tilde = 126;
const caret = 94;

/** Index of the next character that counts: a letter, a digit, `~` or `^`; anything else separates. */
function nextCounted(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (isDigit(code) || isLetter(code) || code === tilde || code === caret) break;
    at += 1;
  }
  return at;
}

function endOf(text: string, from: number, belongs: (code: number) => boolean): number {
  let at = from;
  while (at < text.length && belongs(text.charCodeAt(at))) at += 1;
  return at;
}

/** Compares two runs of digits by value, whatever their length. */
function compareNumbers(a: string, b: string): number {
  const x = a.replace(/^0+/, '');
  const y = b.replace(/^0+/, '');
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** What `~` (before everything, even the end) or `^` (after the end, before everything else) decide; undefined when both stand there or neither. */
function compareMarks(x: number, y: number): number | undefined {
  if (x === tilde || y === tilde) return x === y ? undefined : x === tilde ? -1 : 1;
  if (x !== caret && y !== caret) return undefined;
  if (x === y) return undefined;
  if (Number.isNaN(x)) return -1;
  if (Number.isNaN(y)) return 1;
  return x === caret ? -1 : 1;
}

/** Below 0 when version (or release) `a` is older than `b`, 0 when they are equal, above 0 when it is newer. Takes any text. */
export function compareRpmVersion(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  let j = 0;
  for (;;) {
    i = nextCounted(a, i);
    j = nextCounted(b, j);
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(j);
    const marks = compareMarks(x, y);
    if (marks !== undefined) return marks;
    if (x === tilde || x === caret) {
      i += 1;
      j += 1;
      continue;
    }
    if (i >= a.length || j >= b.length) return Number(i < a.length) - Number(j < b.length);
    const isNumber = isDigit(x);
    const belongs = isNumber ? isDigit : isLetter;
    const aEnd = endOf(a, i, belongs);
    const bEnd = endOf(b, j, belongs);
    if (bEnd === j) return isNumber ? 1 : -1;
    const first = a.slice(i, aEnd);
    const second = b.slice(j, bEnd);
    const order = isNumber ? compareNumbers(first, second) : first < second ? -1 : first > second ? 1 : 0;
    if (order !== 0) return order;
    i = aEnd;
    j = bEnd;
  }
}

/**
 * Orders by epoch, version and release. A missing release equals any release, as in a relation that names none; packages always have one,
 * so among them this is a full order.
 */
export function compareEvr(a: Evr, b: Evr): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  const order = compareRpmVersion(a.version, b.version);
  if (order !== 0 || a.release === '' || b.release === '') return order;
  return compareRpmVersion(a.release, b.release);
}

/** `[epoch:]version[-release]`, split at the last dash; text before a colon that is no number belongs to the version. Takes any text. */
export function parseEvr(text: string): Evr {
  const colon = text.indexOf(':');
  const hasEpoch = colon > 0 && endOf(text, 0, isDigit) === colon;
  const rest = hasEpoch || colon === 0 ? text.slice(colon + 1) : text;
  const dash = rest.lastIndexOf('-');
  return {
    epoch: hasEpoch ? Number(text.slice(0, colon)) : 0,
    version: dash < 0 ? rest : rest.slice(0, dash),
    release: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** `[epoch:]version[-release]`, the epoch only when it is not 0. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch === 0 ? '' : `${epoch}:`}${version}${release === '' ? '' : `-${release}`}`;
}
