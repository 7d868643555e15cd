// A machine with a shell and tar, no Node and no network: it checks, imports and serves one file, and installs from itself.
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../bom/lock.ts';
import { exportArchive } from '../../exporter/export.ts';
import { collectRuntimes } from '../../exporter/runtime.ts';
import { parseSigningKey } from '../../formats/pgp/keys.ts';
import { Store } from '../../store/store.ts';
import { must, projectRoot, run } from '../support/command.ts';
import { type Outside, startOutside } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('self-extracting');
const root = join(folder, 'bare');
const signal = new AbortController().signal;
let outside: Outside;

beforeAll(async () => {
  outside = await startOutside(folder, { packages: ['jq'] });
  for (const args of [
    ['lock', '-f', 'project.yaml', '--store', 'store', '--insecure-registry', outside.registry.host],
    ['download', '--store', 'store', '--insecure-registry', outside.registry.host],
    ['keygen', '--name', 'Site operations', '-o', 'ops'],
  ]) {
    const { status, stderr } = await outside.longshore(args);
    if (status !== 0) throw new Error(stderr);
  }
  await exportWithRuntime(join(folder, 'site.sh'));
  const codename = (await must('sh', ['-c', '. /etc/os-release && echo "$VERSION_CODENAME"'])).trim();
  await must('unshare', ['--mount', 'mmdebstrap', '--quiet', '--variant=minbase', codename, root]);
  await mkdir(join(root, 'srv'), { recursive: true });
  await copyFile(join(folder, 'site.sh'), join(root, 'srv/site.sh'));
  await copyFile(join(folder, 'ops.asc'), join(root, 'srv/ops.asc'));
});
afterAll(async () => {
  await outside?.stop();
  await rm(root, { recursive: true, force: true });
});

async function exportWithRuntime(output: string): Promise<void> {
  const locked = parseLock(await readFile(join(folder, 'longshore.lock.json'), 'utf8'), 'lock');
  const store = await Store.open(join(folder, 'store'), { create: false });
  try {
    const runtimes = await collectRuntimes({ platforms: [`linux-${process.arch}`], root: projectRoot, store, signal });
    await exportArchive({
      lock: { ...locked, spec: { ...locked.spec, runtimes } }, store, output, selfExtracting: true,
      sign: await parseSigningKey(await readFile(join(folder, 'ops.key')), 'ops.key'), concurrency: 2, notify: () => undefined, signal,
    });
  } finally {
    store.close();
  }
}

/** In the bare system, in a network of its own that leads nowhere. */
async function inside(script: string): Promise<string> {
  await writeFile(join(root, 'srv/script'), `set -eu\nexport PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive\n${script}\n`);
  await chmod(join(root, 'srv/script'), 0o755);
  const { status, stdout, stderr } = await run('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', `ip link set lo up && mount -t proc proc ${root}/proc && exec chroot ${root} sh /srv/script`]);
  if (status !== 0) throw new Error(`${status}\n${stdout}\n${stderr}`);
  return stdout;
}

describe('a bare machine', () => {
  it('has no Node and no way out', async () => {
    expect(await inside('command -v node && exit 1\nbash -c \'(exec 3<> /dev/tcp/192.0.2.1/80)\' 2> /dev/null && exit 1\necho bare')).toContain('bare');
  });

  it('checks the file with nothing but a shell', async () => {
    expect(await inside('sh /srv/site.sh --check')).toContain('sha256 good');
  });

  it('imports it, serves it, and installs a package from itself', async () => {
    const output = await inside(`
sh /srv/site.sh --import --key /srv/ops.asc --store /var/lib/longshore
sh /srv/site.sh --run serve --store /var/lib/longshore --listen 127.0.0.1:5000 &
server=$!
for _ in $(seq 100); do bash -c '(exec 3<> /dev/tcp/127.0.0.1/5000)' 2> /dev/null && break; sleep 0.1; done
mkdir -p /etc/apt/keyrings
cp /var/lib/longshore/keys/machine.asc /etc/apt/keyrings/machine.asc
chmod 644 /etc/apt/keyrings/machine.asc
rm -rf /etc/apt/sources.list.d /etc/apt/sources.list
echo 'deb [signed-by=/etc/apt/keyrings/machine.asc] http://127.0.0.1:5000/apt/${outside.target} ${outside.target} main' > /etc/apt/sources.list
apt-get update
apt-get install -y --no-install-recommends jq
echo '{"installed": true}' | jq -r .installed
kill $server
wait $server || true
ls -d /tmp/longshore.* 2> /dev/null && exit 1
echo done`);
    expect(output).toMatch(/^true$/m);
    expect(output).toMatch(/^done$/m);
    expect(output).not.toMatch(/^(W|E):/m);
  });
});
