import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { blockMemory } from '../../bom/block-memory.ts';
import { BlockBuffers, BlockWriter, SinkError } from '../../transport/block-writer.ts';
import { noise } from '../support/bytes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('block-writer');
const path = join(folder, 'file');
const opened: number[] = [];
afterEach(() => { for (const fd of opened.splice(0)) closeSync(fd); });
const open = (name: string, flags: number): number => { opened.push(openSync(name, flags)); return opened.at(-1) ?? -1; };
const content = noise(5_000_000);
const ring = new BlockBuffers(1).take() ?? [];

interface Way { readonly at?: number; readonly memory?: typeof ring; readonly read?: number; readonly settleEvery?: number; readonly unbuffered?: string }

/** Writes `content` from `at` on; the bytes that were told of. */
async function writeRest({ at = 0, memory = ring, read = 200_000, settleEvery = 0, unbuffered = path }: Way): Promise<number> {
  writeFileSync(path, content.subarray(0, at));
  let told = 0;
  let room = Promise.withResolvers<void>();
  const events = { onWritten: (bytes: number) => { told += bytes; }, onRoom: () => room.resolve(), onFailed: () => room.resolve() };
  const writer = new BlockWriter({ fd: open(path, constants.O_RDWR), unbufferedFd: open(unbuffered, constants.O_WRONLY | (unbuffered === path ? constants.O_DIRECT : 0)), at }, memory, events);
  for (let [done, turn] = [at, 1]; done < content.length; turn += 1) {
    const taken = writer.room().subarray(0, Math.min(read, content.length - done));
    taken.set(content.subarray(done, done + taken.length));
    room = Promise.withResolvers();
    writer.add(taken.length);
    done += taken.length;
    if (settleEvery > 0 && turn % settleEvery === 0) writer.settle();
    if (writer.isFull) await room.promise;
  }
  await writer.finish();
  return told;
}

it('writes what comes, from any place on, in pieces of any size, and tells of each byte once', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(content.length), fc.integer({ min: 50_000, max: 300_000 }), fc.nat(9), async (at, read, settleEvery) => {
    expect(await writeRest({ at, read, settleEvery })).toBe(content.length - at);
    expect(readFileSync(path).equals(content)).toBe(true);
  }), { numRuns: 15 });
});

it('goes on the usual way where a file system refuses to be written so', async () => {
  // Memory that begins within a block is refused like any such write. As long as any: a writer waits for buffers to be full.
  const memory = ring.map(({ length }) => (blockMemory(length + 8) ?? new Uint8Array(length + 8)).subarray(8));
  expect(await writeRest({ at: 5, memory })).toBe(content.length - 5);
  expect(readFileSync(path).equals(content)).toBe(true);
});

it('fails as a file does', async () => {
  await expect(writeRest({ unbuffered: '/dev/full' })).rejects.toMatchObject({ code: 'ENOSPC' });
  await expect(writeRest({ unbuffered: '/dev/full' })).rejects.toBeInstanceOf(SinkError);
});

it('has memory for so many files and no more', () => {
  const buffers = new BlockBuffers(2);
  const first = buffers.take() ?? [];
  expect([buffers.take(), buffers.take()].map((each) => each?.length)).toEqual([first.length, undefined]);
  buffers.give(first);
  expect(buffers.take()).toBe(first);
});
