// What an export that was interrupted leaves beside its target, and how the next one goes on with it.
import { appendFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Digest, digestFromHex, hexOf, isDigest } from '../bom/digest.ts';
import { storageError } from '../store/durable-file.ts';

/** A blob that was copied in full, with the digests of its pieces when it is cut. */
export interface FinishedBlob {
  readonly digest: Digest;
  readonly pieces: readonly Digest[];
}

/**
 * A folder `.<name>.<pid>.partial` beside the target: the volumes being written, and a journal of finished blobs. A process takes over what
 * a dead one left by renaming the folder. Within one boot of the machine a journal line proves that the bytes are in the file (they were
 * written before it, and only a crash of the machine loses written pages); after another boot the blobs have to be hashed again.
 */
export class PartialExport {
  readonly folder: string;
  /** From an earlier run of the same plan. */
  readonly finished: readonly FinishedBlob[];
  /** False when `finished` has to be hashed before it is believed. */
  readonly trusted: boolean;
  private readonly journal: string;

  private constructor(folder: string, finished: readonly FinishedBlob[], trusted: boolean) {
    this.folder = folder;
    this.finished = finished;
    this.trusted = trusted;
    this.journal = join(folder, 'journal');
  }

  volumePath(number: number): string {
    return join(this.folder, `volume-${number}`);
  }

  /** Continues or starts the export of `plan` (whatever tells two plans apart) to `output`, whose volumes have `sizes`. */
  static async open(output: string, plan: Digest, sizes: readonly number[]): Promise<PartialExport> {
    const own = join(dirname(output), `.${basename(output)}.${process.pid}.partial`);
    try {
      await takeOver(output, own);
      const boot = await bootId();
      const before = await readJournal(own, { plan, sizes });
      if (before !== undefined) return new PartialExport(own, before.finished, before.boot === boot && boot !== '');
      await rm(own, { recursive: true, force: true });
      await mkdir(own);
      const partial = new PartialExport(own, [], true);
      for (const [index, size] of sizes.entries()) {
        const handle = await open(partial.volumePath(index + 1), 'wx', 0o644);
        await handle.truncate(size).finally(() => handle.close());
      }
      appendFileSync(partial.journal, `${plan} ${boot}\n`);
      return partial;
    } catch (cause) {
      throw storageError(own, cause);
    }
  }

  /** Bytes on the disk that a new export would take over or free. */
  static async allocatedBytes(output: string): Promise<number> {
    const own = `.${basename(output)}.${process.pid}.partial`;
    let bytes = 0;
    for (const name of [own, ...(await deadPartials(output))]) {
      const folder = join(dirname(output), name);
      const files = await readdir(folder).catch(missing);
      for (const file of files ?? []) bytes += ((await stat(join(folder, file)).catch(missing))?.blocks ?? 0) * 512;
    }
    return bytes;
  }

  /** To be called once the blob's bytes are written. */
  finish({ digest, pieces }: FinishedBlob): void {
    try {
      appendFileSync(this.journal, `${[digest, ...pieces].map(hexOf).join(' ')}\n`);
    } catch (cause) {
      throw storageError(this.journal, cause);
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Names of folders that dead processes left for this output. */
async function deadPartials(output: string): Promise<string[]> {
  const prefix = `.${basename(output)}.`;
  return (await readdir(dirname(output))).filter((name) => {
    const pid = name.startsWith(prefix) ? /^(\d+)\.partial$/.exec(name.slice(prefix.length))?.[1] : undefined;
    return pid !== undefined && !isAlive(Number(pid));
  });
}

async function takeOver(output: string, own: string): Promise<void> {
  for (const name of await deadPartials(output)) {
    // Of several that try, one succeeds; what a further dead process left is of no use beside it.
    const moved = await rename(join(dirname(output), name), own).then(() => true, (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return true;
      if (cause.code === 'ENOTEMPTY' || cause.code === 'EEXIST') return false;
      throw cause;
    });
    if (!moved) await rm(join(dirname(output), name), { recursive: true, force: true });
  }
}

async function readJournal(folder: string, expected: { readonly plan: Digest; readonly sizes: readonly number[] }): Promise<{ readonly finished: FinishedBlob[]; readonly boot: string } | undefined> {
  const text = await readFile(join(folder, 'journal'), 'utf8').catch(missing);
  if (text === undefined) return undefined;
  const [head, ...lines] = text.split('\n');
  const [plan, boot = ''] = head?.split(' ') ?? [];
  if (plan !== expected.plan) return undefined;
  for (const [index, size] of expected.sizes.entries()) {
    const there = await stat(join(folder, `volume-${index + 1}`)).catch(missing);
    if (there?.size !== size) return undefined;
  }
  // The last part is empty, or a line that was cut while it was written.
  const finished = lines.slice(0, -1).flatMap((line) => {
    const digests = line.split(' ').map((hex) => `sha256:${hex}`);
    return digests.every(isDigest) ? [digests.map((each) => digestFromHex(hexOf(each)))] : [];
  });
  return { finished: finished.flatMap(([digest, ...pieces]) => (digest === undefined ? [] : [{ digest, pieces }])), boot };
}

async function bootId(): Promise<string> {
  return ((await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(missing)) ?? '').trim();
}

function missing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code === 'ENOENT') return undefined;
  throw cause;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
