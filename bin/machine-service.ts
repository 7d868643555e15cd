// The repository machine's service as a process: a systemd unit where systemd runs and this is root, else a process in the background.
import { spawn, spawnSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from '../bom/errors.ts';
import { isUnitOf, systemdUnit } from '../repository/client/automation.ts';
import { commitFile, storageError } from '../store/durable-file.ts';
import { exists } from './files.ts';
import { giveStore } from './store-owner.ts';

export interface ServiceFacts {
  /** The store; the only place that the service writes. */
  readonly root: string;
  /** Arguments of `longshore serve`. */
  readonly args: readonly string[];
  readonly user: string;
}

export const unitName = 'longshore';
const unitPath = `/etc/systemd/system/${unitName}.service`;

/** Whether units can be installed here: root, and systemd is what runs the system (sd_booted(3)). */
export async function hasSystemd(): Promise<boolean> {
  return process.getuid?.() === 0 && (await exists('/run/systemd/system'));
}

export function serveCommand(args: readonly string[]): string[] {
  return [process.execPath, join(import.meta.dirname, import.meta.url.endsWith('.ts') ? 'longshore.ts' : 'longshore.js'), 'serve', ...args];
}

export function unitText({ root, args, user }: ServiceFacts): string {
  const command = serveCommand(args);
  const isAtHome = command.slice(0, 2).some((path) => /^\/(home|root|run\/user)\//.test(path));
  return systemdUnit({ command, store: root, user, ...(isAtHome ? { readableHome: true } : {}) });
}

/** Installs, enables and (re)starts the unit; makes its user and gives it the store, but for the operator's archives among `volumes` ({@link giveStore}). What is as it should be is left alone. Throws `STORAGE_IO`. */
export async function installUnit(facts: ServiceFacts, volumes: readonly string[]): Promise<'started' | 'running'> {
  if (systemctl('is-active', '--quiet', unitName) && (await isSame(unitPath, unitText(facts)))) return 'running';
  if (facts.user !== 'root' && spawnSync('id', ['-u', facts.user]).status !== 0) command('useradd', ['--system', '--home-dir', facts.root, '--no-create-home', '--shell', '/usr/sbin/nologin', facts.user]);
  await giveStore(facts.root, { user: facts.user, volumes });
  await commitFile(unitPath, unitText(facts));
  command('systemctl', ['daemon-reload']);
  command('systemctl', ['enable', unitName]);
  command('systemctl', ['restart', unitName]);
  return 'started';
}

/** False when there was none, or it is of another store by now. */
export async function removeUnit(root: string): Promise<boolean> {
  if (!(await exists(unitPath)) || !isUnitOf(await readFile(unitPath, 'utf8'), root)) return false;
  command('systemctl', ['disable', '--now', unitName]);
  await rm(unitPath, { force: true });
  command('systemctl', ['daemon-reload']);
  return true;
}

function systemctl(...args: readonly string[]): boolean {
  return spawnSync('systemctl', args).status === 0;
}

async function isSame(path: string, text: string): Promise<boolean> {
  return (await readFile(path, 'utf8').catch(() => undefined)) === text;
}

function command(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new BundleError('STORAGE_IO', { subject: `${program} ${args.join(' ')}`, expected: 'to succeed', actual: error?.message ?? (stderr.trim().split('\n').at(-1) || `status ${status}`) });
}

// ---- without systemd

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
export async function reloadService(root: string, systemd: boolean): Promise<void> {
  const running = systemd ? undefined : await runningProcess(root);
  if (systemd) command('systemctl', ['reload', unitName]);
  else if (running !== undefined) process.kill(running.pid, 'SIGHUP');
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
