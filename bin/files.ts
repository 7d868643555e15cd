import { stat } from 'node:fs/promises';
import { storageError } from '../store/durable-file.ts';

/** Whether something is at `path`. Throws `STORAGE_IO` for other failures than "not there". */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return false;
    throw storageError(path, cause);
  });
}
