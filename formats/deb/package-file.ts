// What a .deb says of itself: deb(5), deb-control(5), deb-md5sums(5); the ar format as deb(5) describes it.
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { readTar } from '../archive/read-tar.ts';
import { type Compression, decompress } from '../compression.ts';
import { parseStanzas, type Stanza } from './deb822.ts';

export interface DebPackage {
  /** The control paragraph as it stands, without what only an index says (Filename, Size, hashes); ends without a newline. */
  readonly control: string;
  readonly fields: Stanza;
  /** Regular files without a leading `/`, as its md5sums names them; empty when it brings none. */
  readonly files: readonly string[];
}

const magic = '!<arch>\n';
const memberHeaderBytes = 60;
const maxControlBytes = 16 << 20;
const maxControlPlainBytes = 64 << 20;
const compressions: Readonly<Record<string, Compression>> = { '': 'plain', '.gz': 'gz', '.xz': 'xz', '.zst': 'zst' };
/** Fields of an index: a package that brings them itself could contradict what was measured. */
const indexFields = /^(?:filename|size|md5sum|sha1|sha256|sha512|status|conffiles)$/;

function refused(subject: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected: 'a Debian package (deb(5))', actual });
}

/** Exact counts of bytes from a stream; what is passed over is not kept. */
class Cursor {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private readonly subject: string;
  private rest: Uint8Array = new Uint8Array(0);

  constructor(bytes: Bytes, subject: string) {
    this.iterator = bytes[Symbol.asyncIterator]();
    this.subject = subject;
  }

  /** The next bytes, at most `most` and at least one; empty at the end. */
  private async some(most: number): Promise<Uint8Array> {
    while (this.rest.length === 0) {
      const next = await this.iterator.next();
      if (next.done === true) return this.rest;
      this.rest = next.value;
    }
    const part = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(part.length);
    return part;
  }

  /** Exactly `count` bytes; undefined when there is none at all. */
  async take(count: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (length < count) {
      const part = await this.some(count - length);
      if (part.length === 0) {
        if (length === 0) return undefined;
        throw refused(this.subject, 'an end in the middle');
      }
      parts.push(Uint8Array.from(part));
      length += part.length;
    }
    return Buffer.concat(parts, length);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (part.length === 0) throw refused(this.subject, 'an end in the middle');
      left -= part.length;
    }
  }

  async close(): Promise<void> { await this.iterator.return?.(undefined); }
}

interface Member { readonly name: string; readonly size: number }

async function nextMember(cursor: Cursor, subject: string): Promise<Member | undefined> {
  const header = (await cursor.take(memberHeaderBytes))?.toString('latin1');
  if (header === undefined) return undefined;
  const size = header.slice(48, 58).trimEnd();
  if (!header.endsWith('`\n') || !/^\d{1,10}$/.test(size)) throw refused(subject, 'a damaged member header');
  return { name: header.slice(0, 16).trimEnd().replace(/\/$/, ''), size: Number(size) };
}

/** The control member, decoded. */
async function controlTar(cursor: Cursor, { name, size }: Member, subject: string): Promise<Buffer> {
  const compression = compressions[name.slice('control.tar'.length)];
  if (!name.startsWith('control.tar') || compression === undefined) throw refused(subject, `${JSON.stringify(name)} where control.tar should stand`);
  if (size > maxControlBytes) throw refused(subject, `a control archive of ${size} bytes`);
  const bytes = size === 0 ? undefined : await cursor.take(size);
  await cursor.skip(size % 2);
  if (bytes === undefined || bytes.length !== size) throw refused(subject, 'no control archive');
  return decompress(bytes, compression, { subject: `${subject}, ${name}`, maxBytes: maxControlPlainBytes });
}

/** Members behind the control archive: the content, whole, and nothing that dpkg would refuse. */
async function passContent(cursor: Cursor, subject: string): Promise<void> {
  let hasContent = false;
  for (let member = await nextMember(cursor, subject); member !== undefined; member = await nextMember(cursor, subject)) {
    if (/^data\.tar(?:\.(?:gz|xz|zst|bz2|lzma))?$/.test(member.name)) hasContent = true;
    else if (!hasContent && !member.name.startsWith('_')) throw refused(subject, `${JSON.stringify(member.name)} where data.tar should stand`);
    await cursor.skip(member.size + (member.size % 2));
  }
  if (!hasContent) throw refused(subject, 'no data.tar');
}

function withoutIndexFields(text: string): string {
  let keeps = true;
  return text.split('\n').filter((line) => {
    if (!/^[ \t]/.test(line)) keeps = !indexFields.test(line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase());
    return keeps;
  }).join('\n').trimEnd();
}

/**
 * Reads a whole .deb from its bytes: deb format 2, the control archive plain, gz, xz or zstd. Holds the control archive only. Throws
 * `INTEGRITY_METADATA` for what dpkg would not take: another order of members, lengths that lie, a damaged or huge control archive, no or
 * several paragraphs, a missing Package, Version or Architecture.
 */
export async function readDebPackage(bytes: Bytes, subject: string): Promise<DebPackage> {
  const cursor = new Cursor(bytes, subject);
  try {
    if ((await cursor.take(magic.length))?.toString('latin1') !== magic) throw refused(subject, 'other bytes at its start');
    const first = await nextMember(cursor, subject);
    if (first?.name !== 'debian-binary' || first.size < 4 || first.size > 64) throw refused(subject, 'no debian-binary in front');
    const format = (await cursor.take(first.size))?.toString('latin1') ?? '';
    if (!/^2\.\d+\n/.test(format)) throw refused(subject, `the format ${JSON.stringify(format)}`);
    await cursor.skip(first.size % 2);
    let member = await nextMember(cursor, subject);
    while (member?.name.startsWith('_') === true) {
      await cursor.skip(member.size + (member.size % 2));
      member = await nextMember(cursor, subject);
    }
    if (member === undefined) throw refused(subject, 'no control archive');
    const files = [...readTar(await controlTar(cursor, member, subject), subject)].filter(({ type }) => type === 'file').map(({ path, content }) => ({ path: path.replace(/^(?:\.\/)+/, ''), content: Buffer.from(content) }));
    await passContent(cursor, subject);
    return parts(files, subject);
  } finally {
    await cursor.close();
  }
}

function parts(files: readonly { readonly path: string; readonly content: Buffer }[], subject: string): DebPackage {
  const text = files.find(({ path }) => path === 'control')?.content.toString('utf8');
  if (text === undefined) throw refused(subject, 'a control archive without control');
  const control = withoutIndexFields(text.replaceAll('\r\n', '\n').trim());
  const [fields, second] = parseStanzas(control, { subject: `${subject}, control` });
  if (fields === undefined || second !== undefined) throw refused(subject, fields === undefined ? 'an empty control' : 'a control of several paragraphs');
  for (const name of ['package', 'version', 'architecture']) if ((fields.get(name) ?? '').trim() === '') throw refused(subject, `a control without ${name}`);
  const sums = files.find(({ path }) => path === 'md5sums')?.content.toString('utf8') ?? '';
  const listed = sums.split('\n').flatMap((line) => /^[0-9a-f]{32}\s+\*?(.+)$/.exec(line)?.[1] ?? []);
  return { control, fields, files: listed };
}
