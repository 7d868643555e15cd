// OpenPGP packets as rpm headers hold them: RFC 4880, sections 3.2 (MPIs), 4.2 (packet headers), 5.2.2 (signatures of version 3) and 5.2.3 (of version 4).

export interface SignaturePacket {
  readonly version: 3 | 4;
  readonly type: number;
  /** Of the public key: 1 RSA, 17 DSA, 22 EdDSA, … (section 9.1). */
  readonly algorithm: number;
  /** Section 9.4. */
  readonly hash: number;
  /** Seconds since 1970. */
  readonly created: number;
  /** Seconds after its creation; 0: never. */
  readonly expiresAfter: number;
  /** 16 upper-case hex digits; '' when the packet names none. */
  readonly keyId: string;
  /** Hashed after the content (section 5.2.4). */
  readonly trailer: Uint8Array;
  /** The first two bytes of the hash. */
  readonly left16: number;
  readonly mpis: readonly Uint8Array[];
}

/** What is no signature that can be judged, and why. */
export interface UnreadableSignature { readonly unreadable: string }

class Bytes {
  private readonly buffer: Buffer;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number { return this.buffer.length - this.at; }

  number(size: 1 | 2 | 4): number {
    return this.take(size).readUIntBE(0, size);
  }

  take(size: number): Buffer {
    if (size > this.left) throw new Cut();
    this.at += size;
    return this.buffer.subarray(this.at - size, this.at);
  }
}

class Cut extends Error {}

interface Packet { readonly tag: number; readonly body: Buffer }

function readPacket(bytes: Bytes): Packet {
  const first = bytes.number(1);
  if ((first & 0x80) === 0) throw new Cut();
  if ((first & 0x40) === 0) {
    const kind = first & 3;
    const length = kind === 0 ? bytes.number(1) : kind === 1 ? bytes.number(2) : kind === 2 ? bytes.number(4) : bytes.left;
    return { tag: (first >> 2) & 15, body: bytes.take(length) };
  }
  return { tag: first & 63, body: bytes.take(newLength(bytes)) };
}

/** Sections 4.2.2 and 5.2.3.1; partial lengths have no place in a header. */
function newLength(bytes: Bytes, partialAllowed = false): number {
  const first = bytes.number(1);
  if (first < 192) return first;
  if (first === 255) return bytes.number(4);
  if (first < 224 || partialAllowed) return ((first - 192) << 8) + bytes.number(1) + 192;
  throw new Cut();
}

function readMpis(bytes: Bytes): Uint8Array[] {
  const mpis: Uint8Array[] = [];
  while (bytes.left > 0) mpis.push(bytes.take((bytes.number(2) + 7) >> 3));
  return mpis;
}

function readVersion3(bytes: Bytes): SignaturePacket | UnreadableSignature {
  if (bytes.number(1) !== 5) return { unreadable: 'a signature of version 3 with other hashed material' };
  const trailer = bytes.take(5);
  const keyId = bytes.take(8).toString('hex').toUpperCase();
  const [algorithm, hash, left16] = [bytes.number(1), bytes.number(1), bytes.number(2)];
  return { version: 3, type: trailer.readUInt8(0), created: trailer.readUInt32BE(1), expiresAfter: 0, keyId, algorithm, hash, left16, trailer, mpis: readMpis(bytes) };
}

interface Subpackets { created?: number; expiresAfter?: number; issuer?: string; unknown?: number }

/** Those that matter here; another one that is marked critical makes the signature unreadable. */
function readSubpackets(area: Uint8Array): Subpackets {
  const bytes = new Bytes(area);
  const found: Subpackets = {};
  while (bytes.left > 0) {
    const body = bytes.take(newLength(bytes, true));
    if (body.length === 0) throw new Cut();
    const type = body.readUInt8(0);
    const value = new Bytes(body.subarray(1));
    switch (type & 0x7f) {
      case 2: found.created = value.number(4); break;
      case 3: found.expiresAfter = value.number(4); break;
      case 16: found.issuer = value.take(8).toString('hex').toUpperCase(); break;
      // Of version 4 the key id is the end of the fingerprint.
      case 33: if (value.number(1) === 4) found.issuer ??= value.take(20).subarray(12).toString('hex').toUpperCase(); break;
      case 20: case 22: case 24: case 25: case 26: case 28: break;
      default: if (type >= 0x80) found.unknown = type & 0x7f;
    }
  }
  return found;
}

function readVersion4(bytes: Bytes, body: Buffer): SignaturePacket | UnreadableSignature {
  const [type, algorithm, hash] = [bytes.number(1), bytes.number(1), bytes.number(1)];
  const hashed = bytes.take(bytes.number(2));
  const covered = body.subarray(0, bytes.at);
  const unhashed = bytes.take(bytes.number(2));
  const left16 = bytes.number(2);
  const facts = readSubpackets(hashed);
  if (facts.unknown !== undefined) return { unreadable: `a signature with the unknown critical subpacket ${facts.unknown}` };
  if (facts.created === undefined) return { unreadable: 'a signature without a time' };
  const length = Buffer.alloc(4);
  length.writeUInt32BE(covered.length);
  return {
    version: 4, type, algorithm, hash, left16, created: facts.created, expiresAfter: facts.expiresAfter ?? 0,
    keyId: facts.issuer ?? readSubpackets(unhashed).issuer ?? '',
    trailer: Buffer.concat([covered, Buffer.from([4, 0xff]), length]),
    mpis: readMpis(bytes),
  };
}

function readSignature({ tag, body }: Packet): SignaturePacket | UnreadableSignature {
  if (tag !== 2) return { unreadable: `a packet ${tag} that is no signature` };
  const bytes = new Bytes(body);
  const version = bytes.number(1);
  if (version === 3) return readVersion3(bytes);
  if (version === 4) return readVersion4(bytes, body);
  return { unreadable: `a signature of version ${version}` };
}

/** Every packet of `bytes` in order. Never empty, never throws: what cannot be read is one of them, with the reason. */
export function readSignatures(bytes: Uint8Array): readonly (SignaturePacket | UnreadableSignature)[] {
  const reader = new Bytes(bytes);
  const found: (SignaturePacket | UnreadableSignature)[] = [];
  try {
    do found.push(readSignature(readPacket(reader)));
    while (reader.left > 0);
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
    found.push({ unreadable: 'a signature that is cut or no OpenPGP packet' });
  }
  return found;
}

/** Algorithm and parameters of a public key packet's body of version 4 (section 5.5.2), or undefined for another version. */
export function readPublicKey(body: Uint8Array): { readonly algorithm: number; readonly created: number; readonly material: readonly Uint8Array[] } | undefined {
  const bytes = new Bytes(body);
  if (bytes.number(1) !== 4) return undefined;
  const created = bytes.number(4);
  const algorithm = bytes.number(1);
  // EdDSA: the curve's identifier comes before the point.
  const curve = algorithm === 22 || algorithm === 19 ? [bytes.take(bytes.number(1))] : [];
  return { algorithm, created, material: [...curve, ...readMpis(bytes)] };
}
