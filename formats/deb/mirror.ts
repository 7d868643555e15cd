// An apt repository as files: Debian wiki, DebianRepository/Format; apt-secure(8). Rendered from the lock alone, for exporter and repository alike.
import { createHash } from 'node:crypto';
import { hexOf } from '../../bom/digest.ts';
import type { LockedPackage } from '../../bom/lock.ts';
import { gzip, xzCompress } from '../compression.ts';
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

function releaseOf(options: AptMirrorOptions, architectures: readonly string[], indexes: readonly AptMirrorFile[]): Uint8Array {
  const list = (algorithm: 'sha256' | 'sha512'): string =>
    indexes.map(({ path, bytes }) => ` ${hash(algorithm, bytes)} ${String(bytes.length).padStart(10)} ${path}\n`).join('');
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

/**
 * The indexes and the unsigned Release of one target's mirror. Deterministic: sorted by name, version and architecture, one stanza for each
 * of them, no clock. Each index has by-hash copies under SHA256 and SHA512 (apt asks for the strongest hash that Release lists), so that
 * a client in the middle of an update keeps finding what its Release names. Packages of other managers and targets are left out.
 */
export function renderAptMirror(packages: readonly LockedPackage[], options: AptMirrorOptions): AptMirror {
  const dists = `dists/${options.target}`;
  const own = packages.filter((item) => item.manager === 'deb' && item.target === options.target).sort(inOrder);
  const once = own.filter((item, index) => {
    const before = own[index - 1];
    return before === undefined || before.name !== item.name || before.version !== item.version || before.arch !== item.arch;
  });
  const architectures = [...new Set([...options.architectures, ...once.map((item) => item.arch)])].filter((arch) => arch !== 'all').sort();
  const indexes = architectures.flatMap((arch) => {
    const plain = packagesOf(once, arch);
    const path = `main/binary-${arch}/Packages`;
    if (options.plain === true) return [{ path, bytes: plain }];
    return [{ path, bytes: plain }, { path: `${path}.gz`, bytes: gzip(plain) }, { path: `${path}.xz`, bytes: xzCompress(plain) }];
  });
  const release = releaseOf(options, architectures, indexes);
  const byHash = new Map<string, Uint8Array>();
  for (const { path, bytes } of options.plain === true ? [] : indexes) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    byHash.set(`${folder}/by-hash/SHA256/${hash('sha256', bytes)}`, bytes);
    byHash.set(`${folder}/by-hash/SHA512/${hash('sha512', bytes)}`, bytes);
  }
  const files = [
    { path: `${dists}/Release`, bytes: release },
    ...indexes.map(({ path, bytes }) => ({ path: `${dists}/${path}`, bytes })),
    ...[...byHash].map(([path, bytes]) => ({ path: `${dists}/${path}`, bytes })),
  ];
  return { files, release };
}
