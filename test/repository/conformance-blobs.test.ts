// The blob cases of the opencontainers conformance suite, under its own names and for both digest algorithms. Which test stands for which case: README.md here.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, makeBed, randomText } from './support.ts';

type Algorithm = 'sha256' | 'sha512';
interface Content { readonly bytes: Buffer; readonly digest: string }

const octets = { 'content-type': 'application/octet-stream' };
const [repository, other] = ['conformance/repo1', 'conformance/repo2'];
const place = (response: Response): string => response.headers.get('location') ?? '';

describe.each<Algorithm>(['sha256', 'sha512'])('%s blobs', (algorithm) => {
  let bed: Bed;
  beforeAll(async () => { bed = await makeBed(); });
  afterAll(() => bed.close());

  const contentOf = (bytes: Buffer): Content => ({ bytes, digest: `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` });
  const fresh = (size = 512): Content => contentOf(Buffer.from(randomText(size)));
  /** The content with bytes behind it that its digest does not cover. */
  const corrupt = ({ bytes, digest }: Content): Content => ({ bytes: Buffer.concat([bytes, Buffer.from('too much')]), digest });
  const post = (name: string, query = '', body?: Buffer): Promise<Response> =>
    bed.ask(`/v2/${name}/blobs/uploads/${query}`, { method: 'POST', auth: true, ...(body === undefined ? {} : { body, headers: octets }) });
  const patch = (location: string, body: Buffer, from?: number): Promise<Response> =>
    bed.ask(location, { method: 'PATCH', auth: true, body, headers: { ...octets, ...(from === undefined ? {} : { 'content-range': `${from}-${from + body.length - 1}` }) } });
  const put = (location: string, digest: string, body?: Buffer, from?: number): Promise<Response> =>
    bed.ask(`${location}?digest=${digest}`, {
      method: 'PUT', auth: true, ...(body === undefined ? {} : { body }),
      headers: { ...octets, ...(from === undefined || body === undefined ? {} : { 'content-range': `${from}-${from + body.length - 1}` }) },
    });

  const expectCreated = (response: Response, { digest }: Content, name = repository): void => {
    expect([response.status, place(response), response.headers.get('docker-content-digest')]).toEqual([201, `/v2/${name}/blobs/${digest}`, digest]);
  };
  const postPut = async (content: Content, name = repository): Promise<Response> => put(place(await post(name)), content.digest, content.bytes);
  /** Three chunks, the middle one first when `disordered`; the last one in the PUT when `lastInPut`. */
  const chunked = async ({ bytes, digest }: Content, { disordered = false, lastInPut = false } = {}): Promise<Response> => {
    const third = Math.ceil(bytes.length / 3);
    const started = await post(repository);
    if (disordered) {
      const early = await patch(place(started), bytes.subarray(third, 2 * third), third);
      expect([early.status, (await bed.ask(place(started), { auth: true })).headers.get('range')]).toEqual([416, '0-0']);
    }
    let next = place(started);
    for (const from of lastInPut ? [0, third] : [0, third, 2 * third]) {
      const chunk = bytes.subarray(from, from + third);
      const taken = await patch(next, chunk, from);
      expect([taken.status, taken.headers.get('range')]).toEqual([202, `0-${from + chunk.length - 1}`]);
      next = place(taken);
    }
    return lastInPut ? put(next, digest, bytes.subarray(2 * third), 2 * third) : put(next, digest);
  };
  /** blob-head, blob-get, blob-delete, and that it is gone at once. */
  const expectRound = async ({ bytes, digest }: Content, name = repository): Promise<void> => {
    const path = `/v2/${name}/blobs/${digest}`;
    const head = await bed.ask(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('docker-content-digest')]).toEqual([200, String(bytes.length), digest]);
    const got = await bed.ask(path);
    expect([got.status, got.headers.get('docker-content-digest'), Buffer.from(await got.arrayBuffer()).equals(bytes)]).toEqual([200, digest, true]);
    expect((await bed.ask(path, { method: 'DELETE', auth: true })).status).toBe(202);
    expect((await bed.ask(path, { method: 'HEAD' })).status).toBe(404);
  };
  const expectRefused = async (response: Response, { digest }: Content): Promise<void> => {
    expect(response.status).toBe(400);
    expect((await bed.ask(`/v2/${repository}/blobs/${digest}`, { method: 'HEAD' })).status).toBe(404);
  };

  it('get-missing', async () => {
    expect((await bed.ask(`/v2/${repository}/blobs/${fresh().digest}`)).status).toBe(404);
  });

  it('post only', async () => {
    const content = fresh();
    expectCreated(await post(repository, `?digest=${content.digest}`, content.bytes), content);
    await expectRound(content);
  });

  it('post+put', async () => {
    const content = fresh();
    expectCreated(await postPut(content), content);
    await expectRound(content);
  });

  it('chunked single', async () => {
    const content = fresh();
    const started = await post(repository);
    expect(Number(started.headers.get('oci-chunk-min-length'))).toBeGreaterThan(0);
    const taken = await patch(place(started), content.bytes, 0);
    expect(taken.status).toBe(202);
    expectCreated(await put(place(taken), content.digest), content);
    await expectRound(content);
  });

  it('stream', async () => {
    const content = fresh();
    const taken = await patch(place(await post(repository)), content.bytes);
    expect(taken.status).toBe(202);
    expectCreated(await put(place(taken), content.digest), content);
    await expectRound(content);
  });

  it.each([['mount', `&from=${other}`], ['mount anonymous', '']])('%s', async (_, from) => {
    const content = fresh();
    expectCreated(await postPut(content, other), content, other);
    expectCreated(await post(repository, `?mount=${content.digest}${from}`), content);
    await expectRound(content);
    await expectRound(content, other);
  });

  it('mount missing', async () => {
    const content = fresh();
    const started = await post(repository, `?mount=${content.digest}&from=${other}`);
    expect(started.status).toBe(202);
    expectCreated(await put(place(started), content.digest, content.bytes), content);
    await expectRound(content);
  });

  it('post cancel', async () => {
    const content = fresh();
    const started = await post(repository);
    expect((await bed.ask(place(started), { method: 'DELETE', auth: true })).status).toBe(204);
    expect([(await bed.ask(place(started), { auth: true })).status, (await put(place(started), content.digest, content.bytes)).status]).toEqual([404, 404]);
    expect((await bed.ask(`/v2/${repository}/blobs/${content.digest}`, { method: 'DELETE', auth: true })).status).toBe(404);
  });

  it.each([
    ['chunked multi', {}], ['chunked multi and put chunk', { lastInPut: true }], ['chunked out-of-order', { disordered: true }],
    ['chunked out-of-order and put chunk', { disordered: true, lastInPut: true }],
  ])('%s', async (_, how) => {
    const content = fresh(3 * 4096 - 5);
    expectCreated(await chunked(content, how), content);
    await expectRound(content);
  });

  it('range requests', async () => {
    const content = fresh(2048);
    expectCreated(await postPut(content), content);
    const ask = async (range: string): Promise<[number, string | null, string]> => {
      const response = await bed.ask(`/v2/${repository}/blobs/${content.digest}`, { headers: { range: `bytes=${range}` } });
      return [response.status, response.headers.get('content-range'), Buffer.from(await response.arrayBuffer()).toString()];
    };
    const text = content.bytes.toString();
    expect(await ask('500-1499')).toEqual([206, 'bytes 500-1499/2048', text.slice(500, 1500)]);
    expect(await ask('500-')).toEqual([206, 'bytes 500-2047/2048', text.slice(500)]);
    expect(await ask('-500')).toEqual([206, 'bytes 1548-2047/2048', text.slice(-500)]);
    expect(await ask('2000-5000')).toEqual([206, 'bytes 2000-2047/2048', text.slice(2000)]);
    for (const beside of ['500-0', '5000-10000']) expect((await ask(beside)).slice(0, 1), beside).toEqual([416]);
    await expectRound(content);
  });

  it.each([['empty', ''], ['emptyJSON', '{}']])('%s', async (_, text) => {
    const content = contentOf(Buffer.from(text));
    expectCreated(await postPut(content), content);
    await expectRound(content);
  });

  it('bad digest post only', async () => {
    const content = corrupt(fresh());
    await expectRefused(await post(repository, `?digest=${content.digest}`, content.bytes), content);
  });

  it('bad digest post+put', async () => {
    const content = corrupt(fresh());
    await expectRefused(await postPut(content), content);
  });

  it.each([['bad digest chunked', {}], ['bad digest chunked and put chunk', { lastInPut: true }]])('%s', async (_, how) => {
    const content = corrupt(fresh(3 * 4096 - 5));
    await expectRefused(await chunked(content, how), content);
  });

  it('bad digest stream', async () => {
    const content = corrupt(fresh());
    await expectRefused(await put(place(await patch(place(await post(repository)), content.bytes)), content.digest), content);
  });
});
