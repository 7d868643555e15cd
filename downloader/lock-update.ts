// `lock --update NAME`: what a name means, and that it means something.
import type { Aggregated } from '../bom/aggregate.ts';
import { didYouMean } from '../bom/documents/suggest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Lock } from '../bom/lock.ts';
import { canonicalReference } from '../bom/reference.ts';

/** What is resolved anew: everything, or the images and files of these names or modules. */
export type Update = 'all' | readonly string[];

/** So many names in a message. */
const maxNamed = 20;

/**
 * `update` with images under their full names (`nginx:1.25` means docker.io/library/nginx:1.25). Throws `INPUT_FLAG` for a name that is neither an image (with
 * or without its tag), file, chart, git repository, package set or package file of the project, nor a module.
 */
export function knownUpdate(aggregated: Aggregated, previous: Lock | undefined, update: Update): Update {
  if (update === 'all') return update;
  const known = updatable(aggregated, previous);
  return update.map((name) => {
    const spellings = [name, ...spellingsOf(name)];
    const found = spellings.find((spelling) => known.has(spelling));
    if (found !== undefined) return found;
    const names = [...known.keys()].filter((each) => known.get(each) === 'shown').sort();
    const shown = `${names.slice(0, maxNamed).join(', ')}${names.length > maxNamed ? ` and ${names.length - maxNamed} more` : ''}`;
    throw new BundleError('INPUT_FLAG', {
      subject: `--update ${name}`, expected: 'the name of an image, file, chart, git repository, package set or module of the project', actual: 'nothing of that name',
      next: `${spellings.flatMap((spelling) => didYouMean(spelling, [...known.keys()]) ?? [])[0] ?? 'Name one of them.'} There are: ${shown || 'none'}`, details: { names },
    });
  });
}

/** Names that can be given; `shown` are those that a message lists. */
function updatable({ order, images, files, charts, git, packageSets }: Aggregated, previous: Lock | undefined): ReadonlyMap<string, 'shown' | 'also'> {
  const shown = [...order, ...images.map(({ ref }) => ref), ...files.map(({ name }) => name), ...charts.map(({ name }) => name), ...git.map(({ name }) => name), ...packageSets.map(({ id }) => id)];
  const also = [...images.map(({ ref }) => withoutTag(ref)), ...packageSets.flatMap(({ urls }) => urls.flatMap(({ url }) => url ?? [])),
    ...(previous?.spec.packages ?? []).filter(({ repo }) => repo === '').map(({ name }) => name), ...(previous?.spec.charts ?? []).map(({ name }) => name)];
  return new Map([...also.map((name) => [name, 'also'] as const), ...shown.map((name) => [name, 'shown'] as const)]);
}

/** A short name of an image in full; without a tag it means every tag. */
function spellingsOf(name: string): string[] {
  try {
    const reference = canonicalReference(name);
    return /[:@][^/]*$/.test(name) ? [reference] : [withoutTag(reference)];
  } catch (error) {
    if (error instanceof BundleError && error.code === 'INPUT_REFERENCE') return [];
    throw error;
  }
}

/** host/path of a reference. */
export function withoutTag(ref: string): string {
  return ref.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}
