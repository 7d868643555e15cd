// What the metadata of a yum repository says of a package, taken from its header; equal to what createrepo_c(8) takes from it.
import type { RpmChangelog } from './filelists.ts';
import { type RpmHeader, rpmTag } from './header.ts';
import { type RpmFile, type RpmRelations, relationKinds } from './package.ts';
import { type Evr, parseEvr } from './evr.ts';
import type { RpmHead } from './package-head.ts';
import type { RpmOperator, RpmRelation } from './relation.ts';

export interface PackageEntry {
  readonly name: string;
  readonly evr: Evr;
  /** `src` and `nosrc` for source packages. */
  readonly arch: string;
  readonly summary: string;
  readonly description: string;
  readonly packager: string;
  readonly url: string;
  readonly licence: string;
  readonly vendor: string;
  readonly group: string;
  readonly buildHost: string;
  readonly sourceRpm: string;
  /** Seconds since 1970. */
  readonly buildTime: number;
  readonly installedSize: number;
  readonly archiveSize: number;
  readonly headerRange: { readonly start: number; readonly end: number };
  readonly relations: RpmRelations;
  readonly files: readonly RpmFile[];
  /** The newest, oldest first; never two of one moment. */
  readonly changelogs: readonly RpmChangelog[];
}

/** What createrepo_c writes unless told otherwise. */
const changelogLimit = 10;

const senses: Readonly<Record<number, RpmOperator>> = { 2: '<', 4: '>', 8: '=', 10: '<=', 12: '>=' };
/** `Requires(pre)`, `Requires(post)` and the old PreReq. */
const preSense = (1 << 6) | (1 << 9) | (1 << 10);

const tags: Readonly<Record<keyof RpmRelations, readonly [name: number, version: number, flags: number]>> = {
  provides: [rpmTag.provideName, rpmTag.provideVersion, rpmTag.provideFlags],
  requires: [rpmTag.requireName, rpmTag.requireVersion, rpmTag.requireFlags],
  conflicts: [rpmTag.conflictName, rpmTag.conflictVersion, rpmTag.conflictFlags],
  obsoletes: [rpmTag.obsoleteName, rpmTag.obsoleteVersion, rpmTag.obsoleteFlags],
  recommends: [rpmTag.recommendName, rpmTag.recommendVersion, rpmTag.recommendFlags],
  suggests: [rpmTag.suggestName, rpmTag.suggestVersion, rpmTag.suggestFlags],
  supplements: [rpmTag.supplementName, rpmTag.supplementVersion, rpmTag.supplementFlags],
  enhances: [rpmTag.enhanceName, rpmTag.enhanceVersion, rpmTag.enhanceFlags],
};

/** Whether primary lists the path: programs and configuration, which others name most. */
export function isPrimaryPath(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail';
}

interface RawRelation { readonly relation: RpmRelation; readonly key: string; readonly pre: boolean }

function rawRelations(header: RpmHeader, kind: keyof RpmRelations): RawRelation[] {
  const [nameTag, versionTag, flagsTag] = tags[kind];
  const [versions, flags] = [header.texts(versionTag), header.numbers(flagsTag)];
  return header.texts(nameTag).map((name, index) => {
    const flag = flags[index] ?? 0;
    const version = versions[index] ?? '';
    const op = senses[flag & 0xe];
    const pre = (flag & preSense) !== 0;
    const relation = op === undefined ? { name } : { name, op, evr: parseEvr(version) };
    return { relation, pre, key: `${name}\0${op ?? ''}\0${version}` };
  });
}

