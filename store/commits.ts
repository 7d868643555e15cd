import type { Digest } from '../bom/digest.ts';
import { storageError } from './durable-file.ts';
import type { LooseBlobs } from './loose-blobs.ts';
import type { SyncedFile } from './received-file.ts';

/** A verified file that is not yet durable; its handle is closed by who takes it. */
export interface VerifiedFile {
  readonly path: string;
  readonly handle: SyncedFile;
  readonly digest: Digest;
}

interface Waiting { readonly file: VerifiedFile; readonly resolve: () => void; readonly reject: (cause: unknown) => void }

/**
 * Makes verified files durable under their digests. Who comes while one batch is on its way shares the next one: a sync, the names, one sync of the
 * folder and one transaction serve all of it.
 */
export class Commits {
  private readonly loose: LooseBlobs;
  private readonly root: string;
  private waiting: Waiting[] = [];
  private running = false;

  constructor(loose: LooseBlobs, root: string) {
    this.loose = loose;
    this.root = root;
  }

  /** Returns when the blob is durable, named and entered; the handle is closed then, and also when this throws `STORAGE_*`. */
  async add(file: VerifiedFile): Promise<void> {
    await Promise.all(this.addAll([file]));
  }

  /** The same for many that are to be made durable together: one promise for each. */
  addAll(files: readonly VerifiedFile[]): Promise<void>[] {
    const added = files.map((file) => new Promise<void>((resolve, reject) => { this.waiting.push({ file, resolve, reject }); }));
    if (!this.running) void this.run();
    return added;
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      const files = batch.map(({ file }) => file);
      const failures = new Map(await this.loose.commitAll(files, this.root).catch((cause: unknown) => new Map(files.map((file) => [file, ofStorage(this.root, cause)] as const))));
      await Promise.all(files.map(async (file) => {
        await file.handle.close().catch((cause: unknown) => { failures.set(file, failures.get(file) ?? storageError(file.path, cause)); });
      }));
      for (const { file, resolve, reject } of batch) {
        if (failures.has(file)) reject(failures.get(file));
        else resolve();
      }
    }
    this.running = false;
  }
}

/** What the system or the index said, as `STORAGE_*`; a defect stays one. */
function ofStorage(path: string, cause: unknown): unknown {
  return typeof (cause as NodeJS.ErrnoException).code === 'string' ? storageError(path, cause) : cause;
}
