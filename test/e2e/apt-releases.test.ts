// Every supported release from the command line: what its own apt is known to choose alike, and what is said where it is not.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRepository, makeTestKey, stanza } from '../support/apt-repository.ts';
import { longshore, longshoreJson } from '../support/command.ts';

const releases: readonly (readonly [os: string, release: string, why?: string])[] = [
  ['debian', '11'], ['debian', '12'], ['debian', '13'], ['debian', '14', "apt's new solver"], ['debian', 'sid', "apt's new solver"],
  ['ubuntu', '18.04', 'an older apt'], ['ubuntu', '20.04', 'an older apt'], ['ubuntu', '22.04'], ['ubuntu', '24.04'], ['ubuntu', '25.04'], ['ubuntu', '25.10', "apt's new solver"], ['ubuntu', '26.04', "apt's new solver"],
];
const idOf = (os: string, release: string): string => `${os}-${release.replace('.', '-')}`;
let folder = '';

/** One flat repository in a folder whose name has blanks, with its key beside the document, for every release. */
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'longshore-releases-')), 'the site');
  const key = await makeTestKey();
  const index = [stanza('app', { Architecture: 'all', Depends: 'base' }), stanza('base', { Architecture: 'all', Essential: 'yes', Priority: 'required' }), stanza('apt', { Architecture: 'all', Priority: 'important' })];
  for (const [path, bytes] of await makeRepository(index, { uri: join(folder, 'apt'), suite: './', key })) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  await writeFile(join(folder, 'keys.asc'), key.publicKey);
  await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: m, version: "1"}
spec:
  targets:
${releases.map(([os, release]) => `    - {id: ${idOf(os, release)}, family: debian, os: ${os}, release: "${release}", arch: ${os === 'debian' ? 'amd64' : 'arm64'}}\n`).join('')}
  packageRepositories:
    - id: r
      manager: deb
      sources: |
        Types: deb
        URIs: file:./apt
        Suites: ./
        Signed-By: keys.asc
  packages:
${releases.map(([os, release]) => `    - {id: ${idOf(os, release)}, manager: deb, target: ${idOf(os, release)}, include: [{name: app}]}\n`).join('')}${['minimal', 'standard', 'cloud', 'container'].map((profile) => `    - {id: on-${profile}, manager: deb, target: ubuntu-18-04, assumeInstalled: {profile: ${profile}}, include: [{name: app}]}\n`).join('')}`.replace('file:./apt', `file:${encodeURI(join(folder, 'apt'))}`));
});
afterAll(() => rm(dirname(folder), { recursive: true, force: true }));

interface Locked { readonly packageSets: readonly { readonly id: string; readonly exact: boolean; readonly notes: readonly string[] }[] }

it('says of each release whether its own apt is known to choose alike', async () => {
  const { packageSets } = await longshoreJson<Locked>(['lock', '-f', 'bom.yaml'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
  for (const [os, release, why] of releases) {
    const found = packageSets.find(({ id }) => id === `m/${idOf(os, release)}`);
    expect(found, `${os} ${release}`).toMatchObject({ exact: why === undefined, notes: why === undefined ? [] : [expect.stringContaining(`${os} ${release} has ${why}, which may choose otherwise; this closure was checked`)] });
  }
  expect(packageSets.filter(({ id }) => id.startsWith('m/on-'))).toHaveLength(4);
  const why = await longshore(['why', 'base'], { cwd: folder });
  expect(why.stdout).toContain('app 1: asked for');
});
