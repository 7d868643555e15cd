import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { CopyPool } from '../../store/copy-pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'longshore-pool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const content = Buffer.from(Uint8Array.from({ length: 500_000 }, (_, index) => (index * 31) >> 2));
const source = join(folder, 'source');
writeFileSync(source, content);

const state: { stop: AbortController; pool: CopyPool; bytes: number } = { stop: new AbortController(), pool: undefined as unknown as CopyPool, bytes: 0 };
beforeEach(() => {
  state.stop = new AbortController();
  state.bytes = 0;
  state.pool = new CopyPool({ concurrency: 4, signal: state.stop.signal, onBytes: (bytes) => { state.bytes += bytes; } });
});
afterEach(async () => state.pool.close());

describe('a copy pool', () => {
  it('hashes ranges of files, joined in order', async () => {
    expect((await state.pool.hash({ path: source, offset: 0, size: content.length })).digest).toBe(digestOf(content));
    const parts = await state.pool.hash({ path: source, offset: 10, size: 300_000 }, { path: source, offset: 0, size: 7 });
    expect(parts.digest).toBe(digestOf(Buffer.concat([content.subarray(10, 300_010), content.subarray(0, 7)])));
    expect(parts.pieces).toEqual([digestOf(content.subarray(10, 300_010)), digestOf(content.subarray(0, 7))]);
    expect((await state.pool.hash({ path: source, offset: 5, size: 0 })).digest).toBe(digestOf(''));
    expect(state.bytes).toBe(content.length + 300_007);
  });

  it('copies while it hashes, many at a time', async () => {
    const target = join(folder, 'target');
    const fd = openSync(target, 'w');
    ftruncateSync(fd, content.length);
    closeSync(fd);
    const starts = Array.from({ length: 50 }, (_, index) => index * 10_000);
    await state.pool.each(starts, async (start) => {
      const result = await state.pool.run([{ from: { path: source, offset: start }, to: { path: target, offset: start }, size: 10_000 }]);
      expect(result.digest).toBe(digestOf(content.subarray(start, start + 10_000)));
    });
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('says which file is too short, missing or full', async () => {
    await expect(state.pool.hash({ path: source, offset: content.length - 1, size: 2 })).rejects.toMatchObject({ code: 'INTEGRITY_SIZE', facts: { subject: source } });
    await expect(state.pool.hash({ path: join(folder, 'none'), offset: 0, size: 1 })).rejects.toMatchObject({ code: 'STORAGE_IO', facts: { subject: join(folder, 'none') } });
    await expect(state.pool.run([{ from: { path: source, offset: 0 }, to: { path: '/dev/full', offset: 0 }, size: 10 }])).rejects.toMatchObject({ code: 'STORAGE_SPACE' });
    expect((await state.pool.hash({ path: source, offset: 0, size: 1 })).digest).toBe(digestOf(content.subarray(0, 1)));
  });

  it('stops soon after it is told to, and refuses more work', async () => {
    const all = Promise.allSettled(Array.from({ length: 10 }, async () => state.pool.hash({ path: '/dev/zero', offset: 0, size: Number.MAX_SAFE_INTEGER })));
    setTimeout(() => state.stop.abort(), 100);
    for (const each of await all) expect(each).toMatchObject({ status: 'rejected', reason: { code: 'INTERRUPTED' } });
    await expect(state.pool.hash({ path: source, offset: 0, size: 1 })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('stops the rest when one fails', async () => {
    let done = 0;
    await expect(state.pool.each(Array.from({ length: 1000 }, (_, index) => index), async (index) => {
      await state.pool.hash({ path: index === 5 ? join(folder, 'none') : source, offset: 0, size: 10 });
      done += 1;
    })).rejects.toMatchObject({ code: 'STORAGE_IO' });
    expect(done).toBeLessThan(100);
  });
});
