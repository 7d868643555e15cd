import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import type { FileResult } from '../../bom/ports.ts';
import { type CertificateAndKey, issueServerCertificate, makeAuthority } from '../../repository/tls/certificate.ts';
import { createHttpClient, type Http, type HttpOptions } from '../../transport/http.ts';
import { noise } from '../support/bytes.ts';
import { type Handler, serveContent, startFaultServer } from '../support/fault-server.ts';
import { expectWhole, receive as receiveInto, type Received, type Receiving } from '../support/receiving.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('fetch-threads-tls');
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const content = noise(3_000_000);
const { signal } = new AbortController();
const now = new Date();
const [authority, stranger] = ['Ours', 'Theirs'].map((name) => makeAuthority({ name, now, days: 30 })) as [CertificateAndKey, CertificateAndKey];
const caFile = join(folder, 'ca.pem');
writeFileSync(caFile, authority.certificate);
const certificateFor = (hosts: readonly string[], from = authority, days = 30, at = now): CertificateAndKey => issueServerCertificate(from, { hosts, now: at, days });
const here = certificateFor(['127.0.0.1', '::1', 'localhost']);
const optionsOf = ({ certificate: cert, key }: CertificateAndKey): ServerOptions => ({ cert, key });

interface Asked { readonly servername: unknown; readonly client: string | string[] | undefined; readonly headers: Readonly<Record<string, unknown>> }
interface Serving { readonly port: number; readonly asked: Asked[]; readonly server: Server }

