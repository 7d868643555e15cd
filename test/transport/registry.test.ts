import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';
import { parseReference } from '../../bom/reference.ts';
import type { Credential } from '../../formats/oci/auth-file.ts';
import type { Credentials } from '../../transport/credentials.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool, type RegistrySession } from '../../transport/registry.ts';
import { createAuthorizer, parseChallenges } from '../../transport/registry-auth.ts';
import { listReferrers, listTags, nextPage } from '../../transport/registry-discovery.ts';
import { digestCheckOf, pushBlob } from '../../transport/registry-push.ts';
import { type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from '../support/fake-registry.ts';
import { FakeUploads } from '../support/fake-uploads.ts';
import { startFaultServer, serveContent } from '../support/fault-server.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

async function registry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options);
  open.push(() => fake.close());
  return fake;
}

function session(fake: FakeRegistry, credential?: Credential): RegistrySession {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 1000, retry: { firstWaitMs: 1, retries: 3 } });
  open.push(() => http.close());
  const credentials: Credentials = { find: async () => credential };
  return createRegistryPool({ http, credentials, insecureHosts: [fake.host] }).session(fake.host);
}

async function all(bytes: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

const layer = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7) & 0xff);
const login: Credential = { kind: 'basic', user: 'anna', password: 's3cret' };

describe('a registry session', () => {
  it('gets manifests by tag and digest, blobs, tags of all pages', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', [layer], 'team/app:1');
    for (const tag of ['2', '3', '4', '5']) fake.tags.set(`team/app:${tag}`, image.digest);
    const live = session(fake);
    const manifest = await live.getManifest('team/app', '1', signal);
    expect(manifest).toMatchObject(image);
    expect((await live.getManifest('team/app', image.digest, signal)).digest).toBe(image.digest);
    const blob = { mediaType: 'x', digest: digestOf(layer), size: layer.length };
    expect(await live.headBlob('team/app', blob.digest, signal)).toBe(true);
    expect(await all(live.streamBlob('team/app', blob, { signal, offset: 5 }))).toEqual(Buffer.from(layer.subarray(5)));
    expect(await listTags(live, 'team/app', signal)).toEqual(['1', '2', '3', '4', '5']);
    expect((await failure(live.getManifest('team/app', 'none', signal))).facts.details).toMatchObject({ status: 404 });
  });

  it('speaks with a host that is an IPv6 address, and tells tags apart that differ by case only', async () => {
    const fake = await registry();
    const lower = fake.addImage('linux/amd64', [layer], 'team/app:v1');
    const upper = fake.addImage('linux/arm64', [layer], 'team/app:V1');
    const relay = createServer((socket) => { const to = connect(Number(fake.host.split(':')[1]), '127.0.0.1'); socket.pipe(to).pipe(socket); for (const each of [socket, to]) each.on('error', () => undefined); });
    await new Promise<void>((done) => { relay.listen(0, '::1', done); });
    open.push(async () => { relay.close(); });
    const http = createHttpClient({ env: {}, retry: { retries: 0 } });
    open.push(() => http.close());
    const host = `[::1]:${(relay.address() as AddressInfo).port}`;
    const live = createRegistryPool({ http, insecureHosts: [host] }).session(host);
    expect([(await live.getManifest('team/app', 'v1', signal)).digest, (await live.getManifest('team/app', 'V1', signal)).digest]).toEqual([lower.digest, upper.digest]);
    expect(Buffer.from(await all(live.streamBlob('team/app', { mediaType: 'x', digest: digestOf(layer), size: layer.length }, { signal }))).equals(Buffer.from(layer))).toBe(true);
  });

  it('refuses a manifest that is not the one asked for, or contradicts its own header', async () => {
    const other = 'sha256:' + '0'.repeat(64);
    const fake = await registry({ fault: (request, response) => {
      if (request.url?.endsWith('/header') === true) { response.writeHead(200, { 'docker-content-digest': other }).end('{}'); return true; }
      if (request.url?.endsWith(other) === true) { response.writeHead(200).end('{}'); return true; }
      return false;
    } });
    for (const reference of ['header', other]) expect((await failure(session(fake).getManifest('a/b', reference, signal))).code).toBe('INTEGRITY_DIGEST');
  });

  it('bounds manifests and pages', async () => {
    const fake = await registry({ fault: (request, response) => {
      if (request.url?.includes('/tags/') === true) {
        response.writeHead(200, { link: '</v2/a/b/tags/list?again>; rel="next"' }).end('{"tags":["x"]}');
      } else response.writeHead(200).end(new Uint8Array(9 << 20));
      return true;
    } });
    expect((await failure(session(fake).getManifest('a/b', 'x', signal))).code).toBe('TRANSFER_PROTOCOL');
    expect((await failure(listTags(session(fake), 'a/b', signal))).code).toBe('TRANSFER_PROTOCOL');
  });

  it('says what to do about plain http on a host that was not named for it', async () => {
    const fake = await registry();
    const http = createHttpClient({ env: {}, retry: { retries: 0 } });
    open.push(() => http.close());
    const error = await failure(createRegistryPool({ http }).session(fake.host).getManifest('a', 'b', signal));
    expect(error.code).toBe('TRANSFER_TLS');
    expect(error.next).toContain(`--insecure-registry ${fake.host}`);
  });
});

