import { describe, it } from 'vitest';
import { assemble, forge, insertBefore, link, raw, resum } from './archive-forge.ts';

const { segments, refuses } = forge();

describe('links out of the tree', () => {
  it.each(['/etc/passwd', '../../etc/passwd', 'blobs/sha256/none', 'files/a.txt', 'longshore/manifest.json', 'SHA256SUMS', ''])('hard link to %j', async (to) =>
    refuses(assemble(resum(insertBefore(segments(), 'SHA256SUMS', link('files/evil', to)))), 'INTEGRITY_ARCHIVE'));
  it.each(['/etc', '..', 'blobs'])('symbolic link to %j', async (linkpath) =>
    refuses(assemble(insertBefore(segments(), 'SHA256SUMS', raw({ path: 'files/evil', type: 'SymbolicLink', linkpath }))), 'INTEGRITY_ARCHIVE'));
  it('a link before the content', async () => {
    const all = segments();
    await refuses(assemble([...all.slice(0, 2), link('files/evil', 'README.txt'), ...all.slice(2)]), 'INTEGRITY_ARCHIVE');
  });
});
