import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { clearsign, signDetached } from '../../formats/pgp/signature.ts';
import { freeBytes, lowDiskBytes } from '../../repository/health.ts';
import type { TlsFiles } from '../../repository/listen.ts';
import { isLocal, type ListenAddress } from '../../repository/listen-address.ts';
import { passedSockets } from '../../repository/passed-sockets.ts';
import type { Signer } from '../../repository/mirror/signer.ts';
import type { AccessRecord } from '../../repository/access-record.ts';
import { serve } from '../../repository/serve.ts';
import type { ServeOptions } from '../../repository/serve-options.ts';
import type { OwnTls } from '../../repository/tls/own-tls.ts';
import { holding } from '../../store/store-lock.ts';
import { Store } from '../../store/store.ts';
import { openArchiveContent } from '../archive-content.ts';
import { aptValidForOption, collect, type CommandContext, defineCommand, keyOption, readInput } from '../context.ts';
import { GenerationContents } from '../generation-contents.ts';
import { hostsOf, type ListenFlags, listenAddresses, listenOptions } from '../listen-flags.ts';
import { type MachineKey, machineKey, passingKey } from '../machine-key.ts';
import { formatBytes } from '../render.ts';
import { serviceNotice } from '../service-notice.ts';
import { version } from '../version.ts';
import { presentStore } from '../which-store.ts';

interface ServeFlags extends ListenFlags {
  readonly store?: string;
  readonly key: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly insecureHttp?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsHost: readonly string[];
  readonly htpasswd?: string;
  readonly readAuth?: boolean;
  readonly accessLog?: boolean;
  readonly aptValidFor?: number;
}

/** How often a certificate is looked at that will have to be renewed. */
const renewalCheckMs = 3_600_000;
const diskCheckMs = 600_000;

export function registerServe(program: Command): void {
  defineCommand<ServeFlags>(program, 'serve [archive...]', {
    description: 'registry, apt mirror, files and catalog page on one port; with archives, straight from them',
    flags: [
      new Option('--store <dir>', 'what was imported (default: /var/lib/longshore where it exists, else the cache)'),
      ...listenOptions('127.0.0.1:5000, or the sockets that systemd passes'),
      keyOption('public key that signed the archive; repeatable'),
      new Option('--allow-unsigned', 'serve an archive that nobody signed'),
      new Option('--insecure-http', 'plain http on addresses that other machines reach'),
      new Option('--tls-cert <file>', 'certificate chain, PEM'),
      new Option('--tls-key <file>', 'its key, PEM'),
      new Option('--tls-host <name>', 'further names and addresses for the certificate of the machine\'s own authority; repeatable').default([]).argParser(collect),
      new Option('--htpasswd <file>', 'who may push: bcrypt hashes (htpasswd -B)'),
      new Option('--read-auth', 'reading needs a password too'),
      aptValidForOption(),
      new Option('--access-log', 'one JSON line for every request, on stderr'),
    ],
    action: async (context, flags, archives) => {
      if (archives.length > 0) await serveArchive(context, flags, archives);
      else await serveStore(context, flags);
    },
  });
}

async function serveStore(context: CommandContext, flags: ServeFlags): Promise<void> {
  const store = await Store.open(flags.store ?? (await presentStore()), { create: true });
  const contents = await GenerationContents.open(store, () => context.now().getTime());
  try {
    await run(context, flags, {
      contents: () => contents.served(), watch: (listener) => { contents.onChange(listener); }, blobs: store, push: pushOf(context, store), signer: signerOf(context, await machineKey(store.root, context.now()), flags.aptValidFor),
    }, store.root);
  } finally {
    await contents.close();
    store.close();
  }
}

function pushOf({ signal }: CommandContext, store: Store): NonNullable<ServeOptions['push']> {
  return { blobs: store, state: join(store.root, 'registry'), hold: (work) => holding(store.root, { role: 'use', signal }, work) };
}

async function serveArchive(context: CommandContext, flags: ServeFlags, paths: readonly string[]): Promise<void> {
  const archive = await openArchiveContent(paths, { keys: flags.key, allowUnsigned: flags.allowUnsigned === true, now: context.now() });
  const state = flags.store ?? (await presentStore());
  const key = await machineKey(state, context.now()).catch(async (error: unknown) => {
    if (!(error instanceof BundleError) || error.family !== 'storage' || flags.store !== undefined) throw error;
    context.note(`warning: ${state} cannot be written: this service signs with a key that is gone when it ends; name a folder for a lasting one with --store`);
    return passingKey(context.now());
  });
  await run(context, flags, { contents: () => archive.served, blobs: archive.blobs, signer: signerOf(context, key, flags.aptValidFor) }, state);
}

function signerOf(context: CommandContext, { signer, publicKey }: MachineKey, validForDays: number | undefined): Signer {
  return {
    publicKeyArmored: publicKey,
    clearsign: (text) => clearsign(text, signer, context.now()),
    detach: (content) => signDetached(content, signer, context.now()),
    ...(validForDays === undefined ? {} : { releases: { validForS: validForDays * 86_400, nowS: () => Math.floor(context.now().getTime() / 1000) } }),
  };
}

