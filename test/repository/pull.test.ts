import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LockedImage } from '../../bom/lock.ts';
import { type Bed, errorCode, makeBed, makeImage, makeLock, servedOf } from './support.ts';

describe('pulling what a lock carries', () => {
  let bed: Bed;
  let app: LockedImage;
  let bytes: string;
  const layer = Buffer.from('0123456789'.repeat(50_000));

  beforeAll(async () => {
    bed = await makeBed();
    app = await makeImage(bed, 'docker.io/library/app:1.0', { layer });
    const images = [
      app,
      await makeImage(bed, 'quay.io/team/tool:2'),
      await makeImage(bed, 'docker.io/team/tool:3'),
      await makeImage(bed, '127.0.0.1:5001/own/thing:1', { as: 'renamed/thing' }),
    ];
    bed.served.push(servedOf(makeLock('site', { images })));
    await bed.service.settled();
    bytes = await (await bed.ask(`/v2/docker.io/library/app/blobs/${app.digest}`)).text();
  });
  afterAll(() => bed.close());

  const layerDigest = (): string => app.blobs[1]?.digest ?? '';

  it('answers the version check', async () => {
    const response = await bed.ask('/v2/', { auth: true });
    expect(response.status).toBe(200);
    expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
  });

  it.each(['docker.io/library/app', 'library/app'])('gives a manifest by tag and by digest under %s', async (name) => {
    for (const reference of ['1.0', app.digest, app.digest.replace(':', '%3A')]) {
      const response = await bed.ask(`/v2/${name}/manifests/${reference}`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(app.mediaType);
      expect(response.headers.get('docker-content-digest')).toBe(app.digest);
      expect(response.headers.get('content-length')).toBe(String(app.size));
      expect(await response.text()).toBe(bytes);
    }
  });

  it('answers HEAD of manifests and blobs with headers only', async () => {
    for (const path of ['manifests/1.0', `manifests/${app.digest}`, `blobs/${layerDigest()}`]) {
      const response = await bed.ask(`/v2/library/app/${path}`, { method: 'HEAD' });
      expect(response.status).toBe(200);
      expect(Number(response.headers.get('content-length'))).toBe(path.startsWith('blobs') ? layer.length : app.size);
      expect(await response.text()).toBe('');
    }
  });

  it('gives a blob whole, and in ranges', async () => {
    const path = `/v2/library/app/blobs/${layerDigest()}`;
    expect(Buffer.from(await (await bed.ask(path)).arrayBuffer()).equals(layer)).toBe(true);
    const ranges: readonly (readonly [string, number, number])[] = [['bytes=0-9', 0, 10], ['bytes=499990-', 499_990, 500_000], ['bytes=-5', 499_995, 500_000], ['bytes=100-999999', 100, 500_000]];
    for (const [range, start, end] of ranges) {
      const response = await bed.ask(path, { headers: { range } });
      expect(response.status).toBe(206);
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${layer.length}`);
      expect(Buffer.from(await response.arrayBuffer()).equals(layer.subarray(start, end))).toBe(true);
    }
    const outside = await bed.ask(path, { headers: { range: `bytes=${layer.length}-` } });
    expect((await bed.ask(path, { headers: { range: 'bytes=9-1' } })).status).toBe(416);
    expect(outside.status).toBe(416);
    expect(outside.headers.get('content-range')).toBe(`bytes */${layer.length}`);
    for (const odd of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=-', 'bytes=x-']) expect((await bed.ask(path, { headers: { range: odd } })).status).toBe(200);
  });

  it('answers a conditional request without the body', async () => {
    const path = `/v2/library/app/blobs/${layerDigest()}`;
    const etag = (await bed.ask(path, { method: 'HEAD' })).headers.get('etag') ?? '';
    const response = await bed.ask(path, { headers: { 'if-none-match': etag } });
    expect(response.status).toBe(304);
    expect((await bed.ask(path, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } })).status).toBe(200);
  });

  it('serves every upstream by its host, as a containerd mirror asks', async () => {
    expect((await bed.ask('/v2/library/app/manifests/1.0?ns=docker.io')).status).toBe(200);
    expect((await bed.ask('/v2/team/tool/manifests/2?ns=quay.io')).status).toBe(200);
    expect((await bed.ask('/v2/own/thing/manifests/1?ns=127.0.0.1:5001')).status).toBe(200);
    expect((await bed.ask(`/v2/library/app/manifests/1.0?ns=${bed.origin.slice(7)}`)).status).toBe(200);
  });

  it('never answers for another upstream than the one that was asked for', async () => {
    for (const path of ['library/app/manifests/1.0?ns=quay.io', 'team/tool/manifests/2?ns=docker.io', 'docker.io/library/app/manifests/1.0?ns=ghcr.io']) {
      expect((await bed.ask(`/v2/${path}`)).status).toBe(404);
    }
  });

  it('lets a bare name stand for nothing when two upstreams have it, and says so', async () => {
    const response = await bed.ask('/v2/team/tool/manifests/2');
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('docker.io/team/tool, quay.io/team/tool');
  });

  it('gives an image its own name here, and a port in a host an underscore', async () => {
    for (const name of ['renamed/thing', '127.0.0.1_5001/own/thing', 'own/thing']) expect((await bed.ask(`/v2/${name}/manifests/1`)).status).toBe(200);
  });

  it('lists repositories, in pages', async () => {
    const all = ((await (await bed.ask('/v2/_catalog')).json()) as { repositories: string[] }).repositories;
    expect(all).toEqual(['127.0.0.1_5001/own/thing', 'docker.io/library/app', 'docker.io/team/tool', 'quay.io/team/tool', 'renamed/thing']);
    const first = await bed.ask('/v2/_catalog?n=2');
    expect(((await first.json()) as { repositories: string[] }).repositories).toEqual(all.slice(0, 2));
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    expect(((await (await bed.ask(next)).json()) as { repositories: string[] }).repositories).toEqual(all.slice(2, 4));
  });

  it('names the error for what is not there', async () => {
    const none = `sha256:${'0'.repeat(64)}`;
    const cases: readonly (readonly [string, number, string])[] = [
      ['library/app/manifests/none', 404, 'MANIFEST_UNKNOWN'],
      [`library/app/manifests/${none}`, 404, 'MANIFEST_UNKNOWN'],
      [`library/app/blobs/${none}`, 404, 'BLOB_UNKNOWN'],
      ['nobody/nothing/manifests/1', 404, 'NAME_UNKNOWN'],
      ['nobody/nothing/tags/list', 404, 'NAME_UNKNOWN'],
      ['library/app/blobs/sha256:abc', 400, 'DIGEST_INVALID'],
      ['library/app/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
      ['Library/app/manifests/1', 400, 'NAME_INVALID'],
      ['library/app/nonsense/1', 404, 'UNSUPPORTED'],
    ];
    for (const [path, status, code] of cases) {
      const response = await bed.ask(`/v2/${path}`);
      expect([path, response.status, await errorCode(response)]).toEqual([path, status, code]);
    }
  });

  it('keeps a blob inside its repository', async () => {
    expect((await bed.ask(`/v2/quay.io/team/tool/blobs/${layerDigest()}`)).status).toBe(404);
  });
});
