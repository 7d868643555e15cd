// Files of an image archive where they lie: a folder, or a tar (POSIX.1-2017, pax, "ustar Interchange Format"; GNU long names), plain or compressed.
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Header, Pax } from 'tar';
import type { ByteRange } from '../../bom/digest.ts';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import type { Compression } from '../../formats/compression.ts';
import { decompressed, unxzContent } from '../../formats/decompress-stream.ts';
import { openFile } from './file-local.ts';

/** Read-only files by name. Nothing of an archive is ever written under a name that it gives. */
export interface ArchiveFiles {
  /** Bytes of a file; undefined when there is none of that name. */
  sizeOf(name: string): Promise<number | undefined>;
  /** Throws `INTEGRITY_METADATA` for a name that is not there. */
  open(name: string, range?: ByteRange): Bytes;
  close(): Promise<void>;
}

interface Opening { readonly subject: string; readonly spoolDir: string; readonly signal: AbortSignal }

/** The files of the folder or tar at `path`. A compressed tar is decompressed once, below `spoolDir`, until `close`. Throws `INPUT_MISSING_FILE` and `INTEGRITY_METADATA`. */
export async function openArchiveFiles(path: string, options: Opening): Promise<ArchiveFiles> {
  const info = await stat(path).catch((cause: Error) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject: options.subject, expected: 'an image archive or an OCI layout', actual: cause.message }, { cause });
  });
  if (info.isDirectory()) return folderFiles(path, options.subject);
  const compression = await compressionOf(path);
  if (compression === 'plain') return tarFiles(path, options, async () => undefined);
  const folder = await mkdtemp(join(options.spoolDir, 'longshore-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const plain = join(folder, 'archive.tar');
    await decompress(path, plain, { ...options, compression });
    return await tarFiles(plain, options, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

function folderFiles(root: string, subject: string): ArchiveFiles {
  const inside = (name: string): string => {
    if (posix.normalize(name) !== name || name.startsWith('/') || name.startsWith('..')) throw damaged(subject, 'names below its root', name);
    return join(root, name);
  };
  return {
    sizeOf: (name) => stat(inside(name)).then((info) => (info.isFile() ? info.size : undefined), (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    }),
    open: (name, range) => readRange(inside(name), range?.start ?? 0, range?.end),
    close: async () => undefined,
  };
}

/** How each begins; no tar does, since what stands there is the name of a file in an image archive. */
const magics: readonly (readonly [Buffer, Compression])[] = [
  [Buffer.from([0x1f, 0x8b]), 'gz'], [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 'zst'], [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), 'xz'], [Buffer.from('BZh'), 'bz2'],
];

async function compressionOf(path: string): Promise<Compression> {
  const handle = await open(path);
  try {
    const { buffer } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    return magics.find(([magic]) => buffer.subarray(0, magic.length).equals(magic))?.[1] ?? 'plain';
  } finally {
    await handle.close();
  }
}

async function decompress(from: string, to: string, { compression, subject, signal }: Opening & { readonly compression: Compression }): Promise<void> {
  const [source, target] = [createReadStream(from), createWriteStream(to, { mode: 0o600 })];
  try {
    if (compression === 'gz' || compression === 'zst') await pipeline(source, compression === 'gz' ? createGunzip() : createZstdDecompress(), target, { signal });
    else await pipeline(source, (bytes: Bytes) => (compression === 'xz' ? unxzContent(bytes) : decompressed(bytes, compression, { subject, maxBytes: Infinity })), target, { signal });
  } catch (cause) {
    checkNotAborted(signal, subject);
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new BundleError('STORAGE_SPACE', { subject, expected: 'room to decompress it', actual: message }, { cause });
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: `whole ${compression} data`, actual: message }, { cause });
  }
}

type Entry = { readonly kind: 'file'; readonly offset: number; readonly size: number } | { readonly kind: 'link'; readonly to: string };

async function tarFiles(path: string, options: Opening, release: () => Promise<void>): Promise<ArchiveFiles> {
  const entries = await scan(path, options);
  const find = (name: string): Extract<Entry, { kind: 'file' }> | undefined => {
    let entry = entries.get(name);
    for (let hops = 0; entry?.kind === 'link' && hops < 10; hops += 1) entry = entries.get(entry.to);
    return entry?.kind === 'file' ? entry : undefined;
  };
  return {
    sizeOf: async (name) => find(name)?.size,
    async *open(name, range) {
      const entry = find(name);
      if (entry === undefined) throw damaged(options.subject, `a file ${name}`, 'nothing of that name');
      yield* readRange(path, entry.offset + Math.min(range?.start ?? 0, entry.size), entry.offset + Math.min(range?.end ?? entry.size, entry.size));
    },
    close: release,
  };
}

