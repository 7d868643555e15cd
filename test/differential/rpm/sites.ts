// A random site on disk, asked of dnf over its .repo file and of our yum source over the same.
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BundleError } from '../../../bom/errors.ts';
import { silent } from '../../../bom/events.ts';
import type { PackageSetRequirement, RepositoryRequirement } from '../../../bom/requirement.ts';
import { createYumSource } from '../../../downloader/sources/yum.ts';
import { set } from '../../downloader/yum-world.ts';
import { clientOver } from '../../support/apt-repository.ts';
import { MemoryBlobs } from '../../support/memory-blobs.ts';
import type { MadePackage } from './debian-universe.ts';
import type { DnfMode, DnfRequest } from './dnf.ts';
import { metadataRpm } from './metadata-rpm.ts';
import { type OraclePackage, ourAnswer, packageOf } from './oracle.ts';
import type { RandomSite } from './random-site.ts';
import { writeRepository } from './write-repository.ts';

/** `name-version-release.arch repository`, sorted. */
export type SiteAnswer = { readonly chosen: readonly string[] } | { readonly error: string };

export interface WrittenSite {
  readonly site: RandomSite;
  readonly folder: string;
  readonly repoText: string;
  /** `rpm -qa` of the machine; empty for an empty root. */
  readonly installed: readonly OraclePackage[];
  readonly rpms: readonly string[];
  close(): Promise<void>;
}

const nevra = ({ n, e, a }: OraclePackage): string => `${n}-${e}.${a}`;

function made(item: OraclePackage): MadePackage {
  const { name, evr, arch, files, ...deps } = packageOf(item);
  const { provides, requires, conflicts, obsoletes, recommends, suggests, supplements, enhances } = deps;
  const own = { name, op: '=' as const, evr };
  return { name, evr, arch, files: files.map(({ path }) => path), moreFiles: [], deps: { provides: [...provides, own], requires: [...requires], conflicts: [...conflicts], obsoletes: [...obsoletes], recommends: [...recommends], suggests: [...suggests], supplements: [...supplements], enhances: [...enhances] } };
}

/** A closure of the names that the site says, as ours finds it; nothing when they cannot be installed. */
function closureOf({ repositories, installed }: RandomSite): OraclePackage[] {
  if (installed.length === 0) return [];
  const packages = repositories.flatMap((each, r) => each.packages.map((item) => ({ ...item, r })));
  const install = installed.map((name) => packages.flatMap(({ n }, index) => (n === name ? [index] : [])));
  const [taken] = ourAnswer({ arch: 'x86_64', twins: true, packages, repositories: repositories.map(() => ({})), jobs: [{ install, weak: false, best: false }] });
  return (taken ?? []).flatMap((index) => packages[index] ?? []);
}

/** Excludes of `[main]` as excludes of every repository, which is how ours are written. Those of `[main]` hide packages of the machine too: where it has any, dnf gets them in this form as well. */
function withExcludes(repoText: string, excludes: readonly string[]): string {
  if (excludes.length === 0) return repoText;
  return repoText.split(/^(?=\[)/m).map((section) => {
    const merged = section.replace(/^exclude(?:pkgs)?=(.*)$/m, (_, own: string) => `excludepkgs=${own} ${excludes.join(' ')}`);
    return merged === section ? `${section.trimEnd()}\nexcludepkgs=${excludes.join(' ')}\n\n` : merged;
  }).join('');
}

export async function writeSite(site: RandomSite): Promise<WrittenSite> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-site-'));
  const installed = closureOf(site);
  const gone = new Set(site.gone === 0 ? [] : installed.filter((_, index) => index % site.gone === 0).map(nevra));
  const sections: string[] = [];
  for (const { id, packages, settings, modules, group, vendor } of site.repositories) {
    await writeRepository(join(folder, id), packages.filter((item) => !gone.has(nevra(item))).map(made), { vendor, ...(modules === undefined ? {} : { modules }), ...(group === undefined ? {} : { group }) });
    sections.push(`[${id}]\nname=${id}\nbaseurl=file://${folder}/${id}\ngpgcheck=0\n${settings.join('\n')}\n`);
  }
  const isEmpty = installed.length === 0;
  const repoText = isEmpty ? sections.join('\n') : withExcludes(sections.join('\n'), site.mainExcludes);
  await mkdir(join(folder, 'repos.d'));
  await writeFile(join(folder, 'repos.d/site.repo'), repoText);
  const rpms: string[] = [];
  for (const item of installed) {
    const path = join(folder, `${nevra(item)}.rpm`);
    await writeFile(path, metadataRpm(made(item)));
    rpms.push(path);
  }
  return { site, folder, repoText, installed, rpms, close: () => rm(folder, { recursive: true, force: true }) };
}

