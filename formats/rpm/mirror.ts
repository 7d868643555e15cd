// A yum repository as files: createrepo_c(8); the schemas of the rpm-metadata project. Rendered from the lock and the packages' headers, for exporter and repository alike.
import { createHash } from 'node:crypto';
import { hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import { gzipApart } from '../compression.ts';
import type { RpmChangelog } from './filelists.ts';
import { compareEvr, formatEvr } from './evr.ts';
import { mergeComps } from './mirror-comps.ts';
import { carriedAdvisories, carriedModules } from './mirror-documents.ts';
import type { RpmFile, RpmPackage } from './package.ts';
import { filelistsXml, otherXml } from './package-xml.ts';
import { emptyLocation, PrimaryReader } from './primary.ts';
import { type RepomdFile, renderRepomd } from './repomd.ts';
import { renderUpdateinfo } from './updateinfo.ts';
import { escapeAttribute } from './xml-text.ts';

/** What the header of a package says beyond its entry in primary. */
export interface RpmDetails {
  readonly files: readonly RpmFile[];
  readonly changelogs: readonly RpmChangelog[];
}

/** Upstream's documents, decompressed, of each repository of the target in order. */
export interface YumDocuments {
  readonly modules: readonly Uint8Array[];
  readonly groups: readonly Uint8Array[];
  readonly updateinfo: readonly Uint8Array[];
}

export interface YumMirrorOptions {
  /** Id of the target. */
  readonly target: string;
  /** Seconds since 1970: revision and timestamps. */
  readonly date: number;
  /** Only uncompressed indexes: for a folder that is read through `file:`, and the same bytes from every zlib. */
  readonly plain?: boolean;
}

export interface YumMirror {
  /** Everything under `repodata/` except repomd.xml.asc, which needs a key; repomd.xml last. Relative to the mirror's root, where `Packages/` lies. */
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  /** `repodata/repomd.xml`: what a signature has to cover. */
  readonly repomd: Uint8Array;
}

const encoder = new TextEncoder();
const strongChecksums = new Set(['sha256', 'sha384', 'sha512']);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Entry { readonly item: LockedPackage; readonly facts: Omit<RpmPackage, 'slice'>; readonly stanza: string }

/** Reads stanzas again, so that what stands in the lock is known to be one package each, the one that the lock names. */
class StanzaReader {
  private item: LockedPackage | undefined;
  private found: Omit<RpmPackage, 'slice'>[] = [];
  private reader: PrimaryReader | undefined;

  /** Throws `INTEGRITY_METADATA`. Not to be used after that. */
  read(item: LockedPackage): Entry {
    this.item = item;
    this.found = [];
    const location = `<location href="${escapeAttribute(item.path)}"/>`;
    const parts = item.stanza.split(emptyLocation);
    const stanza = parts.join(location);
    try {
      this.feed(this.reader === undefined ? `<metadata>${stanza}` : stanza);
    } catch (cause) {
      if (cause instanceof BundleError) throw this.wrong(cause.facts.actual, cause);
      throw cause;
    }
    const [facts, other] = this.found;
    if (facts === undefined || other !== undefined || parts.length !== 2) throw this.wrong(`${this.found.length} packages with ${parts.length - 1} places for a location`);
    const actual = `${facts.name} ${formatEvr(facts.evr)} ${facts.arch} at ${facts.location}`;
    if (actual !== `${item.name} ${item.version} ${item.arch} at ${item.path}`) throw this.wrong(actual);
    return withStrongChecksum({ item, facts, stanza });
  }

  /** Throws `INTEGRITY_METADATA` when the last stanza did more than stand there. */
  end(): void {
    if (this.reader === undefined) return;
    try {
      this.feed('</metadata>');
      this.reader.end();
    } catch (cause) {
      if (cause instanceof BundleError) throw this.wrong(cause.facts.actual, cause);
      throw cause;
    }
  }

  private feed(text: string): void {
    this.reader ??= new PrimaryReader({ subject: 'lock', maxBytes: Number.MAX_SAFE_INTEGER }, ({ slice, ...facts }) => { void slice; this.found.push(facts); });
    this.reader.push(Buffer.from(text));
  }

  private wrong(actual: string, cause?: unknown): BundleError {
    const { name = '', version = '', arch = '' } = this.item ?? {};
    return new BundleError('INTEGRITY_METADATA', { subject: `lock: stanza of ${name} ${version} ${arch}`, expected: 'the entry of that package, without its location', actual }, { cause });
  }
}

/** An index that has only weak checksums is not handed on: clients refuse MD5 and SHA-1 more and more. */
function withStrongChecksum({ item, facts, stanza }: Entry): Entry {
  if (strongChecksums.has(facts.checksum.type) && (facts.checksum.type !== 'sha256' || facts.checksum.value === hexOf(item.digest))) return { item, facts, stanza };
  const checksum = { type: 'sha256', value: hexOf(item.digest) };
  return { item, facts: { ...facts, checksum }, stanza: stanza.replace(/<checksum [^]*?<\/checksum>/, `<checksum type="sha256" pkgid="YES">${checksum.value}</checksum>`) };
}

function inOrder(a: Entry, b: Entry): number {
  const [x, y] = [a.facts, b.facts];
  if (x.name !== y.name) return x.name < y.name ? -1 : 1;
  const byVersion = compareEvr(x.evr, y.evr);
  if (byVersion !== 0) return byVersion;
  const [left, right] = [`${formatEvr(x.evr)} ${x.arch} ${a.item.digest}`, `${formatEvr(y.evr)} ${y.arch} ${b.item.digest}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Sorted; of one name, version and architecture the first. */
function entriesOf(packages: readonly LockedPackage[], target: string): Entry[] {
  const reader = new StanzaReader();
  const own = packages.filter((item) => item.manager === 'rpm' && item.target === target).map((item) => reader.read(item)).sort(inOrder);
  reader.end();
  return own.filter(({ facts }, index) => {
    const before = own[index - 1]?.facts;
    return before === undefined || before.name !== facts.name || formatEvr(before.evr) !== formatEvr(facts.evr) || before.arch !== facts.arch;
  });
}

interface Index { readonly type: string; readonly name: string; readonly bytes: Uint8Array }

function packageIndexes(entries: readonly Entry[], details: ReadonlyMap<string, RpmDetails>): Index[] {
  const primary: string[] = [];
  const filelists: string[] = [];
  const other: string[] = [];
  for (const { item, facts, stanza } of entries) {
    const known = details.get(item.digest);
    const head = { pkgid: facts.checksum.value, name: facts.name, arch: facts.arch, evr: facts.evr };
    primary.push(stanza, '\n');
    filelists.push(filelistsXml(head, known?.files ?? facts.files));
    other.push(otherXml(head, known?.changelogs ?? []));
  }
  const index = (type: string, root: string, parts: readonly string[], more = ''): Index => ({
    type, name: `${type}.xml`,
    bytes: encoder.encode(`<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://linux.duke.edu/metadata/${type === 'primary' ? 'common' : type}"${more} packages="${entries.length}">\n${parts.join('')}</${root}>\n`),
  });
  return [index('primary', 'metadata', primary, ' xmlns:rpm="http://linux.duke.edu/metadata/rpm"'), index('filelists', 'filelists', filelists), index('other', 'otherdata', other)];
}

