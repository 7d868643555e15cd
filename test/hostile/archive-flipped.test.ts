import { describe, it } from 'vitest';
import { forge } from './archive-forge.ts';

const { bytes, refuses } = forge();

describe('one flipped bit', () => {
  it('is found wherever it is', async () => {
    const { length } = bytes();
    for (let at = 3; at < length; at += Math.floor(length / 23)) {
      const tar = bytes();
      tar[at] = (tar[at] ?? 0) ^ 0x10;
      await refuses(tar, 'INTEGRITY_ARCHIVE', 'INPUT_ARCHIVE_FORMAT', 'INTEGRITY_DIGEST', 'INTEGRITY_SIZE');
    }
  });
});
