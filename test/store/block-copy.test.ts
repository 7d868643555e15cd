import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { blockMemory } from '../../bom/block-memory.ts';
import { blockCopyBytes, type BlockFiles, copyBlocks } from '../../store/block-copy.ts';
import { openUnbuffered } from '../../store/unbuffered.ts';
import { noise } from '../support/bytes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('block-copy');
const opened: number[] = [];
afterEach(() => { for (const fd of opened.splice(0)) closeSync(fd); });
const keep = <T extends number | undefined>(fd: T): T => { if (fd !== undefined) opened.push(fd); return fd; };
const filesOf = (path: string, access: 'read' | 'write'): BlockFiles => {
  const [cached, unbuffered] = [keep(openSync(path, access === 'read' ? 'r' : 'r+')), keep(openUnbuffered(path, access))];
  return { cached: () => cached, unbuffered: () => unbuffered };
};
const [source, target] = [join(folder, 'source'), join(folder, 'target')];
const content = noise(4_000_000);
writeFileSync(source, content);
const memory = blockMemory(blockCopyBytes) ?? new Uint8Array(0);

interface Way { readonly start: number; readonly size: number; readonly to: number; readonly isCold: boolean; readonly at?: Uint8Array }

/** Copies into the middle of a file of another content; what was told of, and what lies in the file. */
function copied({ start, size, to, isCold, at = memory }: Way): { readonly done: number; readonly told: Buffer; readonly file: Buffer } {
  writeFileSync(target, Buffer.alloc(to + size + 5000, 7));
  const told: Buffer[] = [];
  const done = copyBlocks({ from: { ...filesOf(source, 'read'), offset: start }, to: { ...filesOf(target, 'write'), offset: to }, size, memory: at, take: (chunk) => told.push(Buffer.from(chunk)), coldMs: isCold ? -1 : 1e9 });
  return { done, told: Buffer.concat(told), file: readFileSync(target) };
}

function expectCopied(way: Way): void {
  const { done, told, file } = copied(way);
  const wanted = content.subarray(way.start, way.start + way.size);
  expect([done, told.equals(wanted)]).toEqual([way.size, true]);
  expect(file.equals(Buffer.concat([Buffer.alloc(way.to, 7), wanted, Buffer.alloc(5000, 7)]))).toBe(true);
}

it('copies any part of a file to any place of another, in the cache or not, and nothing beside it', () => {
  const start = fc.nat(1_000_000);
  fc.assert(fc.property(fc.oneof(start, start.map((at) => at - (at % 512))), fc.nat(3_000_000), fc.oneof(start, start.map((at) => at - (at % 512))), fc.boolean(), (from, size, to, isCold) => {
    expectCopied({ start: from, size, to, isCold });
  }), { numRuns: 12, examples: [[0, 3_000_000, 512, true], [0, 0, 0, true], [4096, 2_097_152, 4096, false]] });
});

it('goes on the usual way where a file system refuses', () => {
  expectCopied({ start: 512, size: 3_000_000, to: 1024, isCold: true, at: (blockMemory(blockCopyBytes + 8) ?? new Uint8Array(8)).subarray(8) });
});

it('tells how much there was of a file that is too short, and fails as a file does', () => {
  for (const isCold of [true, false]) expect(copied({ start: 2_000_000, size: 3_000_000, to: 0, isCold }).done).toBe(2_000_000);
  const full = keep(openSync('/dev/full', 'r+'));
  const to = { cached: () => full, unbuffered: () => undefined, offset: 0 };
  expect(() => copyBlocks({ from: { ...filesOf(source, 'read'), offset: 0 }, to, size: 2_000_000, memory, take: () => undefined })).toThrow('ENOSPC');
});