describe('an upload', () => {
  const send = async (fake: FakeRegistry, { limitRateBytesPerS, partBytes }: { readonly limitRateBytesPerS?: number; readonly partBytes?: number } = {}): Promise<number> => {
    const http = createHttpClient({ env: {}, ...(limitRateBytesPerS === undefined ? {} : { limitRateBytesPerS }) });
    open.push(() => http.close());
    const live = createRegistryPool({ http, insecureHosts: [fake.host] }).session(fake.host);
    const content = Uint8Array.from({ length: 5 << 20 }, (_, at) => (at * 13) & 0xff);
    const blob = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };
    const startMs = performance.now();
    await pushBlob(live, { path: 'a/b', blob, signal, ...(partBytes === undefined ? {} : { partBytes }), retry: { firstWaitMs: 1, retries: 4 }, open: async function* parts(range) { yield content.subarray(range?.start ?? 0, range?.end ?? content.length); } });
    return performance.now() - startMs;
  };

  it('that begins anew each time it breaks off comes to an end', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake, { maxBodyBytes: 2 << 20 });
    const fake = await registry({ fault: uploads.handle });
    Object.assign(uploads, { cuts: 1000, cutBehind: [2 << 20, 1 << 20] });
    expect((await failure(send(fake))).family).toBe('transfer');
    expect(uploads.cuts).toBeGreaterThan(980);
  });

  it('of a large blob comes in parts, the first shorter than the others', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake);
    const fake = await registry({ fault: uploads.handle });
    await send(fake, { partBytes: 2 << 20 });
    const [first = 0, ...others] = uploads.chunks;
    expect(first).toBeGreaterThanOrEqual(1 << 20);
    expect(first).toBeLessThan(2 << 20);
    expect(others[0]).toBe(2 << 20);
    // In halves at the end.
    for (const [at, part] of others.slice(1, -1).entries()) expect(Math.abs(part - others.slice(at + 2).reduce((sum, bytes) => sum + bytes, 0))).toBeLessThanOrEqual(1);
    expect(others.at(-1)).toBeLessThanOrEqual((2 << 20) / 4);
    expect(fake.blobs.size).toBe(1);
  });

  it('in parts that the registry takes none of, or not all, is sent whole', async () => {
    for (const refuseChunks of [{ status: 405 }, { status: 404, after: 1 }, { status: 416, after: 2 }, { status: 500 }, { status: 204 }]) {
      const uploads: FakeUploads = new FakeUploads(() => fake, { refuseChunks });
      const fake = await registry({ fault: uploads.handle });
      await send(fake, { partBytes: 2 << 20 });
      expect(uploads.chunks).toHaveLength(refuseChunks.after ?? 0);
      expect(fake.blobs.size).toBe(1);
    }
  });

  it('in parts goes on where the line broke', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake);
    const fake = await registry({ fault: uploads.handle });
    Object.assign(uploads, { cuts: 1, cutAfter: 1_000_000 });
    await send(fake, { partBytes: 2 << 20 });
    expect(uploads.received).toBeLessThan(5.5 * (1 << 20));
    expect(fake.blobs.size).toBe(1);
  });

  it('in parts that are too long for the registry gets shorter ones, and never comes whole', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake, { maxBodyBytes: 1 << 20 });
    const fake = await registry({ fault: uploads.handle });
    await send(fake, { partBytes: 2 << 20 });
    expect(Math.max(...uploads.chunks)).toBeLessThanOrEqual(1 << 20);
    expect(fake.blobs.size).toBe(1);
  });

  it.each([['ignored in parts', 'verifies', 'ignores'], [undefined, 'verifies', 'verifies'], ['ignored', 'ignores', 'ignores'], ['refused', 'unclear', 'unclear']] as const)('under a wrong digest, %s: whole %s, in parts %s', async (digests, whole, parted) => {
    const uploads: FakeUploads = new FakeUploads(() => fake, digests === undefined ? {} : { digests });
    const fake = await registry({ fault: uploads.handle });
    expect([await digestCheckOf(session(fake), 'a/b', { signal }), await digestCheckOf(session(fake), 'a/b', { signal, inParts: true })]).toEqual([whole, parted]);
    expect(uploads.chunks.length).toBeGreaterThan(1);
  });

  it('keeps to a rate', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake);
    const fake = await registry({ fault: uploads.handle });
    expect(await send(fake, { limitRateBytesPerS: 8 << 20 })).toBeGreaterThan(200);
  });
});

