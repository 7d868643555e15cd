// Header structures of .rpm files: the RPM reference manual, "RPM V4 Package format" ("Header structure", "Immutable regions").
import { isUtf8 } from 'node:buffer';
import { BundleError } from '../../bom/errors.ts';

/** Tags by the names that rpm gives them. */
export const rpmTag = {
  headerSignatures: 62, headerImmutable: 63,
  // of the signature header
  dsaHeader: 267, rsaHeader: 268, sha1Header: 269, longSigSize: 270, longArchiveSize: 271, sha256Header: 273, openPgp: 278,
  sigSize: 1000, sigPgp: 1002, sigMd5: 1004, sigGpg: 1005, sigPayloadSize: 1007,
  // of the main header
  name: 1000, version: 1001, release: 1002, epoch: 1003, summary: 1004, description: 1005, buildTime: 1006, buildHost: 1007, size: 1009, vendor: 1011,
  licence: 1014, packager: 1015, group: 1016, url: 1020, arch: 1022, oldFileNames: 1027, fileModes: 1030, fileFlags: 1037, sourceRpm: 1044, archiveSize: 1046,
  provideName: 1047, requireFlags: 1048, requireName: 1049, requireVersion: 1050, noSource: 1051, noPatch: 1052, conflictFlags: 1053, conflictName: 1054,
  conflictVersion: 1055, changelogTime: 1080, changelogName: 1081, changelogText: 1082, obsoleteName: 1090, provideFlags: 1112, provideVersion: 1113,
  obsoleteFlags: 1114, obsoleteVersion: 1115, dirIndexes: 1116, baseNames: 1117, dirNames: 1118, payloadCompressor: 1125, longSize: 5009,
  recommendName: 5046, recommendVersion: 5047, recommendFlags: 5048, suggestName: 5049, suggestVersion: 5050, suggestFlags: 5051,
  supplementName: 5052, supplementVersion: 5053, supplementFlags: 5054, enhanceName: 5055, enhanceVersion: 5056, enhanceFlags: 5057,
  payloadDigest: 5092, payloadDigestAlgorithm: 5093, modularityLabel: 5096, payloadDigestAlt: 5097,
} as const;

const magic = 0x8eade801;
export const introBytes = 16;
const entryBytes = 16;
/** Types of the index: NULL, CHAR, INT8, INT16, INT32, INT64, STRING, BIN, STRING_ARRAY, I18NSTRING. */
const sizes = [0, 1, 1, 2, 4, 8, 0, 1, 0, 0];
const [typeString, typeBinary, typeStringArray, typeI18n] = [6, 7, 8, 9];
const isText = (type: number): boolean => type === typeString || type === typeStringArray || type === typeI18n;

export interface HeaderLimits { readonly entries: number; readonly bytes: number }
/** rpm's own bound on entries; its bound of 256 MiB on data is more than anybody's file list needs. */
export const mainLimits: HeaderLimits = { entries: 0xffff, bytes: 128 << 20 };
export const signatureLimits: HeaderLimits = { entries: 64, bytes: 64 << 20 };

interface Entry { readonly tag: number; readonly type: number; readonly offset: number; readonly count: number; end: number }

function refused(subject: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected: 'a whole rpm package', actual });
}

/** Bytes of the header that begins at `start`, told by its first 16 bytes. Throws `INTEGRITY_METADATA` for another magic and numbers beyond `limits`. */
export function headerBytes(bytes: Uint8Array, start: number, options: { readonly subject: string; readonly limits: HeaderLimits }): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, introBytes);
  if (view.getUint32(0) !== magic) throw refused(options.subject, `no header at byte ${start}`);
  const entries = view.getUint32(8);
  const data = view.getUint32(12);
  if (entries < 1 || entries > options.limits.entries) throw refused(options.subject, `a header with ${entries} entries`);
  if (data < 1 || data > options.limits.bytes) throw refused(options.subject, `a header with ${data} bytes of data`);
  return introBytes + entries * entryBytes + data;
}

/**
 * One header, checked when it is made: every entry of a known type, inside the data, aligned, apart from all others, each tag once, every string ended,
 * and in the main header one immutable region over all of it, so that nothing in it escapes its digest and signature.
 */
export class RpmHeader {
  private readonly subject: string;
  private readonly data: Buffer;
  private readonly entries = new Map<number, Entry>();
  /** The header as its digest and signature cover it. */
  readonly bytes: Uint8Array;

  /** `bytes` hold the header from its magic to its end. Throws `INTEGRITY_METADATA`. */
  constructor(bytes: Uint8Array, options: { readonly subject: string; readonly limits: HeaderLimits; readonly region: number }) {
    const { subject, region } = options;
    this.subject = subject;
    if (bytes.length < introBytes || headerBytes(bytes, 0, options) !== bytes.length) throw refused(subject, 'a header of another size');
    this.bytes = bytes;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = buffer.readUInt32BE(8);
    this.data = buffer.subarray(introBytes + count * entryBytes);
    for (let index = 0; index < count; index += 1) this.add(buffer, introBytes + index * entryBytes);
    this.checkApart();
    // What the signature header says is checked by what it signs; old tools left entries outside of its region.
    if (region !== rpmTag.headerSignatures) this.checkRegion(region, count);
  }