const block = 512;
const maxEntries = 200_000;
const maxHeaderBytes = 1 << 20;

/** Where each file of a tar lies. Later entries of one name replace earlier ones, as tar itself does. */
async function scan(path: string, options: Opening): Promise<Map<string, Entry>> {
  const handle = await open(path);
  try {
    const { size: length } = await handle.stat();
    const entries = new Map<string, Entry>();
    const pending: { ex?: Pax; name?: string; link?: string } = {};
    for (let at = 0; at + block <= length;) {
      checkNotAborted(options.signal, options.subject);
      const header = decode(await readAt(handle, at, block), { ex: pending.ex, subject: options.subject, at });
      if (header.nullBlock) break;
      if (!header.cksumValid) throw damaged(options.subject, 'a tar header', `something else at byte ${at}`);
      const size = header.type === 'SymbolicLink' || header.type === 'Link' ? 0 : header.size ?? 0;
      const next = at + block + Math.ceil(size / block) * block;
      if (!Number.isSafeInteger(next) || at + block + size > length) throw damaged(options.subject, 'a whole tar', `the end inside ${header.path ?? 'an entry'}`);
      if (!(await takeExtension(handle, { header, at: at + block, size, options }, pending))) {
        add(entries, header, { offset: at + block, size, ...pending });
        for (const key of ['ex', 'name', 'link'] as const) delete pending[key];
      }
      if (entries.size > maxEntries) throw damaged(options.subject, `at most ${maxEntries} entries`, 'more');
      at = next;
    }
    return entries;
  } finally {
    await handle.close();
  }
}

function decode(bytes: Buffer, { ex, subject, at }: { readonly ex: Pax | undefined; readonly subject: string; readonly at: number }): Header {
  try {
    return new Header(bytes, 0, ex);
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a tar header', actual: `something else at byte ${at}` }, { cause });
  }
}

interface Extension { readonly header: Header; readonly at: number; readonly size: number; readonly options: Opening }

/** Whether an entry only says something about the next one. */
async function takeExtension(handle: FileHandle, { header, at, size, options }: Extension, pending: { ex?: Pax; name?: string; link?: string }): Promise<boolean> {
  const { type } = header;
  if (type === 'GlobalExtendedHeader') return true;
  if (type !== 'ExtendedHeader' && type !== 'OldExtendedHeader' && type !== 'NextFileHasLongPath' && type !== 'NextFileHasLongLinkpath') return false;
  if (size > maxHeaderBytes) throw damaged(options.subject, `an extended header of at most ${maxHeaderBytes} bytes`, `${size} bytes`);
  const text = (await readAt(handle, at, size)).toString('utf8');
  if (type === 'NextFileHasLongPath') pending.name = text.replace(/\0.*$/s, '');
  else if (type === 'NextFileHasLongLinkpath') pending.link = text.replace(/\0.*$/s, '');
  else pending.ex = Pax.parse(text, pending.ex, false);
  return true;
}

function add(entries: Map<string, Entry>, header: Header, { offset, size, name, link }: { readonly offset: number; readonly size: number; readonly name?: string; readonly link?: string }): void {
  const path = posix.normalize(name ?? header.path ?? '').replace(/^\.\//, '');
  const target = link ?? header.linkpath ?? '';
  if (header.type === 'Link') entries.set(path, { kind: 'link', to: posix.normalize(target).replace(/^\.\//, '') });
  else if (header.type === 'SymbolicLink') entries.set(path, { kind: 'link', to: posix.normalize(posix.join(posix.dirname(path), target)) });
  else if (header.type === 'File' || header.type === 'OldFile' || header.type === 'ContiguousFile') entries.set(path, { kind: 'file', offset, size });
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function* readRange(path: string, start: number, end: number | undefined): Bytes {
  if (end === undefined) yield* openFile(path, start);
  else if (end > start) yield* createReadStream(path, { start, end: end - 1, highWaterMark: 128 * 1024 });
}

function damaged(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}
