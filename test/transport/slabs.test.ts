import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slabs } from '../../transport/slabs.ts';
import { runs } from '../support/runs.ts';

/** From any of its first 251 bytes on, what a content is from there on, for as long as a slab. */
const pattern = Uint8Array.from({ length: 280_000 + 251 }, (_, at) => at % 251);

describe('slabs', () => {
  it('give what was received, in order, and leave it alone until three more were taken', () => {
    const steps = fc.array(fc.oneof(fc.record({ receive: fc.integer({ min: 1, max: 280_000 }) }), fc.constant('take' as const), fc.constant('next' as const)), { maxLength: 120 });
    fc.assert(fc.property(steps, (all) => {
      let slabs = new Slabs(1e9);
      let [sent, taken] = [0, 0];
      const held: { readonly bytes: Uint8Array; readonly first: number }[] = [];
      for (const step of all) {
        if (step === 'next') {
          while (slabs.waitingBytes > 0) taken += slabs.take()?.length ?? 0;
          held.length = 0;
          slabs = new Slabs(1e9, slabs);
          continue;
        }
        if (step === 'take') {
          const bytes = slabs.take();
          if (bytes === undefined) { expect(sent).toBe(taken); continue; }
          held.push({ bytes, first: taken });
          if (held.length > 4) held.shift();
          taken += bytes.length;
        } else {
          const room = slabs.room();
          const count = Math.min(step.receive, room.length);
          room.set(pattern.subarray(sent % 251, (sent % 251) + count));
          slabs.received(count);
          sent += count;
        }
        expect(slabs.waitingBytes).toBe(sent - taken);
        for (const { bytes, first } of held) expect([bytes[0], bytes.at(-1)]).toEqual([first % 251, (first + bytes.length - 1) % 251]);
      }
    }), { numRuns: runs(200) });
  });

  it('are as small as the body, and hold all of it', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 700_000 }), fc.integer({ min: 1, max: 200_000 }), (length, least) => {
      // Single bytes of short bodies; of long ones they would take minutes.
      const step = Math.max(least, Math.ceil(length / 300));
      const slabs = new Slabs(length);
      let [sent, taken] = [0, 0];
      while (sent < length) {
        const count = Math.min(step, slabs.room().length, length - sent);
        expect(count).toBeGreaterThan(0);
        slabs.received(count);
        sent += count;
        if (length < 262_144) expect(slabs.room().buffer.byteLength).toBe(length);
        if (sent % 3 === 0) taken += slabs.take()?.length ?? 0;
      }
      for (let bytes = slabs.take(); bytes !== undefined; bytes = slabs.take()) taken += bytes.length;
      expect(taken).toBe(length);
    }));
  });

  it('come to an end of new memory', () => {
    const slabs = new Slabs(1e9);
    const buffers = new Set<ArrayBufferLike>();
    for (let round = 0; round < 100; round += 1) {
      const room = slabs.room();
      buffers.add(room.buffer);
      slabs.received(room.length);
      slabs.take();
    }
    expect(buffers.size).toBeLessThan(8);
  });
});
