// An apt repository as files: Debian wiki, DebianRepository/Format; apt-secure(8). Rendered from the lock alone, for exporter and repository alike.
import { createHash } from 'node:crypto';
import { hexOf } from '../../bom/digest.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import { gzip, gzipApart, xzApart, xzCompress } from '../compression.ts';
import { formatReleaseDate } from './release.ts';
import { compareVersions } from './version.ts';

export interface AptMirrorOptions {
  /** Id of the target: also suite and codename. */
  readonly target: string;
  readonly label: string;
  /** Seconds since 1970: Release's Date. */
  readonly date: number;
  /** Debian names (amd64, arm64, …) that get an index even when it is empty. `all` is not one of them. */
  readonly architectures: readonly string[];
  /** Seconds since 1970. */
  readonly validUntil?: number;
  /** Only uncompressed indexes, no by-hash copies: for a folder that is read through `file:`, and the same bytes from every zlib and xz. */
  readonly plain?: boolean;
}

export interface AptMirrorFile {
  /** Relative to the mirror's root, where `pool/` lies. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface AptMirror {
  /** Everything under `dists/` except InRelease and Release.gpg, which need a key. */
  readonly files: readonly AptMirrorFile[];
  /** `dists/<target>/Release`: what a signature has to cover. */
  readonly release: Uint8Array;
}

const encoder = new TextEncoder();
const hash = (algorithm: 'sha256' | 'sha512', bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex');

function inOrder(a: LockedPackage, b: LockedPackage): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  const byVersion = compareVersions(a.version, b.version);
  if (byVersion !== 0) return byVersion;
  const [x, y] = [`${a.version} ${a.arch}`, `${b.version} ${b.arch}`];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Upstream's stanza with our Filename, and with size and SHA256 of the lock where upstream gave only other hashes. */
function stanzaOf(item: LockedPackage): string {
  const lines = item.stanza.replace(/\n+$/, '').split('\n');
  const has = (field: string): boolean => lines.some((line) => line.slice(0, field.length + 1).toLowerCase() === `${field}:`);
  if (!has('size')) lines.push(`Size: ${item.size}`);
  if (!has('sha256')) lines.push(`SHA256: ${hexOf(item.digest)}`);
  lines.push(`Filename: ${item.path}`);
  return `${lines.join('\n')}\n`;
}

function packagesOf(packages: readonly LockedPackage[], arch: string): Uint8Array {
  const wanted = packages.filter((item) => item.arch === arch || item.arch === 'all');
  return encoder.encode(wanted.map(stanzaOf).join('\n'));
}

function releaseOf(options: AptMirrorOptions, architectures: readonly string[], indexes: readonly AptIndex[]): Uint8Array {
  const list = (algorithm: 'sha256' | 'sha512'): string =>
    indexes.map((index) => ` ${index[algorithm]} ${String(index.bytes.length).padStart(10)} ${index.path}\n`).join('');
  return encoder.encode([
    'Origin: longshore\n',
    `Label: ${options.label}\n`,
    `Suite: ${options.target}\n`,
    `Codename: ${options.target}\n`,
    `Date: ${formatReleaseDate(options.date)}\n`,
    options.validUntil === undefined ? '' : `Valid-Until: ${formatReleaseDate(options.validUntil)}\n`,
    options.plain === true ? '' : 'Acquire-By-Hash: yes\n',
    'No-Support-for-Architecture-all: Packages\n',
    `Architectures: ${['all', ...architectures].join(' ')}\n`,
    'Components: main\n',
    `SHA256:\n${list('sha256')}`,
    `SHA512:\n${list('sha512')}`,
  ].join(''));
}

interface AptIndex extends AptMirrorFile {
  readonly sha256: string;
  readonly sha512: string;
}

const indexOf = (path: string, bytes: Uint8Array): AptIndex => ({ path, bytes, sha256: hash('sha256', bytes), sha512: hash('sha512', bytes) });

/** What a mirror says of its packages, whenever and by whatever name it is published. */
export interface AptIndexes {
  readonly architectures: readonly string[];
  /** Relative to `dists/<target>/`. */
  readonly indexes: readonly AptIndex[];
}

type Contents = Pick<AptMirrorOptions, 'target' | 'architectures' | 'plain'>;

/** The uncompressed index of each architecture. */
function plainIndexes(packages: readonly LockedPackage[], { target, architectures: wanted }: Contents): { readonly arch: string; readonly plain: Uint8Array }[] {
  const own = packages.filter((item) => item.manager === 'deb' && item.target === target).sort(inOrder);
  const once = own.filter((item, index) => {
    const before = own[index - 1];
    return before === undefined || before.name !== item.name || before.version !== item.version || before.arch !== item.arch;
  });
  const architectures = [...new Set([...wanted, ...once.map((item) => item.arch)])].filter((arch) => arch !== 'all').sort();
  return architectures.map((arch) => ({ arch, plain: packagesOf(once, arch) }));
}

const pathOf = (arch: string): string => `main/binary-${arch}/Packages`;

/** The indexes that {@link aptMirrorOf} publishes, compressed in other threads, all at once. */
export async function aptIndexes(packages: readonly LockedPackage[], contents: Contents): Promise<AptIndexes> {
  const plains = plainIndexes(packages, contents);
  const compressed = await Promise.all(plains.map(({ plain }) => Promise.all([gzipApart(plain), xzApart(plain)])));
  return {
    architectures: plains.map(({ arch }) => arch),
    indexes: plains.flatMap(({ arch, plain }, at) => [indexOf(pathOf(arch), plain), ...(compressed[at] ?? []).map((bytes, way) => indexOf(`${pathOf(arch)}${way === 0 ? '.gz' : '.xz'}`, bytes))]),
  };
}

/**
 * The indexes and the unsigned Release of one target's mirror. Deterministic: sorted by name, version and architecture, one stanza for each
 * of them, no clock. Each index has by-hash copies under SHA256 and SHA512 (apt asks for the strongest hash that Release lists), so that
 * a client in the middle of an update keeps finding what its Release names. Packages of other managers and targets are left out.
 */
export function renderAptMirror(packages: readonly LockedPackage[], options: AptMirrorOptions): AptMirror {
  const plains = plainIndexes(packages, options);
  const indexes = plains.flatMap(({ arch, plain }) => {
    const path = pathOf(arch);
    if (options.plain === true) return [indexOf(path, plain)];
    return [indexOf(path, plain), indexOf(`${path}.gz`, gzip(plain)), indexOf(`${path}.xz`, xzCompress(plain))];
  });
  return aptMirrorOf({ architectures: plains.map(({ arch }) => arch), indexes }, options);
}

/** {@link renderAptMirror}, with indexes that were made before. */
export function aptMirrorOf({ architectures, indexes }: AptIndexes, options: AptMirrorOptions): AptMirror {
  const dists = `dists/${options.target}`;
  const release = releaseOf(options, architectures, indexes);
  const byHash = new Map<string, Uint8Array>();
  for (const { path, bytes, sha256, sha512 } of options.plain === true ? [] : indexes) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    byHash.set(`${folder}/by-hash/SHA256/${sha256}`, bytes);
    byHash.set(`${folder}/by-hash/SHA512/${sha512}`, bytes);
  }
  const files = [
    { path: `${dists}/Release`, bytes: release },
    ...indexes.map(({ path, bytes }) => ({ path: `${dists}/${path}`, bytes })),
    ...[...byHash].map(([path, bytes]) => ({ path: `${dists}/${path}`, bytes })),
  ];
  return { files, release };
}
