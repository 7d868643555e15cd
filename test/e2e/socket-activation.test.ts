// Sockets that another program opens: systemd's own systemd-socket-activate, which needs no systemd that runs.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort, longshorePath, run, type Service, startService } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('activation');
const store = join(folder, 'store');

/** Listening before longshore runs: it is started by the first client. */
async function activate(listen: readonly string[], ...more: readonly string[]): Promise<Service> {
  const args = [...listen.flatMap((each) => ['-l', each]), '--', process.execPath, longshorePath, 'serve', '--store', store, ...more];
  return startService('systemd-socket-activate', args, { ready: (output) => output.split('Listening on').length > listen.length });
}

describe('socket activation', () => {
  it('serves on every socket that is passed, from the client on that made it start', async () => {
    const [port, path] = [await freePort(), join(folder, 'a.sock')];
    const service = await activate([`127.0.0.1:${port}`, path]);
    try {
      expect(await run('curl', ['-fsS', '--unix-socket', path, 'http://x/healthz'])).toMatchObject({ status: 0, stdout: expect.stringContaining('"ok"') });
      expect(await run('curl', ['-fsS', `http://127.0.0.1:${port}/healthz`])).toMatchObject({ status: 0 });
      expect(service.output()).toContain(`  http://127.0.0.1:${port}/\n  unix:${path}\n`);
    } finally {
      await service.stop();
    }
  });

  it('speaks TLS where others reach it, also to the client that made it start', async () => {
    const port = await freePort();
    const service = await activate([`0.0.0.0:${port}`]);
    try {
      expect(await run('curl', ['-fsSk', `https://127.0.0.1:${port}/healthz`])).toMatchObject({ status: 0, stdout: expect.stringContaining('"ok"') });
      expect(await run('curl', ['-fsS', '--cacert', join(store, 'tls/ca.pem'), `https://127.0.0.1:${port}/healthz`])).toMatchObject({ status: 0 });
    } finally {
      await service.stop();
    }
  });

  it('refuses what is no listening stream socket', async () => {
    const port = await freePort();
    const service = await startService('systemd-socket-activate', ['-d', '-l', String(port), '--', process.execPath, longshorePath, 'serve', '--store', store], { ready: (output) => output.includes('Listening on') });
    try {
      expect((await run('bash', ['-c', `echo > /dev/udp/127.0.0.1/${port}`])).status).toBe(0);
      await expect.poll(() => service.output(), { timeout: 20_000 }).toContain('INPUT_FLAG');
    } finally {
      await service.stop();
    }
  });
});
