import { connect } from 'node:net';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { parseRange } from '../../repository/answer.ts';
import { segmentsOf } from '../../repository/exchange.ts';
import { isRepositoryName, isTag } from '../../repository/registry/grammar.ts';
import { basic, type Bed, makeBed, makeDeb, makeFile, makeLock, servedOf } from './support.ts';
import { processorTime } from '../support/processor-time.ts';

/** Sends `head` as it is and gives what comes back until the connection ends, or 2 s pass. */
async function raw(bed: Bed, head: string): Promise<string> {
  const { hostname, port } = new URL(bed.origin);
  return new Promise((done) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => { socket.write(head); });
    socket.setTimeout(2000, () => { socket.destroy(); });
    socket.on('data', (chunk) => { text += chunk.toString('latin1'); }).on('close', () => { done(text); }).on('error', () => { socket.destroy(); });
  });
}

describe('hostile requests', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await makeBed();
    const target = { id: 'debian-12-amd64', family: 'debian', arch: 'amd64' };
    bed.served.push(servedOf(makeLock('site', { targets: [target], packages: [await makeDeb(bed, 'nginx', '1', target.id)], files: [await makeFile(bed, 'a/b.txt', 'b')] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  const climbs = ['/../../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc%2fpasswd', '/%2fetc/passwd', '/a/../../htpasswd', '/%00', '//etc/passwd', '/a%5c..%5cb', '/%c0%ae%c0%ae/etc/passwd', '/./a/b.txt', '/%'];
  const roots = ['', '/files', '/apt/site/debian-12-amd64', '/apt/debian-12-amd64/pool', '/charts', '/keys', '/client', '/api/v1/projects', '/v2', '/v2/a/b/manifests', '/v2/a/b/blobs', '/v2/a/b/blobs/uploads',
    '/v2/a/b/tags', '/v2/a/b/referrers', '/apt/site/debian-12-amd64@1/dists', '/yum/site/debian-12-amd64', '/yum/debian-12-amd64/repodata', '/git', '/artifact', '/artifacts', '/changes', '/client/files', '/api/v1', '/healthz', '/metrics'];

  it.each(roots)('cannot climb out of %s', async (root) => {
    for (const climb of climbs) {
      const answer = await raw(bed, `GET ${root}${climb} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\nConnection: close\r\n\r\n`);
      expect([climb, /^HTTP\/1\.1 (400|404|405) /.test(answer), answer.includes('root:'), answer.includes('$2')]).toEqual([climb, true, false, false]);
    }
  });

  it('cannot make files outside the state by names of pushes', async () => {
    const before = (await readdir(bed.folder)).sort();
    for (const name of ['../x', 'a/../../x', 'a//b', '_uploads', 'a/_tags', 'A/b', 'a/.b', '%2e%2e/x', 'a'.repeat(300)]) {
      for (const [method, tail] of [['POST', 'blobs/uploads/'], ['PUT', 'manifests/v1'], ['PUT', 'manifests/..%2f..%2fx'], ['PUT', 'manifests/..']] as const) {
        const answer = await raw(bed, `${method} /v2/${name}/${tail} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        expect([name, tail, answer.slice(9, 12)]).toEqual([name, tail, expect.stringMatching(/40[045]/)]);
      }
    }
    expect((await readdir(bed.folder)).sort()).toEqual(before);
    expect(await readdir(join(bed.folder, 'state', 'registry'))).toEqual([]);
  });

  it('are refused when their headers are too big or broken', async () => {
    expect(await raw(bed, `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(bed, 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(bed, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(bed, 'TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('with a body that nobody wanted are cut when it does not end', async () => {
    const { hostname, port } = new URL(bed.origin);
    const sent = await new Promise<number>((done) => {
      let bytes = 0;
      const chunk = Buffer.alloc(65_536);
      const socket = connect(Number(port), hostname, () => {
        socket.write(`PUT /v2/a/b/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
        const more = (): void => {
          while (!socket.destroyed && bytes < 2 ** 28) { bytes += chunk.length; if (!socket.write(chunk)) { socket.once('drain', more); return; } }
          socket.destroy();
        };
        more();
      });
      socket.on('error', () => undefined).on('close', () => { done(bytes); }).resume();
    });
    expect(sent).toBeLessThan(2 ** 26);
  });

  it('leave no spool file behind when a client stops in the middle of a blob', async () => {
    const started = await bed.ask('/v2/cut/off/blobs/uploads/', { method: 'POST', auth: true });
    const location = started.headers.get('location') ?? '';
    const half = Buffer.alloc(100_000, 'a');
    await raw(bed, `PATCH ${location} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\nContent-Length: 200000\r\n\r\n${half.toString()}`);
    const status = await bed.ask(location, { auth: true });
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-99999']);
    const whole = Buffer.concat([half, half]);
    const rest = await bed.ask(location, { method: 'PATCH', auth: true, body: half, headers: { 'content-range': '100000-199999' } });
    expect(rest.status).toBe(202);
    expect((await bed.ask(`${location}?digest=${digestOf(whole)}`, { method: 'PUT', auth: true })).status).toBe(201);
    expect((await readdir(join(bed.store.root, 'partial'))).filter((name) => name.includes('spool') && name.includes(location.split('/').at(-1) ?? '?'))).toEqual([]);
  });
});

describe('clients that take their time', () => {
  it('are cut while they only pretend to send headers', async () => {
    const bed = await makeBed({ limits: { headersMs: 300 } });
    const { hostname, port } = new URL(bed.origin);
    const began = performance.now();
    const answer = await new Promise<string>((done) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => { socket.write('GET / HTTP/1.1\r\nHost: x\r\n'); });
      const drip = setInterval(() => { if (!socket.destroyed) socket.write('X-A: b\r\n'); }, 50);
      socket.on('data', (chunk) => { text += chunk.toString(); }).on('error', () => undefined).on('close', () => { clearInterval(drip); done(text); });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - began).toBeLessThan(20_000);
    await bed.close();
  });

  it('are never cut while they live, however slow, and are when they are silent', async () => {
    const bed = await makeBed({ limits: { silenceMs: 1000 } });
    const { hostname, port } = new URL(bed.origin);
    const upload = async (pauses: readonly number[]): Promise<string> => {
      const location = (await bed.ask('/v2/slow/push/blobs/uploads/', { method: 'POST', auth: true })).headers.get('location') ?? '';
      return new Promise((done) => {
        let text = '';
        const socket = connect(Number(port), hostname, async () => {
          socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${basic}\r\nContent-Length: ${pauses.length}\r\n\r\n`);
          for (const ms of pauses) {
            await new Promise((resume) => { setTimeout(resume, ms); });
            if (!socket.destroyed) socket.write('x');
          }
        });
        socket.on('data', (chunk) => { text += chunk.toString(); }).on('error', () => undefined).on('close', () => { done(text); });
      });
    };
    expect(await upload(Array.from({ length: 12 }, () => 100))).toMatch(/^HTTP\/1\.1 202 /);
    expect(await upload([50, 4000, 50])).not.toMatch(/ 202 /);
    await bed.close();
  });

  it('are turned away when there are too many of them, and let in again', async () => {
    const bed = await makeBed({ limits: { connections: 20 } });
    const { hostname, port } = new URL(bed.origin);
    const sockets = await Promise.all(Array.from({ length: 40 }, () => new Promise<ReturnType<typeof connect>>((done) => {
      const socket = connect(Number(port), hostname, () => { done(socket); });
      // An end is seen only by who reads.
      socket.on('error', () => { done(socket); }).resume();
    })));
    await expect.poll(() => sockets.filter((socket) => !socket.destroyed && socket.readyState === 'open').length).toBeLessThanOrEqual(20);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await bed.ask('/healthz').catch(() => undefined))?.status).toBe(200);
    await bed.close();
  });
});

describe('what is taken apart', () => {
  it('paths: what passes has no way up, whatever is sent', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('/', '.', '%2e', '%2f', '%5c', 'a', '%00', '%zz', '\\') }), (path) => {
      for (const segment of segmentsOf(path) ?? []) expect(segment === '..' || segment === '.' || /[/\\\0]/.test(segment)).toBe(false);
    }));
  });

  it('ranges: what passes lies inside', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('0', '1', '9', '-', ',', '=', ' ', 'bytes=') }), fc.nat(1000), (header, size) => {
      const range = parseRange(header, size);
      if (range !== undefined && range !== 'unsatisfiable') expect(0 <= range.start && range.start < range.end && range.end <= size).toBe(true);
    }));
  });

  it('names and tags: a long hostile one is decided at once', () => {
    const spent = processorTime();
    for (const text of [`${'a-'.repeat(100_000)}!`, `${'a'.repeat(255)}!`, `${'a_'.repeat(127)}!`, '-'.repeat(255), `a${'-'.repeat(253)}!`]) expect([isRepositoryName(text), isTag(text)]).toEqual([false, false]);
    expect(spent()).toBeLessThan(500);
  });
});
