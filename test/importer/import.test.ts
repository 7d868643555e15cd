import { copyFileSync, existsSync, openSync, closeSync, readdirSync, rmSync, statSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { contentOf } from '../../bom/lock.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { ArchiveBlobs } from '../../importer/archive-blobs.ts';
import { findInArchive, inspectArchive, listArchive } from '../../importer/inspect.ts';
import { Generations } from '../../store/generations.ts';
import { contentOfSample, sampleOf } from '../formats/archive/sample-lock.ts';
import { fileOf, readBlob, type TestKey, testKey, Workbench } from './workbench.ts';

const parts = {
  date: '2026-01-02T03:04:05Z', files: { 'a.txt': 'hello', big: new Uint8Array(300_000).fill(7) }, debs: { hello: 'a deb' },
  images: { 'docker.io/library/app:1': ['layer 1'] }, runtimes: { node: 'a runtime', 'node-again': 'a runtime' },
};
const first = sampleOf({ ...parts, sequence: 1 });
const second = sampleOf({ ...parts, sequence: 2, files: { ...parts.files, 'b.txt': 'new' } });
const bench = {} as { now: Workbench };
let key: TestKey;
let other: TestKey;
beforeAll(async () => { key = await testKey(); other = await testKey('other'); });
beforeEach(() => { bench.now = new Workbench(); });
afterEach(() => bench.now.close());

async function exported(name: string, sample = first, signed = true): Promise<string> {
  const store = await bench.now.store('upstream', sample);
  const { paths } = await bench.now.export(sample, store, name, signed ? { sign: key.signing } : {});
  return paths[0] ?? '';
}

function flip(path: string, at: number): void {
  const fd = openSync(path, 'r+');
  const byte = fileOf(path)[at] ?? 0;
  writeSync(fd, Buffer.from([byte ^ 1]), 0, 1, at);
  closeSync(fd);
}

describe('verify', () => {
  it('accepts what was exported, signed or not, fully and quickly', async () => {
    const path = await exported('a.tar');
    expect(await bench.now.verify([path], { keys: key.keys, allowUnsigned: false })).toMatchObject({ signature: { state: 'signed', signers: [key.signing.fingerprint] } });
    expect(await bench.now.verify([path])).toMatchObject({ signature: { state: 'unchecked' } });
    expect(await bench.now.verify([path], { quick: true })).toMatchObject({ blobs: (await openArchive([path])).manifest.blobs.length });
    const plain = await exported('plain.tar', first, false);
    expect(await bench.now.verify([plain])).toMatchObject({ signature: { state: 'unsigned' } });
  });

  it('asks for a signature and a key unless told otherwise', async () => {
    const plain = await exported('plain.tar', first, false);
    const path = await exported('a.tar');
    await expect(bench.now.verify([plain], { keys: key.keys, allowUnsigned: false })).rejects.toMatchObject({ code: 'INPUT_UNSIGNED' });
    await expect(bench.now.verify([path], { allowUnsigned: false })).rejects.toMatchObject({ code: 'INPUT_UNSIGNED' });
    await expect(bench.now.verify([path], { keys: other.keys, allowUnsigned: true })).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
  });

  it('names the blob, volume and offset of damage', async () => {
    const path = await exported('a.tar');
    const place = await new ArchiveBlobs(await openArchive([path])).locate(digestOf('hello'));
    flip(path, place?.offset ?? 0);
    const failure = await bench.now.verify([path]).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ code: 'INTEGRITY_ARCHIVE', facts: { details: { damaged: [{ digest: digestOf('hello'), places: [{ volume: 1, offset: place?.offset, size: 5 }] }] } } });
  });

  it('finds every flipped byte, wherever it is', async () => {
    const path = await exported('a.tar');
    const size = statSync(path).size;
    for (let at = 0; at < size; at += at < 20_000 || at > size - 20_000 ? 487 : 16_381) {
      const copy = bench.now.path('copy.tar');
      copyFileSync(path, copy);
      flip(copy, at);
      await expect(bench.now.verify([copy], { keys: key.keys, allowUnsigned: false, concurrency: 1 }), `byte ${at}`).rejects.toMatchObject({ name: 'BundleError' });
    }
  }, 120_000);
});

describe('inspect and ls', () => {
  it('tell what is inside', async () => {
    const archive = await openArchive([await exported('a.tar')]);
    const facts = await inspectArchive(archive);
    expect(facts).toMatchObject({ project: 'site', sequence: 1, signed: true, delta: false, date: '2026-01-02T03:04:05.000Z', images: ['docker.io/library/app:1'] });
    expect(facts.kinds?.find((kind) => kind.kind === 'file')).toEqual({ kind: 'file', artifacts: 2, bytes: 300_005 });
    expect(facts.kinds?.reduce((sum, kind) => sum + kind.bytes, 0)).toBe(facts.blobBytes);
    const names = await listArchive(archive);
    expect(names.map(({ kind, path }) => [kind, path])).toContainEqual(['file', 'files/a.txt']);
    expect((await findInArchive(archive, 'files/a.txt')).digest).toBe(digestOf('hello'));
    await expect(findInArchive(archive, 'files/none')).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });
});

