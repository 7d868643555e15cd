// An archive in Ubuntu's layout: what apt-get takes from it for seeded requests, and what our source locks for the same ones, read, verified and solved as a whole.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleError } from '../../../bom/errors.ts';
import { silent } from '../../../bom/events.ts';
import type { PackageSetRequirement, RepositoryRequirement } from '../../../bom/requirement.ts';
import { createAptSource } from '../../../downloader/sources/apt.ts';
import { createHttpClient } from '../../../transport/http.ts';
import { type AptRoot, makeAptRoot } from '../../support/apt-root.ts';
import { must } from '../../support/command.ts';
import { MemoryBlobs } from '../../support/memory-blobs.ts';
import { fetchedBy } from '../real-apt.ts';
import { type Fields, fromTheMachine, handMade, textOf } from './packages.ts';
import { type Request, RequestMaker, type Setup } from './requests.ts';
import { codename, login, makeSite, type Site } from './site.ts';

export interface UbuntuOptions {
  readonly seed: number;
  readonly sites: number;
  /** Machines with sources of their own on each site, and requests of each machine. */
  readonly setups: number;
  readonly requests: number;
  /** Stanzas of this machine's Debian in place of hand-made ones: closures of so many sets. */
  readonly real?: number;
  readonly chroot?: string;
}

export interface UbuntuTally { same: number; refusedByBoth: number; readonly different: string[] }

const at = { file: 'machine sources', line: 1, column: 1 };
const everything = ['amd64', 'i386', 'arm64'];

interface Machine { readonly folder: string; readonly site: Site; readonly setup: Setup; readonly root: AptRoot; readonly status: string }

function aptArguments({ specs, recommends, targetRelease, phasing }: Request): string[] {
  const phased: Readonly<Record<Request['phasing'], readonly string[]>> = {
    always: ['-o', 'APT::Get::Always-Include-Phased-Updates=true'], never: ['-o', 'APT::Get::Never-Include-Phased-Updates=true'], 'by machine': ['-o', 'APT::Machine-ID=0123456789abcdef0123456789abcdef'],
  };
  return ['install', '-qq', '--print-uris', '-y', recommends ? '--install-recommends' : '--no-install-recommends', ...phased[phasing], ...(targetRelease === undefined ? [] : ['-t', targetRelease]), ...specs];
}

async function askApt({ folder, root, status }: Machine, request: Request): Promise<string[] | undefined> {
  await writeFile(join(folder, 'dpkg/status'), request.installed ? status : '');
  await writeFile(join(folder, 'etc/preferences.d/test'), request.preferences);
  const outcome = await root.apt(aptArguments(request));
  return outcome.status === 0 ? fetchedBy(outcome.stdout) : undefined;
}

function repositoriesOf({ setup }: Machine): RepositoryRequirement[] {
  const common = { manager: 'deb' as const, at, keys: [], trusted: false, headersFrom: ['esm'] };
  if (!setup.oneLine) return [{ ...common, id: 'machine', sources: { text: setup.sources, at } }];
  return setup.sources.trim().split('\n').map((line, index) => ({ ...common, id: `machine-${index}`, line }));
}

