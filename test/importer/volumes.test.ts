import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { ArchiveBlobs } from '../../importer/archive-blobs.ts';
import { blobPath } from '../../formats/archive/tree.ts';
import { lockVolumes } from '../../importer/archive-lock.ts';
import { waitingVolumes } from '../../importer/kept-volumes.ts';
import { extractArchive, openInArchive } from '../../importer/extract.ts';
import { inspectArchive, listArchive } from '../../importer/inspect.ts';
import { contentOfSample, sampleOf } from '../formats/archive/sample-lock.ts';
import { fileOf, readBlob, Workbench } from './workbench.ts';
import { runs } from '../support/runs.ts';

const big = Uint8Array.from({ length: 700_000 }, (_, index) => (index * 7919) >> 3);
const sample = sampleOf({ date: '2026-01-02T03:04:05Z', files: { 'a.txt': 'hello', big, middle: big.subarray(5, 120_000) }, debs: { hello: 'a deb' }, images: { 'docker.io/library/app:1': [big.subarray(1, 90_000)] } });
const other = sampleOf({ files: { 'a.txt': 'hello', big } });
const split = 300_000;
const bench = {} as { now: Workbench };
beforeEach(() => { bench.now = new Workbench(); });
afterEach(() => bench.now.close());

async function volumes(name = 'v.tar', of = sample): Promise<readonly string[]> {
  const store = await bench.now.store('upstream', of);
  return (await bench.now.export(of, store, name, { split })).paths;
}