async function documentIndexes(entries: readonly Entry[], documents: YumDocuments, subject: string): Promise<Index[]> {
  const carried = entries.map(({ facts: { name, evr, arch } }) => ({ name, evr, arch }));
  const comps = mergeComps(documents.groups, subject);
  const modules = carriedModules(documents.modules, carried, subject);
  const advisories = await carriedAdvisories(documents.updateinfo, carried, subject);
  return [
    ...(comps === undefined ? [] : [{ type: 'group', name: 'comps.xml', bytes: comps }]),
    ...(modules.length === 0 ? [] : [{ type: 'modules', name: 'modules.yaml', bytes: encoder.encode(modules.map(({ text }) => text).join('')) }]),
    ...(advisories.length === 0 ? [] : [{ type: 'updateinfo', name: 'updateinfo.xml', bytes: renderUpdateinfo(advisories) }]),
  ];
}

/** Names begin with the checksum, so that a client in the middle of an update keeps finding what its repomd.xml names. */
async function published({ type, name, bytes }: Index, { date, plain }: YumMirrorOptions, compressed: boolean): Promise<{ readonly file: RepomdFile; readonly bytes: Uint8Array }> {
  const packed = compressed && plain !== true ? await gzipApart(bytes) : bytes;
  const checksum = { type: 'sha256', value: sha256(packed) };
  return {
    bytes: packed,
    file: {
      type, checksum, location: `repodata/${checksum.value}-${name}${packed === bytes ? '' : '.gz'}`, timestamp: date, size: packed.length,
      ...(packed === bytes ? {} : { openChecksum: { type: 'sha256', value: sha256(bytes) }, openSize: bytes.length }),
    },
  };
}

/**
 * The indexes and the unsigned repomd.xml of one target's mirror. Deterministic: sorted by name, version and architecture, one entry for each of
 * them, no clock. primary holds the lock's stanzas, which are upstream's; file lists and changelogs are of `details`, by digest, and of a package
 * that is not there its paths in primary. Of modules and advisories what concerns the packages is published, groups as they are. Packages
 * of other managers and targets are left out. Throws `INTEGRITY_METADATA` for a stanza that is not its package's, and for broken documents.
 */
export async function renderYumMirror(packages: readonly LockedPackage[], details: ReadonlyMap<string, RpmDetails>, options: YumMirrorOptions & { readonly documents?: YumDocuments }): Promise<YumMirror> {
  const entries = entriesOf(packages, options.target);
  const documents = options.documents === undefined ? [] : await documentIndexes(entries, options.documents, `yum mirror of ${options.target}`);
  const indexes = await Promise.all([...packageIndexes(entries, details), ...documents].flatMap((index) => {
    // dnf wants groups plain under this name, and compressed under another.
    if (index.type !== 'group') return [published(index, options, true)];
    return options.plain === true ? [published(index, options, false)] : [published(index, options, false), published({ ...index, type: 'group_gz' }, options, true)];
  }));
  const repomd = renderRepomd({ revision: String(options.date), tags: { content: [], repo: [], distro: [] }, files: indexes.map(({ file }) => file) });
  return { files: [...indexes.map(({ file, bytes }) => ({ path: file.location, bytes })), { path: 'repodata/repomd.xml', bytes: repomd }], repomd };
}
