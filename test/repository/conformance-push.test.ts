// OCI distribution specification 1.1, workflow "Push": its requirements, case by case.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { type Bed, errorCode, makeBed, makeImage, makeLock, makePushable, pushBlob, pushImage, servedOf } from './support.ts';

const octets = { 'content-type': 'application/octet-stream' };
const bytesOf = (text: string): Buffer => Buffer.from(text);

describe('push', () => {
  let bed: Bed;
  beforeAll(async () => { bed = await makeBed(); });
  afterAll(() => bed.close());

  const start = async (name: string, query = ''): Promise<Response> => bed.ask(`/v2/${name}/blobs/uploads/${query}`, { method: 'POST', auth: true });
  const place = (response: Response): string => response.headers.get('location') ?? '';
  const patch = (location: string, body: Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    bed.ask(location, { method: 'PATCH', auth: true, body, headers: { ...octets, ...headers } });
  const put = (location: string, digest: string, body?: Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    bed.ask(`${location}?digest=${digest}`, { method: 'PUT', auth: true, ...(body === undefined ? {} : { body }), headers: { ...octets, ...headers } });
  const expectBlob = async (name: string, content: Buffer): Promise<void> => {
    const response = await bed.ask(`/v2/${name}/blobs/${digestOf(content)}`);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
  };

  it('blob: POST then PUT', async () => {
    const content = bytesOf('monolithic');
    const started = await start('push/mono');
    expect(started.status).toBe(202);
    expect(place(started)).toMatch(/\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const done = await put(place(started), digestOf(content), content);
    expect(done.status).toBe(201);
    expect(place(done)).toBe(`/v2/push/mono/blobs/${digestOf(content)}`);
    expect(done.headers.get('docker-content-digest')).toBe(digestOf(content));
    await expectBlob('push/mono', content);
  });

  it('blob: a single POST', async () => {
    const content = bytesOf('single post');
    const done = await bed.ask(`/v2/push/single/blobs/uploads/?digest=${digestOf(content)}`, { method: 'POST', auth: true, body: content, headers: octets });
    expect(done.status).toBe(201);
    await expectBlob('push/single', content);
  });

  it('blob: streamed, one PATCH without Content-Range, then PUT without a body', async () => {
    const content = bytesOf('streamed');
    const chunk = await patch(place(await start('push/stream')), content);
    expect(chunk.status).toBe(202);
    expect(chunk.headers.get('range')).toBe(`0-${content.length - 1}`);
    expect((await put(place(chunk), digestOf(content))).status).toBe(201);
    await expectBlob('push/stream', content);
  });

  it('blob: in chunks, each with its range, the last one in the PUT', async () => {
    const content = bytesOf('first chunk|second chunk|third');
    const [a, b, c] = [content.subarray(0, 12), content.subarray(12, 25), content.subarray(25)];
    const started = await start('push/chunks');
    expect(Number(started.headers.get('oci-chunk-min-length'))).toBeGreaterThan(0);
    const first = await patch(place(started), a, { 'content-range': '0-11' });
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-11']);
    const status = await bed.ask(place(first), { auth: true });
    expect([status.status, status.headers.get('range'), place(status)]).toEqual([204, '0-11', place(first)]);
    const second = await patch(place(first), b, { 'content-range': '12-24' });
    expect([second.status, second.headers.get('range')]).toEqual([202, '0-24']);
    expect((await put(place(second), digestOf(content), c, { 'content-range': `25-${content.length - 1}` })).status).toBe(201);
    await expectBlob('push/chunks', content);
  });

  it('blob: a chunk out of order is 416 with the offset to go on from, and the upload lives on', async () => {
    const content = bytesOf('0123456789');
    const started = await start('push/order');
    expect((await patch(place(started), content.subarray(5), { 'content-range': '5-9' })).status).toBe(416);
    const first = await patch(place(started), content.subarray(0, 5), { 'content-range': '0-4' });
    const again = await patch(place(first), content.subarray(0, 5), { 'content-range': '0-4' });
    expect([again.status, again.headers.get('range'), place(again)]).toEqual([416, '0-4', place(first)]);
    const rest = await patch(place(again), content.subarray(5), { 'content-range': '5-9' });
    expect((await put(place(rest), digestOf(content))).status).toBe(201);
    await expectBlob('push/order', content);
  });

  it('blob: a chunk that is not as long as its range is taken back', async () => {
    const content = bytesOf('0123456789');
    const started = await start('push/short');
    const wrong = await patch(place(started), content.subarray(0, 3), { 'content-range': '0-4' });
    expect([wrong.status, await errorCode(wrong)]).toEqual([400, 'SIZE_INVALID']);
    expect((await patch(place(started), content, { 'content-range': '0-9' })).status).toBe(202);
    expect((await put(place(started), digestOf(content))).status).toBe(201);
    await expectBlob('push/short', content);
  });

  it('blob: a wrong digest is refused and nothing stays', async () => {
    const started = await start('push/wrong');
    const digest = digestOf('something else');
    const refused = await put(place(started), digest, bytesOf('content'));
    expect([refused.status, await errorCode(refused)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await bed.ask(`/v2/push/wrong/blobs/${digest}`)).status).toBe(404);
    expect(await bed.store.has(digest)).toBe(false);
    expect((await bed.ask(place(started), { auth: true })).status).toBe(404);
  });

  it('blob: an empty one', async () => {
    expect((await pushBlob(bed, 'push/empty', new Uint8Array(0))).status).toBe(201);
    await expectBlob('push/empty', Buffer.alloc(0));
  });

  it('blob: digests of other algorithms and broken ones are refused', async () => {
    for (const digest of [`sha512:${'0'.repeat(128)}`, `sha384:${'0'.repeat(96)}`, 'sha512:short', 'sha256:short', '']) {
      const refused = await put(place(await start('push/algo')), digest, bytesOf('x'));
      expect([refused.status, await errorCode(refused)]).toEqual([400, 'DIGEST_INVALID']);
    }
  });

  it('blob: an upload can be cancelled, and belongs to its repository', async () => {
    const started = await start('push/cancel');
    const foreign = place(started).replace('push/cancel', 'push/other');
    expect([(await bed.ask(foreign, { auth: true })).status, (await put(foreign, digestOf('x'), bytesOf('x'))).status]).toEqual([404, 404]);
    expect((await bed.ask(place(started), { method: 'DELETE', auth: true })).status).toBe(204);
    const gone = await bed.ask(place(started), { auth: true });
    expect([gone.status, await errorCode(gone)]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  });

  it('blob: mounted from another repository', async () => {
    const content = bytesOf('to be mounted');
    await pushBlob(bed, 'mount/source', content);
    const mounted = await start('mount/target', `?mount=${digestOf(content)}&from=mount/source`);
    expect([mounted.status, place(mounted)]).toEqual([201, `/v2/mount/target/blobs/${digestOf(content)}`]);
    await expectBlob('mount/target', content);
  });

  it('blob: mounted without saying from where, also from what a lock carries', async () => {
    const content = bytesOf('somewhere');
    await pushBlob(bed, 'mount/somewhere', content);
    expect((await start('mount/anonymous', `?mount=${digestOf(content)}`)).status).toBe(201);
    await expectBlob('mount/anonymous', content);
    const image = await makeImage(bed, 'docker.io/library/mounted:1');
    bed.served.push(servedOf(makeLock('site', { images: [image] })));
    await bed.service.settled();
    expect((await start('mount/anonymous', `?mount=${image.blobs[1]?.digest}`)).status).toBe(201);
    expect((await bed.ask(`/v2/mount/anonymous/blobs/${image.blobs[1]?.digest}`)).status).toBe(200);
  });

  it('sha512: blobs and manifests are found under the digest they were pushed by, and under it only', async () => {
    const sha512 = (bytes: Uint8Array): string => `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    const [config, layer] = [bytesOf('{"sha":512}'), bytesOf('layer by sha512')];
    for (const content of [config, layer]) {
      const done = await put(place(await start('push/sha512', '?digest-algorithm=sha512')), sha512(content), content);
      expect([done.status, done.headers.get('docker-content-digest')]).toEqual([201, sha512(content)]);
    }
    const single = await bed.ask(`/v2/push/sha512/blobs/uploads/?digest=${sha512(bytesOf('single'))}`, { method: 'POST', auth: true, body: 'single', headers: octets });
    expect(single.status).toBe(201);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = bytesOf(JSON.stringify({
      schemaVersion: 2, mediaType, config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha512(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha512(layer), size: layer.length }],
    }));
    const pushed = await bed.ask(`/v2/push/sha512/manifests/${sha512(manifest)}?tag=v1`, { method: 'PUT', auth: true, body: manifest, headers: { 'content-type': mediaType } });
    expect([pushed.status, pushed.headers.get('docker-content-digest')]).toEqual([201, sha512(manifest)]);
    for (const path of [`manifests/${sha512(manifest)}`, 'manifests/v1']) {
      const got = await bed.ask(`/v2/push/sha512/${path}`);
      expect([got.status, got.headers.get('docker-content-digest'), await got.text()]).toEqual([200, sha512(manifest), manifest.toString()]);
    }
    expect(await (await bed.ask(`/v2/push/sha512/blobs/${sha512(layer)}`)).text()).toBe(layer.toString());
    expect((await bed.ask(`/v2/push/sha512/blobs/${digestOf(layer)}`)).status).toBe(404);
    expect((await start('mount/sha512', `?mount=${sha512(layer)}&from=push/sha512`)).status).toBe(201);
    const second = await makeBed({ folder: bed.folder });
    expect((await second.ask(`/v2/push/sha512/manifests/${sha512(manifest)}`)).status).toBe(200);
    await second.close();
    for (const path of [`manifests/${sha512(manifest)}`, `blobs/${sha512(layer)}`]) {
      expect([(await bed.ask(`/v2/push/sha512/${path}`, { method: 'DELETE', auth: true })).status, (await bed.ask(`/v2/push/sha512/${path}`)).status]).toEqual([202, 404]);
    }
  });

  it('manifest: without layers, and with fields that nobody knows', async () => {
    for (const layers of [[], null]) {
      const image = makePushable('no layers', { layers, 'org.example.unknown': { a: [1] } });
      expect((await pushImage(bed, 'push/bare', image.digest, image)).status).toBe(201);
    }
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests: null });
    expect((await bed.ask('/v2/push/bare/manifests/empty', { method: 'PUT', auth: true, body, headers: { 'content-type': mediaType } })).status).toBe(201);
  });

  it('blob: a mount of what is not there becomes an upload', async () => {
    for (const query of [`?mount=${digestOf('absent')}&from=mount/source`, `?mount=${digestOf('absent')}`, `?mount=${digestOf('absent')}&from=no/where`]) {
      const started = await start('mount/target', query);
      expect([started.status, place(started)]).toEqual([202, expect.stringContaining('/blobs/uploads/')]);
    }
  });

  it('manifest: by tag, byte for byte', async () => {
    const image = makePushable('by tag', { annotations: { 'org.example.x': 'ä  b' } });
    const done = await pushImage(bed, 'push/image', 'v1', image);
    expect([done.status, place(done), done.headers.get('docker-content-digest')]).toEqual([201, '/v2/push/image/manifests/v1', image.digest]);
    const pulled = await bed.ask('/v2/push/image/manifests/v1');
    expect(pulled.headers.get('content-type')).toBe(image.mediaType);
    expect(Buffer.from(await pulled.arrayBuffer()).equals(image.bytes)).toBe(true);
  });

  it('manifest: by digest, with tags in the query', async () => {
    const image = makePushable('by digest');
    expect((await pushImage(bed, 'push/bydigest', `${image.digest}?tag=a&tag=b`, image)).headers.get('oci-tag')).toBe('a, b');
    for (const reference of [image.digest, 'a', 'b']) expect((await bed.ask(`/v2/push/bydigest/manifests/${reference}`)).status).toBe(200);
  });

  it('manifest: under another digest than its own is refused', async () => {
    const refused = await pushImage(bed, 'push/bydigest', digestOf('another'), makePushable('mismatch'));
    expect([refused.status, await errorCode(refused)]).toEqual([400, 'DIGEST_INVALID']);
  });

  it('manifest: with blobs that are not in the repository is refused', async () => {
    const image = makePushable('blobs are missing');
    const refused = await bed.ask('/v2/push/missing/manifests/v1', { method: 'PUT', auth: true, body: Buffer.from(image.bytes), headers: { 'content-type': image.mediaType } });
    expect([refused.status, await errorCode(refused)]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    expect((await bed.ask('/v2/push/missing/manifests/v1')).status).toBe(404);
  });

  it('manifest: an index may be sparse', async () => {
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('elsewhere'), size: 9, platform: { os: 'linux', architecture: 's390x' } }] });
    expect((await bed.ask('/v2/push/sparse/manifests/v1', { method: 'PUT', auth: true, body, headers: { 'content-type': mediaType } })).status).toBe(201);
    expect(await (await bed.ask('/v2/push/sparse/manifests/v1')).text()).toBe(body);
  });

  it('manifest: layers that may not be distributed need not be here', async () => {
    const image = makePushable('foreign', { layers: [{ mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar', digest: digestOf('not here'), size: 8, urls: ['https://example.org/layer'] }] });
    expect((await pushImage(bed, 'push/foreign', 'v1', image)).status).toBe(201);
  });

  it('manifest: a subject may come later, and is acknowledged', async () => {
    const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('comes later'), size: 10 };
    expect((await pushImage(bed, 'push/subject', 'v1', makePushable('with subject', { subject }))).headers.get('oci-subject')).toBe(subject.digest);
  });

  it('manifest: what is none is refused', async () => {
    const { mediaType } = makePushable('x');
    const cases: readonly (readonly [string, string])[] = [
      ['not json', mediaType], ['[]', mediaType], ['{}', mediaType], ['{"schemaVersion":2}', mediaType],
      ['{"schemaVersion":1,"signatures":[]}', 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
      [JSON.stringify({ schemaVersion: 2, mediaType: 'text/plain', layers: [] }), 'text/plain'],
      [JSON.stringify({ schemaVersion: 2, mediaType, config: { mediaType: 'x', digest: '../../etc/passwd', size: 1 }, layers: [] }), mediaType],
      [JSON.stringify({ schemaVersion: 2, mediaType, config: { mediaType: 'x', digest: digestOf('x'), size: -1 }, layers: [] }), mediaType],
      [JSON.stringify({ schemaVersion: 2, mediaType, layers: [], config: null }), mediaType],
      [new TextDecoder().decode(makePushable('x').bytes), 'application/vnd.oci.image.index.v1+json'],
    ];
    for (const [body, type] of cases) {
      const refused = await bed.ask('/v2/push/bad/manifests/v1', { method: 'PUT', auth: true, body, headers: { 'content-type': type } });
      expect([body, refused.status, await errorCode(refused)]).toEqual([body, 400, 'MANIFEST_INVALID']);
    }
  });

  it('manifest: more than 4 MiB is 413, and 4 MiB pass', async () => {
    const blobs = makePushable('big');
    const sized = (bytes: number): Buffer => {
      const empty = Buffer.from(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(blobs.bytes)) as object, annotations: { pad: '' } }));
      return Buffer.from(empty.toString().replace('"pad":""', `"pad":"${'x'.repeat(bytes - empty.length)}"`));
    };
    for (const { bytes } of blobs.blobs) await pushBlob(bed, 'push/big', bytes);
    const send = (body: Buffer): Promise<Response> => bed.ask('/v2/push/big/manifests/v1', { method: 'PUT', auth: true, body, headers: { 'content-type': blobs.mediaType } });
    expect((await send(sized(4 * 1024 * 1024))).status).toBe(201);
    const refused = await send(sized(4 * 1024 * 1024 + 1));
    expect([refused.status, await errorCode(refused)]).toEqual([413, 'SIZE_INVALID']);
  });

  it('manifest: names that are no tags are refused', async () => {
    for (const reference of ['.hidden', '-x', 'a'.repeat(129), 'a%2Fb', 'a%20b']) {
      const refused = await bed.ask(`/v2/push/image/manifests/${reference}`, { method: 'PUT', auth: true, body: '{}' });
      expect([reference, refused.status]).toEqual([reference, 400]);
    }
  });

  it('keeps everything over a restart', async () => {
    const image = makePushable('durable');
    await pushImage(bed, 'push/durable', 'v1', image);
    const second = await makeBed({ folder: bed.folder });
    expect((await second.ask('/v2/push/durable/manifests/v1')).headers.get('docker-content-digest')).toBe(image.digest);
    expect((await second.ask(`/v2/push/durable/blobs/${image.blobs[1]?.digest}`)).status).toBe(200);
    await second.close();
  });

  it('takes the same blob from many clients at once', async () => {
    const content = Buffer.alloc(300_000, 'same');
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => pushBlob(bed, `many/r${i % 3}`, content)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    for (const name of ['many/r0', 'many/r1', 'many/r2']) await expectBlob(name, content);
  });
});
