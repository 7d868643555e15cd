// Who changed what: one JSON line for every write that was asked for, granted or not.
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../bom/canonical-json.ts';
import { makeDirectory, storageError, syncDirectory } from '../store/durable-file.ts';
import type { AccessRecord } from './access-record.ts';

/** A full log is kept once more under another name; what is older is dropped. */
const limitBytes = 32 * 1024 * 1024;

export class AuditLog {
  private readonly folder: string;
  private readonly path: string;
  private pending: string[] = [];
  private writing: Promise<void> | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, 'audit.jsonl');
  }

  /** Lines in the order of their requests; durable when the promise resolves. Requests do not wait for it, lines of one moment share one sync. */
  async write({ time, address, user, method, path, status, bytes }: AccessRecord): Promise<void> {
    this.pending.push(`${canonicalJson({ time, address, user, method, path, status, bytes })}\n`);
    await this.settled();
  }

  /** Resolves when no line waits. */
  async settled(): Promise<void> {
    while (this.pending.length > 0 || this.writing !== undefined) {
      this.writing ??= this.flush().finally(() => { this.writing = undefined; });
      await this.writing;
    }
  }

  private async flush(): Promise<void> {
    try {
      await makeDirectory(this.folder);
      while (this.pending.length > 0) {
        await this.rotate();
        const lines = this.pending.splice(0);
        const file = await open(this.path, 'a', 0o640);
        try {
          await file.appendFile(lines.join(''));
          await file.datasync();
        } finally {
          await file.close();
        }
      }
    } catch (cause) {
      throw storageError(this.path, cause);
    }
  }

  private async rotate(): Promise<void> {
    const size = await stat(this.path).then((file) => file.size, (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return 0;
      throw cause;
    });
    if (size < limitBytes) return;
    await rename(this.path, `${this.path}.1`);
    await syncDirectory(this.folder);
  }
}

/** Reads of what anybody may read are not audited; everything that tries to change something is. */
export function isWrite({ method, path }: Pick<AccessRecord, 'method' | 'path'>): boolean {
  return path.startsWith('/v2/') && !['GET', 'HEAD', 'OPTIONS'].includes(method);
}
