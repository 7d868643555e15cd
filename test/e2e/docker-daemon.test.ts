// Docker's own daemon, with the daemon.json that this machine hands out, where nothing else can be reached.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dockerDaemon } from '../../repository/client/settings.ts';
import { must, projectRoot, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe('dockerd', async () => {
  const folder = await temporaryFolder('dockerd');

  it('pulls docker.io through the mirror, other names by their name here, and nothing that is not here', async () => {
    for (const name of ['root', 'exec']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'hello.txt'), 'hello\n');
    await must('tar', ['-C', folder, '-cf', join(folder, 'layer.tar'), 'hello.txt']);
    await writeFile(join(folder, 'daemon.json'), JSON.stringify(dockerDaemon({ origin: 'http://127.0.0.1:5000' })));
    const script = `
      ip link set lo up
      if ip route get 192.0.2.1 2>/dev/null; then exit 99; fi
      mount -t tmpfs tmpfs /run && mkdir -p /run/docker
      "$NODE" test/support/serve-image.ts "$FOLDER/layer.tar" > "$FOLDER/serve.log" 2>&1 &
      dockerd --config-file "$FOLDER/daemon.json" --data-root "$FOLDER/root" --exec-root "$FOLDER/exec" --pidfile "$FOLDER/pid" --storage-driver vfs --bridge=none --iptables=false --ip6tables=false -H "unix://$FOLDER/sock" > "$FOLDER/dockerd.log" 2>&1 &
      d() { docker -H "unix://$FOLDER/sock" "$@"; }
      for _ in $(seq 300); do grep -q ready "$FOLDER/serve.log" && d version >/dev/null 2>&1 && break; sleep 0.2; done
      d pull -q docker.io/library/app:1; echo "mirror $?"
      d pull -q 127.0.0.1:5000/docker.io/library/app:1; echo "named $?"
      d images --digests --format '{{.Repository}} {{.Digest}}'
      d pull -q docker.io/library/other:1 >/dev/null 2>&1; echo "other $?"`;
    const { stdout } = await run('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script], { cwd: projectRoot, env: { FOLDER: folder, NODE: process.execPath } });
    const digest = /ready (sha256:\S+)/.exec(await readFile(join(folder, 'serve.log'), 'utf8'))?.[1] ?? '';
    expect([stdout, await readFile(join(folder, 'dockerd.log'), 'utf8')]).toEqual([expect.stringMatching(/mirror 0\n[\s\S]*named 0\n[\s\S]*other 1\n$/), expect.anything()]);
    expect(stdout).toContain(`app ${digest}\n`);
    expect(stdout).toContain(`127.0.0.1:5000/docker.io/library/app ${digest}\n`);
  });
});
