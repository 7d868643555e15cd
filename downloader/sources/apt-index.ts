// Packages indexes of a checked Release: Debian wiki, DebianRepository/Format ("Packages" indices, "by-hash").
import { createHash } from 'node:crypto';
import { type Digest, digestFromHex, digestOf } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import { type Compression, compressionByExtension, decompressInPieces } from '../../formats/compression.ts';
import type { ReleaseFile } from '../../formats/deb/release.ts';
import { releaseFolder, urlOf } from './apt-entry.ts';
import { fetchDocument, type FetchContext, keep, readStored } from './apt-fetch.ts';
import type { CheckedRelease } from './apt-release.ts';

const maxIndexBytes = 512 << 20;
const maxPlainBytes = 1 << 30;

const mediaTypes: Readonly<Record<Compression, string>> = { gz: 'application/gzip', xz: 'application/x-xz', zst: 'application/zstd', bz2: 'application/x-bzip2', plain: 'text/plain' };

export interface FetchedIndex {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly component: string;
  readonly architecture: string;
  /** Its content, decoded, in pieces. Throws `INTEGRITY_METADATA` when it is damaged or longer than its Release says. */
  load(): AsyncIterable<Uint8Array>;
}

interface Wanted { readonly file: ReleaseFile; readonly compression: Compression; readonly plain: ReleaseFile | undefined; readonly component: string; readonly architecture: string }

/** The best form of an index that the Release lists, or undefined. */
function listed({ release }: CheckedRelease, path: string, component: string, architecture = ''): Wanted | undefined {
  for (const [extension, compression] of Object.entries(compressionByExtension)) {
    const file = release.files.get(`${path}${extension}`);
    if (file !== undefined) return { file, compression, plain: release.files.get(path), component, architecture };
  }
  return undefined;
}

/** Index files to read, in apt's order: components, in each the architectures in order, then `all` where it has an index of its own. */
function wantedIndexes(checked: CheckedRelease): { readonly found: readonly Wanted[]; readonly missing: readonly string[] } {
  const { suite, release } = checked;
  if (suite.components.length === 0) {
    const flat = listed(checked, 'Packages', '');
    return { found: flat === undefined ? [] : [flat], missing: flat === undefined ? ['Packages'] : [] };
  }
  const found: Wanted[] = [];
  const missing: string[] = [];
  for (const component of suite.components) {
    for (const arch of suite.architectures) {
      const index = listed(checked, `${component}/binary-${arch}/Packages`, component, arch);
      if (index === undefined) missing.push(`${component}/binary-${arch}`);
      else found.push(index);
    }
    const all = release.allInArchIndexes ? undefined : listed(checked, `${component}/binary-all/Packages`, component, 'all');
    if (all !== undefined) found.push(all);
  }
  return { found, missing };
}

/** Checks size and hashes as the Release lists them; `INTEGRITY_SIZE`, `INTEGRITY_DIGEST`. */
function checkAgainst(file: ReleaseFile, bytes: Uint8Array, subject: string): void {
  if (bytes.length !== file.size) throw new BundleError('INTEGRITY_SIZE', { subject, expected: `${file.size} bytes, as its Release says`, actual: `${bytes.length} bytes` });
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const expected = file[algorithm];
    if (expected === undefined) continue;
    const actual = createHash(algorithm).update(bytes).digest('hex');
    if (actual !== expected) throw new BundleError('INTEGRITY_DIGEST', { subject, expected: `${algorithm} ${expected}, as its Release says`, actual });
  }
}

/** What the store does not hold is fetched; bytes that were fetched are given back. */
async function fetchFile(context: FetchContext, checked: CheckedRelease, { file, compression }: Wanted, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const { suite, release } = checked;
  const folder = releaseFolder(suite);
  const subject = `${redactUrl(suite.uri)}/${folder}${file.path}`;
  if (file.size > maxIndexBytes) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `at most ${maxIndexBytes} bytes`, actual: `${file.size} bytes` });
  if (file.sha256 !== undefined && await context.blobs.has(digestFromHex(file.sha256))) return undefined;
  const slash = file.path.lastIndexOf('/') + 1;
  const [algorithm, hash] = file.sha256 === undefined ? ['SHA512', file.sha512 ?? ''] : ['SHA256', file.sha256];
  const byHash = suite.entry.byHash === 'force' || (release.acquireByHash && suite.entry.byHash === 'yes') ? [`${file.path.slice(0, slash)}by-hash/${algorithm}/${hash}`] : [];
  for (const path of [...byHash, file.path]) {
    const bytes = await fetchDocument(context, urlOf(suite.uri, folder + path), { maxBytes: file.size, signal, headers: checked.headers });
    if (bytes === undefined) continue;
    checkAgainst(file, bytes, subject);
    await keep(context, mediaTypes[compression], bytes, signal);
    return bytes;
  }
  throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'the index that its Release lists', actual: 'nothing at this address', next: 'Ask again later, or use another mirror. Where only some architectures lie on a host, as with ports, name them in architectures.' });
}

/**
 * Every index of the suite for its components and architectures, checked against the Release and decoded. What the store holds by hash is
 * not fetched. `missing` names what the Release does not list. Throws `RESOLVE_NOT_FOUND` when it lists nothing of what is wanted.
 */
export async function fetchIndexes(context: FetchContext, checked: CheckedRelease, signal: AbortSignal): Promise<{ readonly indexes: readonly FetchedIndex[]; readonly missing: readonly string[] }> {
  const { found, missing } = wantedIndexes(checked);
  const subject = `${redactUrl(checked.suite.uri)} ${checked.suite.suite}`;
  if (found.length === 0) {
    const weak = checked.release.files.size === 0;
    throw new BundleError(weak ? 'INTEGRITY_METADATA' : 'RESOLVE_NOT_FOUND', {
      subject, expected: weak ? 'a SHA256 or SHA512 list in its Release' : `Packages of ${missing.join(', ')}`, actual: weak ? 'none' : 'no such index in its Release',
    });
  }
  const indexes: FetchedIndex[] = [];
  for (const wanted of found) {
    const { file, component, architecture } = wanted;
    let bytes = await fetchFile(context, checked, wanted, signal);
    const digest = file.sha256 !== undefined ? digestFromHex(file.sha256) : digestOf(bytes ?? new Uint8Array());
    const load = async function* pieces(): AsyncGenerator<Uint8Array> {
      if (bytes === undefined) await context.keeping?.ended();
      const held = bytes ?? await readStored(context, digest, file.size);
      bytes = undefined;
      yield* decompressInPieces(held, wanted.compression, { subject: `${subject} ${file.path}`, maxBytes: Math.min(maxPlainBytes, wanted.plain?.size ?? maxPlainBytes) });
    };
    indexes.push({ path: releaseFolder(checked.suite) + file.path, digest, size: file.size, component, architecture, load });
  }
  return { indexes, missing };
}
