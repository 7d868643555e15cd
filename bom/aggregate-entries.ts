// Entries of BOMs with variables replaced, overlays applied and selection made: README "Selection", "Overlays".
import { isAbsolute, resolve, sep } from 'node:path';
import type { z } from 'zod';
import type { ParsedBom, ParsedProject } from './documents/document.ts';
import { type BomChart, type BomFile, type BomGit, type BomImage, type BomPackageSet, type BomRepository, chart, file, git, image, packageRepository, packageSet } from './documents/module-bom.ts';
import type { Overlay } from './documents/project.ts';
import { schemaProblems } from './documents/schema-problems.ts';
import { errorOf, formatPosition, type Problem, type TreePath, treeOf } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import { canonicalReference } from './reference.ts';
import type { Position } from './requirement.ts';
import { withoutCode } from './schema-parse.ts';
import { type Selection, unselected } from './selector.ts';
import { credentialProblems } from './url-credential.ts';
import { substitute, variablesOf } from './variables.ts';
import { normalArch } from './aggregate-targets.ts';

export interface EntryValues {
  readonly images: BomImage;
  readonly files: BomFile;
  readonly packageRepositories: BomRepository;
  readonly packages: BomPackageSet;
  readonly charts: BomChart;
  readonly git: BomGit;
}
export type ListName = keyof EntryValues;

/** One entry of one list of one module, ready to become a requirement. */
export interface Entry<L extends ListName = ListName> {
  readonly list: L;
  readonly module: string;
  readonly bom: ParsedBom;
  readonly value: EntryValues[L];
  /** Of package sets: which of its module's sets for the same target it is, from 1, as the documents count. Else 1. */
  readonly ordinal: number;
  /** Neither variables nor overlays changed it. */
  readonly isWritten: boolean;
  /** Where it stands, or its field; where the overlay that made it stands. */
  at(...field: TreePath): Position;
  /** The absolute path that a path in `field` means. Throws `INPUT_FIELD` when the document may not name local files. */
  pathOf(written: string, ...field: TreePath): string;
}

export interface Entries {
  of<L extends ListName>(list: L): readonly Entry<L>[];
  /** `ref`: canonical, of an image; another entry may still carry it. */
  readonly dropped: readonly { readonly what: string; readonly because: string; readonly ref?: string }[];
  readonly warnings: readonly string[];
}

const listSchemas: { readonly [L in ListName]: z.ZodType<EntryValues[L]> } = {
  images: image, files: file, packageRepositories: packageRepository, packages: packageSet, charts: chart, git,
};
const listNames = Object.keys(listSchemas) as ListName[];
const matchNames: { readonly [L in ListName]: keyof Overlay['match'] } = {
  images: 'image', files: 'file', packageRepositories: 'repository', packages: 'packages', charts: 'chart', git: 'git',
};

export function selectEntries(boms: readonly ParsedBom[], project: ParsedProject, selection: Selection): Entries {
  const found: Entry[] = [];
  const dropped: { what: string; because: string; ref?: string }[] = [];
  const overlays = new Overlays(project);
  for (const bom of boms) {
    const variables = variablesOf(bom, project.value.spec?.values ?? {});
    const ordinalOf = ordinals();
    for (const list of listNames) {
      const values: readonly unknown[] = bom.value.spec?.[list] ?? [];
      for (const [index, written] of values.entries()) {
        const path = ['spec', list, index];
        const value = substitute(written, variables, bom, path) as EntryValues[ListName];
        const entry = overlays.apply(entryOf(list, bom, { value, ordinal: ordinalOf(list, value), isWritten: value === written }, path));
        const because = entry === undefined ? 'removed by an overlay' : unselected(entry.value.when, selection, normalArch);
        if (entry === undefined || because !== undefined) dropped.push(droppedOf(list, bom, entry?.value ?? value, because ?? ''));
        else found.push(entry);
      }
      found.push(...overlays.added(list, bom, ordinalOf));
    }
  }
  for (const { value, at, isWritten } of found) if (!isWritten) throwFirst(credentialProblems(treeOf(value), (path) => at(...path)));
  const byList = Map.groupBy(found, ({ list }) => list);
  return {
    of: <L extends ListName>(list: L) => (byList.get(list) ?? []) as unknown as readonly Entry<L>[],
    dropped, warnings: [...overlays.unused(), ...unknownWords(boms, project)],
  };
}

/** What variables and overlays made of an entry is checked too; what is written was, when it was read. */
function throwFirst([first]: readonly Problem[]): void {
  if (first !== undefined) throw errorOf(first);
}

type OrdinalOf = (list: ListName, value: EntryValues[ListName]) => number;

function ordinals(): OrdinalOf {
  const counts = new Map<string, number>();
  return (list, value) => {
    if (list !== 'packages') return 1;
    const { target } = value as BomPackageSet;
    const ordinal = (counts.get(target) ?? 0) + 1;
    counts.set(target, ordinal);
    return ordinal;
  };
}

