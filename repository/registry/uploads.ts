// Upload sessions. OCI distribution specification 1.1, "Pushing blobs". A session lives in memory and in one spool file; it ends with the process.
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Descriptor, parseDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { storageError } from '../../store/durable-file.ts';
import type { PushedBlobs } from '../content.ts';
import type { Address } from './grammar.ts';

/** Sessions nobody touched for this long are dropped. */
const idleMs = 3_600_000;
const sessionLimit = 1000;

export interface Session {
  readonly id: string;
  readonly name: string;
  /** Bytes received and written. */
  readonly size: number;
}

interface OpenSession extends Session {
  size: number;
  readonly path: string;
  hash: Hash;
  busy: boolean;
  usedAt: number;
}

export type Append = 'done' | 'busy';

export class Uploads {
  private readonly blobs: PushedBlobs;
  private readonly now: () => number;
  private readonly sessions = new Map<string, OpenSession>();

  constructor(blobs: PushedBlobs, now: () => number) {
    this.blobs = blobs;
    this.now = now;
  }

  /** A new session, or undefined when too many are open. */
  async start(name: string): Promise<Session | undefined> {
    await this.dropIdle();
    if (this.sessions.size >= sessionLimit) return undefined;
    const id = randomUUID();
    const session = { id, name, size: 0, path: this.blobs.spoolPath(id), hash: createHash('sha256'), busy: false, usedAt: this.now() };
    await withFile(session.path, 'wx', async () => undefined);
    this.sessions.set(id, session);
    return session;
  }

  get count(): number {
    return this.sessions.size;
  }

  get(name: string, id: string): Session | undefined {
    const session = this.sessions.get(id);
    return session?.name === name ? session : undefined;
  }

  /**
   * Adds `bytes` behind what is there. When the client stops half-way, what came stays and counts, so that it can go on from there; `expected` bytes
   * or nothing: a chunk of another length is taken back, and `INTEGRITY_SIZE` thrown.
   */
  async append(id: string, bytes: Bytes, expected: number | undefined): Promise<Append> {
    const session = this.require(id);
    if (session.busy) return 'busy';
    session.busy = true;
    const before = { size: session.size, hash: session.hash.copy() };
    try {
      await withFile(session.path, 'r+', async (file) => {
        for await (const chunk of bytes) {
          await writeAll(file, chunk, session.size);
          session.hash.update(chunk);
          session.size += chunk.length;
          session.usedAt = this.now();
        }
      });
    } finally {
      session.busy = false;
    }
    if (expected !== undefined && session.size - before.size !== expected) {
      const actual = session.size - before.size;
      Object.assign(session, before);
      throw new BundleError('INTEGRITY_SIZE', { subject: `upload ${id}`, expected: `${expected} bytes`, actual: `${actual} bytes` });
    }
    return 'done';
  }

  /** Ends a session: its content becomes a blob of the store. Throws `INTEGRITY_DIGEST` when that is not what `address` names, and drops it. */
  async finish(id: string, address: Address): Promise<Pick<Descriptor, 'digest' | 'size'>> {
    const session = this.require(id);
    this.sessions.delete(id);
    try {
      await withFile(session.path, 'r+', (file) => file.truncate(session.size));
      const digest = parseDigest(`sha256:${session.hash.digest('hex')}`);
      const actual = address.startsWith('sha512:') ? await sha512Of(session.path) : digest;
      if (actual !== address) throw new BundleError('INTEGRITY_DIGEST', { subject: `upload ${id}`, expected: address, actual });
      await this.blobs.commitSpooled(session.path, digest);
      return { digest, size: session.size };
    } catch (cause) {
      await rm(session.path, { force: true });
      throw cause;
    }
  }

  async drop(id: string): Promise<void> {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.sessions.delete(id);
    await rm(session.path, { force: true });
  }

  /** Removes what killed servers left: spool files that nobody touched for as long as a session may rest. */
  async removeStale(): Promise<void> {
    const folder = dirname(this.blobs.spoolPath('any'));
    const names = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => {
      if (cause.code === 'ENOENT') return [];
      throw storageError(folder, cause);
    });
    for (const name of names.filter((each) => each.endsWith('.spool'))) {
      const path = join(folder, name);
      const touchedMs = await stat(path).then(({ mtimeMs }) => mtimeMs, () => Infinity);
      if (this.now() - touchedMs > idleMs) await rm(path, { force: true });
    }
  }

  /** Ends every session. */
  async close(): Promise<void> {
    for (const id of [...this.sessions.keys()]) await this.drop(id);
  }

  private async dropIdle(): Promise<void> {
    for (const session of [...this.sessions.values()]) if (!session.busy && this.now() - session.usedAt > idleMs) await this.drop(session.id);
  }

  private require(id: string): OpenSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new BundleError('STORAGE_IO', { subject: `upload ${id}`, expected: 'an open session', actual: 'it ended meanwhile' });
    return session;
  }
}

/** The second name of a blob, for the few clients that use one. */
async function sha512Of(path: string): Promise<string> {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(path, { highWaterMark: 131_072 })) hash.update(chunk as Buffer);
  return `sha512:${hash.digest('hex')}`;
}

async function withFile(path: string, flags: string, work: (file: FileHandle) => Promise<unknown>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, flags, 0o644);
  } catch (cause) {
    throw storageError(path, cause);
  }
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  } catch (cause) {
    throw storageError('upload', cause);
  }
}
