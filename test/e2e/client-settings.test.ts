// The settings that this machine hands out, used by real clients over TLS with the machine's own authority: nothing else is configured.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LockedImage } from '../../bom/lock.ts';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { clearsign, signDetached } from '../../formats/pgp/signature.ts';
import { caPath } from '../../repository/client/client-files.ts';
import { openOwnTls, type OwnTls } from '../../repository/tls/own-tls.ts';
import { type Bed, makeBed, makeDeb, makeImage, makeLock, servedOf } from '../repository/support.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { must, run, type Service, startService } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe('client settings', async () => {
  const folder = await temporaryFolder('settings');
  const root = join(folder, 'client');
  let bed: Bed;
  let tls: OwnTls;
  let image: LockedImage;
  let ca: string;

  beforeAll(async () => {
    const now = new Date();
    const made = await makeSigningKey({ name: 'longshore test', date: new Date(now.getTime() - 60_000) });
    const key = await parseSigningKey(Buffer.from(made.privateKey), 'key');
    tls = await openOwnTls(join(folder, 'tls'), { hosts: ['127.0.0.1'], now });
    bed = await makeBed({ tls, signer: { publicKeyArmored: made.publicKey, clearsign: (text) => clearsign(text, key, now), detach: (content) => signDetached(content, key, now) } });
    const architecture = (await must('dpkg', ['--print-architecture'])).trim();
    const target = { id: 'debian-12', family: 'debian', os: 'debian', release: '12', arch: architecture };
    image = await makeImage(bed, 'docker.io/library/app:1.0', { layer: Buffer.alloc(1024) });
    const deb = await makeDeb(bed, 'app', '1.0', target.id);
    bed.served.push(servedOf(makeLock('site', { images: [image], targets: [target], packages: [{ ...deb, arch: architecture, stanza: deb.stanza.replace('Architecture: amd64', `Architecture: ${architecture}`) }] }), Math.floor(now.getTime() / 1000)));
    await bed.service.settled();
    ca = join(folder, 'ca.pem');
    await writeFile(ca, tls.ca);
    for (const each of ['etc/apt/sources.list.d', 'etc/containers', 'etc/containerd']) await mkdir(join(root, each), { recursive: true });
    await must('curl', ['-fsS', '--cacert', ca, `${bed.origin}/client/setup.sh?exclusive=yes`, '-o', join(folder, 'setup.sh')]);
    await must('sh', [join(folder, 'setup.sh'), '--target', target.id], { env: { LONGSHORE_ROOT: root } });
  });
  afterAll(() => bed?.close());

  it('let openssl and curl check the authority by the fingerprint that the operator has', async () => {
    expect(await must('openssl', ['x509', '-in', join(root, caPath), '-noout', '-fingerprint', '-sha256'])).toContain(tls.fingerprint);
    expect((await run('curl', ['-fsS', `${bed.origin}/healthz`])).status).not.toBe(0);
    await must('curl', ['-fsS', '--cacert', join(root, caPath), `${bed.origin}/healthz`]);
  });

  it('let apt update and fetch, over https with the authority for this host only', async () => {
    const written = await readFile(join(root, 'etc/apt/sources.list.d/longshore-site-debian-12.sources'), 'utf8');
    const apt = await makeAptRoot(join(folder, 'apt'), {
      architecture: (await must('dpkg', ['--print-architecture'])).trim(),
      sources: written.replace(/Signed-By: (.*)/, `Signed-By: ${root}$1`),
      extra: [(await readFile(join(root, 'etc/apt/apt.conf.d/50longshore'), 'utf8')).replace('"/', `"${root}/`)],
    });
    const update = await apt.apt(['update', '-q']);
    expect([update.status, `${update.stdout}${update.stderr}`.match(/^[WE]:.*/gm)]).toEqual([0, null]);
    await apt.mustApt(['install', '-y', '-q', '--download-only', 'app']);
    expect(await readFile(join(folder, `apt/cache/archives/app_1.0_${(await must('dpkg', ['--print-architecture'])).trim()}.deb`), 'utf8')).toBe('deb app 1.0');
  });

  it('let podman and skopeo find the upstream\'s name here', async () => {
    const settings = join(root, 'etc/containers/registries.conf.d/50-longshore.conf');
    const env = { CONTAINERS_REGISTRIES_CONF: settings, SSL_CERT_FILE: ca };
    const raw = await must('skopeo', ['--registries-conf', settings, 'inspect', '--raw', 'docker://docker.io/library/app:1.0'], { env });
    expect(raw).toContain(image.blobs[1]?.digest);
    const podman = ['--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run'), '--storage-driver', 'vfs'];
    const pulled = await run('podman', [...podman, 'pull', '-q', 'docker.io/library/app:1.0'], { env });
    // The layer is no tar: podman gets as far as unpacking what it fetched.
    expect(pulled.stderr).not.toMatch(/no such host|certificate|unknown/);
    expect((await run('skopeo', ['--registries-conf', settings, 'inspect', '--raw', 'docker://docker.io/library/other:1.0'], { env })).stderr).toMatch(/unknown/);
  });

  describe('containerd', () => {
    let containerd: Service;
    const sock = join(folder, 'sock');
    beforeAll(async () => {
      await writeFile(join(folder, 'config.toml'), `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${sock}"\n`);
      const hosts = join(root, 'etc/containerd/certs.d/docker.io/hosts.toml');
      await writeFile(hosts, (await readFile(hosts, 'utf8')).replace(caPath, `${root}${caPath}`));
      containerd = await startService('containerd', ['--config', join(folder, 'config.toml')], { ready: async () => (await run('ctr', ['--address', sock, 'version'])).status === 0 });
    });
    afterAll(() => containerd?.stop());

    it('pulls docker.io from here', async () => {
      await must('ctr', ['--address', sock, 'content', 'fetch', '--hosts-dir', join(root, 'etc/containerd/certs.d'), 'docker.io/library/app:1.0']);
      expect(await must('ctr', ['--address', sock, 'content', 'ls'])).toContain(image.digest);
    });
  });
});