function entryOf(list: ListName, bom: ParsedBom, { value, ordinal, isWritten }: Pick<Entry, 'value' | 'ordinal' | 'isWritten'>, path: TreePath): Entry {
  const at = (...field: TreePath): Position => bom.positionOf([...path, ...field]);
  return { list, module: bom.value.metadata.name, bom, value, ordinal, isWritten, at, pathOf: (written, ...field) => localPath(bom, written, at(...field)) };
}

/** Addresses of this machine's own disk (`file:`, apt's `copy:`) anywhere in `text` are paths: documents from elsewhere may not name them. Throws `INPUT_FIELD`. */
export function checkDiskAddresses(text: string, pathOf: (written: string) => string): void {
  for (const [, path = ''] of text.matchAll(/(?:^|[\s=+,"'])(?:file|copy):\/{0,2}(\/[^\s,"']*)/gi)) pathOf(path);
}

function localPath({ folder, root }: Pick<ParsedBom, 'folder' | 'root'>, written: string, at: Position): string {
  if (folder !== undefined && root !== undefined) {
    const path = resolve(folder, written);
    if (!isAbsolute(written) && (path === root || path.startsWith(root + sep))) return path;
    throw new BundleError('INPUT_FIELD', { subject: formatPosition(at), expected: 'a path beside this document, which came from somewhere else', actual: JSON.stringify(written), next: 'Point the entry to a file of yours with an overlay.' });
  }
  if (folder !== undefined) return isAbsolute(written) ? written : resolve(folder, written);
  throw new BundleError('INPUT_FIELD', {
    subject: formatPosition(at), expected: 'a URL, because this document does not come from a folder of this machine', actual: `the path ${JSON.stringify(written)}`,
    next: 'Point the entry to a URL with an overlay, or save the document beside the file.',
  });
}

/** What messages and `dropped` call an entry. */
export function whatOf(list: ListName, value: EntryValues[ListName]): string {
  const names = namesOf(list, value);
  const kind: Readonly<Record<ListName, string>> = { images: 'image', files: 'file', packageRepositories: 'repository', packages: 'packages', charts: 'chart', git: 'git' };
  return `${kind[list]} ${list === 'images' ? (value as BomImage).ref : names[0] ?? 'without a name'}`;
}

/** The name that a file gets: saveAs, or the last segment of its path or first URL, as it is written there. */
export function fileName({ saveAs, urls, path }: BomFile): string {
  return saveAs ?? (path ?? (urls?.[0] ?? '').replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/[?#].*$/s, '')).split('/').at(-1) ?? '';
}

export function chartName({ source, as }: BomChart): string {
  const address = (source.oci ?? source.url ?? source.path ?? source.git ?? '').replace(/@sha256:[0-9a-f]{64}$/, '').replace(/\/+$/, '');
  return source.name ?? as ?? address.split('/').at(-1) ?? address;
}

export function gitName({ id, url }: BomGit): string {
  return id ?? url.replace(/(?:\.git)?\/*$/, '').split(/[/:]/).at(-1) ?? url;
}

/** The name of a package set in its module. */
export function setName({ id, target }: BomPackageSet, ordinal: number): string {
  return id ?? (ordinal === 1 ? target : `${target}-${ordinal}`);
}

/** What an overlay may call an entry by. Sets of packages all go by their target; one of several by its id, or its place among them. */
function namesOf(list: ListName, value: EntryValues[ListName], ordinal = 1): string[] {
  const id = value.id === undefined ? [] : [value.id];
  switch (list) {
    case 'images': { const { ref } = value as BomImage; return [...id, ref]; }
    case 'files': { const { saveAs, urls = [], path } = value as BomFile; return [...id, ...(saveAs === undefined ? [] : [saveAs]), ...urls, ...(path === undefined ? [] : [path]), fileName(value as BomFile)].filter((name) => name !== ''); }
    case 'packages': { const { target } = value as BomPackageSet; return [...id, target, `${target}-${ordinal}`]; }
    case 'charts': { const { source } = value as BomChart; return [...id, ...[source.name, source.oci, source.url, source.path, source.git].filter((name) => name !== undefined), chartName(value as BomChart)]; }
    case 'git': return [...id, (value as BomGit).url, gitName(value as BomGit)];
    default: return id;
  }
}

function droppedOf(list: ListName, bom: ParsedBom, value: EntryValues[ListName], because: string): { what: string; because: string; ref?: string } {
  const ref = list === 'images' ? canonicalOf((value as BomImage).ref) : undefined;
  return { what: `${whatOf(list, value)} of ${bom.value.metadata.name}`, because, ...(ref === undefined ? {} : { ref }) };
}

/** undefined for text that is no reference; whoever carries it says so. */
function canonicalOf(ref: string): string | undefined {
  try {
    return canonicalReference(ref);
  } catch (error) {
    if (error instanceof BundleError) return undefined;
    throw error;
  }
}

function isNamed({ list, ordinal }: Entry, value: EntryValues[ListName], name: string): boolean {
  if (namesOf(list, value, ordinal).includes(name)) return true;
  if (list !== 'images') return false;
  const wanted = canonicalOf(name);
  const { ref } = value as BomImage;
  // A name without a digest means the entry whatever digest its reference carries.
  return wanted !== undefined && (wanted === canonicalOf(ref) || (/:[^/@]+@/.test(ref) && wanted === canonicalOf(ref.replace(/@.*$/s, ''))));
}

class Overlays {
  private readonly project: ParsedProject;
  private readonly overlays: readonly Overlay[];
  private readonly used = new Set<number>();

  constructor(project: ParsedProject) {
    this.project = project;
    this.overlays = project.value.spec?.overlays ?? [];
  }

  /** The entry as the overlays leave it; undefined when one removes it. */
  apply(entry: Entry): Entry | undefined {
    let result: Entry | undefined = entry;
    for (const [index, overlay] of this.overlays.entries()) {
      const { match } = overlay;
      const name = match[matchNames[entry.list]];
      if (result === undefined || name === undefined || (match.module !== undefined && match.module !== entry.module) || !isNamed(entry, result.value, name)) continue;
      this.used.add(index);
      result = overlay.remove === true ? undefined : this.changed(result, overlay, index);
    }
    return result;
  }

  private changed(entry: Entry, overlay: Overlay, index: number): Entry {
    const { project } = this;
    const set = overlay.set ?? {};
    const tree = Object.fromEntries(Object.entries({ ...entry.value, ...set }).filter(([key]) => !(overlay.unset ?? []).includes(key)));
    const value = this.check(entry.list, tree, ['spec', 'overlays', index, 'set']);
    const isSet = (field: TreePath): boolean => field[0] !== undefined && Object.hasOwn(set, field[0]);
    const at = (...field: TreePath): Position => (isSet(field) ? project.positionOf(['spec', 'overlays', index, 'set', ...field]) : entry.at(...field));
    return { ...entry, value, isWritten: false, at, pathOf: (written, ...field) => (isSet(field) ? localPath(project, written, at(...field)) : entry.pathOf(written, ...field)) };
  }

  added(list: ListName, bom: ParsedBom, ordinalOf: OrdinalOf): Entry[] {
    return this.overlays.flatMap((overlay, index) => {
      const items = overlay.add?.[list];
      if (overlay.match.module !== bom.value.metadata.name || !Array.isArray(items)) return [];
      this.used.add(index);
      const { project } = this;
      return items.map((item: unknown, place): Entry => {
        const path = ['spec', 'overlays', index, 'add', list, place];
        const at = (...field: TreePath): Position => project.positionOf([...path, ...field]);
        const value = this.check(list, item, path);
        return { list, module: bom.value.metadata.name, bom, value, ordinal: ordinalOf(list, value), isWritten: false, at, pathOf: (written, ...field) => localPath(project, written, at(...field)) };
      });
    });
  }

  private check(list: ListName, tree: unknown, path: TreePath): EntryValues[ListName] {
    const schema = listSchemas[list];
    const checked = treeOf(tree);
    const result = schema.safeParse(checked, withoutCode);
    if (result.success) return result.data;
    const { file } = this.project;
    const [problem] = schemaProblems(result.error.issues, { file, tree: checked, positionOf: (inner) => this.project.positionOf([...path, ...inner]) }, schema);
    throw problem === undefined ? new Error('a schema failed without an issue') : errorOf(problem);
  }

  unused(): string[] {
    return this.overlays.flatMap(({ match }, index) => (this.used.has(index) ? [] : [`overlay ${index + 1} matches nothing: ${Object.entries(match).map(([key, value]) => `${key} ${value}`).join(', ')}`]));
  }
}

/** Words of the project's selection that no entry of any module has: probably misspelt. */
function unknownWords(boms: readonly ParsedBom[], project: ParsedProject): string[] {
  const { select } = project.value.spec ?? {};
  return (['features', 'components', 'flavors', 'profiles'] as const).filter((dimension) => (select?.[dimension] ?? []).length > 0).flatMap((dimension) => {
    const known = new Set(boms.flatMap((bom) => listNames.flatMap((list) => ((bom.value.spec?.[list] ?? []) as readonly EntryValues[ListName][]).flatMap((value) => value.when?.[dimension] ?? []))));
    return (select?.[dimension] ?? []).filter((word) => !known.has(word)).map((word) => `select.${dimension}: no entry of any module asks for ${word}`);
  });
}
