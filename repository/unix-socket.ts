// The service's own Unix socket: unix(7). Clients must be able to write to it, so its permissions say who may connect.
import { chmod, chown, lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { BundleError } from '../bom/errors.ts';
import { storageError } from '../store/durable-file.ts';
import type { UnixAddress } from './listen-address.ts';

/** sun_path holds 108 bytes with the final zero. */
const pathLimit = 107;
const defaultMode = 0o660;

/**
 * Binds `server` there. A socket that nobody listens on any more is replaced; anything else that has the name is left alone. Nobody can connect before
 * mode and group are as they should be. Throws `INPUT_FLAG` for a path that cannot be, `TARGET_LISTEN` for one that is taken, `STORAGE_IO` for a mode or group that
 * may not be set.
 */
export async function bindUnixSocket(server: Server, { path, mode = defaultMode, group }: UnixAddress): Promise<void> {
  if (!path.startsWith('/') || Buffer.byteLength(path) > pathLimit || path.includes('\0')) {
    throw new BundleError('INPUT_FLAG', { subject: `--listen unix:${path}`, expected: `an absolute path of at most ${pathLimit} bytes`, actual: path.startsWith('/') ? 'a longer one' : 'another one' });
  }
  await removeStale(path);
  await listenUnreachable(server, path);
  try {
    if (group !== undefined) await chown(path, -1, group);
    await chmod(path, mode);
  } catch (cause) {
    await new Promise<void>((done) => { server.close(() => { done(); }); });
    throw storageError(path, cause);
  }
}

/** bind(2) makes the socket with what umask leaves: nothing, and connect(2) needs the permission to write. */
async function listenUnreachable(server: Server, path: string): Promise<void> {
  const before = process.umask(0o777);
  try {
    const listening = new Promise<void>((done, fail) => {
      server.once('error', (cause: NodeJS.ErrnoException) => { fail(new BundleError('TARGET_LISTEN', { subject: `unix:${path}`, expected: 'a free name in a folder that is there', actual: cause.message }, { cause })); });
      server.listen({ path }, () => { done(); });
    });
    process.umask(before);
    await listening;
  } finally {
    process.umask(before);
  }
}

async function removeStale(path: string): Promise<void> {
  const taken = (actual: string): BundleError => new BundleError('TARGET_LISTEN', { subject: `unix:${path}`, expected: 'a free name', actual });
  const info = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw storageError(path, cause);
  });
  if (info === undefined) return;
  if (!info.isSocket()) throw taken('a file that is no socket, which stays');
  if (await isListenedOn(path)) throw taken('another process listens there');
  await unlink(path).catch((cause: unknown) => { throw storageError(path, cause); });
}

async function isListenedOn(path: string): Promise<boolean> {
  return new Promise((done, fail) => {
    const socket = connect({ path }, () => { socket.destroy(); done(true); });
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT') done(false);
      // Alive, but full or not ours to ask: it is somebody's.
      else if (cause.code === 'EAGAIN' || cause.code === 'EACCES' || cause.code === 'EPROTOTYPE') done(true);
      else fail(storageError(path, cause));
    });
  });
}
