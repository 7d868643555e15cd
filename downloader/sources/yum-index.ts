// Indexes that a checked repomd.xml lists: kept in the store by digest, found there again, read as streams.
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { digestFromHex } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { type Compression, compressionByExtension } from '../../formats/compression.ts';
import { decompressed } from '../../formats/decompress-stream.ts';
import type { RepomdFile } from '../../formats/rpm/repomd.ts';
import { createFileSource } from './file.ts';
import type { YumContext } from './yum-access.ts';
import type { CheckedRepomd } from './yum-repomd.ts';

const maxIndexBytes = 1 << 30;
const maxPlainBytes = 2 ** 32;
/** So many mirrors may serve a wrong index before the repository counts as broken. */
const maxMirrors = 4;

const mediaTypes: Readonly<Record<Compression, string>> = { gz: 'application/gzip', xz: 'application/x-xz', zst: 'application/zstd', bz2: 'application/x-bzip2', plain: 'application/xml' };
const compressionOf: Readonly<Record<string, Compression>> = { 'application/gzip': 'gz', 'application/x-xz': 'xz', 'application/zstd': 'zst', 'application/x-bzip2': 'bz2' };

/** An index in the store. */
export interface YumIndex {
  readonly type: string;
  /** Relative to the repository. */
  readonly path: string;
  readonly blob: Descriptor;
  readonly subject: string;
  /** Its hash can be forged: a sha1. */
  readonly isWeak: boolean;
  /** Its content, decoded; verified at its end. */
  open(): Bytes;
}

/** Decodes a document of a repository by its media type. Throws `INTEGRITY_METADATA`. */
export function decodedDocument(bytes: Bytes, { mediaType }: Descriptor, options: { readonly subject: string; readonly maxBytes: number }): Bytes {
  return decompressed(bytes, compressionOf[mediaType] ?? 'plain', options);
}

/** The file that repomd lists for `type`, in the form that is cheapest to read; undefined when there is none. `group_gz` is an old name of a compressed `group`. */
export function listedIndex({ repomd }: CheckedRepomd, type: string): RepomdFile | undefined {
  const names = type === 'group' ? ['group_gz', 'group_xz', 'group_zst', 'group'] : [type];
  return names.flatMap((name) => repomd.files.find((file) => file.type === name) ?? [])[0];
}

function compressionFor({ location }: RepomdFile, subject: string): Compression {
  const extension = /\.(?:gz|xz|zst|bz2|lzma|zck)$/.exec(location)?.[0] ?? '';
  const compression = compressionByExtension[extension];
  if (compression !== undefined) return compression;
  throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'an index in gz, xz, zst, bz2 or plain', actual: extension });
}

/** What the last lock found under the same repomd.xml: an index whose sha256 repomd does not say. */
function knownDigest(context: YumContext, { locked }: CheckedRepomd, { location }: RepomdFile): Digest | undefined {
  const same = (context.previous ?? []).find((known) => known.manager === 'rpm' && known.metadata.digest === locked.metadata.digest);
  return same?.indexes.find(({ path }) => path === location)?.digest;
}

/**
 * Fetches an index, unless the store has it. Its hash and size are checked; a mirror that has another one is passed over for the next. Throws
 * `INTEGRITY_DIGEST` or `INTEGRITY_SIZE` when none has it as repomd says, `INTEGRITY_METADATA` for an unknown compression, a hash that proves
 * nothing (md5) and a size beyond 1 GiB, `RESOLVE_NOT_FOUND`, transfer errors.
 */
export async function fetchIndex(context: YumContext, checked: CheckedRepomd, file: RepomdFile, signal: AbortSignal): Promise<YumIndex> {
  const { type, value } = file.checksum;
  const subject = `${file.type} of repository ${checked.repository.id}`;
  const compression = compressionFor(file, subject);
  if (type === 'md5' || type === 'sha224') throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a sha256 or sha512 of each index', actual: type });
  if ((file.size ?? 0) > maxIndexBytes) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `at most ${maxIndexBytes} bytes`, actual: `${file.size} bytes` });
  const digest = type === 'sha256' ? digestFromHex(value) : knownDigest(context, checked, file);
  const bases = file.base === undefined ? checked.bases : [file.base.endsWith('/') ? file.base : `${file.base}/`];
  const files = createFileSource({ ...context, headersFor: async () => ({}) });
  const { artifacts: [found] } = await files.resolve([{
    kind: 'file', name: subject, urls: bases.slice(0, maxMirrors).map((base) => base + urlPath(file.location)), usedBy: [], at: [], mode: '0644', purpose: 'other', headersFrom: [],
    evidence: digest !== undefined ? [] : [`${type}:${value}`],
    ...(digest === undefined ? {} : { digest }), ...(file.size === undefined ? {} : { size: file.size }),
  }], signal);
  if (found === undefined) throw new Error('a file source gave no answer');
  const blob = { mediaType: mediaTypes[compression], digest: found.digest, size: found.size };
  for (let turn = 1; ; turn += 1) {
    try {
      await context.blobs.fill(blob, (offset) => files.fetch(found, blob, { offset, signal }), signal);
      break;
    } catch (error) {
      if (!(error instanceof BundleError) || error.family !== 'integrity') throw error;
      if (turn >= Math.min(maxMirrors, bases.length)) throw new BundleError(error.code, { ...error.facts, subject: `${subject}: ${error.facts.subject}`, expected: `${error.facts.expected}, as its repomd.xml says` }, { cause: error });
    }
  }
  const options = { subject, maxBytes: Math.min(maxPlainBytes, file.openSize ?? maxPlainBytes) };
  return {
    type: file.type, path: file.location, blob, subject, open: () => decompressed(context.blobs.open(blob), compression, options),
    isWeak: type === 'sha1',
  };
}

/** A location as part of a URL: what is not allowed there is escaped, `%` too, since paths are names and not URLs. */
export function urlPath(path: string): string {
  return path.split('/').map((part) => encodeURIComponent(part).replace(/%(2B|3A|7E|3D|40|2C|24|26|3B)/g, (code) => decodeURIComponent(code))).join('/');
}

/** An index whole, for the ones that are small. Throws `INTEGRITY_METADATA` beyond `maxBytes`. */
export async function readIndex(index: YumIndex, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of index.open()) {
    length += part.length;
    if (length > maxBytes) throw new BundleError('INTEGRITY_METADATA', { subject: index.subject, expected: `at most ${maxBytes} bytes`, actual: 'more' });
    parts.push(Uint8Array.from(part));
  }
  return Buffer.concat(parts, length);
}
