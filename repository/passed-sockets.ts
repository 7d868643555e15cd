// Sockets that systemd opened, bound and listens on for the service: sd_listen_fds(3), systemd.socket(5).
import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { BundleError } from '../bom/errors.ts';
import { storageError } from '../store/durable-file.ts';

/** The first one that is passed (SD_LISTEN_FDS_START). */
const firstFd = 3;
const countLimit = 64;

export interface PassedSocket {
  readonly passed: {
    readonly fd: number;
    /** FileDescriptorName= of the socket unit, as LISTEN_FDNAMES says it. */
    readonly name: string;
    /** Of TCP. */
    readonly host?: string;
    /** Of a Unix socket. */
    readonly path?: string;
    /** Lets `server` accept from now on; clients that came before are its first ones. Once. */
    handOver(server: Server): void;
  };
}

/**
 * The sockets that were passed to this process: none when `environment` says nothing, or speaks of another process. Throws `INPUT_FLAG` for what is not a
 * listening stream socket.
 */
export async function passedSockets(environment: Readonly<Record<string, string | undefined>>, pid: number): Promise<PassedSocket[]> {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = environment;
  if (count === undefined || (forPid !== undefined && Number(forPid) !== pid)) return [];
  if (!/^\d{1,3}$/.test(count) || Number(count) > countLimit) throw refused(`LISTEN_FDS=${count}`, `a number up to ${countLimit}`);
  const given = names.split(':');
  const sockets: PassedSocket[] = [];
  for (let index = 0; index < Number(count); index += 1) sockets.push(await take(firstFd + index, given[index] ?? 'unknown'));
  return sockets;
}

async function take(fd: number, name: string): Promise<PassedSocket> {
  const wanted = 'listening stream sockets (ListenStream=)';
  const inode = socketInode(fd);
  if (inode === undefined) throw refused('something else', wanted);
  const path = await unixPath(inode);
  if (path !== undefined) return { passed: { fd, name, path, handOver: (server) => { server.listen({ fd }); } } };
  const early: Socket[] = [];
  // It listens at once, since only so its address shows; who connects meanwhile waits, unread.
  const holder = createServer({ pauseOnConnect: true }, (socket) => { early.push(socket); });
  await new Promise<void>((done, fail) => {
    holder.once('error', (cause) => { fail(refused(cause.message, wanted, cause)); });
    holder.listen({ fd }, () => { done(); });
  });
  const address = holder.address();
  if (address === null || typeof address === 'string') throw refused('a Unix socket of another network namespace', wanted);
  const handOver = (server: Server): void => {
    server.listen(holder);
    for (const socket of early.splice(0)) {
      server.emit('connection', socket);
      socket.resume();
    }
  };
  return { passed: { fd, name, host: address.address, handOver } };
}

/** proc_pid_net(5): Num RefCount Protocol Flags Type St Inode Path. Undefined for what is no Unix socket; empty for one without a name. */
async function unixPath(inode: number): Promise<string | undefined> {
  const table = await readFile('/proc/self/net/unix', 'utf8').catch((cause: unknown) => { throw storageError('/proc/self/net/unix', cause); });
  const row = table.split('\n').map((line) => /^(?:\S+\s+){6}(\d+) ?(.*)$/.exec(line)).find((match) => Number(match?.[1]) === inode);
  return row?.[2];
}

function socketInode(fd: number): number | undefined {
  try {
    const info = fstatSync(fd);
    return info.isSocket() ? info.ino : undefined;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EBADF') return undefined;
    throw cause;
  }
}

function refused(actual: string, expected: string, cause?: unknown): BundleError {
  return new BundleError('INPUT_FLAG', { subject: 'sockets passed by the service manager', expected, actual, next: 'See LISTEN_FDS and the .socket unit: Accept=no, ListenStream=.' }, { cause });
}
