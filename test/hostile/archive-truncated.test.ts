import { describe, it } from 'vitest';
import { forge } from './archive-forge.ts';

const { bytes, refuses } = forge();

describe('an archive that was cut', () => {
  it.each([0, 1, 511])('to %i bytes is no archive', async (size) => refuses(bytes().subarray(0, size), 'INPUT_ARCHIVE_FORMAT'));
  it('anywhere else is damaged', async () => {
    const tar = bytes();
    for (const size of [512, 700, 1024, 4096, 8191, 8192, 12_000, 16_384, 20_000, tar.length - 5000, tar.length - 1024, tar.length - 1023, tar.length - 512, tar.length - 1]) {
      await refuses(tar.subarray(0, size), 'INTEGRITY_ARCHIVE');
    }
  });
});
