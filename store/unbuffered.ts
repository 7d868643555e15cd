import { constants, openSync } from 'node:fs';
import { refusesBlocks } from '../bom/block-memory.ts';

/** Opens a file for reads or writes past the page cache (open(2), O_DIRECT), the latter never through a symbolic link; undefined where its file system has none. Throws what the system says. */
export function openUnbuffered(path: string, access: 'read' | 'write'): number | undefined {
  if (!('O_DIRECT' in constants)) return undefined;
  try {
    return openSync(path, (access === 'read' ? constants.O_RDONLY : constants.O_WRONLY | constants.O_NOFOLLOW) | constants.O_DIRECT);
  } catch (cause) {
    if (refusesBlocks((cause as NodeJS.ErrnoException).code)) return undefined;
    throw cause;
  }
}
