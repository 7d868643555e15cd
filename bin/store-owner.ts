// Whose the store is: the service's user writes it, and reads archives that stay the operator's own.
import { spawnSync } from 'node:child_process';
import { lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from '../bom/errors.ts';
import { storageError } from '../store/durable-file.ts';

/**
 * Gives everything below `root` to `user` and its login group. Volumes of archives (`volumes`, absolute paths, in the store or not) that are
 * files of somebody else too, by another link, or that lie elsewhere keep their owner: then the user must be able to read them. Throws `STORAGE_IO` for
 * one that it cannot read; the rest is given by then.
 */
export async function giveStore(root: string, { user, volumes }: { readonly user: string; readonly volumes: readonly string[] }): Promise<void> {
  const [uid, gid] = [idOf('-u', user), idOf('-g', user)];
  const kept: string[] = [];
  for (const path of volumes) {
    const info = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
      // An archive whose medium is away: it is not found, and served again once it is back.
      if (cause.code === 'ENOENT') return undefined;
      throw storageError(path, cause);
    });
    if (info !== undefined && info.uid !== uid && (info.nlink > 1 || !path.startsWith(`${root}/`))) kept.push(path);
  }
  // First: the store's own folders must let the user through.
  await chownBelow(root, { uid, gid, except: new Set(kept) });
  for (const path of kept) checkReadable(path, user);
}

async function chownBelow(path: string, owner: { readonly uid: number; readonly gid: number; readonly except: ReadonlySet<string> }): Promise<void> {
  if (owner.except.has(path)) return;
  try {
    const info = await lstat(path);
    if (info.uid !== owner.uid || info.gid !== owner.gid) await lchown(path, owner.uid, owner.gid);
    if (!info.isDirectory()) return;
    for (const name of await readdir(path)) await chownBelow(join(path, name), owner);
  } catch (cause) {
    // What a running service finishes in between.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
    throw storageError(path, cause);
  }
}

function checkReadable(path: string, user: string): void {
  const { status, error } = spawnSync('runuser', ['-u', user, '--', 'test', '-r', path], { encoding: 'utf8' });
  if (status === 0) return;
  throw new BundleError('STORAGE_IO', {
    subject: path, expected: `readable by ${user}, as whom the service runs: it is an archive of yours that the store links to or reads where it lies, and keeps its owner`,
    actual: error?.message ?? 'it is not', next: `Let ${user} read it (chmod o+r, or setfacl -m u:${user}:r, on it and x on its folders), or import it with --copy and run \`longshore gc\`; then run this again.`,
  });
}

function idOf(which: '-u' | '-g', user: string): number {
  const { status, stdout } = spawnSync('id', [which, user], { encoding: 'utf8' });
  if (status === 0 && /^\d+$/.test(stdout.trim())) return Number(stdout.trim());
  throw new BundleError('INPUT_FLAG', { subject: `--user ${user}`, expected: 'a user of this system', actual: 'none' });
}
