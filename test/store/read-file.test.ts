import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readFileRange } from '../../store/read-file.ts';
import { noise } from '../support/bytes.ts';
import { temporaryFolder } from '../support/temporary.ts';

it.each([['in this thread', 1_000_000], ['elsewhere, after one that was slow', -1]])('borrowed chunks, read %s, keep their bytes until three more were read, and use little memory over and over', async (_, cachedMs) => {
  const path = join(await temporaryFolder('read'), 'file');
  const content = noise(12_000_001);
  await writeFile(path, content);
  const kept: { readonly chunk: Uint8Array; readonly at: number }[] = [];
  const memory = new Set<ArrayBufferLike>();
  let at = 5;
  for await (const chunk of readFileRange(path, 5, 12_000_000, { borrow: true, cachedMs })) {
    kept.push({ chunk, at });
    memory.add(chunk.buffer);
    for (const each of kept.slice(-4)) expect(Buffer.from(each.chunk).equals(content.subarray(each.at, each.at + each.chunk.length))).toBe(true);
    at += chunk.length;
  }
  expect(at).toBe(12_000_000);
  expect(kept.length).toBeGreaterThan(2 * memory.size);
});
