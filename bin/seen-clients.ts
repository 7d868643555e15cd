// Which machines were seen, as the service that runs here tells this machine itself: /api/v1/clients.
import { readFile } from 'node:fs/promises';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getTls } from 'node:https';
import { join } from 'node:path';
import { ownWayTo, parseListen } from './listen-flags.ts';
import { type MachineSettings, readMachineSettings } from './machine-settings.ts';

export interface SeenClient { readonly address: string; readonly lastSeen: string; readonly requests: number }

/** `running: false` when nothing answers where `create` put the service. Undefined before `create`. */
export type ServiceState = { readonly running: true; readonly origin: string; readonly clients: readonly SeenClient[] } | { readonly running: false; readonly origin: string; readonly why: string };

const timeoutMs = 3000;
const limitBytes = 8 << 20;

export async function serviceState(root: string): Promise<ServiceState | undefined> {
  const settings = await readMachineSettings(root);
  if (settings === undefined) return undefined;
  const { origin, ownAuthority } = settings;
  const ca = ownAuthority ? await readFile(join(root, 'tls/ca.pem'), 'utf8') : undefined;
  try {
    const text = await ask(settings, ca);
    return { running: true, origin, clients: (JSON.parse(text) as { readonly clients: readonly SeenClient[] }).clients };
  } catch (cause) {
    return { running: false, origin, why: (cause as Error).message };
  }
}

/** Only this machine itself may ask without a password, so it is asked where it listens, under the name that its certificate has. */
function ask({ origin, listen = [], tls }: MachineSettings, ca: string | undefined): Promise<string> {
  const { protocol, hostname, port } = new URL(`${origin}/`);
  const named = port === '' ? {} : { port: Number(port) };
  const way = listen[0] === undefined ? { host: '127.0.0.1' } : ownWayTo(parseListen(listen[0]));
  const isUnix = 'path' in way;
  const options = { ...(isUnix ? { socketPath: way.path } : { ...named, host: way.host, ...('port' in way && way.port !== 0 ? { port: way.port } : {}) }), path: '/api/v1/clients', timeout: timeoutMs };
  return new Promise((done, fail) => {
    const take = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => { text += part; if (text.length > limitBytes) response.destroy(new Error('more than 8 MiB')); });
      response.on('error', fail).on('end', () => { if (response.statusCode === 200) done(text); else fail(new Error(`status ${response.statusCode}`)); });
    };
    const isName = /[a-z]/i.test(hostname);
    const request = (tls ?? protocol === 'https:') && !isUnix ? getTls({ ...options, ...(ca === undefined ? {} : { ca }), ...(isName ? { servername: hostname } : {}) }, take) : getPlain(options, take);
    request.on('error', fail).on('timeout', () => { request.destroy(new Error('no answer')); });
  });
}
