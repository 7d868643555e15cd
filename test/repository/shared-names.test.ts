import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOwnTls } from '../../repository/tls/own-tls.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Bed, makeBed, makeImage, makeLock, servedOf } from './support.ts';

describe('one tag that two projects have for different images', () => {
  let bed: Bed;
  beforeAll(async () => { bed = await makeBed({}); });
  afterAll(() => bed.close());

  const digestAt = async (name: string): Promise<string | null> => (await bed.ask(`/v2/${name}/manifests/1.0`, { method: 'HEAD' })).headers.get('docker-content-digest');

  it('serves the same one whatever the order of imports, and each under its project', async () => {
    const [first, second] = [await makeImage(bed, 'docker.io/library/app:1.0', { layer: 'a' }), await makeImage(bed, 'docker.io/library/app:1.0', { layer: 'b' })];
    const other = await makeImage(bed, 'docker.io/library/alone:1.0');
    for (const served of [[makeLock('zeta', { images: [second, other] }), makeLock('alpha', { images: [first] })], [makeLock('alpha', { images: [first] }), makeLock('zeta', { images: [second, other] })]]) {
      bed.served.splice(0, bed.served.length, ...served.map((lock) => servedOf(lock)));
      await bed.service.settled();
      expect([await digestAt('docker.io/library/app'), await digestAt('library/app')]).toEqual([first.digest, first.digest]);
      expect([await digestAt('projects/alpha/docker.io/library/app'), await digestAt('projects/zeta/docker.io/library/app')]).toEqual([first.digest, second.digest]);
      expect((await bed.ask(`/v2/docker.io/library/app/manifests/${second.digest}`)).status).toBe(200);
      expect(await digestAt('projects/zeta/docker.io/library/alone')).toBeNull();
    }
  });
});

describe('TLS of the service', async () => {
  const folder = await temporaryFolder('tls-versions');

  it('speaks 1.2 and 1.3, and nothing older', async () => {
    const tls = await openOwnTls(folder, { hosts: ['127.0.0.1'], now: new Date() });
    const bed = await makeBed({ tls });
    const { port } = new URL(bed.origin);
    const speak = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string> => new Promise((done) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), ca: tls.ca, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }, () => { done(socket.getProtocol() ?? ''); socket.destroy(); });
      socket.once('error', (cause: NodeJS.ErrnoException) => { done(cause.code ?? cause.message); });
    });
    expect(await speak('TLSv1.2')).toBe('TLSv1.2');
    expect(await speak('TLSv1.3')).toBe('TLSv1.3');
    for (const old of ['TLSv1', 'TLSv1.1'] as const) expect(await speak(old)).toMatch(/PROTOCOL_VERSION|UNSUPPORTED|RESET/i);
    await bed.close();
  });
});
