// Versions of Debian packages: Debian Policy 4.7, section 5.6.12 ("Version"), as dpkg orders them.
import { expressionOf, writtenExpression } from './expression.ts';

/** Order of a character within the non-digit part: `~` before the end, the end before letters, letters before the rest. */
function rank(code: number): number {
  if (code === 126) return -1;
  if (code !== code || (code >= 48 && code <= 57)) return 0;
  const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return letter ? code : code + 256;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function skipZeros(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) === 48) at += 1;
  return at;
}

/** Compares one part (upstream version or revision) between the given bounds. */
function comparePart(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): number {
  let i = aFrom;
  let j = bFrom;
  while (i < aEnd || j < bEnd) {
    while ((i < aEnd && !isDigit(a.charCodeAt(i))) || (j < bEnd && !isDigit(b.charCodeAt(j)))) {
      const difference = (i < aEnd ? rank(a.charCodeAt(i)) : 0) - (j < bEnd ? rank(b.charCodeAt(j)) : 0);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    i = skipZeros(a, i, aEnd);
    j = skipZeros(b, j, bEnd);
    let first = 0;
    while (i < aEnd && j < bEnd && isDigit(a.charCodeAt(i)) && isDigit(b.charCodeAt(j))) {
      if (first === 0) first = a.charCodeAt(i) - b.charCodeAt(j);
      i += 1;
      j += 1;
    }
    if (i < aEnd && isDigit(a.charCodeAt(i))) return 1;
    if (j < bEnd && isDigit(b.charCodeAt(j))) return -1;
    if (first !== 0) return first;
  }
  return 0;
}

interface Bounds { readonly epochEnd: number; readonly upstream: number; readonly upstreamEnd: number; readonly revision: number }

function boundsOf(text: string): Bounds {
  const colon = text.indexOf(':');
  const dash = text.lastIndexOf('-');
  const upstream = colon + 1;
  const upstreamEnd = dash < upstream ? text.length : dash;
  return { epochEnd: Math.max(colon, 0), upstream, upstreamEnd, revision: Math.min(upstreamEnd + 1, text.length) };
}

/**
 * Below 0 when `a` is older than `b`, 0 when they are equal, above 0 when it is newer. A missing epoch is 0, a missing revision equals `0`;
 * text that is no valid version is ordered by the same rules.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const x = boundsOf(a);
  const y = boundsOf(b);
  return comparePart(a, 0, x.epochEnd, b, 0, y.epochEnd)
    || comparePart(a, x.upstream, x.upstreamEnd, b, y.upstream, y.upstreamEnd)
    || comparePart(a, x.revision, a.length, b, y.revision, b.length);
}

/** Whether `text` is a version that policy allows: optional numeric epoch, upstream version, optional revision. */
export function isVersion(text: string): boolean {
  return /^(?:\d+:[A-Za-z0-9.+~:-]+|[A-Za-z0-9.+~-]+)$/.test(text);
}

export type VersionOperator = '<<' | '<=' | '=' | '>=' | '>>';

/** Whether `version` stands in the relation `operator` to `wanted`: policy section 7.1. */
export function versionMatches(version: string, operator: VersionOperator, wanted: string): boolean {
  const order = compareVersions(version, wanted);
  switch (operator) {
    case '<<': return order < 0;
    case '<=': return order <= 0;
    case '=': return order === 0;
    case '>=': return order >= 0;
    case '>>': return order > 0;
  }
}

/** A shell glob (`*`, `?`, `[...]`) as an anchored expression; anything else is taken literally. */
export function globToRegExp(glob: string): RegExp {
  const source = glob.replace(/\[!?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '[\\s\\S]*';
    if (part === '?') return '[\\s\\S]';
    if (part.length > 1) return part.replace(/\\/g, '\\\\').replace(/^\[!/, '[^').replace(/(?<!^)\[/g, '\\[');
    return part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  });
  return new RegExp(`^${source}$`);
}

export const isGlob = (text: string): boolean => /[*?[]/.test(text);

/**
 * apt's idea of a version pattern (apt_preferences(5), "Pin: version"; `name=version` of apt-get(8)): `/an expression/` that may match anywhere; text with a last `*` is a
 * literal beginning, or a glob that has to match whole without that `*`; anything else is a glob; case does not matter. So `1.2*` matches 1.2.3, and `1.?*` only two-part versions. Throws `INPUT_FIELD` as {@link expressionOf} does.
 */
export function versionMatcher(pattern: string): (version: string) => boolean {
  const written = writtenExpression(pattern);
  if (written !== undefined) {
    const expression = expressionOf(written);
    return (version) => expression.test(version);
  }
  const beginning = pattern.endsWith('*') ? pattern.slice(0, -1).toLowerCase() : undefined;
  const whole = new RegExp(globToRegExp(beginning === undefined ? pattern : pattern.slice(0, -1)).source, 'i');
  return (version) => (beginning !== undefined && version.toLowerCase().startsWith(beginning)) || whole.test(version);
}
