// The setup script for cluster machines: made from what this machine serves, or fetched from the one that does.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from '../bom/errors.ts';
import { type ClientsOf, scriptFor } from '../repository/client/files-for.ts';
import type { ClientAction } from '../repository/client/setup-script.ts';
import { storageError } from '../store/durable-file.ts';
import { Generations } from '../store/generations.ts';
import type { Store } from '../store/store.ts';
import { type CommandContext, networkOf, type NetworkFlags } from './context.ts';
import { withStore } from './which-store.ts';
import { lockOf } from './generation-lock.ts';
import { machineKey } from './machine-key.ts';
import { readMachineSettings } from './machine-settings.ts';
import { parseOrigin } from './origin.ts';
import { createRegistryClient } from './registry-client.ts';

export interface ScriptSource extends NetworkFlags {
  readonly store?: string;
  /** `https://host:port` as cluster machines reach the repository machine. */
  readonly origin?: string;
  /** Fetch it there instead of making it here. */
  readonly from?: string;
  readonly exclusive?: boolean;
}

const scriptLimitBytes = 64 << 20;

export async function clientScript(context: CommandContext, source: ScriptSource, action: ClientAction): Promise<string> {
  if (source.from !== undefined) return fetchScript(context, source, source.from);
  return withStore(source.store, async (store) => scriptFor(await clientsOfStore(store, source, context.now()), action));
}

async function fetchScript(context: CommandContext, source: ScriptSource, from: string): Promise<string> {
  const { http } = createRegistryClient({ notify: context.notify, ...networkOf(source) });
  try {
    const { body } = await http.over(http.send).get(`${parseOrigin(from, '--from')}/client/setup.sh${source.exclusive === true ? '?exclusive=yes' : ''}`, { signal: context.signal, maxBytes: scriptLimitBytes });
    return new TextDecoder().decode(body);
  } finally {
    await http.close();
  }
}

/** What clients of this store get. Throws `INPUT_FLAG` when nobody said how they reach this machine. */
export async function clientsOfStore(store: Store, { origin, exclusive }: Pick<ScriptSource, 'origin' | 'exclusive'>, now: Date): Promise<ClientsOf> {
  const settings = await readMachineSettings(store.root);
  const reached = origin === undefined ? settings?.origin : parseOrigin(origin, '--origin');
  if (reached === undefined) {
    throw new BundleError('INPUT_FLAG', { subject: '--origin', expected: 'how cluster machines reach this one: https://host:port', actual: 'nothing, and `longshore create` did not run here' });
  }
  const generations = new Generations(store.root);
  const current = await Promise.all((await generations.projects()).map((project) => generations.current(project)));
  const served = await Promise.all(current.flatMap((generation) => (generation === undefined ? [] : [generation])).map(async (generation) => ({ lock: await lockOf(store, generation), generation: generation.id, date: 0 })));
  const { publicKey } = await machineKey(store.root, now);
  const ca = reached.startsWith('https:') && settings?.ownAuthority !== false ? await readAuthority(store.root) : undefined;
  return { served, origin: reached, exclusive: exclusive === true, publicKey, ca };
}

async function readAuthority(root: string): Promise<string | undefined> {
  const path = join(root, 'tls/ca.pem');
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
}
