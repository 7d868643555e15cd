import { type ChildProcess, spawn } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { storageError, syncDirectory, syncDirectoryAtOnce } from './durable-file.ts';
import type { SyncedFile } from './received-file.ts';

export interface OpenFile {
  readonly path: string;
  /** Opened before the file was written, so that the file's own sync tells of every write that failed since. */
  readonly handle: SyncedFile;
}

/** Below this, one by one is as fast. */
const worthFlushing = 8;
const atOnce = 8;
/** So many directories, before others are heard. */
const inOneTurn = 32;

/**
 * Makes many small files durable: the whole file system is flushed once, which leaves next to nothing to do for the sync of each file. Only
 * that sync counts: where there is no `sync -f` (coreutils) it does the work. Returns what failed, as `STORAGE_*`.
 */
export async function syncFiles(files: readonly OpenFile[], folder: string): Promise<Map<OpenFile, unknown>> {
  const failures = new Map<OpenFile, unknown>();
  if (files.length >= worthFlushing) await flushFileSystem(folder);
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      const one = file;
      await one.handle.sync().catch((cause: unknown) => { failures.set(one, storageError(one.path, cause)); });
    }
  }));
  return failures;
}

/** The same for the entries of many directories, all below `folder` and on its file system. Throws `STORAGE_*`. */
export async function syncDirectories(paths: readonly string[], folder: string): Promise<void> {
  if (paths.length >= worthFlushing && (await flushFileSystem(folder))) return syncAtOnce((await isJournalled(folder)) ? [folder] : paths);
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await syncDirectory(path);
  }));
}

/** Magic numbers of ext4, XFS and Btrfs (statfs(2)): one flush writes every entry that was made before, and one sync after it fails where that did not come about. */
const journalled: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e]);

async function isJournalled(folder: string): Promise<boolean> {
  return journalled.has((await statfs(folder)).type);
}

/** What was flushed: next to nothing is left to be done for each, less than another thread takes to be asked. */
async function syncAtOnce(paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += inOneTurn) {
    for (const path of paths.slice(at, at + inOneTurn)) syncDirectoryAtOnce(path);
    await new Promise((done) => { setImmediate(done); });
  }
}

/** Processes that flush, by folder: one that is large and has many threads starts another at ten milliseconds apiece, a small shell at one. */
const helpers = new Map<string, FlushHelper>();

/** Says whether it was done. */
function flushFileSystem(folder: string): Promise<boolean> {
  const helper = helpers.get(folder) ?? new FlushHelper(resolve(folder), () => helpers.delete(folder));
  helpers.set(folder, helper);
  return helper.flush();
}

const idleMs = 1000;

/**
 * A shell that flushes the file system of a folder for each line it is sent, and answers with one: whether it could. It ends with this process, and when nothing
 * was asked of it for a while.
 */
class FlushHelper {
  private readonly child: ChildProcess;
  private readonly waiting: ((isDone: boolean) => void)[] = [];
  private readonly idle: NodeJS.Timeout;
  private readonly onEnd: () => void;
  private hasEnded = false;

  constructor(folder: string, onEnd: () => void) {
    this.onEnd = onEnd;
    this.child = spawn('sh', ['-c', 'while read -r _; do if sync -f -- "$1"; then echo y; else echo n; fi; done', 'sh', folder], { cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.once('close', () => this.end()).once('error', () => this.end());
    for (const pipe of [this.child.stdin, this.child.stdout]) {
      pipe?.on('error', () => this.end());
      if (pipe instanceof Socket) pipe.unref();
    }
    this.child.stdout?.on('data', (lines: Buffer) => { for (const answer of lines.toString('latin1').replaceAll('\n', '')) this.answered(answer === 'y'); });
    this.child.unref();
    this.idle = setTimeout(() => this.retire(), idleMs).unref();
  }

  /** True when everything written before is flushed, false when the helper cannot. */
  flush(): Promise<boolean> {
    if (this.hasEnded) return Promise.resolve(false);
    this.child.ref();
    return new Promise((done) => {
      this.waiting.push(done);
      this.child.stdin?.write('\n');
    });
  }

  private answered(isDone: boolean): void {
    this.waiting.shift()?.(isDone);
    if (this.waiting.length > 0) return;
    this.child.unref();
    this.idle.refresh();
  }

  private retire(): void {
    if (this.waiting.length === 0) this.end();
  }

  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.onEnd();
    this.child.stdin?.end();
    this.child.unref();
    for (const done of this.waiting.splice(0)) done(false);
  }
}
