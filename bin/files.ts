import { stat } from 'node:fs/promises';

/** Whether something is at `path`; other failures than "not there" are thrown. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return false;
    throw cause;
  });
}
