import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostAptAuthorization, isPart } from '../../bin/host-apt-auth.ts';
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

it('takes what an Ubuntu has of its distributor, ESM included, for the architectures that each entry is for', async () => {
  const root = await machine({
    'etc/os-release': 'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n',
    'etc/apt/sources.list': 'deb [arch-=arm64 signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] http://archive.example.org/ubuntu noble main universe\n',
    'etc/apt/sources.list.d/ports.sources': 'Types: deb\nURIs: http://ports.example.org/ubuntu-ports\nSuites: noble noble-updates\nComponents: main\nArchitectures: arm64\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n',
    'etc/apt/sources.list.d/ubuntu-esm-apps.sources': 'Types: deb\nURIs: https://esm.example.org/apps/ubuntu\nSuites: noble-apps-security noble-apps-updates\nComponents: main\nSigned-By: /usr/share/keyrings/ubuntu-pro-esm-apps.gpg\n',
    'etc/apt/sources.list.d/ppa.sources': 'Types: deb\nURIs: https://ppa.example.org/x/y/ubuntu\nSuites: noble\nComponents: main\nSigned-By: /usr/share/keyrings/ppa.gpg\n',
    'etc/apt/auth.conf.d/90ubuntu-advantage': 'machine esm.example.org/apps/ubuntu/ login bearer password t0ken\n', 'etc/apt/auth.conf.d/old.bak': 'machine ports.example.org login a password b\n',
  });
  const found = hostAptSources(root)({ id: 't', family: 'debian', os: 'ubuntu', release: '24.04', arch: 'amd64', foreignArches: ['arm64', 'i386'] }, at) ?? [];
  expect(found.map(({ uris = [], architectures, headersFrom }) => [new URL(uris[0] ?? '').hostname, architectures, headersFrom])).toEqual([
    ['archive.example.org', ['amd64', 'i386'], undefined], ['ports.example.org', ['arm64'], undefined], ['esm.example.org', undefined, ['apt_auth.conf']],
  ]);
  expect(hostAptAuthorization('https://esm.example.org/apps/ubuntu/dists/noble-apps-security/InRelease', root)).toEqual({ authorization: `Basic ${Buffer.from('bearer:t0ken').toString('base64')}` });
});

it('reads the files of a folder that apt reads', () => {
  expect(['90ubuntu-advantage', 'x.conf', 'a.b.conf', 'x_y', 'x.bak', 'a+b', '.hidden', '.x.conf', 'x.CONF', 'a.conf.save'].filter(isPart)).toEqual(['90ubuntu-advantage', 'x.conf', 'a.b.conf', 'x_y']);
});
