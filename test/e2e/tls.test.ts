// Certificates that openssl makes: own CA, client certificates, a proxy in between. Node can serve TLS but not make certificates.
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createProxy, type Server } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { createHttpClient, type HttpOptions } from '../../transport/http.ts';
import { must } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
let folder: string;
let server: Server;
let proxy: Server;
let host: string;
const tunnels: string[] = [];

async function certificate(name: string, subject: string, extension: string): Promise<void> {
  const file = (suffix: string): string => join(folder, `${name}.${suffix}`);
  await writeFile(file('ext'), extension);
  await must('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('key'), '-out', file('csr'), '-subj', subject]);
  await must('openssl', ['x509', '-req', '-in', file('csr'), '-CA', join(folder, 'ca.crt'), '-CAkey', join(folder, 'ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file('ext'), '-out', file('crt')]);
}

const listen = (on: Server): Promise<number> => new Promise((done) => { on.listen(0, '127.0.0.1', () => done((on.address() as AddressInfo).port)); });

beforeAll(async () => {
  folder = await temporaryFolder('tls');
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.crt'), '-days', '2', '-subj', '/CN=test CA']);
  await certificate('server', '/CN=server', 'subjectAltName=IP:127.0.0.1,DNS:registry.test\n');
  await certificate('client', '/CN=client', 'extendedKeyUsage=clientAuth\n');
  const ca = await readFile(join(folder, 'ca.crt'));
  const tls = { key: await readFile(join(folder, 'server.key')), cert: await readFile(join(folder, 'server.crt')), ca, requestCert: true, rejectUnauthorized: false };
  server = createServer(tls, (request, response) => {
    if (request.url === '/down') { response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(); return; }
    response.end((request.socket as TLSSocket).authorized ? 'known' : 'unknown');
  });
  host = `127.0.0.1:${await listen(server)}`;
  proxy = createProxy();
  proxy.on('connect', (request, client) => {
    tunnels.push(request.url ?? '');
    const upstream = connect(Number(host.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  await listen(proxy);
});

afterAll(async () => {
  for (const each of [server, proxy]) await new Promise((done) => { each.close(done); each.closeAllConnections(); });
});

async function get(url: string, options: HttpOptions): Promise<string> {
  const http = createHttpClient({ env: {}, certificateDirs: [], retry: { retries: 0 }, ...options });
  try {
    const body = (await http.get(url, { signal, maxBytes: 1000 })).body;
    const chunks: Uint8Array[] = [];
    for await (const chunk of http.stream(url, { signal, borrow: true })) chunks.push(Uint8Array.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe(Buffer.from(body).toString());
    return new TextDecoder().decode(body);
  } catch (error) {
    if (error instanceof BundleError) return error.code;
    throw error;
  } finally {
    await http.close();
  }
}

describe('TLS', () => {
  it('trusts a CA that was given, and no other', async () => {
    expect(await get(`https://${host}/`, {})).toBe('TRANSFER_TLS');
    expect(await get(`https://${host}/`, { caFiles: [join(folder, 'ca.crt')] })).toBe('unknown');
    expect(await get(`https://localhost:${host.split(':')[1]}/`, { caFiles: [join(folder, 'ca.crt')] })).toBe('TRANSFER_TLS');
    expect(await get(`https://${host}/`, { caFiles: [join(folder, 'none.crt')] })).toBe('INPUT_MISSING_FILE');
  });

  it('shows a client certificate to the host it is for, named or found in a folder', async () => {
    const own = { caFile: join(folder, 'ca.crt'), certFile: join(folder, 'client.crt'), keyFile: join(folder, 'client.key') };
    expect(await get(`https://${host}/`, { clientCertificates: { [host]: own } })).toBe('known');
    const text = (path: string | undefined): string => readFileSync(path ?? '', 'utf8');
    expect(await get(`https://${host}/`, { clientCertificates: { '*': { cert: text(own.certFile), key: text(own.keyFile), ca: text(own.caFile) } } })).toBe('known');
    expect(await get(`https://${host}/`, { caFiles: [join(folder, 'ca.crt')], clientCertificates: { 'other.example': own } })).toBe('unknown');
    const here = join(folder, 'certs.d', host);
    await mkdir(here, { recursive: true });
    await writeFile(join(here, 'ca.crt'), await readFile(join(folder, 'ca.crt')));
    await writeFile(join(here, 'client.cert'), await readFile(join(folder, 'client.crt')));
    await writeFile(join(here, 'client.key'), await readFile(join(folder, 'client.key')));
    expect(await get(`https://${host}/`, { certificateDirs: [join(folder, 'certs.d')] })).toBe('known');
  });

  it('goes through a proxy\'s tunnel, the certificate checked inside', async () => {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    expect(await get('https://registry.test/', { env })).toBe('TRANSFER_TLS');
    expect(await get('https://registry.test/', { env, caFiles: [join(folder, 'ca.crt')] })).toBe('unknown');
    expect(tunnels).toContain('registry.test:443');
    expect(await get('https://other.test/', { env, caFiles: [join(folder, 'ca.crt')] })).toBe('TRANSFER_TLS');
    expect(await get('https://registry.test/', { env: { ...env, NO_PROXY: 'registry.test' }, caFiles: [join(folder, 'ca.crt')] })).toBe('TRANSFER_CONNECT');
  });

  it('never follows a redirect from https to http', async () => {
    expect(await get(`https://${host}/down`, { caFiles: [join(folder, 'ca.crt')] })).toBe('TRANSFER_PROTOCOL');
  });
});
