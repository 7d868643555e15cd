import { describe, expect, it } from 'vitest';
import { defaultRepositories } from '../../bom/default-repositories.ts';

const at = { file: 'bom.yaml', line: 1, column: 1 };
const of = (os: string, release: string, arch = 'amd64') => defaultRepositories({ id: 't', family: 'debian', os, release, arch }, at);

it.each([['debian', '11'], ['debian', '12'], ['debian', '13'], ['ubuntu', '18.04'], ['ubuntu', '20.04'], ['ubuntu', '22.04'], ['ubuntu', '24.04'], ['ubuntu', '26.04']])('knows %s %s', (os, release) => {
  const found = of(os, release) ?? [];
  expect(found.flatMap((each) => each.suites ?? [])).toHaveLength(3);
  for (const each of found) expect(each).toMatchObject({ manager: 'deb', trusted: false, keys: [{ path: `/usr/share/keyrings/${os}-archive-keyring.gpg` }] });
});

it('takes Ubuntu’s ports for other architectures, and knows nothing of other systems', () => {
  expect(of('ubuntu', '22.04', 'arm64')?.map((each) => each.uris?.[0])).toEqual(['http://ports.ubuntu.com/ubuntu-ports']);
  expect(of('debian', '12', 'arm64')).toHaveLength(2);
  expect(of('rhel', '9')).toBeUndefined();
  expect(of('debian', '7')).toBeUndefined();
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
