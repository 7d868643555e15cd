// Unix sockets of its own, sockets that another process opened, proxies in front, and IPv4 beside IPv6.
import { link, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { request as ask, type IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AccessRecord } from '../../repository/access-record.ts';
import { passedSockets } from '../../repository/passed-sockets.ts';
import { openOwnTls } from '../../repository/tls/own-tls.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { basic, type Bed, makeBed, user } from './support.ts';

const folder = await temporaryFolder('sockets');
const pathOf = (name: string): string => join(folder, name);
const close = (server: Server): Promise<void> => new Promise((done) => { server.close(() => { done(); }); });

function get(where: { readonly socketPath: string } | { readonly host: string; readonly port: number }, path: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }> {
  return new Promise((done, fail) => {
    ask({ ...where, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => { body += part; }).on('end', () => { done({ status: response.statusCode ?? 0, headers: response.headers, body }); });
    }).on('error', fail).end();
  });
}

async function withBed(options: Parameters<typeof makeBed>[0], work: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await makeBed(options);
  try {
    await work(bed);
  } finally {
    await bed.close();
  }
}

describe('a Unix socket', () => {
  it('serves in plain http beside TLS for others, with the permissions that were asked for, and goes when the service does', async () => {
    const path = pathOf('a.sock');
    const tls = await openOwnTls(pathOf('tls'), { hosts: ['localhost'], now: new Date() });
    await withBed({ listen: [{ path, mode: 0o600 }, { host: '127.0.0.1', port: 0 }], tls }, async (bed) => {
      expect(bed.service.addresses).toEqual([`unix:${path}`, expect.stringMatching(/^https:\/\/127/)]);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await get({ socketPath: path }, '/healthz')).toMatchObject({ status: 200 });
    });
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await withBed({ listen: [{ path }] }, async () => { expect((await stat(path)).mode & 0o777).toBe(0o660); });
  });

  it('takes the place of one that nobody listens on, and of nothing else', async () => {
    const path = pathOf('b.sock');
    const left = createServer();
    await new Promise<void>((done) => { left.listen(path, done); });
    await expect(makeBed({ listen: [{ path }] })).rejects.toMatchObject({ code: 'TARGET_LISTEN', facts: { actual: 'another process listens there' } });
    expect((await lstat(path)).isSocket()).toBe(true);
    // A killed process leaves its socket behind: a hard link does as well, since libuv removes the name that it made.
    const stale = pathOf('stale.sock');
    await link(path, stale);
    await close(left);
    await withBed({ listen: [{ path: stale }] }, async () => { expect(await get({ socketPath: stale }, '/healthz')).toMatchObject({ status: 200 }); });
    await writeFile(pathOf('file'), 'mine');
    await symlink(pathOf('file'), pathOf('link'));
    await mkdir(pathOf('folder'));
    for (const name of ['file', 'link', 'folder']) await expect(makeBed({ listen: [{ path: pathOf(name) }] })).rejects.toMatchObject({ code: 'TARGET_LISTEN' });
    expect(await readFile(pathOf('link'), 'utf8')).toBe('mine');
  });

  it('needs a path that the system takes', async () => {
    for (const path of ['relative.sock', `/${'x'.repeat(107)}`]) await expect(makeBed({ listen: [{ path }] })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
    await expect(makeBed({ listen: [{ path: pathOf('nowhere/a.sock') }] })).rejects.toMatchObject({ code: 'TARGET_LISTEN' });
    expect(process.umask()).not.toBe(0o777);
  });
});

describe('a socket that was passed', () => {
  it('is what the environment says of this process, and nothing but listening sockets', async () => {
    expect(await passedSockets({}, 7)).toEqual([]);
    expect(await passedSockets({ LISTEN_FDS: '1', LISTEN_PID: '8' }, 7)).toEqual([]);
    for (const count of ['x', '-1', '999']) await expect(passedSockets({ LISTEN_FDS: count }, 7)).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });
});

describe('a proxy on this machine', () => {
  const records: AccessRecord[] = [];
  const path = pathOf('proxied.sock');
  const forwarded = { 'x-forwarded-for': '203.0.113.9, 198.51.100.7', 'x-forwarded-proto': 'https', host: 'repo01.example.org' };

  it('is believed about who asks and how, for the log, the limits and what is only for this machine', async () => {
    await withBed({ listen: [{ path }, { host: '127.0.0.1', port: 0 }], log: (record) => { records.push(record); } }, async (bed) => {
      const tcp = { host: '127.0.0.1', port: Number(new URL(bed.service.addresses[1] ?? '').port) };
      for (const where of [{ socketPath: path }, tcp]) {
        expect((await get(where, '/v2/', forwarded)).headers['www-authenticate'] ?? '').toContain('https://repo01.example.org');
        expect(records.at(-1)?.address).toBe('198.51.100.7');
        expect((await get(where, '/api/v1/clients', forwarded)).status).toBe(401);
        expect((await get(where, '/api/v1/clients')).status).toBe(200);
      }
      const wrong = `Basic ${Buffer.from(`${user}:wrong`).toString('base64')}`;
      for (let count = 0; count < 20; count += 1) expect((await get({ socketPath: path }, '/v2/', { ...forwarded, authorization: wrong })).status).toBe(401);
      expect((await get({ socketPath: path }, '/v2/', { ...forwarded, authorization: wrong })).status).toBe(429);
      expect((await get({ socketPath: path }, '/v2/', { ...forwarded, 'x-forwarded-for': '198.51.100.8', authorization: basic })).status).toBe(200);
    });
  });
});

it('IPv4 and IPv6 of one port stand beside each other', async () => {
  const spare = createServer();
  await new Promise<void>((done) => { spare.listen(0, '127.0.0.1', done); });
  const { port } = spare.address() as { readonly port: number };
  await close(spare);
  await withBed({ listen: [{ host: '0.0.0.0', port }, { host: '[::]', port }], insecureHttp: true }, async () => {
    for (const host of ['127.0.0.1', '::1']) expect((await get({ host, port }, '/healthz')).status).toBe(200);
  });
});
