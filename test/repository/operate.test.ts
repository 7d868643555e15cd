import { connect } from 'node:net';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { itemsOf } from '../../repository/catalog/inventory.ts';
import type { AccessRecord } from '../../repository/serve.ts';
import { type Bed, makeBed, makeFile, makeImage, makeLock, makePushable, password, pushImage, servedOf, user } from './support.ts';

describe('operating the service', () => {
  let bed: Bed;
  const records: AccessRecord[] = [];
  beforeAll(async () => {
    bed = await makeBed({ log: (record) => { records.push(record); } });
    bed.served.push(servedOf(makeLock('site', { images: [await makeImage(bed, 'docker.io/library/app:1')], files: [await makeFile(bed, 'a.txt', 'content')] }, 7)));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  it('logs each request with who, what, how much and how long, and no secret', async () => {
    await bed.ask('/files/a.txt?token=hidden', { auth: true });
    const record = records.at(-1);
    expect(record).toMatchObject({ user, method: 'GET', path: '/files/a.txt', status: 200, bytes: 7, address: '127.0.0.1' });
    expect(record?.milliseconds).toBeGreaterThanOrEqual(0);
    const text = JSON.stringify(records);
    for (const secret of [password, 'hidden', 'Basic']) expect(text).not.toContain(secret);
  });

  it('keeps an audit of every write, granted or not', async () => {
    await pushImage(bed, 'team/app', '1', makePushable('audited'));
    await bed.ask('/v2/team/app/manifests/1', { method: 'DELETE', auth: true });
    await bed.ask('/v2/team/app/manifests/1', { method: 'DELETE' });
    await bed.ask('/v2/team/app/manifests/1');
    const lines = async (): Promise<Partial<AccessRecord>[]> => (await readFile(join(bed.folder, 'state/audit.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Partial<AccessRecord>);
    await expect.poll(async () => (await lines()).at(-1)).toMatchObject({ method: 'DELETE', status: 401 });
    const all = await lines();
    expect(all.filter(({ method }) => method === 'GET')).toEqual([]);
    expect(all).toContainEqual(expect.objectContaining({ user, method: 'PUT', path: '/v2/team/app/manifests/1', status: 201 }));
    expect(all).toContainEqual(expect.objectContaining({ user, method: 'DELETE', path: '/v2/team/app/manifests/1', status: 202 }));
  });

  it('counts for Prometheus', async () => {
    await bed.ask('/files/a.txt');
    const response = await bed.ask('/metrics');
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    const text = await response.text();
    const value = (name: string): number => Number(text.split('\n').find((line) => line.startsWith(`longshore_${name} `))?.split(' ').at(-1) ?? 'NaN');
    expect(value('http_requests_total{area="files",method="GET",code="200"}')).toBeGreaterThan(0);
    expect(value('http_sent_bytes_total{area="files"}')).toBeGreaterThanOrEqual(7);
    expect([value('generation{project="site"}'), value('artifacts{project="site",kind="image"}'), value('uploads_open'), value('http_requests_in_flight')]).toEqual([7, 1, 0, 1]);
    expect(value('disk_free_bytes')).toBeGreaterThan(0);
    for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) longshore_\w+ .+|longshore_\w+(\{(\w+="[^"]*",?)+\})? [\d.e+-]+)$/);
  });

  it('tells which clients were seen, to those who may know', async () => {
    await fetch(`${bed.origin}/files/a.txt`, { headers: { 'user-agent': `Debian APT-HTTP/1.3 ${'x'.repeat(500)}` } });
    const { clients } = (await (await bed.ask('/api/v1/clients')).json()) as { clients: { address: string; agent: string; areas: string[]; requests: number }[] };
    expect(clients[0]).toMatchObject({ address: '127.0.0.1', areas: expect.arrayContaining(['files', 'registry']) as string[] });
    expect(clients[0]?.agent.length).toBeLessThanOrEqual(120);
  });

  it('is healthy while its content can be read, and says so when it cannot', async () => {
    const good = await bed.ask('/healthz');
    expect([good.status, ((await good.json()) as { status: string }).status]).toEqual([200, 'ok']);
    const own = await makeBed();
    const served = servedOf(makeLock('site', { files: [await makeFile(own, 'a.txt', 'soon gone')] }));
    own.served.push(served);
    await own.service.settled();
    await rm(join(own.store.root, 'blobs/sha256', digestOf('soon gone').slice(7)));
    const bad = await own.ask('/healthz');
    expect([bad.status, ((await bad.json()) as { missing: string[] }).missing]).toEqual([503, [`site: ${itemsOf(served)[0]?.digest}`]]);
    expect((await own.ask('/files/a.txt')).status).toBe(404);
    await own.close();
  });

  it('removes what a killed server left of uploads, once it is old', async () => {
    const left = (name: string): string => join(bed.store.root, 'partial', `${name}.99999999.spool`);
    for (const name of ['old', 'young']) await writeFile(left(name), 'half a blob');
    await utimes(left('old'), new Date(), new Date(Date.now() - 7_200_000));
    const second = await makeBed({ folder: bed.folder });
    await second.close();
    expect((await readdir(join(bed.store.root, 'partial'))).filter((name) => name.endsWith('99999999.spool'))).toEqual(['young.99999999.spool']);
  });

  it('ends gracefully: an answer in flight is finished, nothing new is taken', async () => {
    const own = await makeBed();
    const big = Buffer.alloc(40_000_000, 'x');
    own.served.push(servedOf(makeLock('site', { files: [{ ...(await makeFile(own, 'big', big.toString())) }] })));
    await own.service.settled();
    const response = await own.ask('/files/big');
    const closing = own.service.close(20_000);
    expect((await response.arrayBuffer()).byteLength).toBe(big.length);
    await closing;
    await expect(own.ask('/healthz')).rejects.toThrow();
    await own.close();
  });

  it('serves a client that reads slowly for as long as it lives, at bounded memory', async () => {
    const own = await makeBed();
    const size = 30_000_000;
    own.served.push(servedOf(makeLock('site', { files: [await makeFile(own, 'big', 'y'.repeat(size))] })));
    await own.service.settled();
    const { hostname, port } = new URL(own.origin);
    const before = process.memoryUsage.rss();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => new Promise<{ received: Promise<number> }>((done) => {
      const socket = connect(Number(port), hostname, () => { socket.write('GET /files/big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'); });
      socket.pause();
      let bytes = 0;
      const received = new Promise<number>((end) => { socket.on('data', (chunk) => { bytes += chunk.length; }).on('close', () => { end(bytes); }).on('error', () => { end(-1); }); });
      setTimeout(() => { done({ received }); }, 300);
      setTimeout(() => { socket.resume(); }, 900);
    })));
    expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000);
    for (const { received } of sockets) expect(await received).toBeGreaterThanOrEqual(size);
    await own.close();
  });
});