export function requirementOf({ site, repoText }: WrittenSite): RepositoryRequirement {
  return { id: 'site', manager: 'rpm', at: { file: 'site', line: 1, column: 1 }, keys: [], trusted: true, repoText: withExcludes(repoText, site.mainExcludes) };
}

/** A file with one enabled section is the repository itself. */
function sectionOf({ site }: WrittenSite, repo: string): string {
  return repo.startsWith('site/') ? repo.slice('site/'.length) : site.repositories.find(({ settings }) => !settings.includes('enabled=0'))?.id ?? repo;
}

const relations = ['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'].map((kind) => `[${kind} %{${kind.slice(0, -1).toUpperCase()}NEVRS}\\n]`).join('');

/** The list of docs/rpm.md that says everything, as rpm prints it. To be called after dnf was asked, which makes the database. */
export const longList = ({ folder }: WrittenSite): string => execFileSync('rpm', ['--root', join(folder, 'root'), '-qa', '--qf', `%{NEVRA}\\n${relations}[file %{FILENAMES}\\n]`], { encoding: 'utf8' });
export const shortList = ({ installed }: WrittenSite): string => installed.map(nevra).join('\n');

/** A mode in the fields of a set. */
function fieldsOf(mode: DnfMode | undefined): Pick<PackageSetRequirement, 'dependencies' | 'solve'> {
  switch (mode) {
    case 'download': return { dependencies: 'none', solve: 'union' };
    case 'union': return { dependencies: 'closure', solve: 'union' };
    case 'alldeps': return { dependencies: 'alldeps' };
    case 'versions': return { dependencies: 'none' };
    default: return { dependencies: 'closure' };
  }
}

/** Ours: the whole source, from the .repo file to the lock's entries. */
export async function askOurs(written: WrittenSite, request: DnfRequest, list = shortList(written)): Promise<SiteAnswer> {
  const yum = createYumSource({ http: clientOver(new Map()), blobs: new MemoryBlobs(), now: () => new Date('2026-03-01T00:00:00Z'), notify: silent, headersFor: async () => ({}), readFile: async () => Buffer.from(list) });
  const specs = request.mode === 'optional' ? request.specs.map((spec) => `@${spec}/mandatory,default,conditional,optional`) : request.specs;
  const asked = set(specs, {
    repositories: [requirementOf(written)], weakDependencies: request.weak, best: request.best, ...(written.installed.length === 0 ? {} : { assumeInstalled: { path: '/list', written: 'list' } }),
  });
  const wanted = { ...asked, ...fieldsOf(request.mode), include: asked.include.map((item) => (request.mode?.startsWith('versions') === true ? { ...item, versions: 'all' as const } : item)) };
  try {
    const { artifacts } = await yum.resolve([wanted], new AbortController().signal);
    return { chosen: artifacts.map(({ name, version, arch, repo }) => `${name}-${version}.${arch} ${sectionOf(written, repo)}`).sort() };
  } catch (error) {
    if (error instanceof BundleError && error.family === 'resolve') return { error: error.message };
    throw error;
  }
}

export interface SiteOracle {
  /** One answer for each request of the site. */
  ask(written: WrittenSite): Promise<readonly SiteAnswer[]>;
  close(): void;
}

export function openSiteOracle(): SiteOracle {
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'sites-oracle.py')], { stdio: ['pipe', 'pipe', process.env['ORACLE_DEBUG'] === undefined ? 'ignore' : 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask({ folder, rpms, site }) {
      child.stdin.write(`${JSON.stringify({ folder, arch: 'x86_64', repos: join(folder, 'repos.d'), excludes: rpms.length === 0 ? site.mainExcludes : [], rpms, requests: site.requests })}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('dnf ended early');
      return JSON.parse(value) as SiteAnswer[];
    },
    close() {
      child.stdin.end();
      child.kill();
    },
  };
}