  private add(buffer: Buffer, at: number): void {
    const [tag, type, offset, count] = [buffer.readUInt32BE(at), buffer.readUInt32BE(at + 4), buffer.readInt32BE(at + 8), buffer.readUInt32BE(at + 12)];
    const what = `tag ${tag} of type ${type}, ${count} at ${offset}`;
    const size = sizes[type];
    if (this.entries.has(tag)) throw refused(this.subject, `tag ${tag} twice`);
    if (size === undefined || type === 0 || offset < 0 || offset >= this.data.length || count < 1 || count > this.data.length) throw refused(this.subject, what);
    if (type === typeString && count !== 1) throw refused(this.subject, what);
    if (size > 1 && offset % size !== 0) throw refused(this.subject, `${what}, not aligned`);
    const end = isText(type) ? this.endOfStrings(offset, count) : offset + size * count;
    if (end > this.data.length) throw refused(this.subject, `${what}, beyond its data`);
    this.entries.set(tag, { tag, type, offset, count, end });
  }

  private endOfStrings(offset: number, count: number): number {
    let at = offset;
    for (let index = 0; index < count; index += 1) {
      const end = at < this.data.length ? this.data.indexOf(0, at) : -1;
      if (end === -1) throw refused(this.subject, 'a string without an end');
      at = end + 1;
    }
    return at;
  }

  private checkApart(): void {
    let end = 0;
    for (const entry of [...this.entries.values()].sort((a, b) => a.offset - b.offset)) {
      if (entry.offset < end) throw refused(this.subject, `tag ${entry.tag} over other data`);
      end = entry.end;
    }
  }

  private checkRegion(region: number, count: number): void {
    const entry = this.entries.get(region);
    if (entry === undefined || entry.type !== typeBinary || entry.count !== entryBytes) throw refused(this.subject, `no region ${region} (a package of rpm 3 or older?)`);
    const [tag, type, offset, length] = [0, 4, 8, 12].map((at) => this.data.readInt32BE(entry.offset + at));
    if (tag !== region || type !== typeBinary || length !== entryBytes) throw refused(this.subject, `a region ${region} with a wrong end`);
    if (offset !== -count * entryBytes || entry.end !== this.data.length || this.entries.keys().next().value !== region) throw refused(this.subject, `a region ${region} that does not cover all of the header`);
  }

  /** The error for content that fits the format, but makes no sense. */
  wrong(actual: string): BundleError {
    return refused(this.subject, actual);
  }

  has(tag: number): boolean {
    return this.entries.has(tag);
  }

  /** Of the entry, or 0. */
  count(tag: number): number {
    return this.entries.get(tag)?.count ?? 0;
  }

  /** The first string (of an i18n entry: the one of the C locale). Throws `INTEGRITY_METADATA` when the tag holds something else. */
  text(tag: number): string | undefined {
    const entry = this.entries.get(tag);
    return entry === undefined ? undefined : this.stringsOf(entry, 1)[0];
  }

  texts(tag: number): readonly string[] {
    const entry = this.entries.get(tag);
    return entry === undefined ? [] : this.stringsOf(entry, entry.count);
  }

  private stringsOf({ tag, type, offset, count }: Entry, limit: number): string[] {
    if (!isText(type)) throw refused(this.subject, `tag ${tag} of type ${type} where text is needed`);
    const found: string[] = [];
    let at = offset;
    for (let index = 0; index < Math.min(count, limit); index += 1) {
      const end = this.data.indexOf(0, at);
      found.push(decodeText(this.data, at, end));
      at = end + 1;
    }
    return found;
  }

  /** The first number, or undefined. Throws `INTEGRITY_METADATA` when the tag holds something else. */
  number(tag: number): number | undefined {
    return this.numbers(tag, 1)[0];
  }

  numbers(tag: number, limit = Number.POSITIVE_INFINITY): readonly number[] {
    const entry = this.entries.get(tag);
    if (entry === undefined) return [];
    const { type, offset } = entry;
    const size = sizes[type] ?? 0;
    if (isText(type) || type === typeBinary || size === 0) throw refused(this.subject, `tag ${tag} of type ${type} where a number is needed`);
    return Array.from({ length: Math.min(entry.count, limit) }, (_, index) => {
      if (size < 8) return this.data.readUIntBE(offset + index * size, size);
      const value = this.data.readBigUInt64BE(offset + index * size);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw refused(this.subject, `the number ${value} in tag ${tag}`);
      return Number(value);
    });
  }

  binary(tag: number): Uint8Array | undefined {
    const entry = this.entries.get(tag);
    if (entry === undefined) return undefined;
    if (entry.type !== typeBinary) throw refused(this.subject, `tag ${tag} of type ${entry.type} where bytes are needed`);
    return this.data.subarray(entry.offset, entry.end);
  }
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const uncarried = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** UTF-8, as every package of today; older ones are ISO 8859-1. Control characters, which XML cannot carry, are left out. */
function decodeText(data: Buffer, from: number, to: number): string {
  const bytes = data.subarray(from, to);
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1').replace(uncarried, '');
}
