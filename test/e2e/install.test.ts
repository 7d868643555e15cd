// A sample of `npm run installs`, and an upgrade from one generation to the next; in a chroot whose network ends at loopback.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { clearsign } from '../../formats/pgp/signature.ts';
import { makeRepository } from '../../scripts/quickstart/deb-repository.ts';
import { installSet } from '../installs/install.ts';
import { makeChroot, runInside } from '../support/chroot.ts';
import { longshore, must } from '../support/command.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('install');
let base = '';
beforeAll(async () => { base = await makeChroot(folder); });

it('installs real packages from the mirror alone', async () => {
  const { locked, installed } = await installSet(join(folder, 'real'), base, ['jq', 'nginx-light']);
  expect(installed).toBeGreaterThan(2);
  expect(locked).toBeGreaterThanOrEqual(installed);
});

async function ok(args: readonly string[]): Promise<void> {
  const { status, stderr } = await longshore(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
  if (status !== 0) throw new Error(`longshore ${args.join(' ')}: ${status}\n${stderr}`);
}

it('upgrades from an older lock to a newer one, and stays where a rollback went', async () => {
  const key = await makeSigningKey({ name: 'archive', date: new Date() });
  const signer = await parseSigningKey(Buffer.from(key.privateKey), 'key');
  await writeFile(join(folder, 'archive.asc'), key.publicKey);
  await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: upgrades, version: "1"}
spec:
  targets: [{id: t, family: debian, os: debian, release: "12", arch: amd64}]
  packageRepositories: [{id: r, manager: deb, targets: [t], sources: "Types: deb\\nURIs: file:${folder}/apt\\nSuites: stable\\nComponents: main\\nSigned-By: archive.asc\\n"}]
  packages: [{id: p, manager: deb, target: t, dependencies: closure, include: [{name: tool}]}]
`);
  const root = join(folder, 'upgraded');
  await must('cp', ['-a', base, root]);
  const inside = async (script: string): Promise<string> => {
    const { status, stdout, stderr } = await runInside({ root, machine: join(folder, 'machine'), project: 'upgrades', target: 't', script: `apt-get update -q\n${script}\ndpkg-query -W -f '\${Version}\\n' tool\n` });
    expect(`${stdout}${stderr}`).not.toMatch(/^(W|E):/m);
    expect(status).toBe(0);
    return stdout.trim().split('\n').at(-1) ?? '';
  };
  for (const version of ['1.0', '1.1']) {
    await makeRepository(join(folder, 'apt'), [{ name: 'tool', version, depends: `tool-data (= ${version})`, description: 'a tool' }, { name: 'tool-data', version, description: 'its data' }], (text) => clearsign(text, signer, new Date()));
    await ok(['prepare', '-f', 'bom.yaml', '-o', `${version}.tar`, '--quiet']);
    await ok(['import', `${version}.tar`, '--allow-unsigned', '--store', 'machine']);
    await (await startServe(['--store', 'machine'], folder)).stop();
    expect(await inside(version === '1.0' ? 'apt-get install -y -q tool' : 'apt-get upgrade -y -q')).toBe(version);
  }
  expect(await readFile(join(root, 'usr/share/tool-data/README'), 'utf8')).toContain('its data');
  await ok(['rollback', '--store', 'machine']);
  expect(await inside('apt-get upgrade -y -q')).toBe('1.1');
  expect(await inside('apt-get install -y -q --allow-downgrades tool=1.0 tool-data=1.0')).toBe('1.0');
});
