import { describe, expect, it } from 'vitest';
import { assemble, forge, member, raw, type Segment } from './archive-forge.ts';

const { segments, refuses } = forge();
const huge = 10 * 2 ** 30;

/** A member that says 10 GiB and has none of it. */
const claim = (path: string): Segment => ({ ...raw({ path, type: 'File', size: huge }), body: Buffer.alloc(0) });

describe('headers that claim 10 GiB', () => {
  it.each(['longshore/manifest.json', 'longshore/manifest.json.asc', 'README.txt', 'oci-layout', 'index.json'])('%s', async (path) => {
    const before = process.memoryUsage().rss;
    const all = segments();
    await refuses(assemble(path === 'longshore/manifest.json' ? [claim(path), ...all.slice(1)] : [...all.slice(0, 1), claim(path), ...all.slice(1)]), 'INTEGRITY_ARCHIVE');
    expect(process.memoryUsage().rss - before).toBeLessThan(400 << 20);
  });
  it('SHA256SUMS', async () => refuses(assemble([...segments().slice(0, -1), claim('SHA256SUMS')]), 'INTEGRITY_ARCHIVE'));
  it('in base 256, with the sign bit', async () => {
    const block = Buffer.from(member('x', 'x').header);
    block.fill(0xff, 124, 136);
    await refuses(assemble([...segments().slice(0, -1), { header: block, body: Buffer.alloc(0) }]), 'INTEGRITY_ARCHIVE');
  });
});
