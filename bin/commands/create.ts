import { readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import type { Archive } from '../../importer/archive-file.ts';
import { openArchive, openVolume } from '../../importer/archive-file.ts';
import { importArchive } from '../../importer/import.ts';
import { hostOf, isLocal, type TcpAddress, type UnixAddress } from '../../repository/listen-address.ts';
import { holding } from '../../store/store-lock.ts';
import { makeDirectory } from '../../store/durable-file.ts';
import { Store } from '../../store/store.ts';
import { readKeys } from '../archive-content.ts';
import { writeBuildFolder } from '../build-folder.ts';
import { clientsOfStore } from '../client-script.ts';
import { collect, type CommandContext, defineCommand, keyOption, machineStore, storeOption } from '../context.ts';
import { machineKey } from '../machine-key.ts';
import { epirepoBom } from '../epirepo-bom.ts';
import { hostsOf, type ListenFlags, listenAddresses, listenOptions, modeText, ownWayTo } from '../listen-flags.ts';
import { reloadProcess, startProcess } from '../machine-service.ts';
import { readMachineSettings, writeMachineSettings } from '../machine-settings.ts';
import { parseOrigin } from '../origin.ts';
import { checkUnitName, hasSystemd, installUnit, reloadUnit, removeUnit, type UnitFacts, unitTexts } from '../systemd-service.ts';
import { threads } from './archive.ts';
import { type FactFlags, factOptions, factsOf } from '../cluster-facts.ts';
import { runSync, type SyncFlags, syncFlags } from './sync.ts';

interface CreateFlags extends Omit<SyncFlags, 'file' | 'now'>, FactFlags, ListenFlags {
  readonly build: string;
  readonly offline?: readonly string[];
  readonly online?: boolean;
  readonly file?: readonly string[];
  readonly socket?: boolean;
  readonly unit?: string;
  readonly origin?: string;
  readonly key: readonly string[];
  readonly allowUnsigned?: boolean;
  readonly insecureHttp?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly htpasswd?: string;
  readonly readAuth?: boolean;
  readonly user: string;
  readonly service: boolean;
  readonly rotateCa?: boolean;
}

export function registerCreate(program: Command): void {
  defineCommand<CreateFlags>(program, 'create', {
    description: 'from a bare machine to a serving one: import or download, keys and TLS, the service, and files for client machines; run again, it changes what changed',
    flags: [
      new Option('-b, --build <dir>', 'folder for what client machines need and the repository manifest').makeOptionMandatory(),
      new Option('--offline <path...>', 'import these archives first, or every archive of a folder'),
      new Option('--online', 'lock and download on this machine first: needs -f'),
      ...syncFlags().filter((option) => option.long !== '--store' && option.long !== '--file'), new Option('-f, --file <path>', 'with --online: a project or BOMs; repeatable').argParser(collect),
      storeOption(machineStore), keyOption('public key that must have signed the archives; repeatable'), new Option('--allow-unsigned', 'take archives that nobody signed'),
      ...listenOptions('0.0.0.0:5000'), new Option('--socket', 'systemd opens the addresses (socket activation): nobody is refused while the service starts again'),
      new Option('--origin <url>', 'how cluster machines reach this one (default: https://<this host>:<port>)'),
      new Option('--insecure-http', 'plain http'), new Option('--tls-cert <file>', 'certificate chain, PEM (default: of an own authority)'), new Option('--tls-key <file>', 'its key, PEM'),
      new Option('--htpasswd <file>', 'who may push: bcrypt hashes (htpasswd -B)'), new Option('--read-auth', 'reading needs a password too'),
      ...factOptions(), new Option('--rotate-ca', 'make a new authority: every client has to be set up again'),
      new Option('--unit <name>', 'name of the systemd unit, one for each store (default: longshore, or the one it has)').argParser(parseUnit),
      new Option('--user <name>', 'of the systemd unit').argParser(parseUser).default('longshore'), new Option('--no-service', 'start nothing; the unit is in the build folder'),
    ],
    action: runCreate,
  });
}

function parseUser(text: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(text)) throw new InvalidArgumentError('expected the name of a user.');
  return text;
}

