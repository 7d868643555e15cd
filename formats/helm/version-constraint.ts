// Which chart version is meant: Helm documentation, "Charts", "The Chart.yaml File" (dependencies, ranges); Masterminds/semver 3, "Basic Comparisons" to "Wildcards".
import { compareSemver } from '../../bom/relations-versions.ts';
import { BundleError } from '../../bom/errors.ts';

interface Part { readonly operator: string; readonly numbers: readonly (number | undefined)[]; readonly pre: string; readonly text: string }

const operators: Readonly<Record<string, string>> = { '': '=', '=': '=', '==': '=', '!=': '!=', '>': '>', '<': '<', '>=': '>=', '=>': '>=', '<=': '<=', '=<': '<=', '~': '~', '~>': '~', '^': '^' };
const onePart = /(=>|=<|>=|<=|!=|==|~>|[=<>~^])?\s*(v?[0-9xX*]+(?:\.[0-9xX*]+){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]+)?)/g;
const version = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Whether text is a version that Helm reads; others in an index are passed over. */
export function isChartVersion(text: string): boolean {
  return version.test(text);
}

/** A test for versions. Pre-releases only match a range that names one itself. Throws `INPUT_FIELD`. */
export function parseConstraint(text: string, subject: string): (candidate: string) => boolean {
  if (text.length > 500) throw new BundleError('INPUT_FIELD', { subject, expected: 'a version range of at most 500 characters', actual: `${text.length}` });
  const groups = (text.trim() === '' ? '*' : text).split('||').map((group) => parseGroup(group, text, subject));
  return (candidate) => groups.some((group) => group.every((part) => holds(part, candidate)));
}

function parseGroup(group: string, whole: string, subject: string): Part[] {
  const hyphenated = group.replace(/(^|[\s,])\s*(\S+)\s+-\s+(\S+)/g, '$1>=$2 <=$3');
  const rest = hyphenated.replace(onePart, '').replace(/[\s,]+/g, '');
  const parts = [...hyphenated.matchAll(onePart)].map(([, operator = '', text = '']) => partOf(operator, text));
  if (rest === '' && parts.length > 0) return parts;
  throw new BundleError('INPUT_FIELD', { subject, expected: 'a version or a range such as ^1.2, >=1.2 <2 or 1.2.x', actual: JSON.stringify(whole.slice(0, 100)) });
}

function partOf(operator: string, text: string): Part {
  const [core = '', ...pre] = text.replace(/^v/, '').replace(/\+.*$/, '').split('-');
  const numbers = core.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : undefined));
  const first = numbers.indexOf(undefined);
  const known = first < 0 ? numbers : numbers.slice(0, first);
  return { operator: operators[operator] ?? '=', numbers: [known[0], known[1], known[2]], pre: pre.join('-'), text: `${known[0] ?? 0}.${known[1] ?? 0}.${known[2] ?? 0}${pre.length === 0 ? '' : `-${pre.join('-')}`}` };
}

function holds(part: Part, candidate: string): boolean {
  const [, a, b = '0', c = '0', pre] = version.exec(candidate) ?? [];
  if (a === undefined) return false;
  if (pre !== undefined && part.pre === '') return false;
  const numbers = [Number(a), Number(b), Number(c)];
  const order = compareSemver(candidate, part.text);
  const [major, minor, patch] = part.numbers;
  const sameAsFar = part.numbers.every((number, index) => number === undefined || number === numbers[index]);
  const isPartial = patch === undefined;
  switch (part.operator) {
    case '=': return isPartial ? sameAsFar : order === 0;
    case '!=': return isPartial ? !sameAsFar : order !== 0;
    // With parts left out, "greater" means beyond all that they could be.
    case '>': return isPartial ? order > 0 && !sameAsFar : order > 0;
    case '<': return order < 0;
    case '>=': return order >= 0;
    case '<=': return isPartial ? order <= 0 || sameAsFar : order <= 0;
    case '~': return major === undefined || (order >= 0 && numbers[0] === major && (minor === undefined || numbers[1] === minor));
    default: return major === undefined || (order >= 0 && withinCaret(part.numbers, numbers));
  }
}

/** The left-most part that is not zero stays. */
function withinCaret([major, minor, patch]: Part['numbers'], numbers: readonly number[]): boolean {
  if (numbers[0] !== major) return false;
  if (major !== 0 || minor === undefined) return true;
  if (numbers[1] !== minor) return false;
  return minor !== 0 || patch === undefined || numbers[2] === patch;
}

/** The version that Helm takes: the one that is written exactly so, else the newest that the constraint lets in. */
export function chooseVersion<T extends { readonly version: string }>(offered: readonly T[], constraint: string, subject: string): T | undefined {
  const exact = constraint === '' ? undefined : offered.find((item) => item.version === constraint);
  if (exact !== undefined) return exact;
  const test = parseConstraint(constraint, subject);
  return offered.filter((item) => isChartVersion(item.version)).toSorted((a, b) => compareSemver(b.version, a.version) || (a.version < b.version ? -1 : 1)).find((item) => test(item.version));
}
