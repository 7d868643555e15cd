// Real apt over mirrors as we render them, with everything on that clients fetch beside Packages: not one warning, notice or error.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { LockedPackage } from '../../bom/lock.ts';
import { renderAptMirror } from '../../formats/deb/mirror.ts';
import { clearsign, signDetached } from '../../formats/pgp/signature.ts';
import { makeTestKey } from '../support/apt-repository.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { temporaryFolder } from '../support/temporary.ts';

const date = new Date('2026-02-01T00:00:00Z');
const packageOf = (target: string, name: string, arch: string): LockedPackage => ({
  manager: 'deb', target, name, version: '1', arch, digest: `sha256:${'0'.repeat(64)}` as LockedPackage['digest'], size: 1, repo: 'r', urls: [], path: `pool/${name}_1_${arch}.deb`,
  stanza: `Package: ${name}\nVersion: 1\nArchitecture: ${arch}\nDescription: x`, role: 'normal', reason: 'requested', sets: [], trust: 'verified', usedBy: [],
});
const contents = [['Contents-deb', '$(COMPONENT)/Contents-$(ARCHITECTURE)'], ['DEP-11', '$(COMPONENT)/dep11/Components-$(NATIVE_ARCHITECTURE).yml'], ['CNF', '$(COMPONENT)/cnf/Commands-$(NATIVE_ARCHITECTURE)']]
  .map(([name, path]) => `Acquire::IndexTargets::deb::${name} { MetaKey "${path}"; ShortDescription "x"; Description "$(RELEASE)"; };`);

it('apt-get update says nothing about mirrors of several targets and architectures, whatever else it looks for', { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder('apt-warnings');
  const key = await makeTestKey();
  await writeFile(join(folder, 'key.asc'), key.publicKey);
  const targets = [{ target: 'debian-12', architectures: ['amd64', 'arm64'] }, { target: 'ubuntu-24.04', architectures: ['amd64'] }];
  for (const { target, architectures } of targets) {
    const { files, release } = renderAptMirror([packageOf(target, 'all', 'all'), ...architectures.map((arch) => packageOf(target, 'own', arch))], { target, label: 'site', date: date.getTime() / 1000, architectures });
    const signed = [
      { path: `dists/${target}/InRelease`, bytes: Buffer.from(await clearsign(Buffer.from(release).toString(), key.signing, date)) },
      { path: `dists/${target}/Release.gpg`, bytes: Buffer.from(await signDetached(release, key.signing, date)) },
    ];
    for (const { path, bytes } of [...files, ...signed]) {
      await mkdir(dirname(join(folder, target, path)), { recursive: true });
      await writeFile(join(folder, target, path), bytes);
    }
  }
  const sources = targets.map(({ target }) => `Types: deb\nURIs: copy:${folder}/${target}\nSuites: ${target}\nComponents: main\nSigned-By: ${folder}/key.asc\n`).join('\n');
  for (const [index, machine] of ['"amd64"', '"amd64"; "arm64"', '"amd64"; "i386"'].entries()) {
    const extra = [`APT::Architectures { ${machine}; };`, 'Acquire::Languages { "en"; "de"; };', ...contents];
    const root = await makeAptRoot(join(folder, `root${index}`), { architecture: 'amd64', sources, extra });
    const { status, stdout, stderr } = await root.apt(['update', '-o', 'APT::Update::Error-Mode=any']);
    expect([status, `${stdout}${stderr}`.split('\n').filter((line) => /^(?:W|N|E|Err|Ign)\b/.test(line))], machine).toEqual([0, []]);
    expect((await root.mustApt(['install', '--print-uris', '-qq', 'own', 'all'])).trim().split('\n')).toHaveLength(2);
  }
});
