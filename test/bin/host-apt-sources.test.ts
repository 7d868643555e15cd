import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostAptAuthorization } from '../../bin/host-apt-auth.ts';
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

it('takes what the machine prefers itself, and logs in as its apt does', async () => {
  const root = await machine({
    'etc/apt/sources.list': 'deb https://mirror.example.org/debian bookworm main\n', 'etc/apt/trusted.gpg.d/archive.asc': 'key',
    'etc/apt/preferences': 'Package: *\nPin: release n=bookworm\nPin-Priority: 600\n', 'etc/apt/preferences.d/vendor.pref': 'Package: x\nPin: version 1*\nPin-Priority: 1001\n',
    'etc/apt/preferences.d/old.bak': 'Package: y\nPin: version 1*\nPin-Priority: 1001\n', 'etc/apt/preferences.d/empty': '\n', 'etc/apt/apt.conf.d/90release': 'APT::Default-Release "bookworm";\n',
    'etc/apt/auth.conf.d/mirror.conf': '# ours\nmachine mirror.example.org/debian login reader password s3cret\nmachine plain.example.org login a password b\nmachine http://open.example.org:8080 login c password d\n',
  });
  const [found] = hostAptSources(root)(target, at) ?? [];
  expect(found?.preferences?.map((each) => ('path' in each ? each.path.replace(root, '') : each.text))).toEqual([
    'Package: *\nPin: release bookworm\nPin-Priority: 990\n', '/etc/apt/preferences', '/etc/apt/preferences.d/vendor.pref',
  ]);
  expect(found?.headersFrom).toEqual(['apt_auth.conf']);
  expect(JSON.stringify(found)).not.toContain('s3cret');
  const basic = (text: string): unknown => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  expect(hostAptAuthorization('https://mirror.example.org/debian/pool/x.deb', root)).toEqual(basic('reader:s3cret'));
  expect(hostAptAuthorization('http://open.example.org:8080/x', root)).toEqual(basic('c:d'));
  for (const url of ['https://mirror.example.org/debian-security/x', 'http://mirror.example.org/debian/x', 'http://plain.example.org/x', 'https://other.example.org/x', 'file:/srv']) expect(hostAptAuthorization(url, root), url).toBeUndefined();
});
