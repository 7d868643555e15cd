import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostAptSources } from '../../bin/host-apt-sources.ts';
import { temporaryFolder } from '../support/temporary.ts';

const at = { file: 'bom.yaml', line: 1, column: 1 };
const target = { id: 't', family: 'debian', os: 'debian', release: '12', arch: 'amd64' };

async function machine(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await temporaryFolder('host');
  for (const [path, text] of Object.entries({ 'etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', ...files })) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

it('takes the distribution’s own entries in both styles, and leaves third parties out', async () => {
  const root = await machine({
    'etc/apt/sources.list': 'deb http://mirror.example.org/debian bookworm main\ndeb-src http://mirror.example.org/debian bookworm main\n',
    'etc/apt/sources.list.d/debian.sources': 'Types: deb\nURIs: http://security.example.org/debian-security\nSuites: bookworm-security\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
    'etc/apt/sources.list.d/disabled.sources': 'Types: deb\nURIs: http://mirror.example.org/debian\nSuites: bookworm-backports\nComponents: main\nEnabled: no\n',
    'etc/apt/sources.list.d/vendor.sources': 'Types: deb\nURIs: https://vendor.example.org/linux/debian\nSuites: bookworm\nComponents: stable\nSigned-By: /etc/apt/keyrings/vendor.asc\n',
    'etc/apt/sources.list.d/other.list': 'deb https://other.example.org/apt cloud-bookworm main\n',
    'etc/apt/trusted.gpg.d/archive.asc': 'key',
  });
  const found = hostAptSources(root)(target, at) ?? [];
  expect(found.map((each) => [each.uris, each.suites, each.keys.map((key) => key.path?.replace(root, ''))])).toEqual([
    [['http://mirror.example.org/debian'], ['bookworm'], ['/etc/apt/trusted.gpg.d/archive.asc']],
    [['http://security.example.org/debian-security'], ['bookworm-security'], ['/usr/share/keyrings/debian-archive-keyring.gpg']],
  ]);
});

it('is for targets that this machine is, and for no others', async () => {
  const root = await machine({ 'etc/apt/sources.list': 'deb http://mirror.example.org/debian bookworm main\n' });
  expect(hostAptSources(root)({ ...target, release: '13' }, at)).toBeUndefined();
  expect(hostAptSources(root)({ ...target, os: 'ubuntu' }, at)).toBeUndefined();
  expect(hostAptSources(join(root, 'nowhere'))(target, at)).toBeUndefined();
});
