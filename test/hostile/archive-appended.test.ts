import { describe, it } from 'vitest';
import { assemble, forge, member } from './archive-forge.ts';

const { bytes, segments, refuses } = forge();

describe('an archive with something after its end', () => {
  it.each([1, 512, 10_240])('%i zeros', async (count) => refuses(Buffer.concat([bytes(), Buffer.alloc(count)]), 'INTEGRITY_ARCHIVE'));
  it('another archive', async () => refuses(Buffer.concat([bytes(), bytes()]), 'INTEGRITY_ARCHIVE'));
  it('a member after SHA256SUMS', async () => refuses(assemble([...segments(), member('files/evil', 'x')]), 'INTEGRITY_ARCHIVE'));
});
