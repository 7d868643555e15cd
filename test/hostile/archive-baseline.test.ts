import { describe, expect, it } from 'vitest';
import { assemble, forge, realign, resum, withManifest } from './archive-forge.ts';

const { segments, bytes, accepts } = forge();

describe('the forge', () => {
  it('puts an archive together again as it was: what a test changes is all that is wrong', async () => {
    expect(assemble(segments()).equals(bytes())).toBe(true);
    expect(assemble(resum(realign(segments()))).equals(bytes())).toBe(true);
    await accepts(assemble(resum(withManifest(segments(), (manifest) => { manifest['later'] = 'a minor version may add properties'; }))));
  });
});
