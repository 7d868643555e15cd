// An archive as it lies on a disk: heads of its volumes, and where they agree. formats/archive/FORMAT.md, sections 2 and 10.
import { type FileHandle, open } from 'node:fs/promises';
import { type Digest, digestOf } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { alignmentBytes } from '../formats/archive/layout.ts';
import { type Manifest, manifestPath, parseManifest, signaturePath } from '../formats/archive/manifest.ts';
import { parseStub, stubBytes } from '../formats/archive/stub.ts';
import { type DecodedHeader, decodeHeader, paddedSize, type VolumeMark } from '../formats/archive/tar-header.ts';
import { storageError } from '../store/durable-file.ts';

/** Bounds on what is read into memory. */
const maxManifestBytes = 256 << 20;
const maxSignatureBytes = 64 << 10;
const maxHeadBytes = 64 << 20;

/** One tar file, opened far enough to know what it is. */
export interface ArchiveVolume {
  readonly path: string;
  readonly number: number;
  /** Of the file, in bytes. */
  readonly size: number;
  /** Where offsets count from. */
  readonly contentStart: number;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly signature: Uint8Array | undefined;
  /** Digests of the members before the content. */
  readonly head: ReadonlyMap<string, Digest>;
}

/** Volumes of one archive; not necessarily all of them. */
export interface Archive {
  /** Digest of the manifest. */
  readonly archive: Digest;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly signature: Uint8Array | undefined;
  readonly volumes: ReadonlyMap<number, ArchiveVolume>;
  /** Numbers of volumes that were not given. */
  readonly missing: readonly number[];
}

