import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { digestOf, hexOf } from '../../bom/digest.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { fileOf, type TestKey, testKey, Workbench } from '../importer/workbench.ts';

const sample = sampleOf({
  date: '2026-01-02T03:04:05Z',
  files: { 'a/read me.txt': 'hello', 'ümlaut.bin': 'ü', big: new Uint8Array(3_000_000).fill(7), [`long/${'n'.repeat(240)}`]: 'long', empty: '' },
  debs: { hello: 'a deb', world: 'another deb' }, images: { 'docker.io/library/app:1': ['layer 1', 'layer 2'] },
});
const bench = {} as { now: Workbench };
let key: TestKey;
beforeAll(async () => { key = await testKey(); });
beforeEach(() => { bench.now = new Workbench(); });
afterEach(() => bench.now.close());
const hasGnuTar = ((): boolean => { try { return execFileSync('tar', ['--version']).toString().includes('GNU tar'); } catch { return false; } })();

const reading = (store: BlobReader): BlobReader => ({ has: (digest) => store.has(digest), open: (blob, range) => store.open(blob, range) });

describe('export', () => {
  it('writes the same bytes at every concurrency and from every store', async () => {
    const store = await bench.now.store('store', sample);
    const other = await bench.now.store('deep/other', sample);
    const one = await bench.now.export(sample, store, 'one.tar', { concurrency: 1, sign: key.signing });
    const eight = await bench.now.export(sample, other, 'eight.tar', { concurrency: 8, sign: key.signing });
    expect(fileOf(one.paths[0] ?? '').equals(fileOf(eight.paths[0] ?? ''))).toBe(true);
    expect(one).toMatchObject({ archive: eight.archive, bytes: statSync(bench.now.path('one.tar')).size, resumed: 0 });
    expect(readdirSync(bench.now.folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('changes nothing but signature files when it is signed', async () => {
    const store = await bench.now.store('store', sample);
    const plain = await bench.now.export(sample, store, 'plain.tar');
    const signed = await bench.now.export(sample, store, 'signed.tar', { sign: key.signing });
    expect(signed.archive).toBe(plain.archive);
  });

  it.runIf(hasGnuTar)('is a tar that GNU tar unpacks, with sums that sha256sum accepts and links that are links', async () => {
    const store = await bench.now.store('store', sample);
    await bench.now.export(sample, store, 'a.tar', { sign: key.signing });
    const out = bench.now.path('out');
    mkdirSync(out);
    const messages = execFileSync('tar', ['-xvf', bench.now.path('a.tar'), '-C', out], { stdio: ['ignore', 'pipe', 'pipe'] });
    expect(messages.toString()).toContain('files/a/read me.txt');
    execFileSync('sha256sum', ['--strict', '--quiet', '-c', 'SHA256SUMS'], { cwd: out });
    expect(statSync(join(out, 'files/a/read me.txt')).ino).toBe(statSync(join(out, 'blobs/sha256', hexOf(digestOf('hello')))).ino);
    expect(existsSync(join(out, 'apt/debian-12-amd64/dists/debian-12-amd64/InRelease'))).toBe(true);
    expect(statSync(join(out, 'README.txt')).mtimeMs).toBe(Date.parse('2026-01-02T03:04:05Z'));
  });

  it('names every blob that the store lacks, and writes nothing', async () => {
    const store = await bench.now.store('store');
    await expect(bench.now.export(sample, store, 'a.tar')).rejects.toMatchObject({ code: 'INTEGRITY_MISSING' });
    expect(readdirSync(bench.now.folder)).toEqual(['store']);
  });

  it('refuses content of the store that is not what it should be', async () => {
    const store = await bench.now.store('store', sample);
    const broken = { ...reading(store), locate: async (digest: Parameters<typeof store.locate>[0]) => {
      const place = await store.locate(digest);
      if (digest !== digestOf('hello') || place === undefined) return place;
      writeFileSync(bench.now.path('broken'), 'jello');
      return { ...place, path: bench.now.path('broken') };
    } };
    writeFileSync(bench.now.path('a.tar'), 'what was there');
    await expect(bench.now.export(sample, broken, 'a.tar')).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
    expect(fileOf(bench.now.path('a.tar')).toString()).toBe('what was there');
  });

  it('stops when it is told to, and goes on where it was', async () => {
    const store = await bench.now.store('store', sample);
    const stop = new AbortController();
    const aborting = { ...reading(store), locate: async (digest: Parameters<typeof store.locate>[0]) => store.locate(digest) };
    let blobs = 0;
    const failed = await bench.now.export(sample, aborting, 'a.tar', {
      signal: stop.signal, concurrency: 1, notify: (event) => { if (event.kind === 'done' && (blobs += 1) === 3) stop.abort(); },
    }).catch((cause: unknown) => cause);
    expect(failed).toBeInstanceOf(BundleError);
    expect(failed).toMatchObject({ code: 'INTERRUPTED' });
    expect(existsSync(bench.now.path('a.tar'))).toBe(false);
    const again = await bench.now.export(sample, store, 'a.tar');
    expect(again.resumed).toBeGreaterThanOrEqual(3);
    await bench.now.export(sample, store, 'b.tar');
    expect(fileOf(bench.now.path('a.tar')).equals(fileOf(bench.now.path('b.tar')))).toBe(true);
  });

  it('refuses folders as targets and folders that do not exist', async () => {
    const store = await bench.now.store('store', sample);
    await expect(bench.now.export(sample, store, 'store')).rejects.toMatchObject({ code: 'INPUT_FLAG' });
    await expect(bench.now.export(sample, store, 'nowhere/a.tar')).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });
});