describe('volumes', () => {
  it('are each at most as large as asked, and a tar of their own', async () => {
    const paths = await volumes();
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) {
      expect(fileOf(path).length).toBeLessThanOrEqual(split);
      expect((await openArchive([path])).volumes.size).toBe(1);
    }
    const archive = await openArchive(paths);
    expect(archive.manifest.blobs.filter((blob) => blob.pieces !== undefined).map((blob) => blob.digest)).toEqual([digestOf(big)]);
  });

  it('of an earlier archive under the same name are warned of', async () => {
    const paths = await volumes();
    expect(await volumes('v.tar', sampleOf({ files: { a: 'a' } }))).toHaveLength(1);
    expect(bench.now.events).toContainEqual(expect.objectContaining({ kind: 'warning', subject: paths[1] }));
  });

  it('are read in any order, from different folders, cut blobs too', async () => {
    const paths = [...(await volumes())].reverse();
    copyFileSync(paths[0] ?? '', bench.now.path('elsewhere'));
    const given = [bench.now.path('elsewhere'), ...paths.slice(1)];
    await bench.now.verify(given);
    const blobs = new ArchiveBlobs(await openArchive(given));
    const blob = { mediaType: 'x', digest: digestOf(big), size: big.length };
    expect(await readBlob(blobs, blob)).toBe(Buffer.from(big).toString());
    expect(await blobs.locate(blob.digest)).toBeUndefined();
    for (const [start, end] of [[0, 10], [250_000, 600_000], [699_990, 700_000]] as const) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of blobs.open(blob, { start, end })) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(Buffer.from(big).subarray(start, end))).toBe(true);
    }
  });

  it.each([true, false])('are imported whole, copied or not (%s)', async (copy) => {
    const paths = await volumes();
    const store = await bench.now.store('machine');
    await bench.now.import(store, paths, { copy });
    for (const blob of contentOfSample(sample)) expect(digestOf(Buffer.from(sample.blobs.blobs.get(blob.digest) ?? []))).toBe(digestOf(Buffer.concat(await chunksOf(store, blob))));
    expect(await bench.now.import(store, paths, { copy })).toMatchObject({ changed: false });
  });

  it('are named when they are missing, doubled, foreign, stale or damaged, before anything is written', async () => {
    const paths = await volumes();
    const foreign = await volumes('other.tar', other);
    const store = await bench.now.store('machine');
    const before = readdirSync(store.root, { recursive: true }).sort();
    await expect(bench.now.import(store, paths.filter((_, index) => index !== 1 && index !== 2))).rejects.toMatchObject({ code: 'INTEGRITY_ARCHIVE', facts: { details: { missingVolumes: [2, 3] } } });
    copyFileSync(paths[1] ?? '', bench.now.path('copy'));
    await expect(bench.now.import(store, [...paths, bench.now.path('copy')])).rejects.toThrow(/copy: expected each volume once; got volume 2 again/);
    await expect(bench.now.import(store, [...paths.slice(0, 1), foreign[1] ?? '', ...paths.slice(2)])).rejects.toThrow(/other\.tar\.002: .*another archive/);
    const bytes = fileOf(paths[2] ?? '');
    bytes[150_000] = (bytes[150_000] ?? 0) ^ 1;
    writeFileSync(paths[2] ?? '', bytes);
    await expect(bench.now.import(store, paths)).rejects.toThrow(/^(?!.*volume [^3]).*\(volume 3, [^ ]*v\.tar\.003, bytes/);
    expect(readdirSync(store.root, { recursive: true }).sort()).toEqual(before);
  });

  it('come in one medium at a time when they are copied, and are checked one by one', async () => {
    const paths = await volumes();
    const store = await bench.now.store('machine');
    const medium = bench.now.path('medium.tar');
    for (const [index, path] of paths.entries()) {
      renameSync(path, medium);
      const here = paths.slice(0, index).map((_, number) => number + 1);
      expect((await waitingVolumes(store)).map(({ present, bytes }) => [present, bytes > 0])).toEqual(index === 0 ? [] : [[here, true]]);
      const importing = bench.now.import(store, [medium], { copy: true });
      if (index < paths.length - 1) {
        await expect(importing).rejects.toMatchObject({ code: 'INTEGRITY_ARCHIVE', facts: { details: { missingVolumes: paths.slice(index + 1).map((_, later) => index + 2 + later) } } });
      } else expect(await importing).toMatchObject({ changed: true, how: 'copied' });
      rmSync(medium);
    }
    expect(await waitingVolumes(store)).toEqual([]);
    for (const blob of contentOfSample(sample)) expect(digestOf(Buffer.concat(await chunksOf(store, blob)))).toBe(blob.digest);
  });

  it('are kept only when they are good', async () => {
    const [, path = ''] = await volumes();
    const store = await bench.now.store('machine');
    const bytes = fileOf(path);
    bytes[150_000] = (bytes[150_000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await expect(bench.now.import(store, [path], { copy: true })).rejects.toThrow(/SHA256SUMS\.002: .*another one than that of blobs\/sha256\/[0-9a-f]{64}\.\d{3}: one of the two is damaged/);
    expect(existsSync(bench.now.path('machine/packs'))).toBe(false);
  });

  it('tell what they are one by one', async () => {
    const paths = await volumes();
    expect(await inspectArchive(await openArchive(paths.slice(0, 1)))).toMatchObject({ volumes: { count: paths.length, missing: paths.slice(1).map((_, index) => index + 2) } });
  });

  it('say where the lock is when it is in another one', async () => {
    const paths = await volumes();
    const whole = await openArchive(paths);
    const [number = 0] = lockVolumes(whole);
    for (const [index, path] of paths.entries()) {
      const archive = await openArchive([path]);
      const facts = await inspectArchive(archive);
      expect(facts).toMatchObject({ project: 'site', signed: false, volumes: { count: paths.length, lock: [number] } });
      await bench.now.verify([path], { quick: true, partial: true });
      if (index + 1 === number) continue;
      expect(facts.kinds).toBeUndefined();
      const wanted = { code: 'INTEGRITY_ARCHIVE', facts: { subject: path, expected: `volume ${number} of ${paths.length}: the lock is there`, actual: `volume ${index + 1}`, next: expect.stringContaining(`volume ${number} too`) } };
      const extract = (): Promise<unknown> => extractArchive(archive, { patterns: ['files/*'], folder: bench.now.path('out'), notify: () => undefined, signal: new AbortController().signal });
      for (const failing of [() => listArchive(archive), () => openInArchive(archive, 'files/a.txt'), extract]) await expect(failing()).rejects.toMatchObject(wanted);
      await expect(bench.now.verify([path], { quick: true })).rejects.toMatchObject({ code: 'INTEGRITY_ARCHIVE', facts: { expected: `all ${paths.length} volumes` } });
    }
    const lockOnly = await openArchive(paths.slice(number - 1, number));
    expect((await inspectArchive(lockOnly)).kinds).toBeDefined();
    expect((await inspectArchive(whole)).modules).toEqual((await inspectArchive(lockOnly)).modules);
    expect(await listArchive(lockOnly)).toEqual(await listArchive(whole));
  });

  it('give blobs by digest without the lock, and name the volume of those that they do not hold', async () => {
    const paths = await volumes();
    const { manifest } = await openArchive(paths);
    const whole = manifest.blobs.filter((blob) => blob.pieces === undefined).sort((a, b) => b.volume - a.volume);
    const here = whole.at(0);
    const away = whole.at(-1);
    if (here === undefined || away === undefined) throw new Error('no whole blobs');
    expect(here.volume).toBeGreaterThan(away.volume);
    const path = paths[here.volume - 1] ?? '';
    const archive = await openArchive([path]);
    const extract = (pattern: string): Promise<readonly string[]> => extractArchive(archive, { patterns: [pattern], folder: bench.now.path('out'), notify: () => undefined, signal: new AbortController().signal });
    expect(await extract(blobPath(here.digest))).toEqual([blobPath(here.digest)]);
    const wanted = { code: 'INTEGRITY_ARCHIVE', facts: { subject: path, expected: expect.stringContaining(`volume ${away.volume} of ${paths.length}`), details: { missingVolumes: [away.volume] } } };
    await expect(extract(blobPath(away.digest))).rejects.toMatchObject(wanted);
    await expect(openInArchive(archive, away.digest)).rejects.toMatchObject(wanted);
  });

  it('hold exactly the planned content for any sizes and order', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 5 }), fc.integer({ min: 220_000, max: 500_000 }), fc.infiniteStream(fc.nat()), async (sizes, volumeBytes, random) => {
      const own = sampleOf({ files: Object.fromEntries(sizes.map((size, index) => [`file-${index}`, big.subarray(index, index + size)])) });
      const now = new Workbench();
      try {
        const upstream = await now.store('upstream', own);
        const { paths } = await now.export(own, upstream, 'v.tar', { split: volumeBytes });
        const shuffled = [...paths].map((path) => [random.next().value as number, path] as const).sort((a, b) => a[0] - b[0]).map(([, path]) => path);
        const store = await now.store('machine');
        await now.import(store, shuffled);
        for (const blob of contentOfSample(own)) expect(digestOf(Buffer.concat(await chunksOf(store, blob)))).toBe(blob.digest);
      } finally {
        now.close();
      }
    }), { numRuns: runs(15) });
  });
});

async function chunksOf(store: Awaited<ReturnType<Workbench['store']>>, blob: Parameters<typeof store.open>[0]): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.open(blob)) chunks.push(chunk);
  return chunks;
}