/** Positioned reads of one file through a small window. */
export class TarWindow {
  readonly path: string;
  readonly size: number;
  /** At least this much is read at once: much where headers follow each other, little where content lies between. */
  readAheadBytes = 64 * 1024;
  private readonly handle: FileHandle;
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0;
  private length = 0;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.handle = handle;
    this.size = size;
  }

  static async open(path: string): Promise<TarWindow> {
    try {
      const handle = await open(path, 'r');
      const stat = await handle.stat();
      if (stat.isFile()) return new TarWindow(path, handle, stat.size);
      await handle.close();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw storageError(path, cause);
      throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'an archive', actual: 'no such file' }, { cause });
    }
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'an archive', actual: 'something that is no regular file' });
  }

  /** Bytes `at` to `at + length`, fewer at the end of the file. Valid until the next read. */
  async read(at: number, length: number): Promise<Buffer> {
    if (at < this.start || at + length > this.start + this.length) await this.fill(at, Math.max(0, Math.min(Math.max(length, this.readAheadBytes), this.size - at)));
    return this.buffer.subarray(at - this.start, Math.min(at - this.start + length, this.length));
  }

  private async fill(at: number, wanted: number): Promise<void> {
    if (this.buffer.length < wanted) this.buffer = Buffer.allocUnsafeSlow(wanted);
    this.start = at;
    this.length = 0;
    try {
      while (this.length < wanted) {
        const { bytesRead } = await this.handle.read(this.buffer, this.length, wanted - this.length, at + this.length);
        if (bytesRead === 0) return;
        this.length += bytesRead;
      }
    } catch (cause) {
      throw storageError(this.path, cause);
    }
  }

  /** The header at `at`. Throws `INTEGRITY_ARCHIVE` when there is none in the form of the format. */
  async header(at: number, time?: number): Promise<Exclude<DecodedHeader, { kind: 'more' }>> {
    const where = `${this.path} at byte ${at}`;
    for (let length = 2048; ;) {
      const decoded = decodeHeader(await this.read(at, length), where, time);
      if (decoded.kind !== 'more') return decoded;
      if (decoded.needed <= length || at + decoded.needed > this.size) throw damaged(this.path, `a header at byte ${at}`, 'the end of the file: it was cut');
      length = decoded.needed;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

export function damaged(subject: string, expected: string, actual: string, details?: Readonly<Record<string, unknown>>): BundleError {
  return new BundleError('INTEGRITY_ARCHIVE', { subject, expected, actual, ...(details === undefined ? {} : { details }) });
}

/** A file that may be whole, and is not the one that is wanted. */
function unfitting(subject: string, facts: { readonly expected: string; readonly actual: string; readonly next: string }): BundleError {
  return new BundleError('INTEGRITY_ARCHIVE', { subject, ...facts, next: `${facts.next} Nothing was changed here.` });
}

/** Reads the head of one volume. Throws `INPUT_ARCHIVE_FORMAT` for a file that is no archive, `INTEGRITY_ARCHIVE` for a damaged one. */
export async function openVolume(path: string): Promise<ArchiveVolume> {
  const tar = await TarWindow.open(path);
  try {
    return await readHead(tar);
  } finally {
    await tar.close();
  }
}

async function readHead(tar: TarWindow): Promise<ArchiveVolume> {
  const { path, size } = tar;
  const origin = await originOf(tar);
  const members = new Map<string, Buffer>();
  let mark: VolumeMark | undefined;
  let at = origin;
  while (mark === undefined) {
    const header = await tar.header(at);
    at += header.kind === 'end' ? 0 : header.headerBytes;
    if (header.kind === 'padding') {
      mark = header.mark;
      continue;
    }
    if (header.kind === 'end' || header.entry.type !== 'File' || !headMembers.has(header.entry.path)) {
      throw damaged(path, 'the manifest and the other members of the head', header.kind === 'end' ? 'the end' : JSON.stringify(header.entry.path.slice(0, 200)));
    }
    const { entry } = header;
    const limit = headMembers.get(entry.path) ?? 0;
    if (entry.size > limit) throw damaged(`${path}: ${entry.path}`, `at most ${limit} bytes`, `${entry.size} bytes`);
    const bytes = Buffer.from(await tar.read(at, entry.size));
    if (bytes.length < entry.size) throw damaged(`${path}: ${entry.path}`, `${entry.size} bytes`, `${bytes.length} bytes: the file was cut`);
    if (members.has(entry.path)) throw damaged(path, 'each member once', `${entry.path} twice`);
    members.set(entry.path, bytes);
    await checkZeros(tar, at + entry.size, at + paddedSize(entry.size));
    at += paddedSize(entry.size);
  }
  const manifestBytes = members.get(manifestPath) ?? Buffer.alloc(0);
  const manifest = parseManifest(manifestBytes, path);
  if (at % alignmentBytes !== 0) throw damaged(path, `content that starts at a multiple of ${alignmentBytes}`, `byte ${at}`);
  if (mark.of !== manifest.volumes.length) throw damaged(path, `volume 1 to ${manifest.volumes.length} of ${manifest.volumes.length}`, `volume ${mark.number} of ${mark.of}`);
  return {
    path, number: mark.number, size, contentStart: at, manifest, manifestBytes, signature: members.get(signaturePath),
    head: new Map([...members].map(([name, bytes]) => [name, digestOf(bytes)])),
  };
}

const headMembers: ReadonlyMap<string, number> = new Map([
  [manifestPath, maxManifestBytes], [signaturePath, maxSignatureBytes], ['README.txt', maxHeadBytes], ['oci-layout', 4096], ['index.json', maxHeadBytes],
]);

/** Where the tar starts: at byte 0, or behind the script of a self-extracting archive. */
async function originOf(tar: TarWindow): Promise<number> {
  const stub = parseStub(await tar.read(0, 512));
  const origin = stub === undefined ? 0 : stubBytes;
  if (stub !== undefined && tar.size !== origin + stub.size) throw damaged(tar.path, `${origin + stub.size} bytes`, `${tar.size} bytes: it was cut, or something was appended`);
  const start = await tar.read(origin, 512);
  const name = start.toString('latin1', 0, manifestPath.length + 1);
  if (start.length === 512 && name === `${manifestPath}\0`) return origin;
  throw new BundleError('INPUT_ARCHIVE_FORMAT', {
    subject: tar.path, expected: `an archive: a tar file whose first member is ${manifestPath}`,
    actual: tar.size === 0 ? 'an empty file' : tar.size < 512 ? `a file of ${tar.size} bytes` : 'something else',
  });
}

/** Throws `INTEGRITY_ARCHIVE` when a byte of padding is not zero. */
export async function checkZeros(tar: TarWindow, from: number, to: number): Promise<void> {
  const bytes = await tar.read(from, to - from);
  if (bytes.length === to - from && bytes.every((byte) => byte === 0)) return;
  throw damaged(tar.path, `zeros from byte ${from} to ${to}`, bytes.length < to - from ? 'the end of the file: it was cut' : 'something else');
}

/**
 * The archive that the files make up, in any order. Throws `INTEGRITY_ARCHIVE` for a volume given twice and for one of another archive, each
 * named; volumes that are missing are only listed.
 */
export async function openArchive(paths: readonly string[]): Promise<Archive> {
  const volumes = new Map<number, ArchiveVolume>();
  let first: ArchiveVolume | undefined;
  for (const path of paths) {
    const volume = await openVolume(path);
    first ??= volume;
    if (digestOf(volume.manifestBytes) !== digestOf(first.manifestBytes)) {
      throw unfitting(path, { expected: `a volume of the archive of ${first.path} (${nameOf(first.manifest)})`, actual: `one of another archive (${nameOf(volume.manifest)})`, next: 'Name the volumes of one archive.' });
    }
    const twin = volumes.get(volume.number);
    if (twin !== undefined) throw unfitting(path, { expected: 'each volume once', actual: `volume ${volume.number} again, which ${twin.path} is too`, next: 'Name one of the two.' });
    volumes.set(volume.number, volume);
  }
  if (first === undefined) throw new BundleError('INPUT_FLAG', { subject: 'archive', expected: 'at least one file', actual: 'none' });
  const signed = [...volumes.values()].find((volume) => volume.signature !== undefined) ?? first;
  return {
    archive: digestOf(first.manifestBytes), manifest: first.manifest, manifestBytes: first.manifestBytes, signature: signed.signature, volumes,
    missing: first.manifest.volumes.map(({ number }) => number).filter((number) => !volumes.has(number)),
  };
}

function nameOf(manifest: Manifest): string {
  return `${manifest.project}, sequence ${manifest.sequence}`;
}

/** Passes when every volume is there, else throws `INTEGRITY_ARCHIVE` naming the missing ones. */
export function checkComplete(archive: Archive): void {
  if (archive.missing.length === 0) return;
  const of = archive.manifest.volumes.length;
  throw new BundleError('INTEGRITY_ARCHIVE', {
    subject: nameOf(archive.manifest), expected: `all ${of} volumes`, actual: `${of - archive.missing.length}; missing: ${archive.missing.join(', ')}`,
    next: 'Name the missing volumes too; files of several folders and disks can be given at once, in any order.', details: { missingVolumes: archive.missing },
  });
}
