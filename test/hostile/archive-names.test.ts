import { describe, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { assemble, forge, insertBefore, link, member, raw, resum, withManifest } from './archive-forge.ts';

const { segments, refuses } = forge();
const blob = `blobs/sha256/${digestOf('hello').slice(7)}`;
const names = ['/etc/passwd', '../evil', 'files/../../evil', 'files//evil', 'files/./evil', 'files/evil/', 'C:\\evil', 'files\\..\\evil', 'files/\u0001', ''];

describe('names that leave their folder', () => {
  it.each(names)('as a hard link: %j', async (name) => refuses(assemble(resum(insertBefore(segments(), 'SHA256SUMS', link(name, blob)))), 'INTEGRITY_ARCHIVE'));
  it.each(names)('as a file that the manifest lists: %j', async (name) => {
    const listed = withManifest(segments(), (manifest) => manifest.files.push({ path: name, digest: digestOf('x'), size: 1 }));
    await refuses(assemble(resum(insertBefore(listed, 'SHA256SUMS', member(name, 'x')))), 'INTEGRITY_ARCHIVE');
  });
  it('as a member before the content', async () => {
    const all = segments();
    await refuses(assemble(resum([...all.slice(0, 1), member('../evil', 'x'), ...all.slice(1)])), 'INTEGRITY_ARCHIVE');
  });
  it('with a prefix field', async () => refuses(assemble(insertBefore(segments(), 'SHA256SUMS', raw({ path: `/${'x/'.repeat(60)}evil`, type: 'File' }))), 'INTEGRITY_ARCHIVE'));
});