function parseUnit(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/.test(text) || /\.(service|socket)$/.test(text)) throw new InvalidArgumentError('expected a name of letters, digits, dots and dashes, without .service.');
  return text;
}

interface Plan {
  readonly root: string;
  readonly origin: string;
  readonly systemd: boolean;
  readonly facts: UnitFacts;
  readonly listen: Addresses;
}

/** What the flags come to. Throws before anything is made. */
async function planOf(flags: CreateFlags): Promise<Plan> {
  const root = resolve(flags.store);
  const listen = listenAddresses({ ...flags, listen: listenTexts(flags) });
  const origin = flags.origin === undefined ? originFor(listen, flags) : parseOrigin(flags.origin, '--origin');
  const systemd = flags.service && (await hasSystemd());
  const name = flags.unit ?? (await readMachineSettings(root))?.unit ?? 'longshore';
  if (systemd) await checkUnitName(name, root);
  else if (flags.service && flags.socket === true) throw new BundleError('INPUT_FLAG', { subject: '--socket', expected: 'a system that systemd runs, as root', actual: 'none', next: 'Leave it out, or write the units only, with --no-service.' });
  const socket = { ...(flags.socketMode === undefined ? {} : { mode: flags.socketMode }), ...(flags.socketGroup === undefined ? {} : { group: flags.socketGroup }) };
  return { root, origin, systemd, listen, facts: { root, args: serveArguments(flags, { root, listen, origin }), name, user: flags.user, listen, ...(flags.socket === true ? { socket } : {}) } };
}

async function runCreate(context: CommandContext, flags: CreateFlags): Promise<void> {
  const plan = await planOf(flags);
  const { root, origin, systemd, facts } = plan;
  const units = unitTexts(facts);
  await takeContent(context, flags, root);
  const store = await Store.open(root, { create: true });
  try {
    await settle(context, flags, plan);
    const clients = await clientsOfStore(store, {}, context.now());
    const manifest = await writeBuildFolder(flags.build, clients, { store: root, units });
    const service = !flags.service ? 'not started' : await start(facts, { systemd, store });
    if (flags.rotateCa === true && flags.service) await (systemd ? reloadUnit(facts.name) : reloadProcess(root));
    context.print({ ...manifest, build: resolve(flags.build), service }, [
      ...manifest.projects.map(({ name, sequence, generation }) => `${name}: generation ${generation ?? '-'} is served (sequence ${sequence})`),
      ...(manifest.projects.length === 0 ? ['nothing was imported yet: serving an empty registry'] : []),
      `  service: ${service}`, `  address: ${origin}/`, `  client files and manifest: ${resolve(flags.build)}`,
      ...(manifest.caFingerprint === undefined ? [] : ['  the certificate is of this machine\'s own authority (/keys/ca.pem); clients compare its SHA-256 fingerprint before they trust it:', `    ${manifest.caFingerprint}`]),
      `  ${origin}/client/setup.sh is ${manifest.setupDigest}`,
      '  cluster machines: `longshore client setup -i INVENTORY`, or sh setup.sh on each',
    ].join('\n'));
  } finally {
    store.close();
  }
}

async function takeContent(context: CommandContext, flags: CreateFlags, root: string): Promise<void> {
  if (flags.online === true) {
    if (flags.file === undefined) throw new BundleError('INPUT_FLAG', { subject: '--online', expected: 'a project or BOMs with -f', actual: 'none' });
    await runSync(context, { ...flags, file: flags.file });
  }
  const epirepo = await offlineTree(context, flags);
  if (epirepo !== undefined) await runSync(context, { ...flags, file: [epirepo] });
  else await takeArchives(context, flags, root);
}