async function run(context: CommandContext, flags: ServeFlags, content: Pick<ServeOptions, 'contents' | 'watch' | 'blobs' | 'push' | 'signer'>, state: string): Promise<void> {
  const listen = [...listenAddresses(flags), ...(await passedSockets(process.env, process.pid))];
  const notice = serviceNotice(process.env, { pid: process.pid, signal: context.signal, warn: context.note });
  const tls = await tlsOf(context, flags, { listen, state });
  const service = await serve({
    ...content,
    ...(listen.length === 0 ? {} : { listen }),
    ...(tls === undefined ? {} : { tls }),
    version,
    ...(flags.insecureHttp === true ? { insecureHttp: true } : {}),
    ...(flags.htpasswd === undefined ? {} : { htpasswd: flags.htpasswd }),
    ...(flags.readAuth === true ? { readAuth: true } : {}),
    log: (record: AccessRecord) => { if (flags.accessLog === true || isFailureOfOurs(record)) process.stderr.write(`${JSON.stringify(record)}\n`); },
  });
  try {
    const status = tell(context, { served: content.contents(), addresses: service.addresses, ca: tls?.ca });
    const reload = async (): Promise<void> => {
      await notice.reloading();
      const next = await tlsOf(context, flags, { listen, state });
      if (next !== undefined) service.renewTls(next);
    };
    // The password file and generations are looked at again by themselves.
    const onSignal = (): void => { reload().catch((cause: unknown) => context.note(`warning: the certificate was not renewed: ${cause instanceof Error ? cause.message : String(cause)}`)).finally(() => notice.ready(status)); };
    const renewal = tls === undefined || !('renewAt' in tls) ? undefined : setInterval(() => { if (context.now() >= tls.renewAt) onSignal(); }, renewalCheckMs);
    const disk = setInterval(() => { void warnOfLowDisk(context, state); }, diskCheckMs);
    process.on('SIGHUP', onSignal);
    await notice.ready(status);
    await warnOfLowDisk(context, state);
    await new Promise<void>((done) => { if (context.signal.aborted) done(); else context.signal.addEventListener('abort', () => done(), { once: true }); });
    process.off('SIGHUP', onSignal);
    clearInterval(renewal);
    clearInterval(disk);
    await notice.stopping();
  } finally {
    await service.close();
  }
}

/** What a client was told no more of than that the log says why. */
function isFailureOfOurs({ status, failure }: AccessRecord): boolean {
  return failure !== undefined && (status >= 500 || status === 0);
}

/** Says what is served where, and returns it in one line. */
function tell(context: CommandContext, { served, addresses, ca }: { readonly served: ReturnType<ServeOptions['contents']>; readonly addresses: readonly string[]; readonly ca: string | undefined }): string {
  const projects = served.map(({ lock, generation }) => ({ project: lock.metadata.name, sequence: lock.metadata.sequence, ...(generation === undefined ? {} : { generation }) }));
  const fingerprint = ca === undefined ? undefined : new X509Certificate(ca).fingerprint256;
  context.printNow({ addresses, projects, ...(fingerprint === undefined ? {} : { caFingerprint: fingerprint }) }, [
    ...(projects.length === 0 ? ['nothing was imported yet: serving an empty registry'] : projects.map((each) => `serving ${each.project}, sequence ${each.sequence}`)),
    ...addresses.map((address) => `  ${address.startsWith('unix:') ? address : `${address}/`}`),
    ...(fingerprint === undefined ? [] : [`the certificate is of this machine's own authority, which clients get at /keys/ca.pem; compare its SHA-256 fingerprint:`, `  ${fingerprint}`]),
  ].join('\n'));
  return `serving ${projects.length === 0 ? 'an empty registry' : projects.map((each) => each.project).join(', ')} at ${addresses.join(' ')}`;
}

async function warnOfLowDisk(context: CommandContext, state: string): Promise<void> {
  const free = await freeBytes(state);
  if (free !== undefined && free < lowDiskBytes) context.note(`warning: ${formatBytes(free)} are left where ${state} lies: imports and pushes are about to fail; \`longshore gc\` makes room`);
}

/** TLS files that were given, or of the machine's own authority where an address needs them. */
async function tlsOf(context: CommandContext, flags: ServeFlags, { listen, state }: { readonly listen: readonly ListenAddress[]; readonly state: string }): Promise<TlsFiles | OwnTls | undefined> {
  if (flags.tlsCert !== undefined && flags.tlsKey !== undefined) return { cert: readInput(flags.tlsCert), key: readInput(flags.tlsKey) };
  if (flags.tlsCert !== undefined || flags.tlsKey !== undefined) throw new BundleError('INPUT_FLAG', { subject: 'TLS', expected: 'both --tls-cert and --tls-key', actual: 'one of them' });
  if (flags.insecureHttp === true || listen.every(isLocal)) return undefined;
  const { openOwnTls } = await import('../../repository/tls/own-tls.ts');
  return openOwnTls(join(state, 'tls'), { hosts: hostsOf(listen, flags.tlsHost), now: context.now() });
}
