// What is wrong in a ModuleBOM that its schema cannot see: references, addresses, variables, ids. For `bom check`; aggregation refuses most of the same, one at a time.
import { fileName } from './aggregate-entries.ts';
import { safeFileName } from './aggregate-files.ts';
import { urlOf } from './aggregate-hosts.ts';
import { checkReferences } from './aggregate-promises.ts';
import type { ParsedBom } from './documents/document.ts';
import { formatPosition, type Problem, problemAt, type TreePath } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import { parseReference } from './reference.ts';
import { normalise } from './selector.ts';
import { substitute, variablesOf } from './variables.ts';

const lists = ['images', 'files', 'packageRepositories', 'packages', 'charts', 'git'] as const;

/** Every problem, in order of lines. Variables without a default are taken as given. Of a document that is there in part (`isPartial`), nothing is said about names of what may be missing. */
export function lintBom(bom: ParsedBom, isPartial = false): readonly Problem[] {
  const problems: Problem[] = [];
  const spec = bom.value.spec ?? {};
  const attempt = (run: () => unknown, path: TreePath): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      const { expected, actual } = error.facts;
      problems.push(problemAt(codeOf(error), bom.positionOf(path), { expected, actual, ...(error.facts.next === undefined ? {} : { next: error.facts.next }) }));
    }
  };
  const filled = new Map([...variablesOf(bom, {})].map(([name, value]) => [name, value ?? 'x']));
  for (const list of lists) {
    for (const [index, entry] of (spec[list] ?? []).entries()) attempt(() => substitute<unknown>(entry, filled, bom, ['spec', list, index]), ['spec', list, index]);
    problems.push(...repeatedIds(bom, list));
  }
  for (const [index, { ref }] of (spec.images ?? []).entries()) if (!ref.includes('${')) attempt(() => parseReference(ref), ['spec', 'images', index, 'ref']);
  for (const [index, file] of (spec.files ?? []).entries()) {
    const { urls = [], saveAs } = file;
    const [name, at] = [fileName(file), ['spec', 'files', index, ...(saveAs === undefined ? [] : ['saveAs'])]];
    if (!name.includes('${')) attempt(() => safeFileName(name, bom.positionOf(at)), at);
    for (const [place, url] of urls.entries()) { const path = ['spec', 'files', index, 'urls', place]; if (!url.includes('${')) attempt(() => urlOf(url, {}, bom.positionOf(path)), path); }
  }
  if (!isPartial) {
    attempt(() => { checkReferences(bom); }, ['spec']);
    problems.push(...unknownTargets(bom));
  }
  return problems.sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}

/** What is taken, and was probably not meant: commas left behind in relations, images whose tag moves. With file, line and column. */
export function lintWarnings(bom: ParsedBom): readonly string[] {
  const spec = bom.value.spec ?? {};
  const relations = [['requires', 'strong', spec.requires?.strong], ['requires', 'weak', spec.requires?.weak], ['influences', undefined, spec.influences], ['conflicts', undefined, spec.conflicts]] as const;
  const at = (path: TreePath): string => formatPosition(bom.positionOf(path));
  return [
    ...relations.flatMap(([first, second, groups = []]) => groups.flatMap((group, index) => group.flatMap((expression, place) => {
      const { lint } = normalise(expression);
      return lint === undefined ? [] : [`${at(['spec', first, ...(second === undefined ? [] : [second]), index, place])}: ${lint}`];
    }))),
    ...(spec.images ?? []).flatMap(({ ref, digest }, index) => (digest === undefined && !ref.includes('@') && !ref.includes('${') && /(?:^|\/)[^/:]+(?::latest)?$/.test(ref)
      ? [`${at(['spec', 'images', index, 'ref'])}: ${ref} means the tag latest, which moves; name a version or a digest`] : [])),
  ];
}

function codeOf({ code }: BundleError): Problem['code'] {
  return code === 'INPUT_REFERENCE' || code === 'INPUT_DIGEST' || code === 'INPUT_CREDENTIAL' ? code : 'INPUT_FIELD';
}

function repeatedIds(bom: ParsedBom, list: (typeof lists)[number]): Problem[] {
  const seen = new Map<string, number>();
  return (bom.value.spec?.[list] ?? []).flatMap(({ id }, index): Problem[] => {
    if (id === undefined) return [];
    const first = seen.get(id);
    seen.set(id, first ?? index);
    const path = (place: number): TreePath => ['spec', list, place, 'id'];
    return first === undefined ? [] : [problemAt('INPUT_FIELD', bom.positionOf(path(index)), { expected: `an id once in spec.${list}`, actual: `${id} is also at ${formatPosition(bom.positionOf(path(first)))}` })];
  });
}

function unknownTargets(bom: ParsedBom): Problem[] {
  const known = (bom.value.spec?.targets ?? []).map(({ id }) => id);
  if (known.length === 0) return [];
  return (bom.value.spec?.packages ?? []).flatMap(({ target }, index) => (known.includes(target) ? []
    : [problemAt('INPUT_FIELD', bom.positionOf(['spec', 'packages', index, 'target']), { expected: `one of ${known.join(', ')} under spec.targets`, actual: target })]));
}
