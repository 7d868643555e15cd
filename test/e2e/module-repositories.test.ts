// What is on offer elsewhere, what the destination has, what licences allow, and the report of a run. The real command line.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { longshore, type Outcome } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('offers');
const cli = (args: readonly string[]): Promise<Outcome> => longshore(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache'), HOME: folder } });
const ok = async (args: readonly string[]): Promise<string> => {
  const outcome = await cli(args);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
};
const head = 'apiVersion: longshore.dev/v1alpha1\n';

async function project(spec: string): Promise<void> {
  await writeFile(join(folder, 'project.yaml'), `${head}kind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: kafka.yaml}]\n${spec}`);
  await rm(join(folder, 'longshore.lock.json'), { force: true });
}

async function kafka(spec: string): Promise<void> {
  await writeFile(join(folder, 'kafka.yaml'), `${head}kind: ModuleBOM\nmetadata: {name: kafka, version: "1"}\nspec:\n  files: [{path: small.txt, licence: Apache-2.0}]\n${spec}`);
}

beforeAll(async () => {
  await writeFile(join(folder, 'small.txt'), 'small\n');
  await mkdir(join(folder, 'offered'));
  for (const version of ['2.30', '2.31']) await writeFile(join(folder, `offered/prometheus-${version}.yaml`), `${head}kind: ModuleBOM\nmetadata: {name: prometheus, version: "${version}", labels: {kind: monitoring}}\nspec: {files: [{path: prometheus.txt}]}\n`);
  await writeFile(join(folder, 'offered/prometheus.txt'), 'p\n');
  await writeFile(join(folder, 'list.yaml'), `${head}kind: ModuleRepository\nmetadata: {name: ours}\nspec:\n  modules:\n    - {name: prometheus, version: "2.30", labels: {kind: monitoring}, bom: offered/prometheus-2.30.yaml}\n    - {name: prometheus, version: "2.31", latest: true, labels: {kind: monitoring}, bom: offered/prometheus-2.31.yaml}\n    - {name: storage, version: "1.0", labels: {kind: storage}}\n`);
  await writeFile(join(folder, 'v1.yaml'), 'version: v1\nkind: Repository\ncomponents:\n- name: azbi\n  type: docker\n  versions:\n  - version: dev\n    latest: true\n    image: docker.io/epiphanyplatform/azbi:dev\n    workdir: /shared\n    mounts: []\n    commands: []\n');
});

describe('module repositories', () => {
  it('are listed and searched, those of LambdaStack too', async () => {
    expect(await ok(['modules', 'list', '-f', 'list.yaml', '-f', 'v1.yaml'])).toMatch(/prometheus\s+2\.31\s+latest\s+.*prometheus-2\.31\.yaml[\s\S]*azbi\s+dev\s+latest/);
    await project('  moduleRepositories: [list.yaml, v1.yaml]\n');
    const found = JSON.parse(await ok(['modules', 'search', 'monitoring', '-f', 'project.yaml', '--json'])) as { readonly modules: readonly { readonly name: string }[] };
    expect(found.modules.map(({ name }) => name)).toEqual(['prometheus', 'prometheus']);
    expect(await ok(['modules', 'search', 'nothing', 'like', 'it', '-f', 'list.yaml'])).toContain('no module like that');
    expect((await cli(['modules', 'list', '-f', 'kafka-project.yaml'])).status).toBe(2);
    await writeFile(join(folder, 'empty.yaml'), 'a: 1\n');
    expect((await cli(['modules', 'list', '-f', 'empty.yaml'])).stderr).toContain('a ModuleRepository, or a Repository v1 list');
  });

  it('give the candidates of an unmet requirement', async () => {
    await kafka('  requires: {strong: [[{key: kind, operator: eq, values: [storage]}]]}\n');
    await project('  moduleRepositories: [list.yaml]\n');
    const outcome = await cli(['lock', '-f', 'project.yaml']);
    expect([outcome.status, outcome.stderr]).toEqual([3, expect.stringContaining('Add one of: storage 1.0.')]);
  });

  it('bring the newest that meets a weak requirement, when that is asked for', async () => {
    await kafka('  requires: {weak: [[{key: kind, operator: eq, values: [monitoring]}, {key: version, operator: ">=", values: ["2.30"]}]]}\n');
    await project('  moduleRepositories: [list.yaml]\n');
    await ok(['lock', '-f', 'project.yaml']);
    expect((JSON.parse(await readFile(join(folder, 'longshore.lock.json'), 'utf8')) as { spec: { order: string[] } }).spec.order).toEqual(['kafka']);
    const added = await cli(['lock', '-f', 'project.yaml', '--with-weak']);
    expect(added.stderr).toContain('added prometheus 2.31, because kafka would like');
    expect((JSON.parse(await readFile(join(folder, 'longshore.lock.json'), 'utf8')) as { spec: { order: string[] } }).spec.order).toEqual(['prometheus', 'kafka']);
  });
});

describe('demands on the destination', () => {
  it('are checked again where the archive is imported', async () => {
    await kafka('  requires: {strong: [[{key: cluster.storage, operator: in, values: [nfs, ceph]}]]}\n');
    await project('  cluster: {storage: nfs}\n');
    await ok(['lock', '-f', 'project.yaml']);
    await ok(['export', '-o', 'site.tar']);
    const refused = await cli(['import', 'site.tar', '--allow-unsigned', '--store', 'inside', '--fact', 'storage=local']);
    expect([refused.status, refused.stderr]).toEqual([3, expect.stringContaining('RESOLVE_UNMET')]);
    expect(await readdir(folder)).not.toContain('inside');
    expect((await cli(['import', 'site.tar', '--allow-unsigned', '--store', 'inside', '--fact', 'storage'])).status).toBe(2);
    const untold = await cli(['import', 'site.tar', '--allow-unsigned', '--store', 'untold']);
    expect([untold.status, untold.stderr]).toEqual([0, expect.stringContaining('modules demand cluster.storage of this destination')]);
    await writeFile(join(folder, 'facts.yaml'), 'cluster.storage: ceph\n');
    await ok(['import', 'site.tar', '--allow-unsigned', '--store', 'inside', '--facts', 'facts.yaml']);
    await ok(['import', 'site.tar', '--allow-unsigned', '--store', 'told-by-file', '--facts', 'facts.yaml', '--report', 'import.json']);
    const report = JSON.parse(await readFile(join(folder, 'import.json'), 'utf8')) as Record<string, unknown>;
    expect(report).toMatchObject({ command: 'import', ok: true, project: 'site', artifacts: [{ kind: 'module', name: 'kafka' }, { kind: 'file', name: 'small.txt', trust: 'first-use', from: ['small.txt'] }] });
  });
});

describe('licences', () => {
  it.each([
    ['deny: [apache-2.0]', 3], ['allow: [MIT]', 3], ['allow: [Apache-2.0]', 0], ['deny: [Proprietary]', 0],
  ])('%s exits %d', async (rule, status) => {
    await kafka('');
    await project(`  policy: {licence: {${rule}}}\n`);
    const outcome = await cli(['lock', '-f', 'project.yaml']);
    expect(outcome.status, outcome.stderr).toBe(status);
  });

  it('that forbid to pass content on are told, or refused', async () => {
    await kafka('  licences: [{name: Apache-2.0, redistributable: false}, {name: House Rules}]\n');
    await project('');
    expect(await ok(['lock', '-f', 'project.yaml'])).toContain('does not allow to pass it on');
    await project('  policy: {licence: {redistributable: fail}}\n');
    expect((await cli(['lock', '-f', 'project.yaml'])).status).toBe(3);
    await project('  policy: {licence: {deny: [House Rules]}}\n');
    expect((await cli(['lock', '-f', 'project.yaml'])).stderr).toContain('the module itself of module kafka');
  });
});

describe('a report', () => {
  it('is written by lock, download and export, and by a run that fails', async () => {
    await kafka('');
    await project('');
    for (const [args, command] of [[['lock', '-f', 'project.yaml'], 'lock'], [['download'], 'download'], [['export', '-o', 'other.tar'], 'export']] as const) {
      await ok([...args, '--report', 'report.json']);
      const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Record<string, unknown>;
      expect(report).toMatchObject({ command, ok: true, project: 'site', sequence: 1, startedAt: expect.stringMatching(/^\d{4}-/) as string });
      expect(report['artifacts']).toHaveLength(2);
    }
    await rm(join(folder, 'small.txt'));
    const failed = await cli(['lock', '-f', 'project.yaml', '--report', 'failed.json']);
    await writeFile(join(folder, 'small.txt'), 'small\n');
    expect(failed.status).toBe(2);
    expect(JSON.parse(await readFile(join(folder, 'failed.json'), 'utf8'))).toMatchObject({ ok: false, error: { code: 'INPUT_MISSING_FILE', exitCode: 2 } });
  });
});
