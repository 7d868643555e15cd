import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { cp, link, mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Descriptor, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Bytes, FileSink } from '../../bom/ports.ts';
import { Store } from '../../store/store.ts';
import { blobContract } from '../contract/blob-contract.ts';
import { broken, chunked, collect, noise } from '../support/bytes.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('store');
const { signal } = new AbortController();
let count = 0;
const fresh = (): string => join(folder, String((count += 1)));
const open = (root = fresh()): Promise<Store> => Store.open(root, { create: true });
const describeBlob = (content: Uint8Array): Descriptor => ({ mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length });
const pathOf = (store: Store, blob: Descriptor): string => join(store.root, 'blobs/sha256', hexOf(blob.digest));

blobContract('Store', () => open());
blobContract('MemoryBlobs', async () => new MemoryBlobs());

describe('Store', () => {
  const content = noise(200_000);
  const blob = describeBlob(content);

  it('is an OCI image layout', async () => {
    const store = await open();
    expect(JSON.parse(await readFile(join(store.root, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    expect(JSON.parse(await readFile(join(store.root, 'index.json'), 'utf8'))).toMatchObject({ schemaVersion: 2, manifests: [] });
  });

  it('leaves a folder that is something else alone', async () => {
    const root = fresh();
    await mkdir(root);
    await writeFile(join(root, 'thesis.txt'), 'precious');
    await expect(open(root)).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
    expect(await readdir(root)).toEqual(['thesis.txt']);
    await expect(Store.open(fresh(), { create: false })).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
  });

  it('finds its blobs again without its index', async () => {
    const store = await open();
    await store.put(blob, chunked(content), signal);
    store.close();
    for (const name of await readdir(store.root)) if (name.startsWith('index.db')) await rm(join(store.root, name));
    const again = await open(store.root);
    expect(await again.has(blob.digest)).toBe(true);
  });

  it.each([
    ['changed', (path: string) => writeFile(path, noise(200_000, 2))],
    ['cut', (path: string) => truncate(path, 100)],
    ['removed', (path: string) => rm(path)],
  ])('does not believe in a blob that was %s behind its back, and takes it anew', async (_, harm) => {
    const store = await open();
    await store.put(blob, chunked(content), signal);
    await harm(pathOf(store, blob));
    expect(await store.has(blob.digest)).toBe(false);
    expect(await store.put(blob, chunked(content), signal)).toBe('stored');
    expect((await collect(store.open(blob))).equals(content)).toBe(true);
  });

  it('hashes a blob again when only its time changed', async () => {
    const store = await open();
    await store.put(blob, chunked(content), signal);
    await utimes(pathOf(store, blob), 1, 1);
    expect(await store.has(blob.digest)).toBe(true);
  });

  it('continues what a killed process left inside a blob', async () => {
    const store = await open();
    const dead = await finishedPid();
    await writeFile(join(store.root, 'partial', `${hexOf(blob.digest)}.${dead}.part`), content.subarray(0, 150_000));
    const offsets: number[] = [];
    await store.fill(blob, (offset) => { offsets.push(offset); return chunked(content.subarray(offset)); }, signal);
    expect(offsets).toEqual([150_000]);
    expect(await readdir(join(store.root, 'partial'))).toEqual([]);
  });

  it('leaves alone what a living process writes', async () => {
    const store = await open();
    const child = spawn('sleep', ['30']);
    try {
      const name = `${hexOf(blob.digest)}.${child.pid}.part`;
      await writeFile(join(store.root, 'partial', name), content.subarray(0, 10));
      await store.fill(blob, (offset) => chunked(content.subarray(offset)), signal);
      expect(await readdir(join(store.root, 'partial'))).toEqual([name]);
    } finally {
      child.kill();
    }
  });

  it('starts over after a partial file that turned out damaged', async () => {
    const store = await open();
    await writeFile(join(store.root, 'partial', `${hexOf(blob.digest)}.${await finishedPid()}.part`), noise(1000, 9));
    await expect(store.fill(blob, (offset) => chunked(content.subarray(offset)), signal)).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    expect(await store.fill(blob, (offset) => chunked(content.subarray(offset)), signal)).toBe('stored');
  });

  it('takes bytes that the transport wrote itself, and mixed with others', async () => {
    const written = (into: FileSink | undefined, from: number, to: number): Uint8Array => {
      if (into === undefined) throw new Error('no sink');
      writeSync(into.fd, content, from, to - from, from);
      return into.written(to - from);
    };
    const hex = hexOf(blob.digest);
    const ways: readonly ((into: FileSink | undefined) => Bytes)[] = [
      async function* all(into) { yield written(into, 0, 150_000); into?.digested(hex); yield written(into, 150_000, 200_000); },
      async function* unhashed(into) { yield written(into, 0, 200_000); },
      async function* mixed(into) { yield content.subarray(0, 10); yield written(into, 10, 1000); yield content.subarray(1000, 2000); into?.digested('00'.repeat(32)); yield written(into, 2000, 3000); yield content.subarray(3000); },
    ];
    for (const way of ways) {
      const store = await open();
      expect(await store.fill(blob, (_, into) => way(into), signal)).toBe('stored');
      expect((await collect(store.open(blob))).equals(content)).toBe(true);
    }
    const wrong = async (store: Store, digested: string): Promise<unknown> => store.fill(blob, (_, into) => (async function* lie() { into?.digested(digested); yield written(into, 0, 200_000); })(), signal);
    const store = await open();
    await expect(wrong(store, '00'.repeat(32))).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    expect(await readdir(join(store.root, 'partial'))).toEqual([]);
  });

  it('waits for who writes before it gives the file up, and cuts off what nobody vouched for', async () => {
    const store = await open();
    let released = false;
    const cut = store.fill(blob, (_, into) => (async function* some() {
      into?.holdFor(async () => { writeSync(into.fd, content, 1000, 5000, 1000); released = true; });
      if (into !== undefined) { writeSync(into.fd, content, 0, 1000, 0); yield into.written(1000); }
      throw new BundleError('TRANSFER_CUT', { subject: 'x', expected: 'more', actual: 'the end' });
    })(), signal);
    await expect(cut).rejects.toMatchObject({ code: 'TRANSFER_CUT' });
    const [left = ''] = await readdir(join(store.root, 'partial'));
    expect([released, (await stat(join(store.root, 'partial', left))).size]).toEqual([true, 1000]);
  });

  it('makes many blobs durable together; one that cannot be named fails alone', async () => {
    const store = await open();
    const contents = Array.from({ length: 40 }, (_, at) => noise(1000, at + 1));
    const [first] = contents.map(describeBlob);
    if (first === undefined) throw new Error('no blobs');
    await mkdir(pathOf(store, first));
    const outcomes = await Promise.allSettled(contents.map((each) => store.put(describeBlob(each), chunked(each), signal)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', ...Array.from({ length: 39 }, () => 'fulfilled')]);
    expect(outcomes[0]).toMatchObject({ reason: { code: 'STORAGE_IO' } });
    const other = await open(store.root);
    for (const each of contents.slice(1)) expect(await other.has(digestOf(each))).toBe(true);
  });

  it('leaves nothing visible when it is stopped', async () => {
    const store = await open();
    const stop = new AbortController();
    const bytes = (async function* endless() { yield content.subarray(0, 1000); stop.abort(); yield content.subarray(1000); })();
    await expect(store.put(blob, bytes, stop.signal)).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(await readdir(join(store.root, 'blobs/sha256'))).toEqual([]);
  });

  it('reads the blobs of an adopted archive in place, and only while it is unchanged', async () => {
    const store = await open();
    const archive = join(folder, `archive-${count}`);
    await writeFile(archive, Buffer.concat([Buffer.alloc(512), content, Buffer.alloc(100)]));
    await link(archive, join(store.root, 'pack.tar'));
    const { dev, ino, size, mtimeMs } = await stat(archive);
    await store.adoptPack({
      archive: digestOf('manifest'), volumes: [{ path: join(store.root, 'pack.tar'), device: dev, inode: ino, size, mtimeMs }],
      blobs: [{ digest: blob.digest, size: blob.size, volume: 0, offset: 512 }],
    });
    expect(await store.locate(blob.digest)).toEqual({ path: join(store.root, 'pack.tar'), offset: 512, size: blob.size });
    expect((await collect(store.open(blob))).equals(content)).toBe(true);
    const other = await open(store.root);
    expect(await other.has(blob.digest)).toBe(true);
    expect((await other.reindex(signal)).blobs).toBe(1);
    expect(await other.has(blob.digest)).toBe(true);
    await truncate(archive, 600);
    expect(await other.has(blob.digest)).toBe(false);
  });

  it('finds its adopted archives again after it was moved, and after it was copied once they were read again', async () => {
    const store = await open();
    await mkdir(join(store.root, 'packs'), { recursive: true });
    const path = join(store.root, 'packs/a.tar');
    await writeFile(path, content);
    const { dev, ino, size, mtimeMs } = await stat(path);
    await store.adoptPack({ archive: digestOf('m'), volumes: [{ path, device: dev, inode: ino, size, mtimeMs }], blobs: [{ digest: blob.digest, size: blob.size, volume: 0, offset: 0 }] });
    store.close();
    const moved = fresh();
    await rename(store.root, moved);
    const there = await open(moved);
    expect((await collect(there.open(blob))).equals(content)).toBe(true);
    there.close();
    const copied = fresh();
    await cp(moved, copied, { recursive: true });
    await rm(moved, { recursive: true });
    const copy = await open(copied);
    await expect(collect(copy.open(blob))).rejects.toMatchObject({ code: 'INTEGRITY_MISSING', message: expect.stringContaining('packs/a.tar'), next: expect.stringContaining('reindex') });
    expect(await copy.reindex(signal)).toMatchObject({ blobs: 1, damaged: [] });
    expect((await collect(copy.open(blob))).equals(content)).toBe(true);
    await writeFile(join(copied, 'packs/a.tar'), noise(200_000, 8));
    expect((await copy.reindex(signal)).damaged).toEqual([join(copied, 'packs/a.tar')]);
    expect(await copy.has(blob.digest)).toBe(false);
  });

  it('still knows of an archive whose medium is away while its index is rebuilt, and uses it when it is back', async () => {
    const store = await open();
    const path = join(fresh(), 'medium.tar');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    const { dev, ino, size, mtimeMs } = await stat(path);
    await store.adoptPack({ archive: digestOf('m'), volumes: [{ path, device: dev, inode: ino, size, mtimeMs }], blobs: [{ digest: blob.digest, size: blob.size, volume: 0, offset: 0 }] });
    await rename(path, `${path}.away`);
    expect(await store.reindex(signal)).toEqual({ blobs: 1, bytes: blob.size, damaged: [], away: [path] });
    expect(await store.has(blob.digest)).toBe(false);
    await expect(collect(store.open(blob))).rejects.toMatchObject({ code: 'INTEGRITY_MISSING', next: expect.stringContaining('Plug its medium in') });
    await rename(`${path}.away`, path);
    expect((await collect(store.open(blob))).equals(content)).toBe(true);
  });

  it('rebuilds its index and names damaged blobs', async () => {
    const store = await open();
    await store.put(blob, chunked(content), signal);
    const other = describeBlob(noise(10, 3));
    await store.put(other, chunked(noise(10, 3)), signal);
    await writeFile(pathOf(store, other), 'damaged');
    expect(await store.reindex(signal)).toEqual({ blobs: 1, bytes: blob.size, damaged: [hexOf(other.digest)], away: [] });
  });

  it('lists named manifests that it holds in index.json, newest last, each name once', async () => {
    const store = await open();
    await store.put(blob, chunked(content), signal);
    const layout = (name: string, digest: string): Uint8Array => Buffer.from(JSON.stringify({ manifests: [
      { mediaType: 'x', digest, size: 1, annotations: { 'org.opencontainers.image.ref.name': name } }] }));
    await store.listInLayout(layout('a', blob.digest));
    await store.listInLayout(layout('b', blob.digest));
    await store.listInLayout(layout('a', digestOf('absent')));
    const index = JSON.parse(await readFile(join(store.root, 'index.json'), 'utf8')) as { manifests: { annotations: Record<string, string> }[] };
    expect(index.manifests.map((entry) => Object.values(entry.annotations)[0])).toEqual(['b']);
  });

  it('keeps an interrupted transfer out of sight', async () => {
    const store = await open();
    await expect(store.put(blob, broken(content, 10, new Error('odd')), signal)).rejects.toThrow('odd');
    expect(await store.has(blob.digest)).toBe(false);
  });
});

async function finishedPid(): Promise<number> {
  const child = spawn('true');
  await new Promise((done) => child.once('exit', done));
  return child.pid ?? 0;
}
