// Who works with a store, so that nothing is taken away under somebody's feet.
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { checkNotAborted } from '../bom/errors.ts';
import { storageError } from './durable-file.ts';

/** `use`: many at once, who add content or rely on what is there. `collect`: one alone, who takes content away. */
export type StoreRole = 'use' | 'collect';

export interface HoldOptions {
  readonly role: StoreRole;
  readonly signal: AbortSignal;
  /** Called once, when somebody else has to end first. */
  readonly onWait?: () => void;
}

const pollMs = 50;

/**
 * Holds the store at `root` until the function returned is called or the process ends, however it ends: the lock is one of the operating system's on
 * `<root>/use.db`, taken through SQLite. Waits while others hold what excludes it; throws `INTERRUPTED` when aborted meanwhile, `STORAGE_IO` when the
 * file cannot be opened. On a medium that cannot be written nobody collects, and `use` holds nothing.
 */
export async function holdStore(root: string, { role, signal, onWait }: HoldOptions): Promise<() => void> {
  const path = join(root, 'use.db');
  let waited = false;
  for (;;) {
    checkNotAborted(signal, root);
    const release = tryHold(path, role);
    if (release !== undefined) return release;
    if (!waited) onWait?.();
    waited = true;
    await new Promise((done) => { setTimeout(done, pollMs); });
  }
}

/** Holds the store while `work` runs. */
export async function holding<T>(root: string, options: HoldOptions, work: () => Promise<T>): Promise<T> {
  const release = await holdStore(root, options);
  try {
    return await work();
  } finally {
    release();
  }
}

function tryHold(path: string, role: StoreRole): (() => void) | undefined {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // SHARED from the first read, EXCLUSIVE from the beginning. Nothing is ever written: a full disk does not matter.
    database.pragma('journal_mode = memory');
    database.exec(role === 'collect' ? 'begin exclusive' : 'begin');
    if (role === 'use') database.prepare('select count(*) from sqlite_schema').get();
    const held = database;
    return () => { held.close(); };
  } catch (cause) {
    database?.close();
    const { code = '' } = cause as { readonly code?: string };
    if (code.startsWith('SQLITE_BUSY')) return undefined;
    if (role === 'use' && (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN')) return () => undefined;
    throw storageError(path, cause);
  }
}