describe('referrers', () => {
  it('come from the API, page by page', async () => {
    const fake = await registry({ fault: (request, response) => {
      if (request.url?.includes('/referrers/') !== true) return false;
      const second = request.url.endsWith('?p=2');
      if (!second) response.setHeader('link', `<${request.url}?p=2>; rel="next"`);
      const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(second ? 'b' : 'a'), size: 1, artifactType: 'x' };
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' }).end(JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
      return true;
    } });
    const { referrers, tag } = await listReferrers(session(fake), 'a/b', { digest: digestOf('x'), signal });
    expect(referrers.map(({ digest }) => digest)).toEqual([digestOf('a'), digestOf('b')]);
    expect(tag).toBeUndefined();
  });

  it.each([400, 401, 403, 404, 405, 501, 200])('come from the tag where the API answers %i, or with a page for people', async (status) => {
    const fake = await registry({ fault: (request, response) => {
      if (request.url?.includes('/referrers/') !== true) return false;
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
      return true;
    } });
    expect(await listReferrers(session(fake), 'a/b', { digest: digestOf('x'), signal })).toEqual({ referrers: [] });
    const tag = digestOf('x').replace(':', '-');
    const image = fake.addImage('linux/amd64', ['sig']);
    fake.addIndex([[image]], `a/b:${tag}`);
    expect(await listReferrers(session(fake), 'a/b', { digest: digestOf('x'), signal })).toMatchObject({ referrers: [image], tag });
  });

  it('fail when the registry fails', async () => {
    const fake = await registry({ fault: (_, response) => { response.writeHead(500).end(); return true; } });
    expect((await failure(listReferrers(session(fake), 'a/b', { digest: digestOf('x'), signal }))).code).toBe('TRANSFER_STATUS');
  });
});

describe('names of hosts', () => {
  it('asks a host of other letters than ASCII by its punycode name, plain http only where that was said', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', [layer], 'team/app:1');
    const hosts: (string | undefined)[] = [];
    const proxy = await registry({ fault: (request) => { hosts.push(request.headers.host); return false; } });
    for (const [digest, manifest] of fake.manifests) proxy.manifests.set(digest, manifest);
    proxy.tags.set('team/app:1', image.digest);
    const http = createHttpClient({ env: { http_proxy: proxy.server.origin }, retry: { retries: 0 } });
    open.push(() => http.close());
    const { host, path, tag } = parseReference('B\u00dccher.example:5000/team/app:1', 'x');
    const pool = createRegistryPool({ http, insecureHosts: ['xn--bcher-kva.example:5000'] });
    expect((await pool.session(host).getManifest(path, tag ?? '', signal)).digest).toBe(image.digest);
    expect(new Set(hosts)).toEqual(new Set(['xn--bcher-kva.example:5000']));
  });
});

