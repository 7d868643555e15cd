import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { clearsign, signDetached } from '../../formats/pgp/signature.ts';
import { freeBytes, lowDiskBytes } from '../../repository/health.ts';
import { isLoopback, type ListenAddress, type TlsFiles } from '../../repository/listen.ts';
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
import { type MachineKey, machineKey, passingKey } from '../machine-key.ts';
import { formatBytes } from '../render.ts';
import { version } from '../version.ts';
import { presentStore } from './status.ts';

interface ServeFlags {
  readonly store?: string;
  readonly listen: readonly string[];
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
      new Option('--listen <host:port>', 'address; repeatable (default: 127.0.0.1:5000)').default([]).argParser(collect),
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
      contents: () => contents.served(), blobs: store, push: pushOf(context, store), signer: signerOf(context, await machineKey(store.root, context.now()), flags.aptValidFor),
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

async function run(context: CommandContext, flags: ServeFlags, content: Pick<ServeOptions, 'contents' | 'blobs' | 'push' | 'signer'>, state: string): Promise<void> {
  const listen = flags.listen.map(parseListen);
  const tls = await tlsOf(context, flags, { listen, state });
  const service = await serve({
    ...content,
    ...(listen.length === 0 ? {} : { listen }),
    ...(tls === undefined ? {} : { tls }),
    version,
    ...(flags.insecureHttp === true ? { insecureHttp: true } : {}),
    ...(flags.htpasswd === undefined ? {} : { htpasswd: flags.htpasswd }),
    ...(flags.readAuth === true ? { readAuth: true } : {}),
    ...(flags.accessLog === true ? { log: (record: AccessRecord) => process.stderr.write(`${JSON.stringify(record)}\n`) } : {}),
  });
  try {
    const served = content.contents();
    const projects = served.map(({ lock, generation }) => ({ project: lock.metadata.name, sequence: lock.metadata.sequence, ...(generation === undefined ? {} : { generation }) }));
    const fingerprint = tls?.ca === undefined ? undefined : new X509Certificate(tls.ca).fingerprint256;
    context.print({ addresses: service.addresses, projects, ...(fingerprint === undefined ? {} : { caFingerprint: fingerprint }) }, [
      ...(projects.length === 0 ? ['nothing was imported yet: serving an empty registry'] : projects.map((each) => `serving ${each.project}, sequence ${each.sequence}`)),
      ...service.addresses.map((address) => `  ${address}/`),
      ...(fingerprint === undefined ? [] : [`the certificate is of this machine's own authority, which clients get at /keys/ca.pem; compare its SHA-256 fingerprint:`, `  ${fingerprint}`]),
    ].join('\n'));
    const reload = (): void => {
      tlsOf(context, flags, { listen, state }).then((next) => { if (next !== undefined) service.renewTls(next); }).catch((cause: unknown) => context.note(`warning: the certificate was not renewed: ${cause instanceof Error ? cause.message : String(cause)}`));
    };
    const renewal = tls === undefined || !('renewAt' in tls) ? undefined : setInterval(() => { if (context.now() >= tls.renewAt) reload(); }, renewalCheckMs);
    const disk = setInterval(() => { void warnOfLowDisk(context, state); }, diskCheckMs);
    await warnOfLowDisk(context, state);
    // The password file and generations are looked at again by themselves.
    process.on('SIGHUP', reload);
    await new Promise<void>((done) => { if (context.signal.aborted) done(); else context.signal.addEventListener('abort', () => done(), { once: true }); });
    process.off('SIGHUP', reload);
    clearInterval(renewal);
    clearInterval(disk);
  } finally {
    await service.close();
  }
}

async function warnOfLowDisk(context: CommandContext, state: string): Promise<void> {
  const free = await freeBytes(state);
  if (free !== undefined && free < lowDiskBytes) context.note(`warning: ${formatBytes(free)} are left where ${state} lies: imports and pushes are about to fail; \`longshore gc\` makes room`);
}

/** `host:port`, `[v6]:port`, `:port` (loopback) or `host` (port 5000). */
export function parseListen(text: string): ListenAddress {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? 5000);
  if (match === null || port > 65_535) throw new BundleError('INPUT_FLAG', { subject: '--listen', expected: 'host:port, [IPv6]:port or :port', actual: text });
  return { host: match[1] === '' || match[1] === undefined ? '127.0.0.1' : match[1], port };
}

/** TLS files that were given, or of the machine's own authority where an address needs them. */
async function tlsOf(context: CommandContext, flags: ServeFlags, { listen, state }: { readonly listen: readonly ListenAddress[]; readonly state: string }): Promise<TlsFiles | OwnTls | undefined> {
  if (flags.tlsCert !== undefined && flags.tlsKey !== undefined) return { cert: readInput(flags.tlsCert), key: readInput(flags.tlsKey) };
  if (flags.tlsCert !== undefined || flags.tlsKey !== undefined) throw new BundleError('INPUT_FLAG', { subject: 'TLS', expected: 'both --tls-cert and --tls-key', actual: 'one of them' });
  if (flags.insecureHttp === true || listen.every(({ host }) => isLoopback(host))) return undefined;
  const { openOwnTls } = await import('../../repository/tls/own-tls.ts');
  return openOwnTls(join(state, 'tls'), { hosts: hostsOf(listen, flags.tlsHost), now: context.now() });
}

/** What clients may call this machine: its name, the addresses it listens on, and what was named besides. */
export function hostsOf(listen: readonly ListenAddress[], named: readonly string[]): string[] {
  const addresses = listen.flatMap(({ host }) => (host === '0.0.0.0' || host === '[::]' || host === '::'
    ? Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)).filter((address) => !address.startsWith('fe80:'))
    : [host.replace(/^\[(.*)\]$/, '$1')]));
  return [...new Set([...named, hostname(), 'localhost', ...addresses])];
}
