// Site configurations of this machine -> one plain tar each: read, redacted, scanned for secrets, stored.
import { Buffer } from 'node:buffer';
import { join, resolve } from 'node:path';
import { BundleError, checkNotAborted } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedFile } from '../../bom/lock.ts';
import type { BlobWriter, Bytes } from '../../bom/ports.ts';
import { redact } from '../../bom/redact.ts';
import type { ConfigRequirement } from '../../bom/requirement.ts';
import { scanBinary, scanText, type SecretFinding } from '../../bom/secret-scan.ts';
import { formatPosition } from '../../bom/documents/yaml-tree.ts';
import { blockBytes, encodeEntry, paddedSize } from '../../formats/archive/tar-header.ts';
import { type ConfigEntry, listConfig, readEntry } from './config-folder.ts';
import { openFile, spooled } from './file-local.ts';

export interface ConfigSource {
  /**
   * Every configuration as a tar in the store: files sorted by path, owner 0:0, one date, modes 0644 and 0755, so that the same content gives
   * the same bytes. Nothing of one with a secret is stored. Throws `INPUT_SECRET` with every place, `INPUT_FIELD`, `INPUT_SYNTAX`,
   * `INPUT_MISSING_FILE`, storage errors.
   */
  resolve(wanted: readonly ConfigRequirement[], signal: AbortSignal): Promise<{ readonly artifacts: readonly LockedFile[]; readonly warnings: readonly string[] }>;
}

export interface ConfigSourceOptions {
  readonly blobs: BlobWriter;
  readonly notify: Notify;
  /** What `~` means. */
  readonly homeFolder: string;
  /** Where a tar is kept while its digest is still unknown. */
  readonly spoolDir: string;
}

const mediaType = 'application/x-tar';
/** 1980-01-01, the oldest date that every archive format can say. */
const memberTime = 315_532_800;

export function createConfigSource(options: ConfigSourceOptions): ConfigSource {
  return {
    async resolve(wanted, signal) {
      const artifacts: LockedFile[] = [];
      const warnings: string[] = [];
      for (const requirement of wanted) {
        const { file, unread } = await resolveConfig(requirement, { ...options, signal });
        artifacts.push(file);
        if (unread.length > 0) warnings.push(`config ${file.name}: no text, so only searched for keys and tokens of a known form: ${unread.slice(0, 5).join(', ')}${unread.length > 5 ? ` and ${unread.length - 5} more` : ''}`);
        options.notify({ kind: 'done', phase: 'lock', item: `config ${file.name}`, bytes: file.size });
      }
      return { artifacts, warnings };
    },
  };
}

interface Resolving extends ConfigSourceOptions { readonly signal: AbortSignal }

async function resolveConfig(requirement: ConfigRequirement, { blobs, homeFolder, spoolDir, signal }: Resolving): Promise<{ file: LockedFile; unread: readonly string[] }> {
  const { name, path: { folder, written }, exclude, usedBy, at: [at] } = requirement;
  const subject = `${at === undefined ? '' : `${formatPosition(at)}: `}config ${name} (${written})`;
  const place = written === '~' || written.startsWith('~/') ? join(homeFolder, written.slice(1)) : resolve(folder, written);
  const entries = await listConfig({ place, exclude, subject, signal });
  if (entries.length === 0) throw new BundleError('INPUT_FIELD', { subject, expected: 'at least one file that exclude leaves', actual: 'none' });
  const reading = new Reading(requirement, subject, signal);
  const content = await spooled(reading.tar(entries), { folder: spoolDir, subject, checks: [], signal }, async (path, hashed) => {
    await blobs.put({ mediaType, ...hashed }, openFile(path, 0), signal);
    return hashed;
  });
  return {
    unread: reading.unread,
    file: {
      name, urls: [], path: written, digest: content.digest, size: content.size, mode: '0644', purpose: 'config', mediaType, trust: 'first-use', usedBy: [...usedBy],
      ...(requirement.licence === undefined ? {} : { licence: requirement.licence }),
    },
  };
}

type Found = SecretFinding & { readonly file: string };

/** One pass over the entries: what goes into the tar is what was redacted and scanned. */
class Reading {
  /** Files that are no text. */
  readonly unread: string[] = [];
  private readonly found: Found[] = [];
  private readonly usedKeys = new Set<string>();
  private readonly requirement: ConfigRequirement;
  private readonly subject: string;
  private readonly signal: AbortSignal;

