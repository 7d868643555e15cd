// What operators bring along: their tools, their environment folders without secrets, the commands of modules. The real command line, both sides.
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { longshore, must, type Outcome, run } from '../support/command.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('configs');
const secret = 'correct-horse-battery-staple';
const command = { name: 'init', description: 'never run here', command: `touch ${folder}/was-run`, envs: { NAME: '#Environment#{{.Name}}' }, args: ['--name=$(touch was-run)', '`touch was-run`', '${HOME}'] };

const cli = (args: readonly string[]): Promise<Outcome> => longshore(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache'), HOME: join(folder, 'home') } });

async function ok(args: readonly string[]): Promise<string> {
  const outcome = await cli(args);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
}

const environment = 'home/.e/environments/1f2e';

async function writeDocuments(redact: string, include: string): Promise<void> {
  await writeFile(join(folder, 'e.json'), JSON.stringify({
    apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'e' },
    spec: {
      variables: { envUuid: { default: '1f2e' } },
      files: [{ id: 'e-cli-bin', path: 'e-cli', saveAs: 'tools/e', mode: '0755' }],
      tools: [{ id: 'e-cli', file: 'e-cli-bin', installAs: '/usr/local/bin/e' }],
      configs: [{ id: 'e-env', path: '~/.e/environments/${envUuid}', exclude: ['**/*.log'], redact: redact === '' ? [] : [redact] }],
      modules: [{ name: 'azbi', type: 'docker', version: '0.1.0', commands: [command] }],
    },
  }));
  await writeFile(join(folder, 'project.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: newcluster}\nspec:\n  modules: [{bom: e.json}]\n  export: {${include}}\n`);
}

async function everyByte(path: string): Promise<Buffer> {
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  return Buffer.concat(await Promise.all(names.filter((name) => name.isFile()).map((name) => readFile(join(name.parentPath, name.name)))));
}

beforeAll(async () => {
  await mkdir(join(folder, environment, 'logs'), { recursive: true });
  await writeFile(join(folder, 'e-cli'), '#!/bin/sh\necho e\n');
  await writeFile(join(folder, environment, 'config.yml'), `name: newcluster\nazure-config:\n  credentials:\n    appId: 0815\n    password: ${secret}\n  region: west\n`);
  await writeFile(join(folder, environment, 'logs/run.log'), `password: ${secret}\n`);
  await writeFile(join(folder, environment, 'deploy.sh'), 'exit 0\n');
  await chmod(join(folder, environment, 'deploy.sh'), 0o700);
  await symlink('config.yml', join(folder, environment, 'current'));
});

describe('an environment folder', () => {
  it('with a secret is refused, which shows nowhere', async () => {
    await writeDocuments('', 'includeConfigs: true');
    const outcome = await cli(['lock', '-f', 'project.yaml']);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain('INPUT_SECRET');
    expect(outcome.stderr).toContain('config.yml:5 (secret-value: password)');
    expect(outcome.stderr).toContain('redact');
    expect(outcome.stdout + outcome.stderr).not.toContain(secret);
    expect((await cli(['lock', '-f', 'project.yaml', '--json'])).stdout).not.toContain(secret);
    expect(await readdir(folder)).not.toContain('longshore.lock.json');
    expect((await everyByte(join(folder, 'cache'))).includes(secret)).toBe(false);
  });

  it('is left at home, which is said, when the project does not ask for it', async () => {
    await writeDocuments('', 'includeTools: false');
    expect(await ok(['lock', '-f', 'project.yaml', '--lock', 'other.lock.json'])).toContain('left out: config e-env of e: export.includeConfigs is not true');
    expect(await readFile(join(folder, 'other.lock.json'), 'utf8')).not.toContain('"files":[{');
  });

  it('without its secrets travels, is served, and can be unpacked', async () => {
    await writeDocuments('azure-config.credentials', 'includeConfigs: true');
    await ok(['run', '-f', 'project.yaml', '-o', 'site.tar']);
    const lock = await readFile(join(folder, 'longshore.lock.json'), 'utf8');
    expect(lock).not.toContain(secret);
    await ok(['lock', '-f', 'project.yaml']);
    expect(await readFile(join(folder, 'longshore.lock.json'), 'utf8')).toBe(lock);
    expect((await everyByte(join(folder, 'cache'))).includes(secret)).toBe(false);
    expect((await readFile(join(folder, 'site.tar'))).includes(secret)).toBe(false);
    await ok(['import', 'site.tar', '--allow-unsigned', '--store', 'machine']);
    const served = await startServe(['--store', 'machine'], folder);
    try {
      await must('curl', ['-fsS', '-o', join(folder, 'env.tar'), `${served.url.replace(/\/$/, '')}/files/configs/e/e-env.tar`]);
    } finally {
      await served.stop();
    }
    await mkdir(join(folder, 'restored'));
    await must('tar', ['-xf', join(folder, 'env.tar'), '-C', join(folder, 'restored')]);
    expect((await readdir(join(folder, 'restored'))).sort()).toEqual(['config.yml', 'current', 'deploy.sh']);
    expect(await readFile(join(folder, 'restored/current'), 'utf8')).toBe('name: newcluster\nazure-config:\n  credentials:\n    "REDACTED"\n\n  region: west\n');
    expect((await run(join(folder, 'restored/deploy.sh'), [])).status).toBe(0);
  });
});

describe('tools and modules', () => {
  it('travel with their place and their commands, which nobody runs', async () => {
    const { entries } = JSON.parse(await ok(['ls', 'site.tar', '--json'])) as { entries: readonly Record<string, unknown>[] };
    expect(entries).toContainEqual(expect.objectContaining({ name: 'tools/e', installAs: '/usr/local/bin/e', carried: true }));
    expect(await ok(['ls', 'site.tar'])).toContain('-> /usr/local/bin/e');
    expect(JSON.parse(await readFile(join(folder, 'longshore.lock.json'), 'utf8'))).toMatchObject({ spec: { files: [{ name: 'configs/e/e-env.tar', purpose: 'config' }, { name: 'tools/e', mode: '0755', installAs: '/usr/local/bin/e' }] } });
    const digest = entries.find(({ kind }) => kind === 'bom')?.['digest'] as string;
    const carried = JSON.parse(await ok(['cat', 'site.tar', digest])) as { spec: { modules: readonly { commands: readonly unknown[] }[] } };
    expect(carried.spec.modules[0]?.commands).toEqual([command]);
    expect(await readdir(folder)).not.toContain('was-run');
  });
});
