import { expect, it } from 'vitest';
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