describe('authentication', () => {
  it('answers a basic challenge', async () => {
    const fake = await registry({ auth: { kind: 'basic', user: 'anna', password: 's3cret' } });
    fake.addImage('linux/amd64', [layer], 'a/b:1');
    expect((await session(fake, login).getManifest('a/b', '1', signal)).size).toBeGreaterThan(0);
    for (const credential of [undefined, { ...login, password: 'wrong-pass' }]) {
      const error = await failure(session(fake, credential).getManifest('a/b', '1', signal));
      expect(error.code).toBe('TRANSFER_AUTH');
      expect(JSON.stringify([error.message, error.facts, error.next])).not.toContain('wrong-pass');
    }
  });

  it('fetches one token for a repository, with the narrowest scope, and keeps it', async () => {
    const fake = await registry({ auth: { kind: 'bearer', user: 'anna', password: 's3cret' } });
    const image = fake.addImage('linux/amd64', [layer], 'a/b:1');
    const live = session(fake, login);
    await Promise.all([1, 2, 3].map(() => live.getManifest('a/b', image.digest, signal)));
    await live.getManifest('a/b', '1', signal);
    expect(fake.scopes).toEqual(['repository:a/b:pull']);
    expect((await failure(session(fake).getManifest('a/b', '1', signal))).code).toBe('TRANSFER_AUTH');
  });

  it('renews tokens that end in mid-run and in mid-blob', async () => {
    const fake = await registry({ auth: { kind: 'bearer', tokenUses: 1 } });
    fake.cuts = 2;
    const blob = fake.addBlob('x', layer);
    const live = session(fake);
    expect(await all(live.streamBlob('a/b', blob, { signal }))).toEqual(Buffer.from(layer));
    expect(fake.scopes.length).toBe(3);
  });

  it('renews a token before its time is up', async () => {
    const fake = await registry({ auth: { kind: 'bearer', expiresInS: 1 } });
    const image = fake.addImage('linux/amd64', [layer], 'a/b:1');
    const live = session(fake);
    await live.getManifest('a/b', image.digest, signal);
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    await live.getManifest('a/b', image.digest, signal);
    expect(fake.scopes.length).toBe(2);
    expect(fake.server.seen.filter(({ url }) => url.startsWith('/v2/')).length).toBe(3);
  });

  it('trades an identity token by POST', async () => {
    const fake = await registry({ auth: { kind: 'bearer', user: 'anna', password: 'x', identityToken: 'refresh' } });
    fake.addImage('linux/amd64', [layer], 'a/b:1');
    await session(fake, { kind: 'identity', token: 'refresh' }).getManifest('a/b', '1', signal);
    expect(fake.server.seen.find(({ url }) => url === '/token')?.method).toBe('POST');
  });

  it('never sends credentials where a blob is redirected to', async () => {
    const storage = await startFaultServer((request, response) => serveContent(request, response, { bytes: layer }));
    open.push(() => storage.close());
    const fake = await registry({
      auth: { kind: 'basic', user: 'anna', password: 's3cret' },
      fault: (request, response) => {
        if (request.url?.includes('/blobs/') !== true || request.headers.authorization === undefined) return false;
        response.writeHead(307, { location: `${storage.origin}/bucket?X-Signature=abc` }).end();
        return true;
      },
    });
    expect(await all(session(fake, login).streamBlob('a/b', { mediaType: 'x', digest: digestOf(layer), size: layer.length }, { signal }))).toEqual(Buffer.from(layer));
    expect(storage.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('takes no token service on plain http from a registry on https', async () => {
    const asked: string[] = [];
    const none = async function* nothing(): Bytes { /* an empty body */ };
    const { sendFor } = createAuthorizer({
      host: 'r.example.org', origin: 'https://r.example.org', credentials: { find: async () => login },
      send: async ({ url }) => {
        asked.push(url);
        return { status: 401, headers: { 'www-authenticate': 'Bearer realm="http://r.example.org/token"' }, url, body: none, discard: () => undefined };
      },
    });
    const url = 'https://r.example.org/v2/a/b/manifests/1';
    expect((await failure(sendFor('a/b', 'pull')({ method: 'GET', url, signal }))).code).toBe('TRANSFER_TLS');
    expect(asked).toEqual([url]);
  });

  it('reads challenges, and leaves out what is none', () => {
    expect(parseChallenges('Bearer realm="https://a/t",service="x y",scope="repository:a/b:pull,push", Basic realm="q\\"q"')).toEqual([
      { scheme: 'bearer', params: { realm: 'https://a/t', service: 'x y', scope: 'repository:a/b:pull,push' } },
      { scheme: 'basic', params: { realm: 'q"q' } },
    ]);
    expect(parseChallenges('')).toEqual([]);
    expect(parseChallenges(',,, =')).toEqual([]);
  });

  it('follows pages on the same host only', () => {
    expect(nextPage('</x?n=1>; rel="next"', 'http://a.example/y')).toBe('http://a.example/x?n=1');
    expect(nextPage(undefined, 'http://a.example/y')).toBeUndefined();
    expect(() => nextPage('<http://b.example/x>; rel=next', 'http://a.example/y')).toThrow(BundleError);
  });
});