/** Keys, and what commands that come later have to know. */
async function settle(context: CommandContext, flags: CreateFlags, { root, origin, systemd, listen, facts }: Plan): Promise<void> {
  const ownAuthority = await makeSecrets(context, flags, { root, listen, origin });
  const before = (await readMachineSettings(root))?.unit;
  // A store that gets a unit of another name leaves none behind.
  if (systemd && before !== undefined && before !== facts.name) await removeUnit(before, root);
  const unit = systemd ? facts.name : before;
  await writeMachineSettings(root, { origin, serve: facts.args, ownAuthority, listen: listenTexts(flags), tls: speaksTls(flags, listen), ...(unit === undefined ? {} : { unit }) });
}

async function start(facts: UnitFacts, { systemd, store }: { readonly systemd: boolean; readonly store: Store }): Promise<string> {
  if (systemd) return `systemd unit ${facts.name}, ${await installUnit(facts, store.packRecords().flatMap(({ volumes }) => volumes.map(({ path }) => path)))}`;
  const [first] = facts.listen;
  return `in the background (no systemd here), ${await startProcess(facts, async () => first !== undefined && (await answers(first)))}`;
}

/** The BOM of a folder that download-requirements made, written into the build folder; undefined when --offline names anything else. */
async function offlineTree(context: CommandContext, flags: CreateFlags): Promise<string | undefined> {
  const [folder, second] = flags.offline ?? [];
  if (folder === undefined || second !== undefined) return undefined;
  await makeDirectory(resolve(flags.build));
  const bom = join(resolve(flags.build), 'epirepo.yaml');
  const tree = await epirepoBom(folder, bom, context.signal);
  for (const warning of tree?.warnings ?? []) context.note(`warning: ${warning}`);
  return tree === undefined ? undefined : bom;
}

/** Imports what --offline names, each project's oldest sequence first. */
async function takeArchives(context: CommandContext, flags: CreateFlags, root: string): Promise<void> {
  const named = flags.offline ?? [];
  if (named.length === 0) return;
  const archives = await findArchives(named);
  const keys = await readKeys(flags.key);
  const store = await Store.open(root, { create: true });
  try {
    for (const { volumes } of archives.sort((a, b) => a.manifest.sequence - b.manifest.sequence)) {
      const facts = await factsOf(flags, root);
      const result = await holding(root, { role: 'use', signal: context.signal }, () => importArchive({
        ...(facts === undefined ? {} : { facts }),
        paths: [...volumes.values()].map(({ path }) => path), store, keys, allowUnsigned: flags.allowUnsigned === true, allowUpgradePath: flags.allowUpgradePath === true,
        // What was imported before stays imported; an older archive that lies beside is passed over below.
        copy: false, concurrency: threads, now: context.now(), notify: context.notify, signal: context.signal,
      }).catch((cause: unknown) => {
        if (cause instanceof BundleError && cause.code === 'TARGET_REPLAY') return undefined;
        throw cause;
      }));
      if (result?.changed === true) context.note(`imported ${result.project}, sequence ${result.generation.sequence}`);
    }
  } finally {
    store.close();
  }
}

/** Archives among files and in folders. Throws `INPUT_MISSING_FILE` when there is none, and what opening a named file throws. */
async function findArchives(named: readonly string[]): Promise<Archive[]> {
  const paths: string[] = [];
  for (const path of named) {
    const info = await stat(path).catch(() => undefined);
    if (info === undefined) throw new BundleError('INPUT_MISSING_FILE', { subject: `--offline ${path}`, expected: 'an archive, or a folder with archives', actual: 'nothing there' });
    if (!info.isDirectory()) paths.push(path);
    else for (const name of (await readdir(path)).sort()) if (/\.(tar|sh|run)$|\.tar\.\d{3,}$/.test(name) && (await isArchive(join(path, name)))) paths.push(join(path, name));
  }
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const { archive } = await openArchive([path]);
    groups.set(archive, [...(groups.get(archive) ?? []), path]);
  }
  if (groups.size === 0) throw new BundleError('INPUT_MISSING_FILE', { subject: `--offline ${named.join(' ')}`, expected: 'at least one archive', actual: 'none' });
  return Promise.all([...groups.values()].map((volumes) => openArchive(volumes)));
}

