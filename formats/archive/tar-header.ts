// Tar headers: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format". FORMAT.md, sections 2 and 3.
import { Header, Pax } from 'tar';
import { BundleError } from '../../bom/errors.ts';

export const blockBytes = 512;
/** An extended header of this format holds at most a path, a link path and a size. */
const maxExtendedBytes = 64 * 1024;

export type EntryType = 'File' | 'Link';

/** One member as its headers say it. `linkpath` stands for hard links only, whose size is 0. */
export interface TarEntry {
  readonly path: string;
  readonly type: EntryType;
  /** Bytes of content, without padding. */
  readonly size: number;
  readonly linkpath?: string;
  readonly mode: number;
}

/** A member that an archive of this format never has; tars of other content may. */
export interface TarSymbolicLink extends Omit<TarEntry, 'type'> {
  readonly type: 'SymbolicLink';
  readonly linkpath: string;
}

/** Content and its padding: whole blocks. */
export function paddedSize(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

/**
 * The one form of a member's headers: owner 0:0 without names, `time` (seconds since 1970), and in front an extended header when the path
 * is not ASCII or too long, or when the size needs one. Always whole blocks.
 */
export function encodeEntry(entry: TarEntry | TarSymbolicLink, time: number): Buffer {
  const header = new Header({
    path: entry.path, type: entry.type, size: entry.size, mode: entry.mode, uid: 0, gid: 0, uname: '', gname: '', devmaj: 0, devmin: 0,
    mtime: new Date(time * 1000), ...(entry.linkpath === undefined ? {} : { linkpath: entry.linkpath }),
  });
  const block = Buffer.alloc(blockBytes);
  if (!header.encode(block)) return block;
  const body = new Pax({
    path: entry.path, size: entry.size, ...(entry.linkpath === undefined ? {} : { linkpath: entry.linkpath }),
  }).encodeBody();
  return Buffer.concat([extended('ExtendedHeader', Buffer.from(body), time), block]);
}

/** Length of {@link encodeEntry}, which most members need not be encoded for. */
export function entryBytes(entry: TarEntry): number {
  const isPlain = entry.size < 2 ** 33 && isShortAscii(entry.path) && (entry.linkpath === undefined || isShortAscii(entry.linkpath));
  return isPlain ? blockBytes : encodeEntry(entry, 0).length;
}

function isShortAscii(path: string): boolean {
  return path.length < 100 && /^[\u0020-\u007e]*$/.test(path);
}

/** Which volume of how many; both from 1. */
export interface VolumeMark {
  readonly number: number;
  readonly of: number;
}

/** Padding as a global extended header with nothing but a comment that says which volume this is: `bytes` in all, whole blocks, two or more. */
export function encodePadding(bytes: number, time: number, mark: VolumeMark): Buffer {
  const length = bytes - blockBytes;
  const start = `${length} comment=longshore volume ${mark.number} of ${mark.of} `;
  return extended('GlobalExtendedHeader', Buffer.from(`${start.padEnd(length - 1, '-')}\n`), time);
}

function extended(type: 'ExtendedHeader' | 'GlobalExtendedHeader', body: Buffer, time: number): Buffer {
  const result = Buffer.alloc(blockBytes + paddedSize(body.length));
  new Header({
    path: 'PaxHeader', type, size: body.length, mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', devmaj: 0, devmin: 0, mtime: new Date(time * 1000),
  }).encode(result);
  body.copy(result, blockBytes);
  return result;
}

/** What stands at one place of a tar file. */
export type DecodedHeader =
  | { readonly kind: 'entry'; readonly entry: TarEntry; readonly headerBytes: number }
  /** A global extended header; only padding uses one. */
  | { readonly kind: 'padding'; readonly headerBytes: number; readonly mark: VolumeMark }
  /** A block of zeros: the end. */
  | { readonly kind: 'end' }
  /** `bytes` are too few to tell. */
  | { readonly kind: 'more'; readonly needed: number };

/**
 * The header at the start of `bytes`. Accepts exactly what {@link encodeEntry} and {@link encodePadding} write with this `time` (any time
 * when it is left out) and throws `INTEGRITY_ARCHIVE` for everything else: other types, owners, modes, bad checksums, foreign records.
 * `where` says whose header it is.
 */
export function decodeHeader(bytes: Buffer, where: string, time?: number): DecodedHeader {
  if (bytes.length < blockBytes) return { kind: 'more', needed: blockBytes };
  const first = decodeBlock(bytes, where);
  if (first.nullBlock) return { kind: 'end' };
  const mtime = time ?? seconds(first);
  if (first.type === 'File' || first.type === 'Link') return canonical(first, bytes, { where, time: mtime });
  if (first.type !== 'ExtendedHeader' && first.type !== 'GlobalExtendedHeader') throw foreign(where, `a member of type ${JSON.stringify(first.typeKey)}`);
  const length = first.size ?? 0;
  if (length > maxExtendedBytes) throw foreign(where, `an extended header of ${length} bytes`);
  const extendedBytes = blockBytes + paddedSize(length);
  if (first.type === 'GlobalExtendedHeader') {
    if (bytes.length < extendedBytes) return { kind: 'more', needed: extendedBytes };
    const [, number, of] = /^\d+ comment=longshore volume ([1-9]\d{0,5}) of ([1-9]\d{0,5}) /.exec(bytes.toString('latin1', blockBytes, 2 * blockBytes)) ?? [];
    const mark = { number: Number(number), of: Number(of) };
    if (number === undefined || mark.number > mark.of || !bytes.subarray(0, extendedBytes).equals(encodePadding(extendedBytes, mtime, mark))) throw foreign(where, 'a global extended header that is no padding');
    return { kind: 'padding', headerBytes: extendedBytes, mark };
  }
  const needed = extendedBytes + blockBytes;
  if (bytes.length < needed) return { kind: 'more', needed };
  const records = Pax.parse(bytes.subarray(blockBytes, blockBytes + length).toString('utf8'));
  return canonical(decodeBlock(bytes, where, extendedBytes, records), bytes, { where, time: mtime });
}

function decodeBlock(bytes: Buffer, where: string, offset = 0, records?: Pax): Header {
  const header = new Header(bytes, offset, records);
  // The extended header's path is the whole one: the library puts the block's prefix in front of it once more.
  if (records?.path !== undefined) header.path = records.path;
  if (header.nullBlock && !bytes.subarray(offset, offset + blockBytes).every((byte) => byte === 0)) throw foreign(where, 'a damaged header');
  if (!header.nullBlock && !header.cksumValid) throw foreign(where, 'a header with a wrong checksum');
  return header;
}

const seconds = (header: Header): number => Math.floor((header.mtime?.getTime() ?? 0) / 1000);

/** The entry, when its headers are byte for byte what this format writes for it. */
function canonical(header: Header, bytes: Buffer, { where, time }: { readonly where: string; readonly time: number }): DecodedHeader {
  const type = header.type;
  if (type !== 'File' && type !== 'Link') throw foreign(where, `a member of type ${JSON.stringify(header.typeKey)}`);
  const entry: TarEntry = {
    path: header.path ?? '', type, size: header.size ?? 0, mode: header.mode ?? 0, ...(type === 'Link' ? { linkpath: header.linkpath ?? '' } : {}),
  };
  let expected: Buffer;
  try {
    expected = encodeEntry(entry, time);
  } catch (cause) {
    throw foreign(where, 'a header that cannot be written back', cause);
  }
  if (!Number.isSafeInteger(entry.size) || bytes.length < expected.length || !bytes.subarray(0, expected.length).equals(expected)) {
    throw foreign(where, `a header that is not in the form of this format (${JSON.stringify(entry.path.slice(0, 200))})`);
  }
  return { kind: 'entry', entry, headerBytes: expected.length };
}

function foreign(where: string, actual: string, cause?: unknown): BundleError {
  return new BundleError('INTEGRITY_ARCHIVE', { subject: where, expected: 'a tar header as FORMAT.md, section 3, describes it', actual }, { cause });
}

/**
 * Passes for a member path that stays below the folder it is unpacked in on every system: relative, `/` between segments, none of them empty,
 * `.` or `..`, no backslash, no control character, well-formed text of at most 4,096 bytes.
 */
export function isSafePath(path: string): boolean {
  return path.isWellFormed() && Buffer.byteLength(path) <= 4096 && !/[\u0000-\u001f\u007f\\]/.test(path)
    && path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}
