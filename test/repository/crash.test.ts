import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { basic, makePushable, password, user } from './support.ts';

/** Pushes image after image until the server is gone; names those that were acknowledged. */
async function pushUntilGone(origin: string, round: number, acknowledged: Map<string, string>): Promise<void> {
  const ask = (path: string, init: RequestInit): Promise<Response> => fetch(`${origin}${path}`, { ...init, headers: { authorization: basic, ...init.headers } });
  for (let i = 0; ; i += 1) {
    const name = `crash/r${i % 3}`;
    const image = makePushable(`round ${round}, image ${i}, ${'x'.repeat(i * 1000)}`);
    for (const { digest, bytes } of image.blobs) {
      const started = await ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
      await ask(`${started.headers.get('location')}?digest=${digest}`, { method: 'PUT', body: Buffer.from(bytes) });
    }
    const done = await ask(`/v2/${name}/manifests/t${round}-${i}`, { method: 'PUT', body: Buffer.from(image.bytes), headers: { 'content-type': image.mediaType } });
    if (done.status === 201) acknowledged.set(`${name}/manifests/t${round}-${i}`, image.digest);
  }
}

describe('kill -9 in the middle of pushes', async () => {
  const folder = await temporaryFolder('crash');

  it('loses nothing that was acknowledged, shows nothing half, and the next start takes pushes', async () => {
    await writeFile(join(folder, 'htpasswd'), `${user}:${hashSync(password, 4)}\n`);
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < 8; round += 1) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-server.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const gone = new Promise((done) => { child.once('close', done); });
      const origin = await new Promise<string>((done) => { child.stdout.once('data', (chunk: Buffer) => { done(chunk.toString().trim()); }); });
      for (const [path, digest] of acknowledged) {
        const response = await fetch(`${origin}/v2/${path}`);
        const manifest = Buffer.from(await response.arrayBuffer());
        expect([path, digestOf(manifest)]).toEqual([path, digest]);
        const { config, layers } = JSON.parse(manifest.toString()) as { config: { digest: string }; layers: { digest: string }[] };
        for (const blob of [config, ...layers]) {
          const body = await fetch(`${origin}/v2/${path.split('/manifests/')[0]}/blobs/${blob.digest}`);
          expect(digestOf(Buffer.from(await body.arrayBuffer()))).toBe(blob.digest);
        }
      }
      const pushing = pushUntilGone(origin, round, acknowledged).catch(() => undefined);
      // In the middle of a push, however fast or slow the machine is: some were acknowledged in this round.
      const before = acknowledged.size;
      await expect.poll(() => acknowledged.size - before).toBeGreaterThan(round);
      child.kill('SIGKILL');
      await gone;
      await pushing;
    }
    expect(acknowledged.size).toBeGreaterThan(8);
  });
});