  constructor(requirement: ConfigRequirement, subject: string, signal: AbortSignal) {
    this.requirement = requirement;
    this.subject = subject;
    this.signal = signal;
  }

  /** The tar. Throws at its end when there was a secret, or a key of redact that nothing has; from the first secret on it gives nothing any more. */
  async *tar(entries: readonly ConfigEntry[]): Bytes {
    for (const entry of entries) {
      checkNotAborted(this.signal, this.subject);
      const { path, link } = entry;
      if (link !== undefined) {
        if (this.found.length === 0) yield encodeEntry({ path, type: 'SymbolicLink', size: 0, linkpath: link, mode: 0o777 }, memberTime);
        continue;
      }
      const bytes = this.cleaned(path, await readEntry(entry, this.subject));
      if (this.found.length > 0) continue;
      yield encodeEntry({ path, type: 'File', size: bytes.length, mode: entry.isExecutable ? 0o755 : 0o644 }, memberTime);
      yield bytes;
      yield Buffer.alloc(paddedSize(bytes.length) - bytes.length);
    }
    this.checkFound();
    yield Buffer.alloc(2 * blockBytes);
  }

  private cleaned(path: string, bytes: Buffer): Buffer {
    const encoding = encodingOf(bytes);
    if (encoding === undefined) {
      this.unread.push(path);
      this.found.push(...scanBinary(bytes, path).map((finding) => ({ ...finding, file: path })));
      return bytes;
    }
    const before = decoded(bytes, encoding);
    const { text, used } = this.redacted(before, path);
    for (const key of used) this.usedKeys.add(key);
    this.found.push(...scanText(text.replace(/^\uFEFF/, ''), path).map((finding) => ({ ...finding, file: path })));
    return text === before ? bytes : encoded(text, encoding);
  }

  private redacted(text: string, path: string): ReturnType<typeof redact> {
    try {
      return redact(text, path, this.requirement.redact);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      throw new BundleError(error.code, { ...error.facts, subject: `${this.subject}: ${error.facts.subject}` }, { cause: error });
    }
  }

  private checkFound(): void {
    if (this.found.length > 0) throw secretError(this.subject, this.found);
    const unused = this.requirement.redact.filter((key) => !this.usedKeys.has(key));
    if (unused.length === 0) return;
    throw new BundleError('INPUT_FIELD', {
      subject: this.subject, expected: 'redact to name keys that its files have', actual: `nothing has ${unused.join(', ')}`,
      next: 'Write the path of keys from the top of the file, as in a.b.c; * stands for any one key and ** for any number.',
    });
  }
}

const shown = 20;

function secretError(subject: string, found: readonly Found[]): BundleError {
  const text = ({ file, line, rule, key }: Found): string => `${file}:${line} (${rule}${key === undefined ? '' : `: ${key}`})`;
  const [first] = found;
  const key = found.find((finding) => finding.key !== undefined)?.key;
  return new BundleError('INPUT_SECRET', {
    subject, expected: 'no secrets in what travels',
    actual: `${found.slice(0, shown).map(text).join(', ')}${found.length > shown ? ` and ${found.length - shown} more` : ''}`,
    next: `Take values out with redact: ["${key === undefined ? 'path.of.key' : `**.${key}`}"], or leave files out with exclude: ["${first?.file ?? '**/*.key'}"]. A line that holds none gets the comment \`longshore: not-a-secret\`.`,
    details: { findings: found.map(({ file, line, rule, key: name }) => ({ file, line, rule, ...(name === undefined ? {} : { key: name }) })) },
  });
}

type Encoding = 'utf8' | 'latin1' | 'utf16le' | 'utf16be';

/** How the bytes are text; undefined for content that is none. Text of an unknown 8-bit code is read byte by byte, and written back the same. */
function encodingOf(bytes: Buffer): Encoding | undefined {
  if (bytes.length % 2 === 0 && bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf16le';
  if (bytes.length % 2 === 0 && bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf16be';
  if (bytes.includes(0)) return undefined;
  return Buffer.from(bytes.toString('utf8')).equals(bytes) ? 'utf8' : 'latin1';
}

function decoded(bytes: Buffer, encoding: Encoding): string {
  return encoding === 'utf16be' ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString(encoding);
}

function encoded(text: string, encoding: Encoding): Buffer {
  return encoding === 'utf16be' ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, encoding);
}
