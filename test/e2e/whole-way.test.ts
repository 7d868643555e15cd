// BOM -> lock -> store -> archive -> repository machine -> real clients, with real servers on both sides.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lock, parseLock } from '../../bom/lock.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { must, run } from '../support/command.ts';
import { type Outside, startOutside, startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('whole-way');
const packages = ['jq', 'nginx-light'];
let outside: Outside;
let lock: Lock;

async function ok(args: readonly string[]): Promise<string> {
  const outcome = await outside.longshore(args);
  expect(`${outcome.stderr}${outcome.stdout}`.includes('s3cret-pull'), 'no secret in the output').toBe(false);
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
}

beforeAll(async () => {
  outside = await startOutside(folder, { packages });
  await ok(['lock', '-f', 'project.yaml', '--store', 'store', '--insecure-registry', outside.registry.host]);
  lock = parseLock(await readFile(join(folder, 'longshore.lock.json'), 'utf8'), 'lock');
  await ok(['download', '--store', 'store', '--insecure-registry', outside.registry.host]);
  await ok(['keygen', '--name', 'Site operations', '-o', 'ops']);
  await ok(['export', '--store', 'store', '-o', 'site.tar', '--sign', 'ops.key', '--concurrency', '8']);
  await ok(['import', 'site.tar', '--key', 'ops.asc', '--store', 'machine']);
});
afterAll(() => outside?.stop());

describe('the lock', () => {
  it('holds the image of two modules once, by the digests upstream has, with both users', () => {
    expect(lock.spec.images).toHaveLength(1);
    expect(lock.spec.images[0]).toMatchObject({
      ref: outside.imageName, digest: outside.image.index, usedBy: ['app', 'base'], trust: 'first-use',
      platforms: { 'linux/amd64': outside.image.manifests.amd64, 'linux/arm64': outside.image.manifests.arm64 },
    });
  });

  it('holds the closure of the packages, each verified by the archive’s key', () => {
    const names = lock.spec.packages.map((item) => item.name);
    expect(names).toEqual(expect.arrayContaining(['jq', 'libjq1', 'nginx-light', 'libc6']));
    expect(lock.spec.packages.every((item) => item.trust === 'verified')).toBe(true);
    expect(lock.spec.repositories.every((item) => item.verified && item.keyFingerprints.length > 0)).toBe(true);
  });

  it('comes out the same, byte for byte, when nothing changed', async () => {
    const before = await readFile(join(folder, 'longshore.lock.json'));
    await ok(['lock', '-f', 'project.yaml', '--store', 'store', '--insecure-registry', outside.registry.host]);
    expect((await readFile(join(folder, 'longshore.lock.json'))).equals(before)).toBe(true);
    await ok(['lock', '-f', 'project.yaml', '--store', 'other-store', '--lock', 'other.lock.json', '--insecure-registry', outside.registry.host]);
    expect((await readFile(join(folder, 'other.lock.json'))).equals(before)).toBe(true);
    await rm(join(folder, 'other-store'), { recursive: true });
  });

  it('holds no secret and no path of this machine', async () => {
    const text = await readFile(join(folder, 'longshore.lock.json'), 'utf8');
    expect(text).not.toContain('s3cret-pull');
    expect(text).not.toContain(folder);
  });
});

describe('the archive', () => {
  it('is the same bytes at any concurrency, signature files apart', async () => {
    await ok(['export', '--store', 'store', '-o', 'one.tar', '--concurrency', '1']);
    await ok(['export', '--store', 'store', '-o', 'eight.tar', '--concurrency', '8']);
    await must('cmp', ['one.tar', 'eight.tar'], { cwd: folder });
    await rm(join(folder, 'eight.tar'));
  });

  it('is read by skopeo as it is', async () => {
    const inspected = JSON.parse(await must('skopeo', ['inspect', `oci-archive:site.tar:${outside.imageName}`], { cwd: folder })) as { Architecture: string; Layers: string[] };
    expect(inspected.Layers).toHaveLength(3);
    const raw = await must('skopeo', ['inspect', '--raw', `oci-archive:site.tar:${outside.imageName}`], { cwd: folder });
    expect((JSON.parse(raw) as { manifests: unknown[] }).manifests).toHaveLength(2);
  });

  it('serves apt from its folder after tar xf, with no longshore at all', async () => {
    const into = join(folder, 'extracted');
    await must('mkdir', [into]);
    await must('tar', ['xf', 'site.tar', '-C', into], { cwd: folder });
    await must('sha256sum', ['-c', '--quiet', '--strict', 'SHA256SUMS'], { cwd: into });
    await must('gpg', ['--batch', '--homedir', await gpgHome(), '--verify', join(into, 'longshore/manifest.json.asc'), join(into, 'longshore/manifest.json')]);
    const root = await makeAptRoot(join(folder, 'apt-file'), {
      architecture: 'amd64',
      sources: `Types: deb\nURIs: file:${into}/apt/${outside.target}\nSuites: ${outside.target}\nComponents: main\nSigned-By: ${join(folder, 'ops.asc')}\n`,
    });
    await expectQuietInstall(root, lock);
  });

  it('is looked into without a store', async () => {
    const fingerprint = /[0-9A-F]{40}/.exec(await must('gpg', ['--batch', '--with-colons', '--show-keys', join(folder, 'ops.asc')]))?.[0] ?? 'none';
    expect(await ok(['inspect', 'site.tar'])).toContain(`signed by key ${fingerprint.slice(-16)}`);
    expect(JSON.parse(await ok(['verify', 'site.tar', '--key', 'ops.asc', '--json']))).toMatchObject({ project: 'site' });
  });
});

async function gpgHome(): Promise<string> {
  const home = join(folder, 'gnupg');
  await must('mkdir', ['-p', '-m', '700', home]);
  await must('gpg', ['--batch', '-q', '--homedir', home, '--import', join(folder, 'ops.asc')]);
  return home;
}

async function expectQuietInstall(root: Awaited<ReturnType<typeof makeAptRoot>>, against: Lock): Promise<void> {
  const update = await root.apt(['update', '-q']);
  expect(`${update.stdout}\n${update.stderr}`).not.toMatch(/^(W|E|N):/m);
  expect(update.status).toBe(0);
  const install = await root.apt(['install', '-y', '-q', '--download-only', ...packages]);
  expect(`${install.stdout}\n${install.stderr}`).not.toMatch(/^(W|E):/m);
  expect(install.status).toBe(0);
  const fetched = (await readdir(join(root.folder, 'cache/archives'))).filter((name) => name.endsWith('.deb')).map((name) => name.split('_')[0]).sort();
  // From a file: repository apt takes packages where they lie.
  if (fetched.length > 0) expect(fetched).toEqual(against.spec.packages.map((item) => item.name).sort());
  const uris = await root.mustApt(['install', '-y', '-q', '--print-uris', '--no-download', ...packages]).catch(() => '');
  expect(uris).not.toContain('E:');
}

for (const [title, serveArgs] of [
  ['the repository machine', ['--store', 'machine']],
  ['the archive served where it lies', ['site.tar', '--key', 'ops.asc']],
] as const) {
  describe(title, () => {
    let service: Awaited<ReturnType<typeof startServe>>;
    beforeAll(async () => { service = await startServe(serveArgs, folder); });
    afterAll(() => service?.stop());

    it('gives skopeo the upstream’s digests', async () => {
      const into = join(folder, `copied-${service.host.replace(':', '-')}`);
      await must('skopeo', ['copy', '-q', '--all', '--preserve-digests', '--insecure-policy', '--src-tls-verify=false', `docker://${service.host}/${outside.imageName.replace(':', '_')}`, `oci:${into}:copied`]);
      const index = JSON.parse(await readFile(join(into, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
      expect(index.manifests[0]?.digest).toBe(outside.image.index);
    });

    it('gives podman the image, also by its bare path', async () => {
      // podman takes no run root longer than 50 characters.
      const base = await temporaryFolder('p');
      const podman = ['--root', join(base, 'l'), '--runroot', join(base, 'r'), '--storage-driver', 'vfs'];
      await must('podman', [...podman, 'pull', '-q', '--tls-verify=false', `${service.host}/team/tool:1.0`]);
      const digests = await must('podman', [...podman, 'images', '--digests', '--format', '{{.Digest}}']);
      expect(digests).toContain(outside.image.index);
    });

    it('gives apt the whole closure without a warning', async () => {
      const key = join(folder, `machine-${service.host.replace(':', '-')}.asc`);
      await writeFile(key, Buffer.from(await (await fetch(`${service.url}/keys/longshore.asc`)).arrayBuffer()));
      const root = await makeAptRoot(join(folder, `apt-${service.host.replace(':', '-')}`), {
        architecture: 'amd64',
        sources: `Types: deb\nURIs: ${service.url}/apt/site/${outside.target}\nSuites: ${outside.target}\nComponents: main\nSigned-By: ${key}\n`,
      });
      await expectQuietInstall(root, lock);
      expect((await readdir(join(root.folder, 'cache/archives'))).filter((name) => name.endsWith('.deb'))).toHaveLength(lock.spec.packages.length);
    });

    it('gives files with their bytes, and ranges of them', async () => {
      const answer = await fetch(`${service.url}/files/app/big.bin`);
      expect(Buffer.from(await answer.arrayBuffer()).equals(outside.files['big.bin'] ?? Buffer.alloc(0))).toBe(true);
      const part = await fetch(`${service.url}/files/app/big.bin`, { headers: { range: 'bytes=1000-1999' } });
      expect(part.status).toBe(206);
      expect(Buffer.from(await part.arrayBuffer()).equals(outside.files['big.bin']?.subarray(1000, 2000) ?? Buffer.alloc(0))).toBe(true);
    });

    it('shows a page of what is here', async () => {
      const page = await (await fetch(`${service.url}/`)).text();
      for (const word of ['team/tool', 'app/big.bin', 'jq', outside.target]) expect(page).toContain(word);
    });
  });
}

describe('doing it again', () => {
  it('downloads nothing twice', async () => {
    const asked = outside.requests.length;
    const result = JSON.parse(await ok(['download', '--store', 'store', '--insecure-registry', outside.registry.host, '--json'])) as { fetched: number };
    expect(result.fetched).toBe(0);
    expect(outside.requests.length).toBe(asked);
  });

  it('imports the same archive as a no-op', async () => {
    const before = await ok(['history', '--store', 'machine', '--json']);
    await ok(['import', 'site.tar', '--key', 'ops.asc', '--store', 'machine']);
    expect(await ok(['history', '--store', 'machine', '--json'])).toBe(before);
  });

  it('takes a password to push, and the right one', async () => {
    await writeFile(join(folder, 'htpasswd'), await must('htpasswd', ['-Bbn', 'ops', 'push-me']));
    const service = await startServe(['--store', 'machine', '--htpasswd', 'htpasswd'], folder);
    try {
      const push = (creds: string): Promise<{ status: number | null }> => run('skopeo', ['copy', '-q', '--all', '--insecure-policy', '--dest-tls-verify=false', '--dest-creds', creds, `oci:${outside.image.layout}:real`, `docker://${service.host}/pushed/tool:2`]);
      expect((await push('ops:wrong')).status).not.toBe(0);
      expect((await push('ops:push-me')).status).toBe(0);
      expect(await must('skopeo', ['inspect', '--tls-verify=false', '--raw', `docker://${service.host}/pushed/tool:2`])).toContain(outside.image.manifests.amd64);
    } finally {
      await service.stop();
    }
  });
});
