import { createReadStream, existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../../bom/ports.ts';
import { exportStream } from '../../exporter/export-stream.ts';
import { parseVolumeSize } from '../../exporter/volume-size.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { extractArchive, openInArchive } from '../../importer/extract.ts';
import { receiveArchive } from '../../importer/receive.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { fileOf, Workbench } from './workbench.ts';

const sample = sampleOf({ date: '2026-01-02T03:04:05Z', files: { 'a.txt': 'hello', 'deep/b.txt': 'b', empty: '', big: new Uint8Array(400_000).fill(9) }, debs: { hello: 'a deb' } });
const bench = {} as { now: Workbench };
beforeEach(() => { bench.now = new Workbench(); });
afterEach(() => bench.now.close());
const signal = new AbortController().signal;
const notify = (): void => undefined;

async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('an archive as a stream', () => {
  it('has the same bytes as the file', async () => {
    const store = await bench.now.store('store', sample);
    const { paths, archive } = await bench.now.export(sample, store, 'a.tar');
    const { bytes, result } = await exportStream({ lock: sample.lock, store, notify, signal });
    expect((await collect(bytes)).equals(fileOf(paths[0] ?? ''))).toBe(true);
    expect(result.archive).toBe(archive);
  });

  it('is refused when the store lacks something, and with volumes', async () => {
    const store = await bench.now.store('empty');
    await expect(exportStream({ lock: sample.lock, store, notify, signal })).rejects.toMatchObject({ code: 'INTEGRITY_MISSING' });
    await expect(exportStream({ lock: sample.lock, store, notify, signal, split: 1_000_000 })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });

  it('is imported without being written twice', async () => {
    await bench.now.export(sample, await bench.now.store('store', sample), 'a.tar');
    const store = await bench.now.store('machine');
    const received = await receiveArchive(createReadStream(bench.now.path('a.tar')), { root: store.root, notify, signal });
    expect(await bench.now.import(store, [received.path])).toMatchObject({ how: 'linked' });
    await received.remove();
    expect(readdirSync(bench.now.path('machine/packs')).filter((name) => name.includes('received'))).toEqual([]);
    expect(await store.has(sample.lock.spec.files[0]?.digest ?? sample.lock.metadata.project)).toBe(true);
  });

  it('leaves nothing behind when it breaks', async () => {
    const store = await bench.now.store('machine');
    const broken = (async function* pieces(): Bytes { yield new Uint8Array(10); throw new Error('the line is dead'); })();
    await expect(receiveArchive(broken, { root: store.root, notify, signal })).rejects.toThrow('the line is dead');
    expect(readdirSync(bench.now.path('machine/packs'))).toEqual([]);
  });
});

describe('cat and extract', () => {
  it('give content by path, digest and pattern', async () => {
    await bench.now.export(sample, await bench.now.store('store', sample), 'a.tar');
    const archive = await openArchive([bench.now.path('a.tar')]);
    expect((await collect(await openInArchive(archive, 'files/a.txt'))).toString()).toBe('hello');
    const written = await extractArchive(archive, { patterns: ['files/**/*.txt', 'apt/**'], folder: bench.now.path('out'), notify, signal });
    expect(written).toEqual(['apt/debian-12-amd64/pool/main/h/hello/hello_1.0_amd64.deb', 'files/a.txt', 'files/deep/b.txt']);
    expect(fileOf(bench.now.path('out/files/deep/b.txt')).toString()).toBe('b');
  });

  it('do not overwrite, and do not write what is damaged', async () => {
    await bench.now.export(sample, await bench.now.store('store', sample), 'a.tar');
    const archive = await openArchive([bench.now.path('a.tar')]);
    const options = { patterns: ['files/a.txt'], folder: bench.now.path('out'), notify, signal };
    await extractArchive(archive, options);
    await expect(extractArchive(archive, options)).rejects.toMatchObject({ code: 'STORAGE_IO' });
    await expect(extractArchive(archive, { ...options, patterns: ['nothing/**'] })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
    symlinkSync(bench.now.path('victim'), bench.now.path('out/files/empty'));
    await expect(extractArchive(archive, { ...options, patterns: ['files/empty'] })).rejects.toMatchObject({ code: 'STORAGE_IO' });
    expect(existsSync(bench.now.path('victim'))).toBe(false);
    const bytes = fileOf(bench.now.path('a.tar'));
    const at = bytes.lastIndexOf(Buffer.alloc(1000, 9));
    bytes[at] = 1;
    writeFileSync(bench.now.path('b.tar'), bytes);
    await expect(extractArchive(await openArchive([bench.now.path('b.tar')]), { ...options, patterns: ['files/big'] })).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    expect(existsSync(bench.now.path('out/files/big'))).toBe(false);
  });
});

describe('a volume size', () => {
  it.each([['700MB', 700e6], ['4GiB', 4 * 2 ** 30], ['4G', 4 * 2 ** 30], ['1.5GiB', 1.5 * 2 ** 30], ['1000000', 1e6], ['fat32', 2 ** 32 - 1], ['DVD', 4_690_000_000]])('%s', (text, bytes) => {
    expect(parseVolumeSize(text)).toBe(bytes);
  });
  it.each(['', '0', '-1', 'big', '4XB', '1e9', '99999999999999999'])('is not %j', (text) => {
    expect(() => parseVolumeSize(text)).toThrowError(expect.objectContaining({ code: 'INPUT_FLAG' }));
  });
});
