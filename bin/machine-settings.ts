// What `create` decided about a repository machine, for the commands that come later: `<store>/machine.json`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../bom/canonical-json.ts';
import { BundleError } from '../bom/errors.ts';
import { commitFile, storageError } from '../store/durable-file.ts';

export interface MachineSettings {
  /** `https://host:port`, as clients reach it. */
  readonly origin: string;
  /** Arguments of `longshore serve`, without the store. */
  readonly serve: readonly string[];
  /** Whether clients have to trust the machine's own authority. */
  readonly ownAuthority: boolean;
  /** Name of the systemd unit; absent when there is none. */
  readonly unit?: string;
  /** As --listen takes them. */
  readonly listen?: readonly string[];
  /** Whether it speaks TLS itself, at addresses that are no Unix sockets. */
  readonly tls?: boolean;
}

const pathOf = (root: string): string => join(root, 'machine.json');

/** Undefined before `create`. Throws `STORAGE_IO` for a file that says something else. */
export async function readMachineSettings(root: string): Promise<MachineSettings | undefined> {
  const path = pathOf(root);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
  if (text === undefined) return undefined;
  const fail = (actual: string): BundleError => new BundleError('STORAGE_IO', { subject: path, expected: 'what `longshore create` wrote', actual, next: 'Run `longshore create` again.' });
  try {
    const { origin, serve, ownAuthority, unit, listen, tls } = JSON.parse(text) as Partial<MachineSettings>;
    if (typeof origin !== 'string' || !Array.isArray(serve) || typeof ownAuthority !== 'boolean') throw fail('something else');
    return { origin, serve: serve.map(String), ownAuthority, ...(unit === undefined ? {} : { unit }), ...(typeof tls === 'boolean' ? { tls } : {}), ...(Array.isArray(listen) ? { listen: listen.map(String) } : {}) };
  } catch (cause) {
    throw cause instanceof BundleError ? cause : fail((cause as Error).message);
  }
}

export async function writeMachineSettings(root: string, settings: MachineSettings): Promise<void> {
  await commitFile(pathOf(root), `${canonicalJson(settings)}\n`);
}
