// The repository machine's service as a process in the background, where no systemd runs.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from '../bom/errors.ts';
import { commitFile, storageError } from '../store/durable-file.ts';
import { packageRoot } from './package-root.ts';

export interface ServiceFacts {
  /** The store; the only place that the service writes. */
  readonly root: string;
  /** Arguments of `longshore serve`. */
  readonly args: readonly string[];
}

/** `longshore serve` by the script that stays where it is, whatever is built beside it. */
export function serveCommand(args: readonly string[]): string[] {
  const script = ['longshore.ts', 'longshore.js'].map((name) => join(packageRoot, 'bin', name)).find((path) => existsSync(path));
  if (script === undefined) throw new Error(`no program in ${packageRoot}/bin`);
  return [process.execPath, script, 'serve', ...args];
}

const pidPath = (root: string): string => join(root, 'serve.pid');

interface Running { readonly pid: number; readonly args: readonly string[] }

/** The background process of this store, when it is still that. Throws `STORAGE_IO` for a record that is none. */
export async function runningProcess(root: string): Promise<Running | undefined> {
  const path = pidPath(root);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
  if (text === undefined) return undefined;
  const running = runningOf(text);
  if (running === undefined) throw new BundleError('STORAGE_IO', { subject: path, expected: 'the process that `longshore create` started', actual: 'something else', next: 'Stop the service yourself, and remove the file.' });
  return isOurs(running) ? running : undefined;
}

function runningOf(text: string): Running | undefined {
  try {
    const { pid, args } = JSON.parse(text) as { readonly pid: unknown; readonly args: unknown };
    return typeof pid === 'number' && pid > 0 && Array.isArray(args) ? { pid, args: args.map(String) } : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return undefined;
    throw cause;
  }
}

/** A process id may belong to another process by now, also to the service of another store. */
function isOurs({ pid, args }: Running): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(['', 'serve', ...args, ''].join('\0'));
  } catch (cause) {
    if (['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw storageError(`/proc/${pid}`, cause);
  }
}

/** Starts `serve` in the background, with its output in `<store>/serve.log`, and waits until it listens; one that runs with the same arguments is left alone. Throws `TARGET_LISTEN` with the end of its log when it does not. */
export async function startProcess({ root, args }: ServiceFacts, isReady: () => Promise<boolean>): Promise<'started' | 'running'> {
  const running = await runningProcess(root);
  if (running !== undefined) {
    if (JSON.stringify(running.args) === JSON.stringify(args)) return 'running';
    await stopProcess(root);
  }
  if (await isReady()) throw new BundleError('TARGET_LISTEN', { subject: 'longshore serve', expected: 'a free address', actual: 'another process listens there' });
  const [program = '', ...words] = serveCommand(args);
  const log = openSync(join(root, 'serve.log'), 'a', 0o640);
  const child = spawn(program, words, { detached: true, stdio: ['ignore', log, log] });
  let ended = false;
  child.once('exit', () => { ended = true; });
  await commitFile(pidPath(root), JSON.stringify({ pid: child.pid, args }));
  for (let waitedMs = 0; waitedMs < 60_000 && !ended; waitedMs += 100) {
    if (await isReady() && !ended) { child.unref(); return 'started'; }
    await new Promise((done) => { setTimeout(done, 100); });
  }
  await rm(pidPath(root), { force: true });
  if (!ended) child.kill('SIGTERM');
  throw new BundleError('TARGET_LISTEN', { subject: 'longshore serve', expected: 'to listen', actual: (await readFile(join(root, 'serve.log'), 'utf8')).trim().split('\n').slice(-6).join(' | ') });
}

/** Makes a running service read its certificates again. */
export async function reloadProcess(root: string): Promise<void> {
  const running = await runningProcess(root);
  if (running !== undefined) process.kill(running.pid, 'SIGHUP');
}

/** Stops the background process and waits for its end. False when there was none. */
export async function stopProcess(root: string): Promise<boolean> {
  const running = await runningProcess(root);
  if (running === undefined) {
    await rm(pidPath(root), { force: true });
    return false;
  }
  process.kill(running.pid, 'SIGTERM');
  for (let waitedMs = 0; isOurs(running); waitedMs += 50) {
    if (waitedMs > 30_000) throw new BundleError('TARGET_REFUSED', { subject: `process ${running.pid}`, expected: 'to end', actual: 'it still runs' });
    await new Promise((done) => { setTimeout(done, 50); });
  }
  await rm(pidPath(root), { force: true });
  return true;
}
