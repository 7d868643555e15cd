// A repository of real packages with every feature: rpmbuild(8), createrepo_c(8), modifyrepo_c(8). Package texts as in test/downloader/solver/rpms.ts.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { readFile, readdir } from 'node:fs/promises';
import { parseComps } from '../../../formats/rpm/comps.ts';
import { type ModuleDocument, parseModules } from '../../../formats/rpm/modules.ts';
import { findOwners } from '../../../formats/rpm/filelists.ts';
import { addOwners } from '../../../downloader/solver/solv-files.ts';
import { solveSolvLike } from '../../../downloader/solver/solv-like.ts';
import { prepareOffer, type SolvOffer, streamsOf } from '../../../downloader/solver/solv-offer.ts';
import { must } from '../../support/command.ts';
import { rpm } from '../../downloader/solver/rpms.ts';
import { relationText } from '../../../formats/rpm/relation.ts';
import { dependencyKinds } from '../../../downloader/solver/solv-tables.ts';
import type { DnfRequest } from './dnf.ts';
import { loadUniverse, type RepositoryFiles } from './load-repository.ts';

const label = (kind: string): string => kind[0]?.toUpperCase() + kind.slice(1);

function specText(line: string): string {
  const item = rpm(line);
  const { epoch, version, release } = item.evr;
  const relations = dependencyKinds.flatMap((kind) => item[kind].map((relation) => `${label(kind)}: ${relationText(relation)}`));
  const files = item.files.map(({ path }) => path);
  return [`Name: ${item.name}`, ...(epoch === 0 ? [] : [`Epoch: ${epoch}`]), `Version: ${version}`, `Release: ${release}`, 'Summary: s', 'License: MIT', ...(item.arch === 'noarch' ? ['BuildArch: noarch'] : []), ...relations,
    'AutoReqProv: no', '%description', 'd', '%install', ...files.map((path) => `install -D /dev/null %{buildroot}${path}`), '%files', ...files, ''].join('\n');
}

export interface HandMade {
  readonly repository: RepositoryFiles & { readonly path: string };
  readonly filelists: string;
  readonly documents: readonly ModuleDocument[];
  readonly comps: ReturnType<typeof parseComps>;
  close(): Promise<void>;
}

export interface HandMadeInput { readonly packages: string; readonly modules: string; readonly comps: string; readonly hotfixes?: boolean }

async function read(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path).pipe(createGunzip())) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export async function buildHandMade(input: HandMadeInput): Promise<HandMade> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-rpms-'));
  const path = join(folder, 'repository');
  await mkdir(join(folder, 'specs'), { recursive: true });
  await mkdir(path, { recursive: true });
  const lines = input.packages.split('\n').filter((line) => line.trim() !== '');
  for (const [index, line] of lines.entries()) {
    const spec = join(folder, 'specs', `${index}.spec`);
    await writeFile(spec, specText(line));
    const { arch } = rpm(line);
    await must('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${folder}/build`, '--define', `_rpmdir ${path}`, '--target', arch === 'noarch' ? 'x86_64' : arch, spec]);
  }
  await writeFile(join(folder, 'comps.xml'), input.comps);
  await writeFile(join(folder, 'modules.yaml'), input.modules);
  await must('createrepo_c', ['--quiet', '--compress-type', 'gz', '--groupfile', join(folder, 'comps.xml'), path]);
  await must('modifyrepo_c', ['--mdtype=modules', '--compress-type=gz', join(folder, 'modules.yaml'), join(path, 'repodata')]);
  const files = await readdir(join(path, 'repodata'));
  const one = (ending: string): string => join(path, 'repodata', files.find((name) => name.endsWith(ending)) ?? ending);
  return {
    repository: { id: 'hand-made', path, primary: one('primary.xml.gz'), ...(input.hotfixes === true ? { hotfixes: true } : {}) }, filelists: one('filelists.xml.gz'),
    documents: parseModules(Buffer.from(await read(one('modules.yaml.gz'))), 'modules.yaml'), comps: parseComps(Buffer.from(await readFile(join(folder, 'comps.xml'))), 'comps.xml'),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What ours may choose from, for one request: streams are enabled by it. */
export async function offerFor(made: HandMade, { specs, enable = [] }: DnfRequest): Promise<SolvOffer> {
  const universe = await loadUniverse([made.repository]);
  const choice = { documents: [made.documents], enabled: enable, platform: 'el9' };
  const settings = { arch: 'x86_64', groups: [made.comps], modules: { ...choice, enabled: [...enable, ...streamsOf(specs, choice)] } };
  for (let offer = prepareOffer(universe, settings); ; offer = prepareOffer(universe, settings)) {
    try {
      const { missingPaths } = solveSolvLike(offer, { wanted: specs.map((spec) => ({ spec })), weak: true, best: false, mode: 'closure' });
      if (missingPaths.length === 0) return offer;
      addOwners(universe, missingPaths, new Map([[0, await findOwners(createReadStream(made.filelists).pipe(createGunzip()), missingPaths, { subject: 'filelists', maxBytes: 2 ** 30 })]]));
    } catch {
      return offer;
    }
  }
}
