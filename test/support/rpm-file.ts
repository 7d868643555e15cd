// Makes .rpm files of format 4 in code, well formed or not: for tests that need no rpmbuild.
import { createHash } from 'node:crypto';
import { rpmTag } from '../../formats/rpm/header.ts';

export type TagValue =
  | { readonly type: 'string' | 'i18n'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'int16' | 'int32' | 'int64'; readonly value: readonly number[] }
  | { readonly type: 'binary'; readonly value: Uint8Array };

const codes = { int16: 3, int32: 4, int64: 5, string: 6, binary: 7, strings: 8, i18n: 9 } as const;
const widths = { int16: 2, int32: 4, int64: 8, string: 1, binary: 1, strings: 1, i18n: 1 } as const;

function encoded(tag: TagValue): { readonly bytes: Buffer; readonly count: number } {
  switch (tag.type) {
    case 'string': case 'i18n': return { bytes: Buffer.from(`${tag.value}\0`), count: 1 };
    case 'strings': return { bytes: Buffer.from(tag.value.map((each) => `${each}\0`).join('')), count: tag.value.length };
    case 'binary': return { bytes: Buffer.from(tag.value), count: tag.value.length };
    default: {
      const width = widths[tag.type];
      const bytes = Buffer.alloc(width * tag.value.length);
      for (const [index, value] of tag.value.entries()) {
        if (tag.type === 'int64') bytes.writeBigUInt64BE(BigInt(value), index * width);
        else bytes.writeUIntBE(value, index * width, width);
      }
      return { bytes, count: tag.value.length };
    }
  }
}

/** A header with its region; `change` may spoil the finished bytes. */
export function makeHeader(region: number, tags: ReadonlyMap<number, TagValue>, change?: (bytes: Buffer) => void): Buffer {
  const entries = [...tags].sort(([a], [b]) => a - b);
  const index: number[] = [];
  const data: Buffer[] = [];
  let length = 0;
  for (const [tag, value] of entries) {
    const padding = (widths[value.type] - (length % widths[value.type])) % widths[value.type];
    const { bytes, count } = encoded(value);
    index.push(tag, codes[value.type], length + padding, count);
    data.push(Buffer.alloc(padding), bytes);
    length += padding + bytes.length;
  }
  const count = entries.length + 1;
  const words = [0x8eade801, 0, count, length + 16, region, 7, length, 16, ...index];
  const head = Buffer.alloc(words.length * 4);
  for (const [at, word] of words.entries()) head.writeUInt32BE(word, at * 4);
  const trailer = Buffer.alloc(16);
  for (const [at, word] of [region, 7, -count * 16, 16].entries()) trailer.writeInt32BE(word, at * 4);
  const header = Buffer.concat([head, ...data, trailer]);
  change?.(header);
  return header;
}

export interface RpmParts {
  readonly tags?: ReadonlyMap<number, TagValue>;
  readonly signature?: (header: Buffer, payload: Buffer) => ReadonlyMap<number, TagValue>;
  readonly payload?: Uint8Array;
  readonly changeHeader?: (bytes: Buffer) => void;
  readonly changeSignature?: (bytes: Buffer) => void;
}

const string = (value: string): TagValue => ({ type: 'string', value });

/** What every package has. */
export function basicTags(name: string, more: Iterable<readonly [number, TagValue]> = []): Map<number, TagValue> {
  return new Map<number, TagValue>([
    [rpmTag.name, string(name)], [rpmTag.version, string('1')], [rpmTag.release, string('2')], [rpmTag.arch, string('noarch')], [rpmTag.sourceRpm, string(`${name}-1-2.src.rpm`)],
    [rpmTag.summary, { type: 'i18n', value: `The ${name}` }], [rpmTag.description, { type: 'i18n', value: `All about ${name}` }], [rpmTag.licence, string('MIT')],
    [rpmTag.buildTime, { type: 'int32', value: [1_700_000_000] }], [rpmTag.size, { type: 'int32', value: [10] }],
    ...more,
  ]);
}

/** Digests as rpmbuild writes them into the signature header. */
export function digestTags(header: Buffer, payload: Buffer): Map<number, TagValue> {
  return new Map<number, TagValue>([
    [rpmTag.sha256Header, string(createHash('sha256').update(header).digest('hex'))],
    [rpmTag.sigSize, { type: 'int32', value: [header.length + payload.length] }],
    [rpmTag.sigMd5, { type: 'binary', value: createHash('md5').update(header).update(payload).digest() }],
  ]);
}

export function makeRpm(name: string, parts: RpmParts = {}): Buffer {
  const payload = Buffer.from(parts.payload ?? Buffer.from(`payload of ${name}`));
  const digest = createHash('sha256').update(payload).digest('hex');
  const withDigest: readonly [number, TagValue][] = [[rpmTag.payloadDigest, { type: 'strings', value: [digest] }], [rpmTag.payloadDigestAlgorithm, { type: 'int32', value: [8] }]];
  const header = makeHeader(rpmTag.headerImmutable, new Map([...withDigest, ...(parts.tags ?? basicTags(name))]), parts.changeHeader);
  const signature = makeHeader(rpmTag.headerSignatures, (parts.signature ?? digestTags)(header, payload), parts.changeSignature);
  const lead = Buffer.alloc(96);
  lead.set([0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1]);
  lead.write(`${name}-1-2`, 10);
  lead[77] = 1;
  lead[79] = 5;
  return Buffer.concat([lead, signature, Buffer.alloc((8 - (signature.length % 8)) % 8), header, payload]);
}
