// The loop of one thread of a CopyPool: read, hash, write, with one small buffer that stays in the processor's cache.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { blockMemory } from '../bom/block-memory.ts';
import { blockCopyBytes, type BlockFiles, copyBlocks, worthBlocksBytes } from './block-copy.ts';
import { openUnbuffered } from './unbuffered.ts';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

/** Bytes `offset` to `offset + size` of a file, and where they go, when they are copied. */
export interface CopyPiece {
  readonly from: { readonly path: string; readonly offset: number };
  readonly to?: { readonly path: string; readonly offset: number };
  readonly size: number;
}

export interface CopyTask {
  readonly id: number;
  /** One content, in order. */
  readonly pieces: readonly CopyPiece[];
}

export type CopyAnswer =
  | { readonly id: number; readonly kind: 'progress'; readonly bytes: number }
  /** sha256 of the whole, and of each piece when there are several. */
  | { readonly id: number; readonly kind: 'done'; readonly hex: string; readonly pieceHexes: readonly string[]; readonly bytes: number }
  | { readonly id: number; readonly kind: 'aborted' }
  | { readonly id: number; readonly kind: 'failed'; readonly path: string; readonly code?: string; readonly message: string; readonly missingBytes?: number };

export interface CopyWorkerData {
  /** One 32-bit word: not 0 once everything has to stop. */
  readonly stop: SharedArrayBuffer;
}

const bufferBytes = 128 * 1024;
const progressBytes = 8 * 1024 * 1024;
const openFiles = 16;

class Aborted extends Error {}
class ShortFile extends Error {
  readonly missingBytes: number;
  constructor(missingBytes: number) {
    super(`the file ends ${missingBytes} bytes too early`);
    this.missingBytes = missingBytes;
  }
}

/** Descriptors by path and flag, the last used ones kept open. */
class Files {
  private readonly open = new Map<string, number>();
  /** Where there is no way past the page cache. */
  private readonly buffered = new Set<string>();

  get(path: string, flag: 'r' | 'r+'): number {
    return this.keep(`${flag} ${path}`, () => openSync(path, flag));
  }

  unbuffered(path: string, access: 'read' | 'write'): number | undefined {
    const key = `${access} ${path}`;
    if (this.buffered.has(key)) return undefined;
    const known = this.open.get(key) ?? openUnbuffered(path, access);
    if (known === undefined) this.buffered.add(key);
    return known === undefined ? undefined : this.keep(key, () => known);
  }

  private keep(key: string, openIt: () => number): number {
    const fd = this.open.get(key) ?? openIt();
    this.open.delete(key);
    this.open.set(key, fd);
    if (this.open.size > openFiles) {
      const [oldest, oldFd] = this.open.entries().next().value as [string, number];
      this.open.delete(oldest);
      closeSync(oldFd);
    }
    return fd;
  }

  /** A file may be replaced or removed between two tasks: descriptors do not outlive a burst of work. */
  closeAll(): void {
    for (const fd of this.open.values()) closeSync(fd);
    this.open.clear();
    this.buffered.clear();
  }
}

function serve(port: MessagePort, stop: Int32Array): void {
  const files = new Files();
  const buffer = Buffer.allocUnsafeSlow(bufferBytes);
  let memory: Uint8Array | undefined | 'none';
  const blocks = (): Uint8Array | undefined => {
    memory ??= blockMemory(blockCopyBytes) ?? 'none';
    return memory === 'none' ? undefined : memory;
  };
  port.on('message', (message: CopyTask | 'idle') => {
    if (message === 'idle') files.closeAll();
    else port.postMessage(answer(message, { files, buffer, blocks, stop, report: (bytes) => port.postMessage({ id: message.id, kind: 'progress', bytes } satisfies CopyAnswer) }));
  });
}

interface Tools { readonly files: Files; readonly buffer: Buffer; readonly blocks: () => Uint8Array | undefined; readonly stop: Int32Array; readonly report: (bytes: number) => void }

function answer(task: CopyTask, tools: Tools): CopyAnswer {
  const at = { path: '' };
  try {
    return copy(task, tools, at);
  } catch (cause) {
    if (cause instanceof Aborted) return { id: task.id, kind: 'aborted' };
    const { code, message } = cause as NodeJS.ErrnoException;
    return {
      id: task.id, kind: 'failed', path: at.path, message,
      ...(code === undefined ? {} : { code }), ...(cause instanceof ShortFile ? { missingBytes: cause.missingBytes } : {}),
    };
  }
}

function copy(task: CopyTask, tools: Tools, at: { path: string }): CopyAnswer {
  const whole = createHash('sha256');
  const pieceHexes: string[] = [];
  let unreported = 0;
  for (const piece of task.pieces) {
    const own = task.pieces.length > 1 ? createHash('sha256') : undefined;
    const take = (chunk: Uint8Array): void => {
      if (Atomics.load(tools.stop, 0) !== 0) throw new Aborted();
      whole.update(chunk);
      own?.update(chunk);
      unreported += chunk.length;
      if (unreported < progressBytes) return;
      tools.report(unreported);
      unreported = 0;
    };
    const memory = piece.size < worthBlocksBytes ? undefined : tools.blocks();
    const done = memory === undefined ? copyThrough(piece, { ...tools, at, take }) : copyBlocks({ ...filesOf(piece, tools.files, at), size: piece.size, memory, take });
    if (done < piece.size) throw new ShortFile(piece.size - done);
    if (own !== undefined) pieceHexes.push(own.digest('hex'));
  }
  return { id: task.id, kind: 'done', hex: whole.digest('hex'), pieceHexes, bytes: unreported };
}

interface Passing extends Tools { readonly at: { path: string }; readonly take: (chunk: Uint8Array) => void }

/** Through the page cache; the bytes that were there. */
function copyThrough({ from, to, size }: CopyPiece, { files, buffer, at, take }: Passing): number {
  let done = 0;
  while (done < size) {
    at.path = from.path;
    const read = readSync(files.get(from.path, 'r'), buffer, 0, Math.min(bufferBytes, size - done), from.offset + done);
    if (read === 0) break;
    const chunk = read === bufferBytes ? buffer : buffer.subarray(0, read);
    take(chunk);
    if (to !== undefined) {
      at.path = to.path;
      writeAll(files.get(to.path, 'r+'), chunk, to.offset + done);
    }
    done += read;
  }
  return done;
}

/** The files of a piece, each noted as the one that a failure is about when it is asked for. */
function filesOf({ from, to }: CopyPiece, files: Files, at: { path: string }): { readonly from: BlockFiles & { offset: number }; readonly to?: BlockFiles & { offset: number } } {
  const of = (path: string, access: 'read' | 'write'): BlockFiles => ({
    cached: () => files.get(at.path = path, access === 'read' ? 'r' : 'r+'),
    unbuffered: () => files.unbuffered(at.path = path, access),
  });
  return { from: { ...of(from.path, 'read'), offset: from.offset }, ...(to === undefined ? {} : { to: { ...of(to.path, 'write'), offset: to.offset } }) };
}

function writeAll(fd: number, chunk: Buffer, position: number): void {
  for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done, chunk.length - done, position + done);
}

// Under a test runner that imports this file outside of a worker there is no port.
if (parentPort !== null) serve(parentPort, new Int32Array((workerData as CopyWorkerData).stop));