/** Version in the first parentheses of `libc.so.6(GLIBC_2.34)(64bit)`, as numbers; none is lowest. */
function glibcVersion(name: string): readonly number[] {
  return (/^[^(]*\([^)0-9]*([0-9.]*)/.exec(name)?.[1] ?? '').split('.').filter((part) => part !== '').map(Number);
}

function isNewerGlibc(a: string, b: string): boolean {
  const [x, y] = [glibcVersion(a), glibcVersion(b)];
  const at = Array.from({ length: Math.max(x.length, y.length) }, (_, index) => index).find((index) => x[index] !== y[index]);
  return at !== undefined && (x[at] ?? -1) > (y[at] ?? -1);
}

/**
 * Requires as repositories show them: without `rpmlib()`, what the package provides or holds itself, repetitions, and all relations to libc.so.6
 * but the one with the highest version, which comes last.
 */
function requiresOf(header: RpmHeader, provided: ReadonlySet<string>, ownPaths: ReadonlySet<string>): RpmRelation[] {
  const seen = new Set<string>();
  const found: RpmRelation[] = [];
  let libc: RpmRelation | undefined;
  for (const { relation, key, pre } of rawRelations(header, 'requires')) {
    const { name } = relation;
    if (name.startsWith('rpmlib(') || provided.has(key) || (name.startsWith('/') && ownPaths.has(name) && isPrimaryPath(name))) continue;
    const whole = `${key}\0${String(pre)}`;
    if (seen.has(whole)) continue;
    const item = pre ? { ...relation, pre } : relation;
    if (name.startsWith('libc.so.6')) {
      if (libc === undefined || isNewerGlibc(name, libc.name)) libc = item;
      continue;
    }
    seen.add(whole);
    found.push(item);
  }
  return libc === undefined ? found : [...found, libc];
}

function relationsOf(header: RpmHeader, files: readonly RpmFile[]): RpmRelations {
  const provided = new Set(rawRelations(header, 'provides').map(({ key }) => key));
  const paths = new Set(files.map(({ path }) => path));
  const of = (kind: keyof RpmRelations): RpmRelation[] => (kind === 'requires' ? requiresOf(header, provided, paths) : rawRelations(header, kind).map(({ relation }) => relation));
  const [provides, requires, conflicts, obsoletes, recommends, suggests, supplements, enhances] = relationKinds.map(of);
  return { provides: provides ?? [], requires: requires ?? [], conflicts: conflicts ?? [], obsoletes: obsoletes ?? [], recommends: recommends ?? [], suggests: suggests ?? [], supplements: supplements ?? [], enhances: enhances ?? [] };
}

/** Paths of the package with what they are; a folder is `dir` even when it is a ghost. Throws `INTEGRITY_METADATA` for a directory index beyond the table. */
function filesOf(header: RpmHeader): RpmFile[] {
  const [bases, folders, indexes] = [header.texts(rpmTag.baseNames), header.texts(rpmTag.dirNames), header.numbers(rpmTag.dirIndexes)];
  const paths = bases.length === 0 ? header.texts(rpmTag.oldFileNames) : bases.map((base, index) => {
    const folder = folders[indexes[index] ?? -1];
    if (folder === undefined) throw header.wrong(`a file in folder ${indexes[index] ?? 'none'} of ${folders.length}`);
    return folder + base;
  });
  const [modes, flags] = [header.numbers(rpmTag.fileModes), header.numbers(rpmTag.fileFlags)];
  return paths.map((path, index) => {
    if (((modes[index] ?? 0) & 0o170000) === 0o040000) return { path, type: 'dir' as const };
    return ((flags[index] ?? 0) & (1 << 6)) === 0 ? { path } : { path, type: 'ghost' as const };
  });
}

function changelogsOf(header: RpmHeader): RpmChangelog[] {
  const [authors, texts] = [header.texts(rpmTag.changelogName), header.texts(rpmTag.changelogText)];
  const newestFirst = header.numbers(rpmTag.changelogTime, changelogLimit).map((date, index) => ({ date, author: (authors[index] ?? '').replace(/ +$/, ''), text: texts[index] ?? '' }));
  const dates: number[] = [];
  for (const [index, { date }] of newestFirst.entries()) {
    dates.push(date);
    // Entries of one moment are told apart by a second each: the newer, the later.
    if (newestFirst[index - 1]?.date !== date) continue;
    let taken = date;
    for (let before = index - 1; before >= 0 && dates[before] === taken; before -= 1) {
      taken += 1;
      dates[before] = taken;
    }
  }
  return newestFirst.map((entry, index) => ({ ...entry, date: dates[index] ?? entry.date })).reverse();
}

/** What metadata says of the package with this head. Throws `INTEGRITY_METADATA` when its name, version, release or architecture is missing, or lists do not fit. */
export function packageEntry({ header, signature, headerRange }: RpmHead): PackageEntry {
  const text = (tag: number): string => header.text(tag) ?? '';
  const needed = (tag: number, what: string): string => {
    const value = text(tag);
    if (value === '' || /[\s/]/.test(value)) throw header.wrong(`the ${what} ${JSON.stringify(value.slice(0, 80))}`);
    return value;
  };
  const sourceRpm = text(rpmTag.sourceRpm);
  const files = filesOf(header);
  return {
    name: needed(rpmTag.name, 'name'),
    evr: { epoch: header.number(rpmTag.epoch) ?? 0, version: needed(rpmTag.version, 'version'), release: needed(rpmTag.release, 'release') },
    arch: sourceRpm !== '' ? needed(rpmTag.arch, 'architecture') : header.has(rpmTag.noSource) || header.has(rpmTag.noPatch) ? 'nosrc' : 'src',
    summary: text(rpmTag.summary), description: text(rpmTag.description), packager: text(rpmTag.packager), url: text(rpmTag.url),
    licence: text(rpmTag.licence), vendor: text(rpmTag.vendor), group: text(rpmTag.group), buildHost: text(rpmTag.buildHost), sourceRpm,
    buildTime: header.number(rpmTag.buildTime) ?? 0,
    installedSize: header.number(rpmTag.longSize) ?? header.number(rpmTag.size) ?? 0,
    archiveSize: signature.number(rpmTag.longArchiveSize) ?? signature.number(rpmTag.sigPayloadSize) ?? header.number(rpmTag.archiveSize) ?? 0,
    headerRange,
    relations: relationsOf(header, files),
    files,
    changelogs: changelogsOf(header),
  };
}
