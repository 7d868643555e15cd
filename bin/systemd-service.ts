// The repository machine's service under systemd: units of its own for each store.
import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { BundleError } from '../bom/errors.ts';
import type { TcpAddress, UnixAddress } from '../repository/listen-address.ts';
import { commitFile, storageError } from '../store/durable-file.ts';
import { exists } from './files.ts';
import { type ServiceFacts, serveCommand } from './machine-service.ts';
import { giveStore } from './store-owner.ts';
import { isUnitOf, serviceUnit, socketUnitText } from './systemd-units.ts';

export interface UnitFacts extends ServiceFacts {
  /** Of the unit, without `.service`. */
  readonly name: string;
  readonly user: string;
  readonly listen: readonly (TcpAddress | UnixAddress)[];
  /** systemd opens the addresses; `args` then name none. */
  readonly socket?: { readonly mode?: number; readonly group?: string };
}

const folder = '/etc/systemd/system';
const servicePath = (name: string): string => `${folder}/${name}.service`;
const socketPath = (name: string): string => `${folder}/${name}.socket`;

/** Whether units can be installed here: root, and systemd is what runs the system (sd_booted(3)). */
export async function hasSystemd(): Promise<boolean> {
  return process.getuid?.() === 0 && (await exists('/run/systemd/system'));
}

/** Names and texts of the units, the service's first. */
export function unitTexts(facts: UnitFacts): readonly { readonly name: string; readonly text: string }[] {
  const { name, root, args, user, listen, socket } = facts;
  const command = serveCommand(args);
  const service = serviceUnit({
    command, store: root, user, listen, notifies: spawnSync('systemd-notify', ['--version']).status === 0,
    readableHome: command.slice(0, 2).some((path) => /^\/(home|root|run\/user)\//.test(path)), ...(socket === undefined ? {} : { socketUnit: `${name}.socket` }),
  });
  return [{ name: `${name}.service`, text: service }, ...(socket === undefined ? [] : [{ name: `${name}.socket`, text: socketUnitText({ store: root, listen, user, ...socket }) }])];
}

/** Throws `TARGET_REFUSED` when the unit of that name is of another store, or nothing of longshore's. */
export async function checkUnitName(name: string, root: string): Promise<void> {
  const present = await readUnit(servicePath(name));
  if (present === undefined || isUnitOf(present, root)) return;
  throw new BundleError('TARGET_REFUSED', {
    subject: `unit ${name}.service`, expected: `none yet, or the one of ${root}`, actual: `one of ${/^ReadWritePaths=(.*)$/m.exec(present)?.[1] ?? 'another program'}`,
    next: `Give this store's service a name of its own: --unit ${name}-2.`,
  });
}

/**
 * Installs, enables and (re)starts the units, and waits until the service serves; makes its user and gives it the store, but for the operator's archives among
 * `volumes` ({@link giveStore}). What is as it should be is left alone. Throws {@link checkUnitName}'s, `STORAGE_IO`, and `TARGET_LISTEN` with the end of its log when it does not start.
 */
export async function installUnit(facts: UnitFacts, volumes: readonly string[]): Promise<'started' | 'running'> {
  const { name, root, user, socket } = facts;
  await checkUnitName(name, root);
  const units = unitTexts(facts);
  const present = await Promise.all(units.map((unit) => readUnit(`${folder}/${unit.name}`)));
  const stray = socket === undefined && (await exists(socketPath(name)));
  if (user !== 'root' && spawnSync('id', ['-u', user]).status !== 0) command('useradd', ['--system', '--home-dir', root, '--no-create-home', '--shell', '/usr/sbin/nologin', user]);
  // Also to one that runs: what root imported or made anew in the meantime is the service's as well.
  await giveStore(root, { user, volumes });
  if (!stray && units.every(({ text }, index) => present[index] === text) && units.every((unit) => systemctl('is-active', '--quiet', unit.name))) return 'running';
  if (stray) await removeOne(`${name}.socket`);
  // The addresses change hands: the one that has them lets go first.
  if (units.some(({ text }, index) => present[index] !== text) && present.some((text) => text !== undefined)) command('systemctl', ['stop', ...units.filter((_, index) => present[index] !== undefined).map((unit) => unit.name)]);
  for (const unit of units) await commitFile(`${folder}/${unit.name}`, unit.text);
  command('systemctl', ['daemon-reload']);
  command('systemctl', ['enable', ...units.map((unit) => unit.name)]);
  if (socket !== undefined) command('systemctl', ['start', `${name}.socket`]);
  const { status } = spawnSync('systemctl', ['restart', name]);
  if (status !== 0) throw new BundleError('TARGET_LISTEN', { subject: `systemd unit ${name}`, expected: 'to serve', actual: lastWords(name), next: `See \`journalctl -u ${name}\`; then run this again.` });
  return 'started';
}

/** False when there was none, or it is of another store by now. */
export async function removeUnit(name: string, root: string): Promise<boolean> {
  const present = await readUnit(servicePath(name));
  if (present === undefined || !isUnitOf(present, root)) return false;
  if (await exists(socketPath(name))) await removeOne(`${name}.socket`);
  await removeOne(`${name}.service`);
  command('systemctl', ['daemon-reload']);
  return true;
}

async function removeOne(unit: string): Promise<void> {
  command('systemctl', ['disable', '--now', unit]);
  await rm(`${folder}/${unit}`, { force: true });
}

export function reloadUnit(name: string): void {
  command('systemctl', ['reload', name]);
}

function lastWords(name: string): string {
  const { stdout } = spawnSync('journalctl', ['-u', name, '-n', '6', '-o', 'cat', '--no-pager'], { encoding: 'utf8' });
  return stdout?.trim().split('\n').join(' | ') || 'it ended';
}

async function readUnit(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
}

function systemctl(...args: readonly string[]): boolean {
  return spawnSync('systemctl', args).status === 0;
}

function command(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new BundleError('STORAGE_IO', { subject: `${program} ${args.join(' ')}`, expected: 'to succeed', actual: error?.message ?? (stderr.trim().split('\n').at(-1) || `status ${status}`) });
}
