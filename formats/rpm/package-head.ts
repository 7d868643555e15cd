// The head of an .rpm file: the RPM reference manual, "RPM V4 Package format" (lead, signature header, main header; the payload follows).
import { BundleError } from '../../bom/errors.ts';
import { headerBytes, introBytes, mainLimits, RpmHeader, rpmTag, signatureLimits } from './header.ts';

const leadBytes = 96;
const leadMagic = 0xedabeedb;
const aligned = (value: number): number => Math.ceil(value / 8) * 8;

/** All of an .rpm that comes before its payload. */
export interface RpmHead {
  readonly signature: RpmHeader;
  readonly header: RpmHeader;
  /** Bytes of the file that hold the main header; the payload begins at `end`. */
  readonly headerRange: { readonly start: number; readonly end: number };
}

function checkLead(bytes: Uint8Array, subject: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, leadBytes);
  const actual = view.getUint32(0) !== leadMagic ? 'other bytes at its beginning' : view.getUint8(4) < 3 ? `format ${view.getUint8(4)}` : view.getUint16(78) !== 5 ? `signature type ${view.getUint16(78)}` : undefined;
  if (actual !== undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'an rpm package of format 3 or 4', actual });
}

/**
 * How many bytes from the beginning of the file are needed to go on, given its first bytes: more than `prefix` has, or exactly what {@link parseRpmHead}
 * takes. Ask again after each read: 112, then up to the main header's beginning, then all. Throws `INTEGRITY_METADATA` as soon as the bytes are wrong.
 */
export function rpmHeadBytes(prefix: Uint8Array, subject: string): number {
  const first = leadBytes + introBytes;
  if (prefix.length >= leadBytes) checkLead(prefix, subject);
  if (prefix.length < first) return first;
  const start = leadBytes + aligned(headerBytes(prefix, leadBytes, { subject, limits: signatureLimits }));
  if (prefix.length < start + introBytes) return start + introBytes;
  return start + headerBytes(prefix, start, { subject, limits: mainLimits });
}

/** The head of the package whose first bytes these are; what follows the head is not looked at. Throws `INTEGRITY_METADATA`: see {@link RpmHeader}, and cut. */
export function parseRpmHead(bytes: Uint8Array, subject: string): RpmHead {
  const end = rpmHeadBytes(bytes, subject);
  if (bytes.length < end) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `${end} bytes of headers`, actual: `${bytes.length}` });
  const signatureEnd = leadBytes + headerBytes(bytes, leadBytes, { subject, limits: signatureLimits });
  const start = aligned(signatureEnd);
  return {
    signature: new RpmHeader(bytes.subarray(leadBytes, signatureEnd), { subject: `${subject}, signature header`, limits: signatureLimits, region: rpmTag.headerSignatures }),
    header: new RpmHeader(bytes.subarray(start, end), { subject: `${subject}, header`, limits: mainLimits, region: rpmTag.headerImmutable }),
    headerRange: { start, end },
  };
}

/** {@link parseRpmHead}, asking `read` for bytes `start` to `end` of the file as far as they are needed. `sizeBytes` is the file's. */
export async function readRpmHead(read: (start: number, end: number) => Promise<Uint8Array>, options: { readonly subject: string; readonly sizeBytes: number; readonly guessBytes?: number }): Promise<RpmHead> {
  const { subject, sizeBytes } = options;
  let bytes = await read(0, Math.min(sizeBytes, options.guessBytes ?? 16 << 10));
  for (;;) {
    const needed = rpmHeadBytes(bytes, subject);
    if (needed <= bytes.length) return parseRpmHead(bytes, subject);
    if (needed > sizeBytes) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `headers within its ${sizeBytes} bytes`, actual: `${needed} bytes of headers` });
    const more = await read(bytes.length, needed);
    if (more.length !== needed - bytes.length) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `${needed} bytes of headers`, actual: `${bytes.length + more.length}` });
    bytes = Buffer.concat([bytes, more]);
  }
}
