// DER, as far as certificates need it: ITU-T X.690 (2021), sections 8 and 10.
type Der = Uint8Array;

/** Any value: tag, definite length, content. */
export function tlv(tag: number, ...content: readonly Der[]): Der {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xffff ? 6 : body.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

export const sequence = (...items: readonly Der[]): Der => tlv(0x30, ...items);
export const set = (...items: readonly Der[]): Der => tlv(0x31, ...items);
/** Context-specific tag [n], constructed (explicit). */
export const explicit = (n: number, ...items: readonly Der[]): Der => tlv(0xa0 | n, ...items);
/** Context-specific tag [n], primitive (implicit). */
export const implicit = (n: number, content: Der): Der => tlv(0x80 | n, content);
export const octetString = (content: Der): Der => tlv(0x04, content);
export const utf8String = (text: string): Der => tlv(0x0c, Buffer.from(text));
export const boolean = (value: boolean): Der => tlv(0x01, Buffer.from([value ? 0xff : 0]));

/** A whole number of 0 or more, from its big-endian bytes. */
export function integer(bytes: Der): Der {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const body = bytes.subarray(start);
  return ((body[0] ?? 0) & 0x80) !== 0 ? tlv(0x02, Buffer.from([0]), body) : tlv(0x02, body);
}

/** `unused` bits at the end of the last byte do not count. */
export function bitString(content: Der, unused = 0): Der {
  return tlv(0x03, Buffer.from([unused]), content);
}

/** `1.2.840.…`; every arc below 2^31. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return tlv(0x06, Buffer.from(bytes));
}

/** RFC 5280, section 4.1.2.5: UTCTime through 2049, GeneralizedTime after; whole seconds. */
export function time(date: Date): Der {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '');
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${digits}Z`));
}