async function askOurs(machine: Machine, request: Request, blobs: MemoryBlobs): Promise<string[] | string> {
  const { setup: { architectures: [native = '', ...foreignArches] }, site } = machine;
  const http = createHttpClient();
  const authorization = { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` };
  const apt = createAptSource({ http, blobs, now: () => new Date(), notify: silent, headersFor: async (url) => (url.startsWith(site.addresses.esm) ? authorization : {}) });
  const set: PackageSetRequirement = {
    kind: 'deb', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 't', family: 'debian', arch: native, foreignArches }, repositories: repositoriesOf(machine), role: 'normal', dependencies: 'closure',
    weakDependencies: request.recommends, arches: [], include: request.specs.map((spec) => ({ spec, versions: 'newest' as const, at })), urls: [],
    ...(request.preferences === '' ? {} : { preferences: [{ subject: 'preferences', text: request.preferences }] }), ...(request.targetRelease === undefined ? {} : { targetRelease: request.targetRelease }),
    ...(request.installed ? { assumeInstalled: { path: join(machine.folder, 'dpkg/status'), written: 'status' } } : {}),
  };
  try {
    const { artifacts } = await apt.resolve([set], AbortSignal.timeout(60_000));
    return artifacts.map(({ name, version, arch }) => `${name} ${version} ${arch}`).sort();
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return error.message;
    throw error;
  } finally {
    await http.close();
  }
}

/** A machine that was made from what the release had at first: the status of what apt would install then. */
async function makeMachine(folder: string, site: Site, maker: RequestMaker, chroot: string | undefined): Promise<Machine & { readonly installed: readonly string[] }> {
  const setup = maker.setup();
  const [native = ''] = setup.architectures;
  const root = await makeAptRoot(folder, {
    architecture: native, sources: setup.oneLine ? '' : setup.sources, ...(chroot === undefined ? {} : { chroot }),
    extra: [`APT::Architectures { ${setup.architectures.map((arch) => `"${arch}";`).join(' ')} };`, `Dir::Etc::netrcparts "${join(folder, 'etc/auth.conf.d')}";`],
  });
  if (setup.oneLine) await writeFile(join(folder, 'etc/sources.list.d/test.list'), setup.sources);
  await mkdir(join(folder, 'etc/auth.conf.d'), { recursive: true });
  await writeFile(join(folder, 'etc/auth.conf.d/esm.conf'), `machine ${site.addresses.esm} login ${login.user} password ${login.password}\n`);
  await root.mustApt(['update', '-qq']);
  const machine = { folder, site, setup, root, status: '' };
  const first = maker.request({ ...setup, pockets: setup.pockets.filter((pocket) => pocket.endsWith(` ${codename}`) && !pocket.startsWith('ppa')).slice(0, 1) }, []);
  const atFirst = await askApt(machine, { ...first, preferences: `Package: *\nPin: release o=Ubuntu,a=${codename}\nPin-Priority: 1001\n`, targetRelease: codename, specs: first.specs.map((spec) => spec.replace(/[=/^:].*$|-$/, '')) });
  const byIdentity = new Map<string, Fields>();
  for (const fields of [...site.pockets.values()].flat().toReversed()) byIdentity.set(`${fields['Package']} ${fields['Version']} ${fields['Architecture']}`, fields);
  const installed = (atFirst ?? []).map((identity) => byIdentity.get(identity)).filter((fields) => fields !== undefined);
  const statusOf = ({ Package: name = '', ...rest }: Fields): string => textOf({ Package: name, Status: 'install ok installed', ...rest });
  return { ...machine, status: installed.map(statusOf).join('\n'), installed: installed.map((fields) => `${fields['Package']}${fields['Architecture'] === native || fields['Architecture'] === 'all' ? '' : `:${fields['Architecture']}`}`) };
}

function describe(seed: string, machine: Machine, request: Request, { apt, ours }: { readonly apt: readonly string[] | undefined; readonly ours: readonly string[] | string }): string {
  const title = `${seed}, ${machine.setup.architectures.join('+')}, ${machine.setup.pockets.join('; ')}: ${aptArguments(request).slice(4).join(' ')}${request.installed ? ', with something installed' : ''}${request.preferences === '' ? '' : `\n${request.preferences.trim().replace(/^/gm, '      ')}`}`;
  if (apt === undefined) return `${title}\n    apt refuses, ours takes ${ours.length}`;
  if (typeof ours === 'string') return `${title}\n    apt takes ${apt.join(', ') || 'nothing'}; ours refuses: ${ours}`;
  return `${title}\n    only apt: ${apt.filter((item) => !ours.includes(item)).join(', ') || '-'}\n    only ours: ${ours.filter((item) => !apt.includes(item)).join(', ') || '-'}`;
}

async function compareMachine(name: string, machine: Machine & { readonly installed: readonly string[] }, { maker, requests, modern }: { readonly maker: RequestMaker; readonly requests: number; readonly modern: boolean }, tally: UbuntuTally): Promise<void> {
  const blobs = new MemoryBlobs();
  for (let number = 0; number < requests; number += 1) {
    const made = maker.request(machine.setup, machine.installed);
    const request: Request = modern ? made : { ...made, phasing: 'always' };
    const apt = await askApt(machine, request);
    const ours = await askOurs(machine, request, blobs);
    if (apt === undefined && typeof ours === 'string') tally.refusedByBoth += 1;
    else if (apt !== undefined && typeof ours !== 'string' && apt.join('\n') === ours.join('\n')) tally.same += 1;
    // Patterns that match only what may not be installed: apt-get ends well and takes nothing, ours refuses to lock nothing.
    else if (apt?.length === 0 && typeof ours === 'string' && ours.includes('none that may be installed')) tally.refusedByBoth += 1;
    else tally.different.push(describe(`${name}, request ${number}`, machine, request, { apt, ours }));
  }
}

/** From apt 2.3 on: it knows keys within an entry, and its install looks at no phased updates. */
async function isModern(chroot: string | undefined): Promise<boolean> {
  const [, major = '', minor = ''] = /^apt (\d+)\.(\d+)/.exec(chroot === undefined ? await must('apt-get', ['--version']) : await must('chroot', [chroot, 'apt-get', '--version'])) ?? [];
  return Number(major) > 2 || Number(minor) > 3;
}

/** Every request of every machine on every site. */
export async function compareUbuntu({ seed, sites, setups, requests, real, chroot }: UbuntuOptions, print: (line: string) => void): Promise<UbuntuTally> {
  const tally: UbuntuTally = { same: 0, refusedByBoth: 0, different: [] };
  for (let own = seed; own < seed + sites; own += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-ubuntu-'));
    const released = real === undefined ? handMade(own, everything) : await fromTheMachine(own, real);
    const site = await makeSite(folder, released, own);
    try {
      const keyTexts = new Map<string, string>();
      const modern = await isModern(chroot);
      if (modern) for (const path of Object.values(site.keys)) keyTexts.set(path, await readFile(path, 'utf8'));
      const maker = new RequestMaker(site, keyTexts, own + 7);
      for (let setup = 0; setup < setups; setup += 1) {
        const before = tally.different.length;
        const machine = await makeMachine(join(folder, `machine-${setup}`), site, maker, chroot);
        await compareMachine(`site ${own}, machine ${setup}`, machine, { maker, requests, modern }, tally);
        for (const line of tally.different.slice(before)) print(line);
      }
    } finally {
      await site.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return tally;
}