async function isArchive(path: string): Promise<boolean> {
  return openVolume(path).then(() => true, (cause: unknown) => {
    if (cause instanceof BundleError && cause.code === 'INPUT_ARCHIVE_FORMAT') return false;
    throw cause;
  });
}

const listenTexts = ({ listen }: ListenFlags): readonly string[] => (listen.length === 0 ? ['0.0.0.0:5000'] : listen);

type Addresses = readonly (TcpAddress | UnixAddress)[];

function originFor(listen: Addresses, flags: CreateFlags): string {
  const address = listen.find((each) => 'port' in each);
  if (address === undefined) throw new BundleError('INPUT_FLAG', { subject: '--origin', expected: 'how cluster machines reach this one, when it listens on Unix sockets alone', actual: 'nothing' });
  const name = /^(0\.0\.0\.0|::)$/.test(hostOf(address) ?? '') ? hostname() : address.host;
  return parseOrigin(`${speaksTls(flags, listen) ? 'https' : 'http'}://${name}:${address.port}`, '--listen');
}

/** Whether the service does itself; else a proxy on this machine may. */
function speaksTls(flags: CreateFlags, listen: Addresses): boolean {
  return flags.insecureHttp !== true && (flags.tlsCert !== undefined || !listen.every(isLocal));
}

function serveArguments(flags: CreateFlags, { root, listen, origin }: { readonly root: string; readonly listen: Addresses; readonly origin: string }): string[] {
  const given: readonly (readonly [string, string | undefined])[] = [['--tls-cert', flags.tlsCert], ['--tls-key', flags.tlsKey], ['--htpasswd', flags.htpasswd]];
  // Sockets that systemd opened come by themselves.
  const addresses = flags.socket === true ? [] : [
    ...listenTexts(flags).flatMap((each) => ['--listen', each]), ...(flags.socketMode === undefined ? [] : ['--socket-mode', modeText(flags.socketMode)]),
    ...(flags.socketGroup === undefined ? [] : ['--socket-group', flags.socketGroup]),
  ];
  return [
    '--store', root, ...addresses, ...(listen.every((each) => 'path' in each) ? [] : ['--tls-host', hostNameOf(origin)]),
    ...given.flatMap(([flag, path]) => (path === undefined ? [] : [flag, resolve(path)])),
    ...(flags.insecureHttp === true ? ['--insecure-http'] : []), ...(flags.readAuth === true ? ['--read-auth'] : []), '--access-log',
  ];
}

const hostNameOf = (origin: string): string => new URL(origin).hostname.replace(/^\[(.*)\]$/, '$1');

/** The machine's key, and its authority where it needs one: true then. */
async function makeSecrets(context: CommandContext, flags: CreateFlags, { root, listen, origin }: { readonly root: string; readonly listen: Addresses; readonly origin: string }): Promise<boolean> {
  await machineKey(root, context.now());
  if (!speaksTls(flags, listen) || flags.tlsCert !== undefined) return false;
  const { openOwnTls, rotateAuthority } = await import('../../repository/tls/own-tls.ts');
  await (flags.rotateCa === true ? rotateAuthority : openOwnTls)(join(root, 'tls'), { hosts: hostsOf(listen, [hostNameOf(origin)]), now: context.now() });
  return true;
}

/** Whether something listens at the first address. */
async function answers(first: TcpAddress | UnixAddress): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((done) => {
    const socket = connect(ownWayTo(first), () => { socket.destroy(); done(true); });
    socket.once('error', () => { done(false); });
  });
}
