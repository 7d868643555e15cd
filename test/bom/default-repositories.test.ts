import { describe, expect, it } from 'vitest';
import { defaultRepositories } from '../../bom/default-repositories.ts';

const at = { file: 'bom.yaml', line: 1, column: 1 };
const every = (os: string, release: string, arch = 'amd64') => defaultRepositories({ id: 't', family: 'debian', os, release, arch }, at);
/** What is read for an architecture. */
const of = (os: string, release: string, arch = 'amd64') => every(os, release, arch)?.filter(({ architectures = [arch] }) => architectures.includes(arch));

it.each([['debian', '11'], ['debian', '12'], ['debian', '13'], ['ubuntu', '18.04'], ['ubuntu', '20.04'], ['ubuntu', '22.04'], ['ubuntu', '24.04'], ['ubuntu', '26.04']])('knows %s %s', (os, release) => {
  const found = of(os, release) ?? [];
  expect(found.flatMap((each) => each.suites ?? [])).toHaveLength(3);
  for (const each of found) expect(each).toMatchObject({ manager: 'deb', trusted: false, keys: [{ path: `/usr/share/keyrings/${os}-archive-keyring.gpg`, url: expect.stringMatching(/^https?:/), fingerprint: expect.stringMatching(/^[0-9A-F]{40}$/) }] });
});

it('takes Ubuntu’s ports for other architectures, and knows nothing of other systems', () => {
  expect(of('ubuntu', '22.04', 'arm64')?.map((each) => each.uris?.[0])).toEqual(['http://ports.ubuntu.com/ubuntu-ports']);
  expect(of('ubuntu', '26.04', 'loong64')?.map((each) => each.uris?.[0])).toEqual(['http://ports.ubuntu.com/ubuntu-ports']);
  expect(every('ubuntu', '22.04')?.map((each) => [each.uris?.[0], each.architectures?.includes('arm64')])).toEqual([['http://archive.ubuntu.com/ubuntu', false], ['http://security.ubuntu.com/ubuntu', false], ['http://ports.ubuntu.com/ubuntu-ports', true]]);
  expect(of('debian', '12', 'arm64')).toHaveLength(2);
  expect(of('rhel', '9')).toBeUndefined();
  expect(of('debian', '7')).toBeUndefined();
});

it('finds Ubuntu releases between the long ones, the ended ones where those are kept', () => {
  expect(of('ubuntu', '23.10', 'arm64')?.map(({ uris, suites }) => [uris, suites])).toEqual([[['http://old-releases.ubuntu.com/ubuntu'], ['mantic', 'mantic-updates', 'mantic-security']]]);
  expect(of('ubuntu', '25.10')?.flatMap(({ suites }) => suites)).toEqual(['questing', 'questing-updates', 'questing-security']);
});

describe('rpm distributions', () => {
  const at = { file: 'bom.yaml', line: 1, column: 1 };
  const of = (os: string, release: string, family = 'rhel') => defaultRepositories({ id: 't', family, os, release, arch: 'amd64' }, at);

  it.each<[string, string, string?]>([['almalinux', '8'], ['almalinux', '9.4'], ['almalinux', '10'], ['rocky', '8'], ['rocky', '10'], ['oracle', '9'], ['centos-stream', '8'], ['centos-stream', '10'], ['fedora', '42'], ['opensuse-leap', '15.6', 'suse']])('has the public repositories of %s %s, each with a key', (os, release, family) => {
    const found = of(os, release, family) ?? [];
    expect(found.length).toBeGreaterThan(1);
    for (const { id, manager, keys, trusted, baseurls = [], metalink, mirrorlist } of found) {
      expect([id.startsWith(`${os}-`), manager, keys.length, trusted]).toEqual([true, 'rpm', 1, false]);
      for (const url of [...baseurls, metalink ?? '', mirrorlist ?? '', keys[0]?.url ?? ''].filter((each) => each !== '')) expect(url).toMatch(/^https:\/\//);
    }
  });

  it.each([['rhel', '9', 'rhel'], ['sles', '15.6', 'suse'], ['almalinux', '7', 'rhel'], ['plan9', '4', 'rhel']])('has none for %s %s', (os, release, family) => {
    expect(of(os, release, family)).toBeUndefined();
  });
});
