import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ansiblePlay, cloudConfig } from '../../repository/client/automation.ts';
import { clientFiles, quote } from '../../repository/client/client-files.ts';
import { setupScript } from '../../repository/client/setup-script.ts';
import { containerdHosts, containersRegistries, dockerDaemon, kubernetesRegistries, yumRepository } from '../../repository/client/settings.ts';
import { must, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeBed, makeDeb, makeImage, makeLock, servedOf } from './support.ts';

const here = { origin: 'https://repo01.example.org:5000', caPath: '/etc/ssl/longshore/ca.pem' };
const bookworm = { id: 'debian-12-amd64', family: 'debian', os: 'debian', release: '12', arch: 'amd64' };
const jammy = { id: 'ubuntu-22.04-arm64', family: 'debian', os: 'ubuntu', release: 'jammy', arch: 'arm64' };

const targets = [bookworm.id, jammy.id];

const files = clientFiles({
  here, publicKey: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n$(touch /tmp/never)`x`\n', ca: '-----BEGIN CERTIFICATE-----\n',
  aptMirrors: [{ project: 'site', target: bookworm }, { project: 'site', target: jammy }], upstreams: ['docker.io', 'quay.io'],
});

describe('settings for clients', () => {
  it('name this machine as mirror of each upstream, or as the only place', () => {
    expect(containerdHosts(here, 'docker.io')).toBe('server = "https://registry-1.docker.io"\n\n[host."https://repo01.example.org:5000"]\n  capabilities = ["pull", "resolve"]\n  ca = "/etc/ssl/longshore/ca.pem"\n');
    expect(containerdHosts({ ...here, exclusive: true }, '_default')).toContain('server = "https://repo01.example.org:5000"');
    expect(containerdHosts(here, '_default')).not.toContain('server');
    expect(containersRegistries({ origin: 'http://127.0.0.1:5000' }, ['quay.io'])).toBe(
      '[[registry]]\nprefix = "quay.io"\nlocation = "quay.io"\n\n[[registry.mirror]]\nlocation = "127.0.0.1:5000/quay.io"\ninsecure = true\n\n[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n');
    expect(containersRegistries({ ...here, exclusive: true }, ['quay.io'])).toContain('prefix = "quay.io"\nlocation = "repo01.example.org:5000/quay.io"\n');
    expect(containersRegistries({ ...here, exclusive: true }, ['quay.io', 'docker.io'])).toMatch(/^unqualified-search-registries = \["docker\.io"\]\n\n\[\[registry/);
    expect(dockerDaemon({ origin: 'http://127.0.0.1:5000' })).toEqual({ 'registry-mirrors': ['http://127.0.0.1:5000'], 'insecure-registries': ['127.0.0.1:5000'] });
    expect(JSON.parse(kubernetesRegistries(here, ['docker.io']))).toEqual({ mirrors: { 'docker.io': { endpoint: [here.origin] } }, configs: { 'repo01.example.org:5000': { tls: { ca_file: here.caPath } } } });
  });

  it('have both signature checks of dnf on', () => {
    const text = yumRepository(here, { project: 'site', target: 'rhel-9', keyUrls: ['https://repo01.example.org:5000/keys/vendor.asc'] });
    for (const line of ['gpgcheck=1', 'repo_gpgcheck=1', 'sslcacert=/etc/ssl/longshore/ca.pem', 'baseurl=https://repo01.example.org:5000/yum/site/rhel-9/']) expect(text.split('\n')).toContain(line);
  });

  it('quote for the shell whatever a document says', async () => {
    for (const text of ["it's", '$(id)', '`id`', 'a\nb', '\\', '"', '*']) expect(await must('sh', ['-c', `printf %s ${quote(text)}`])).toBe(text);
  });
});

describe('settings for tools', () => {
  const ca = '-----BEGIN CERTIFICATE-----\n"x"\n-----END CERTIFICATE-----\n';

  it('are YAML that says what was meant', () => {
    const [play] = parse(ansiblePlay({ origin: here.origin, ca })) as { tasks: Record<string, { cmd?: string; content?: string }>[] }[];
    expect(play?.tasks[0]?.['ansible.builtin.copy']?.content).toBe(ca);
    expect(play?.tasks[1]?.['ansible.builtin.command']?.cmd).toBe('curl -fsS --cacert /run/longshore-ca.pem https://repo01.example.org:5000/client/setup.sh -o /run/longshore-setup.sh');
    expect((parse(ansiblePlay({ origin: 'http://127.0.0.1:5000', ca: undefined })) as { tasks: unknown[] }[])[0]?.tasks.length).toBe(2);
    expect(parse(cloudConfig({ origin: here.origin, ca }))).toMatchObject({ write_files: [{ content: ca }], runcmd: [['sh', '-c', expect.stringContaining('/client/setup.sh')]] });
  });
});

describe('the setup script', async () => {
  const folder = await temporaryFolder('client');
  let count = 0;
  let root = '';
  const script = join(folder, 'setup.sh');
  const setup = (...args: string[]): Promise<string> => must('sh', [script, ...args], { env: { LONGSHORE_ROOT: root, LC_ALL: 'C' } });

  async function snapshot(): Promise<Record<string, string>> {
    const all: Record<string, string> = {};
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) all[path.slice(root.length)] = `${((await stat(path)).mode & 0o777).toString(8)} ${await readFile(path, 'utf8')}`;
    }
    return all;
  }

  beforeEach(async () => {
    root = join(folder, `root-${count += 1}`);
    for (const each of ['etc/apt/sources.list.d', 'etc/apt/keyrings', 'etc/containers/registries.conf.d', 'etc/containerd', 'etc/docker', 'etc/ssl']) await mkdir(join(root, each), { recursive: true });
    await writeFile(join(root, 'etc/os-release'), 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n');
    await writeFile(join(root, 'etc/apt/sources.list'), 'deb http://deb.example.org/debian bookworm main\n');
    await writeFile(join(root, 'etc/apt/sources.list.d/own.sources'), 'Types: deb\n');
    await chmod(join(root, 'etc/apt/sources.list.d/own.sources'), 0o640);
    await writeFile(join(root, 'etc/docker/daemon.json'), '{"log-driver": "journald",\n "registry-mirrors": ["https://old.example.org"]}', { mode: 0o600 });
    await writeFile(script, setupScript({ origin: here.origin, exclusive: false, targets, files }));
  });

  it('writes what this machine wants, for its own target, and nothing that it executes by accident', async () => {
    await setup('--target', bookworm.id);
    const after = await snapshot();
    for (const { path, content } of files.filter((file) => ['ca', 'containers', 'containerd'].includes(file.part) && !file.path.includes('pki') && !file.path.includes('/usr/'))) {
      expect([path, after[path]]).toEqual([path, `644 ${content}`]);
    }
    expect(after['/etc/apt/sources.list.d/longshore-site-debian-12-amd64.sources']).toContain('URIs: https://repo01.example.org:5000/apt/site/debian-12-amd64');
    expect(Object.keys(after).filter((path) => path.includes('jammy') || path.includes('ubuntu') || path.includes('k3s'))).toEqual([]);
    expect(after['/etc/apt/keyrings/longshore.asc']).toContain('$(touch /tmp/never)`x`');
    expect(JSON.parse((after['/etc/docker/daemon.json'] ?? '').slice(4))).toEqual({ 'log-driver': 'journald', 'registry-mirrors': [here.origin, 'https://old.example.org'] });
    // It may hold a secret: who could not read it before cannot now, neither there nor in what is kept.
    expect([after['/etc/docker/daemon.json']?.slice(0, 3), (await stat(join(root, 'var/lib/longshore-client'))).mode & 0o777]).toEqual(['600', 0o700]);
  });

  // The script asks dpkg; `npm test` has it always, `npm run test:unit` also runs on systems without.
  it.runIf(existsSync('/usr/bin/dpkg'))('finds the target by system, release or codename, and architecture', async () => {
    const machine = (await must('dpkg', ['--print-architecture'])).trim();
    const found = clientFiles({ here, publicKey: 'key', ca: undefined, upstreams: [], aptMirrors: [{ project: 'p', target: { ...bookworm, id: 'mine', release: 'bookworm', arch: machine } }, { project: 'p', target: { ...bookworm, id: 'other', os: 'ubuntu' } }] });
    await writeFile(script, setupScript({ origin: here.origin, exclusive: false, targets, files: found }));
    await setup();
    expect((await readdir(join(root, 'etc/apt/sources.list.d'))).sort()).toEqual(['longshore-p-mine.sources', 'own.sources']);
  });

  it('changes nothing the second time, and teardown restores every byte and mode', async () => {
    const before = await snapshot();
    await setup('--target', bookworm.id, '--exclusive');
    const after = await snapshot();
    expect(after['/etc/apt/sources.list']).toBeUndefined();
    expect(after['/etc/apt/sources.list.d/own.sources']).toBeUndefined();
    expect(await setup('--target', bookworm.id, '--exclusive')).not.toMatch(/wrote|took/);
    expect(await snapshot()).toEqual(after);
    await setup('teardown');
    expect(await snapshot()).toEqual(before);
    expect(await setup('teardown')).toContain('nothing to undo');
  });

  it('may be stopped at any moment: teardown still restores', async () => {
    const before = await snapshot();
    for (const ms of [1, 3, 6, 10, 15, 25, 40]) {
      await run('sh', [script, '--target', bookworm.id, '--exclusive'], { env: { LONGSHORE_ROOT: root }, started: (child) => { setTimeout(() => { child.kill('SIGKILL'); }, ms); } });
      await new Promise((done) => { setTimeout(done, 30); });
      await setup('teardown');
      const left = Object.fromEntries(Object.entries(await snapshot()).filter(([path]) => !path.endsWith('.longshore-new') && !path.startsWith('/var/lib/longshore-client')));
      expect(left).toEqual(before);
    }
  });

  it('tells what would still be fetched elsewhere', async () => {
    await mkdir(join(root, 'etc/yum.repos.d'), { recursive: true });
    await writeFile(join(root, 'etc/yum.repos.d/epel.repo'), '[epel]\nenabled=1\nmetalink=https://mirrors.example.org/metalink\n');
    await writeFile(join(root, 'etc/yum.repos.d/off.repo'), '[off]\nenabled = 0\nbaseurl=https://off.example.org/\n');
    const audit = (): Promise<{ status: number | null; stdout: string }> => run('sh', [script, 'audit'], { env: { LONGSHORE_ROOT: root, LC_ALL: 'C' } });
    const before = await audit();
    expect(before.status).toBe(3);
    for (const text of ['sources.list:deb http://deb.example.org/debian bookworm main', 'metalink=https://mirrors.example.org', 'containerd: registries without a folder', 'docker: ']) expect(before.stdout).toContain(text);
    expect(before.stdout).not.toContain('off.example.org');
    await setup('--target', bookworm.id, '--exclusive');
    const after = await audit();
    expect([after.status, after.stdout.includes('/etc/apt/'), after.stdout.includes('server = "https://quay.io"')]).toEqual([3, false, true]);
    const exclusive = clientFiles({ here: { ...here, exclusive: true }, publicKey: 'key', ca: 'ca', aptMirrors: [{ project: 'site', target: bookworm }], upstreams: ['docker.io'] });
    await writeFile(script, setupScript({ origin: here.origin, exclusive: true, targets, files: exclusive }));
    await rm(join(root, 'etc/containerd/certs.d/quay.io'), { recursive: true });
    await setup('--target', bookworm.id);
    expect(await audit()).toMatchObject({ status: 0, stdout: 'nothing leads elsewhere\n' });
  });

  it('writes only the parts that are asked for, and nothing when it is only tried', async () => {
    const before = await snapshot();
    expect(await setup('--dry-run', '--exclusive', '--target', bookworm.id)).toContain('would write /etc/containers');
    expect(await snapshot()).toEqual(before);
    await setup('--only', 'containers,ca');
    const after = Object.keys(await snapshot()).filter((path) => before[path] === undefined && !path.startsWith('/var/lib/'));
    expect(after.sort()).toEqual(['/etc/containers/certs.d/repo01.example.org:5000/ca.crt', '/etc/containers/registries.conf.d/50-longshore.conf', '/etc/ssl/longshore/ca.pem']);
    expect((await run('sh', [script, '--nonsense'], { env: { LONGSHORE_ROOT: root } })).status).toBe(1);
  });

  it.each([
    [['--only', 'apt,aptt'], /--only aptt is no part; there are: ca apt .* rke2/], [['--only', ''], /--only needs parts/], [['--only', '*'], /--only \* is no part/],
    [['--target', 'debian-13'], /--target debian-13 is not here; there are: debian-12-amd64 ubuntu-22.04-arm64/],
    [['audit', '--only', 'yum'], /--only yum is no part/], [['teardown', '--target', 'x'], /not here/], [['teardown', '--only', 'apt'], /teardown puts back everything/],
  ])('refuses %j, and says what there is', async (args, message) => {
    const before = await snapshot();
    const { status, stderr } = await run('sh', [script, ...args], { env: { LONGSHORE_ROOT: root } });
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(await snapshot()).toEqual(before);
  });

  it('is served, and sound for dash and bash', async () => {
    const bed = await makeBed({ signer: { clearsign: async (text) => text, detach: async () => '', publicKeyArmored: 'key\n' } });
    bed.served.push(servedOf(makeLock('site', { targets: [bookworm], packages: [await makeDeb(bed, 'jq', '1', bookworm.id)], images: [await makeImage(bed, 'docker.io/library/app:1')] })));
    await bed.service.settled();
    const text = await (await bed.ask('/client/setup.sh')).text();
    expect(text).toContain(`URIs: ${bed.origin}/apt/site/debian-12-amd64`);
    await writeFile(script, text);
    for (const shell of ['sh', 'dash', 'bash'].filter((name) => name === 'sh' || existsSync(`/bin/${name}`))) await must(shell, ['-n', script]);
    await setup('--target', bookworm.id);
    expect(await (await bed.ask('/client/files')).text()).toContain('containers\t/etc/containers/registries.conf.d/50-longshore.conf');
    expect(await (await bed.ask('/client/files/etc/containerd/certs.d/docker.io/hosts.toml?exclusive=yes')).text()).toContain(`server = "${bed.origin}"`);
    expect((await bed.ask('/client/files/etc/passwd')).status).toBe(404);
    await bed.close();
  });
});

describe('the setup script on the rpm family', async () => {
  const folder = await temporaryFolder('client-rpm');
  const rocky = { id: 'rhel-9-amd64', family: 'rhel', os: 'rhel', release: '9', arch: 'amd64' };
  const suse = { id: 'sles-15-amd64', family: 'suse', os: 'sles', release: '15.6', arch: 'amd64' };
  const script = join(folder, 'setup.sh');
  const machineFiles = (origin: string): ReturnType<typeof clientFiles> => clientFiles({
    here: { ...here, origin }, publicKey: 'key\n', ca: 'ca\n', aptMirrors: [], upstreams: [],
    yumMirrors: [{ project: 'site', target: rocky, keyNames: ['0123456789abcdef.asc'] }, { project: 'site', target: suse, keyNames: [] }],
  });

  async function machine(name: string, folders: readonly string[], release: string): Promise<string> {
    const root = join(folder, name);
    for (const each of folders) await mkdir(join(root, each), { recursive: true });
    await writeFile(join(root, 'etc/os-release'), release);
    return root;
  }

  // What `uname` and a missing dpkg say is this machine's matter: targets here are of its own architecture.
  it.runIf(process.arch === 'x64')('writes .repo files with both checks, for dnf and zypper, and takes others away', async () => {
    const root = await machine('rocky', ['etc/yum.repos.d', 'etc/pki/ca-trust/source/anchors'], 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n');
    await writeFile(join(root, 'etc/yum.repos.d/rocky.repo'), '[baseos]\nenabled=1\nmirrorlist=https://mirrors.example.org/\n[off]\nenabled=0\nbaseurl=https://off.example.org/\n');
    const run3 = (...args: string[]): ReturnType<typeof run> => run('sh', [script, ...args], { env: { LONGSHORE_ROOT: root, LC_ALL: 'C' } });
    await writeFile(script, setupScript({ origin: here.origin, exclusive: false, targets, files: machineFiles(here.origin) }));
    const before = await run3('audit');
    expect([before.status, before.stdout]).toEqual([3, `${root}/etc/yum.repos.d/rocky.repo:mirrorlist=https://mirrors.example.org/\n`]);
    await must('sh', [script, '--exclusive'], { env: { LONGSHORE_ROOT: root } });
    expect(await readdir(join(root, 'etc/yum.repos.d'))).toEqual(['longshore-site-rhel-9-amd64.repo']);
    const repo = await readFile(join(root, 'etc/yum.repos.d/longshore-site-rhel-9-amd64.repo'), 'utf8');
    expect(repo).toContain('gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-longshore\n       https://repo01.example.org:5000/keys/0123456789abcdef.asc\n');
    expect(await readFile(join(root, 'etc/pki/rpm-gpg/RPM-GPG-KEY-longshore'), 'utf8')).toBe('key\n');
    expect(await readFile(join(root, 'etc/pki/ca-trust/source/anchors/longshore.pem'), 'utf8')).toBe('ca\n');
    expect((await run3('audit')).status).toBe(0);
    // Moved to another address: what the earlier setup made and this one does not is gone, what it took away stays away.
    await writeFile(script, setupScript({ origin: 'https://repo02.example.org', exclusive: true, targets, files: machineFiles('https://repo02.example.org').filter(({ part }) => part !== 'ca') }));
    expect((await run3()).stdout).toMatch(/restored \/etc\/pki\/ca-trust[\s\S]*wrote \/etc\/yum\.repos\.d\/longshore/);
    expect(await readdir(join(root, 'etc/yum.repos.d'))).toEqual(['longshore-site-rhel-9-amd64.repo']);
    // Without --exclusive again: the system's own are back.
    await writeFile(script, setupScript({ origin: here.origin, exclusive: false, targets, files: machineFiles(here.origin) }));
    expect((await run3()).stdout).toContain('restored /etc/yum.repos.d/rocky.repo');
    expect((await readdir(join(root, 'etc/yum.repos.d'))).sort()).toEqual(['longshore-site-rhel-9-amd64.repo', 'rocky.repo']);
    await run3('teardown');
    expect(await readdir(join(root, 'etc/yum.repos.d'))).toEqual(['rocky.repo']);
    expect(existsSync(join(root, 'etc/pki/rpm-gpg'))).toBe(false);
  });

  it.runIf(process.arch === 'x64')('knows zypper', async () => {
    const root = await machine('sles', ['etc/zypp/repos.d'], 'ID="sles"\nVERSION_ID="15.6"\n');
    await writeFile(script, setupScript({ origin: here.origin, exclusive: false, targets, files: machineFiles(here.origin) }));
    await must('sh', [script], { env: { LONGSHORE_ROOT: root } });
    expect(await readdir(join(root, 'etc/zypp/repos.d'))).toEqual(['longshore-site-sles-15-amd64.repo']);
  });
});
