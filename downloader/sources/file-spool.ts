// Content whose digest is not known before its end, received so that a later run can go on with it. RFC 9110, sections 8.8.2.2 and 13.1.5.
import { readFileSync } from 'node:fs';
import { type FileHandle, lstat, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { commitFile } from '../../store/durable-file.ts';
import { isAlive } from '../../store/partials.ts';
import type { ContentIdentity } from '../../transport/http-client.ts';
import { hashBytes, type Hashed, type Hashing, openFile, storing } from './file-local.ts';

export interface From {
  readonly offset: number;
  /** What the bytes before `offset` belong to; the answer has to vouch for it. */
  readonly known?: ContentIdentity;
  readonly onIdentity: (identity: ContentIdentity) => void;
}

export interface SpoolOptions extends Hashing {
  readonly folder: string;
  /** What is asked for: only the same key goes on with what an earlier run left. */
  readonly key: string;
  /** The bytes from `offset` to the end. Throws with `details.changed` when they do not belong to `known`. */
  readonly receive: (from: From) => Bytes;
}

/** What nobody came back for goes after this; `longshore gc` takes it at once. */
const staleMs = 7 * 86_400_000;
/** RFC 9110, 8.8.2.2: a Last-Modified that lies this long before the answer's Date says that nothing changed since. */
const strongAfterMs = 60_000;

/**
 * Receives into a private folder `<hex of the key>.<pid>.<random>` below `folder`, and gives the file to `use`; it is gone when this returns. When the transfer
 * broke off or was stopped, it stays, as after a kill, where the server gave a validator that can vouch for it; the next call with the same key takes it over from a dead process and
 * goes on. Content that changed meanwhile is read again from its beginning, once. Throws what `receive` and `use` throw, `INTEGRITY_*` and storage errors.
 */
export async function receivedSpool<T>(options: SpoolOptions, use: (path: string, content: Hashed) => Promise<T>): Promise<T> {
  const spool = await storing(options.subject, () => Spool.claim(options.folder, hexOf(digestOf(options.key))));
  let stays = false;
  try {
    return await use(spool.path, await spool.fill(options));
  } catch (error) {
    stays = error instanceof BundleError && (error.family === 'transfer' || error.code === 'INTERRUPTED') && (await spool.known()) !== undefined;
    throw error;
  } finally {
    if (!stays) await rm(spool.folder, { recursive: true, force: true });
  }
}

class Spool {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  get path(): string { return join(this.folder, 'content'); }
  private get record(): string { return join(this.folder, 'identity.json'); }

  /** A folder of our own, with what a dead process left of the same content. The rename decides between several who want it. */
  static async claim(parent: string, hex: string): Promise<Spool> {
    const own = new Spool(await mkdtemp(join(parent, `${hex}.${process.pid}.`)));
    let found = false;
    for (const name of await readdir(parent)) {
      const [, key, pid] = /^([0-9a-f]{64})\.(\d+)\.\w{6}$/.exec(name) ?? [];
      if (key === undefined || isAlive(Number(pid))) continue;
      const left = join(parent, name);
      const info = await lstat(join(left, 'content')).catch(absent) ?? await lstat(left).catch(absent);
      if (info === undefined || info.uid !== process.getuid?.()) continue;
      if (key === hex && !found) found = await rename(left, own.folder).then(() => true, absent) === true;
      else if (key === hex || Date.now() - info.mtimeMs > staleMs) await rm(left, { recursive: true, force: true });
    }
    return own;
  }

  /** What the content here is a part of; undefined when nothing vouches for it. */
  async known(): Promise<ContentIdentity | undefined> {
    return identityIn(await readFile(this.record, 'utf8').catch(absent));
  }

  async fill(options: SpoolOptions): Promise<Hashed> {
    const handle = await storing(options.subject, () => open(this.path, 'a+', 0o600));
    try {
      try {
        return await hashBytes(this.whole(handle, await this.known(), options), options);
      } catch (error) {
        if (!(error instanceof BundleError) || error.facts.details?.['changed'] !== true) throw error;
        return await hashBytes(this.whole(handle, undefined, options), options);
      }
    } finally {
      await handle.close();
    }
  }

  /** What is here and vouched for, then the rest as it comes and is written. */
  private async *whole(handle: FileHandle, known: ContentIdentity | undefined, { subject, receive }: SpoolOptions): Bytes {
    const { size } = await storing(subject, () => handle.stat());
    // At least one byte is asked for: an answer without content (416) carries no validator.
    const offset = known === undefined ? 0 : Math.max(0, Math.min(size, (known.total ?? Infinity) - 1));
    if (offset === 0) await rm(this.record, { force: true });
    await storing(subject, () => handle.truncate(offset));
    if (offset > 0) yield* openFile(this.path, 0);
    let recorded = offset > 0;
    let identity: ContentIdentity | undefined;
    for await (const chunk of receive({ offset, ...(offset === 0 || known === undefined ? {} : { known }), onIdentity: (said) => { identity = said; } })) {
      if (!recorded) await storing(subject, () => this.recordIdentity(identity));
      recorded = true;
      await storing(subject, () => handle.appendFile(chunk));
      yield chunk;
    }
  }

  private async recordIdentity(said: ContentIdentity | undefined): Promise<void> {
    const validator = said === undefined ? undefined : vouching(said);
    if (validator === undefined) return;
    await commitFile(this.record, JSON.stringify({ boot: bootId(), ...validator, ...(said?.total === undefined ? {} : { total: said.total }) }), 0o600);
  }
}

/** The validator that tells this content from every other of its address. */
function vouching({ etag, lastModified, date }: ContentIdentity): ContentIdentity | undefined {
  if (etag !== undefined) return { etag };
  if (lastModified === undefined || date === undefined) return undefined;
  return Date.parse(date) - Date.parse(lastModified) >= strongAfterMs ? { lastModified } : undefined;
}

/** Of this boot only: the content is not synced, so that after a power cut it may hold anything, and nothing else would tell. */
function identityIn(text: string | undefined): ContentIdentity | undefined {
  const { boot, etag, lastModified, total } = fieldsOf(text ?? '');
  if (typeof boot !== 'string' || boot !== bootId()) return undefined;
  const size = typeof total === 'number' ? { total } : {};
  if (typeof etag === 'string') return { etag, ...size };
  return typeof lastModified === 'string' ? { lastModified, ...size } : undefined;
}

/** None of a text that is no record: after a power cut it may be any. */
function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  if (!/^\{"boot":[ -~]*\}$/.test(text)) return {};
  return Object.fromEntries(Object.entries(JSON.parse(text) as object));
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Another process took it meanwhile: the same as never having been there. */
function absent(cause: NodeJS.ErrnoException): undefined {
  if (cause.code === 'ENOENT') return undefined;
  throw cause;
}