async function serve(certificate: CertificateAndKey, handler: Handler, { address = '127.0.0.1', ...more }: ServerOptions & { address?: string } = {}): Promise<Serving> {
  const asked: Asked[] = [];
  const server = createServer({ ...optionsOf(certificate), ...more }, (request, response) => {
    const socket = request.socket as TLSSocket & { readonly servername?: unknown };
    asked.push({ servername: socket.servername, client: socket.getPeerCertificate()?.subject?.CN, headers: request.headers });
    void handler(request, response);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((done) => { server.listen(0, address, done); });
  open.push(async () => { server.closeAllConnections(); await new Promise((done) => { server.close(done); }); });
  return { port: (server.address() as AddressInfo).port, asked, server };
}

function client(options: HttpOptions = {}): Http {
  const http = createHttpClient({ env: {}, caFiles: [caFile], certificateDirs: [], stallTimeoutMs: 5000, retry: { firstWaitMs: 1, retries: 1 }, ...options });
  open.push(() => http.close());
  return http;
}

const receive = (http: Http, url: string, options: Partial<Receiving> = {}): Promise<Received> => receiveInto(http, url, { folder, sizeBytes: content.length, ...options });
const whole: Handler = (request, response) => serveContent(request, response, { bytes: content, etag: '"a"' });

describe('bodies that threads fetch over TLS', () => {
  it('come from a server that our own CA vouches for, by address and by name, with SNI for the name alone', async () => {
    const { port, asked } = await serve(here, whole);
    const http = client();
    expectWhole(await receive(http, `https://127.0.0.1:${port}/a`), content);
    expectWhole(await receive(http, `https://localhost:${port}/a`), content);
    expect(asked.map(({ servername }) => servername)).toEqual([false, 'localhost']);
  });

  it('come in series, too; and by themselves where the server is not trusted, or an authority cannot be read', async () => {
    const small = content.subarray(0, 70_000);
    const { port, asked } = await serve(here, (request, response) => serveContent(request, response, { bytes: small }));
    const series = async (http: Http, name: string): Promise<FileResult['kind'][]> => {
      const kinds: FileResult['kind'][] = [];
      const orders = [0, 1, 2].map((index) => ({ url: `https://localhost:${port}/${index}`, path: join(folder, `${name}-${index}`), blob: { mediaType: 'x', digest: digestOf(small), size: small.length } }));
      await http.fetchFiles(orders, { signal, onResults: (results) => { for (const result of results) { kinds.push(result.kind); if (result.kind === 'whole') closeSync(result.fd); } } });
      return kinds;
    };
    expect(await series(client(), 'good')).toEqual(['whole', 'whole', 'whole']);
    expect(readFileSync(join(folder, 'good-2')).equals(small)).toBe(true);
    expect(asked.map(({ servername }) => servername)).toEqual(['localhost', 'localhost', 'localhost']);
    expect(await series(client({ caFiles: [] }), 'foreign')).toEqual(['left', 'untried', 'untried']);
    expect(await series(client({ caFiles: [join(folder, 'none.pem')] }), 'none')).toEqual(['left', 'left', 'left']);
    expect(asked).toHaveLength(3);
  });

  it.each(['http', 'https'])('come from an IPv6 address over %s', async (scheme) => {
    const { port } = await serve(here, whole, { address: '::1' });
    const plain = await startFaultServer(whole, '::1');
    open.push(() => plain.close());
    expectWhole(await receive(client(), scheme === 'https' ? `https://[::1]:${port}/a` : `${plain.origin}/a`), content);
  });

  it('are continued by Range where they were cut', async () => {
    let cuts = 2;
    const { port, asked } = await serve(here, (request, response) => serveContent(request, response, { bytes: content, etag: '"a"', ...(cuts-- > 0 ? { cutAfter: 1_000_000 } : {}) }));
    expectWhole(await receive(client(), `https://127.0.0.1:${port}/a`), content);
    expect(asked.map(({ headers }) => headers['range'])).toEqual([undefined, 'bytes=1000000-', 'bytes=2000000-']);
    expect(asked.map(({ headers }) => headers['if-range'])).toEqual([undefined, '"a"', '"a"']);
  });

  it.each([
    ['a CA that nobody trusts', certificateFor(['127.0.0.1'], stranger), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['another host in the certificate', certificateFor(['other.test', '127.0.0.2']), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['an expired certificate', certificateFor(['127.0.0.1'], authority, 1, new Date(now.getTime() - 10 * 86_400_000)), 'CERT_HAS_EXPIRED'],
    ['a certificate that is not valid yet', certificateFor(['127.0.0.1'], authority, 1, new Date(now.getTime() + 10 * 86_400_000)), 'CERT_NOT_YET_VALID'],
  ])('%s: nothing is asked there, and the error is that of every other request', async (_, certificate, cause) => {
    const { port, asked } = await serve(certificate, whole);
    const http = client();
    const url = `https://127.0.0.1:${port}/a`;
    const expected = { code: 'TRANSFER_TLS', facts: { details: { cause } } };
    const { error, file, hex } = await receive(http, url);
    expect(error).toMatchObject(expected);
    await expect(http.get(url, { signal, maxBytes: 1e7 })).rejects.toMatchObject(expected);
    expect([asked.length, file.length, hex]).toEqual([0, 0, undefined]);
  });

  it('are not continued from a server that somebody else vouches for meanwhile; what came stays', async () => {
    const serving = await serve(here, (request, response) => {
      serving.server.setSecureContext(optionsOf(certificateFor(['127.0.0.1'], stranger)));
      serveContent(request, response, { bytes: content, etag: '"a"', cutAfter: 1_000_000 });
    });
    const { error, bytes, file } = await receive(client(), `https://127.0.0.1:${serving.port}/a`);
    expect(error).toMatchObject({ code: 'TRANSFER_TLS' });
    expect([serving.asked.length, bytes]).toEqual([1, 1_000_000]);
    expect(file.subarray(0, bytes).equals(content.subarray(0, bytes))).toBe(true);
  });

  it('trust a CA of one host for that host alone', async () => {
    const [mine, other] = [await serve(certificateFor(['127.0.0.1'], stranger), whole), await serve(certificateFor(['127.0.0.1'], stranger), whole)];
    const http = client({ clientCertificates: { [`127.0.0.1:${mine.port}`]: { ca: stranger.certificate } } });
    expectWhole(await receive(http, `https://127.0.0.1:${mine.port}/a`), content);
    expect((await receive(http, `https://127.0.0.1:${other.port}/a`)).error).toMatchObject({ code: 'TRANSFER_TLS' });
  });

  it('follow a redirect to another host without credentials, without our certificate, and never to plain http', async () => {
    const there = await serve(here, whole, { requestCert: true, rejectUnauthorized: false });
    const plain = await startFaultServer(whole);
    open.push(() => plain.close());
    const first = await serve(here, (request, response) => {
      response.writeHead(307, { 'content-length': 0, location: request.url === '/down' ? plain.origin : `https://localhost:${there.port}/b` }).end();
    }, { requestCert: true, rejectUnauthorized: false });
    const own = certificateFor(['client.test']);
    const http = client({ clientCertificates: { [`127.0.0.1:${first.port}`]: { cert: own.certificate, key: own.key } } });
    const headers = { authorization: 'Bearer secret', cookie: 'a=b', 'x-token': 'secret' };
    expectWhole(await receive(http, `https://127.0.0.1:${first.port}/a`, { headers }), content);
    expect(first.asked).toMatchObject([{ client: 'client.test', headers }]);
    expect(there.asked.map(({ client, headers }) => [client, headers['authorization'], headers['cookie'], headers['x-token']])).toEqual([[undefined, undefined, undefined, undefined]]);
    expect((await receive(http, `https://127.0.0.1:${first.port}/down`, { headers })).error).toMatchObject({ code: 'TRANSFER_PROTOCOL' });
    expect(plain.seen.length).toBe(0);
  });

  it('name a client key that is none, and go on with other hosts', async () => {
    const [bad, good] = [await serve(here, whole), await serve(here, whole)];
    const http = client({ clientCertificates: { [`127.0.0.1:${bad.port}`]: { cert: here.certificate, key: 'no key' } } });
    const url = `https://127.0.0.1:${bad.port}/a`;
    const { error } = await receive(http, url);
    const other = await http.get(url, { signal, maxBytes: 1e7 }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(Error);
    expect((error as { readonly code?: string }).code).toBe((other as { readonly code?: string }).code);
    expect(bad.asked.length).toBe(0);
    expectWhole(await receive(http, `https://127.0.0.1:${good.port}/a`), content);
  });

  it('say so where the other side speaks plain http', async () => {
    const plain = await startFaultServer(whole);
    open.push(() => plain.close());
    expect((await receive(client(), `https://${plain.host}/a`)).error).toMatchObject({ code: 'TRANSFER_TLS' });
  });
});

describe('https through a proxy', () => {
  it.each(['http', 'https'])('goes through CONNECT over %s: the proxy learns the host and gets its login, neither gets what is for the other', async (scheme) => {
    const shown = certificateFor(['who']);
    const asking = { requestCert: true, rejectUnauthorized: false };
    const { port, asked } = await serve(certificateFor(['files.example.org']), (_, response) => { response.end('by tls'); }, asking);
    const seen: { readonly method: string | undefined; readonly url: string | undefined; readonly login: string | undefined }[] = [];
    const certificates: unknown[] = [];
    const refuse: RequestListener = (request, response) => { seen.push({ method: request.method, url: request.url, login: undefined }); response.writeHead(500).end(); };
    const proxy = scheme === 'http' ? createPlainServer(refuse) : createServer({ ...optionsOf(here), ...asking }, refuse);
    proxy.on('connect', ({ method, url, headers }: IncomingMessage, socket: Duplex) => {
      seen.push({ method, url, login: headers['proxy-authorization'] });
      if (socket instanceof TLSSocket) certificates.push(socket.getPeerCertificate().subject);
      const through = connect(port, '127.0.0.1', () => { socket.write('HTTP/1.1 200 Connection established\r\n\r\n'); through.pipe(socket); socket.pipe(through); });
      for (const each of [socket, through]) each.on('error', () => { socket.destroy(); through.destroy(); });
    });
    await new Promise<void>((done) => { proxy.listen(0, '127.0.0.1', done); });
    open.push(async () => { proxy.closeAllConnections(); await new Promise((done) => { proxy.close(done); }); });
    const address = `${scheme}://who:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const http = client({ env: { HTTPS_PROXY: address }, clientCertificates: { [`files.example.org:${port}`]: { cert: shown.certificate, key: shown.key } } });
    const { body } = await http.get(`https://files.example.org:${port}/x`, { signal, maxBytes: 100 });
    expect(new TextDecoder().decode(body)).toBe('by tls');
    expect(seen).toEqual([{ method: 'CONNECT', url: `files.example.org:${port}`, login: `Basic ${Buffer.from('who:secret').toString('base64')}` }]);
    expect(asked.map(({ headers, client: own }) => [headers['proxy-authorization'], own])).toEqual([[undefined, 'who']]);
    expect(certificates).toEqual(scheme === 'http' ? [] : [undefined]);
    // A server, or a proxy, whose authority nobody named is refused.
    await expect(client({ env: { HTTPS_PROXY: address }, caFiles: [] }).get(`https://files.example.org:${port}/x`, { signal, maxBytes: 100 })).rejects.toMatchObject({ code: 'TRANSFER_TLS' });
  });
});