describe('import', () => {
  it('adopts an archive where it lies, as a hard link, and serves it from there', async () => {
    const path = await exported('a.tar');
    const store = await bench.now.store('machine');
    const result = await bench.now.import(store, [path], { keys: key.keys, allowUnsigned: false });
    expect(result).toMatchObject({ changed: true, how: 'linked', generation: { id: 1, sequence: 1, signedBy: key.signing.fingerprint } });
    for (const blob of contentOfSample(first)) expect(await readBlob(store, blob)).toBe(Buffer.from(first.blobs.blobs.get(blob.digest) ?? []).toString());
    const [pack] = readdirSync(join(store.root, 'packs')).filter((name) => name.endsWith('.tar'));
    expect(statSync(join(store.root, 'packs', pack ?? '')).ino).toBe(statSync(path).ino);
    expect(await new Generations(store.root).current('site')).toMatchObject({ id: 1 });
  });

  it('follows a symbolic link to the archive itself, and refuses a file that is not there', async () => {
    const path = await exported('a.tar');
    symlinkSync('a.tar', bench.now.path('link.tar'));
    const store = await bench.now.store('machine');
    await bench.now.import(store, [bench.now.path('link.tar')]);
    rmSync(bench.now.path('link.tar'));
    rmSync(path);
    expect(await readBlob(store, { mediaType: 'x', digest: digestOf('hello'), size: 5 })).toBe('hello');
    await expect(bench.now.import(store, [path])).rejects.toMatchObject({ code: 'INPUT_MISSING_FILE' });
  });

  it('does nothing for what is served already, and says so', async () => {
    const path = await exported('a.tar');
    const store = await bench.now.store('machine');
    await bench.now.import(store, [path]);
    expect(await bench.now.import(store, [path])).toMatchObject({ changed: false, how: 'present', generation: { id: 1 } });
    expect(bench.now.events.some((event) => event.kind === 'step' && event.message.includes('served already'))).toBe(true);
  });

  it('copies when asked to', async () => {
    const path = await exported('a.tar');
    const store = await bench.now.store('machine');
    expect(await bench.now.import(store, [path], { copy: true })).toMatchObject({ how: 'copied' });
    for (const blob of contentOf(first.lock).values()) expect(existsSync(join(store.root, 'blobs/sha256', blob.digest.slice(7)))).toBe(true);
    expect(existsSync(join(store.root, 'packs'))).toBe(false);
  });

  it('goes from one generation to the next, and not back unless told to', async () => {
    const old = await exported('a.tar');
    const next = await exported('b.tar', second);
    const store = await bench.now.store('machine');
    await bench.now.import(store, [old]);
    expect(await bench.now.import(store, [next])).toMatchObject({ generation: { id: 2, sequence: 2 } });
    await expect(bench.now.import(store, [old])).rejects.toMatchObject({ code: 'TARGET_REPLAY' });
    expect(await new Generations(store.root).current('site')).toMatchObject({ id: 2 });
    expect(await bench.now.import(store, [old], { allowDowngrade: true })).toMatchObject({ generation: { id: 3, sequence: 1 } });
  });

  it('changes nothing for a damaged archive', async () => {
    const path = await exported('a.tar');
    flip(path, (await new ArchiveBlobs(await openArchive([path])).locate(digestOf('hello')))?.offset ?? 0);
    const store = await bench.now.store('machine');
    const before = readdirSync(store.root, { recursive: true }).sort();
    await expect(bench.now.import(store, [path])).rejects.toMatchObject({ code: 'INTEGRITY_ARCHIVE' });
    expect(readdirSync(store.root, { recursive: true }).sort()).toEqual(before);
  });

  it.each([1, 2, 3, 4, 5, 6])('is completed by the next run when it ends at step %i', async (steps) => {
    const path = await exported('a.tar');
    const store = await bench.now.store('machine');
    let calls = 0;
    const fragile = new Proxy(store, { get(target, name: keyof typeof store) {
      const value = target[name] as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (['putBytes', 'adoptPack'].includes(name) && (calls += 1) === steps) throw new Error('killed');
        return (value as (...all: unknown[]) => unknown).apply(target, args);
      };
    } });
    await expect(bench.now.import(fragile, [path])).rejects.toThrow('killed');
    expect(await new Generations(store.root).current('site')).toBeUndefined();
    expect(await bench.now.import(store, [path])).toMatchObject({ changed: true, generation: { id: 1 } });
  });
});
