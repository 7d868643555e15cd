import { describe, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { assemble, forge, indexOf, insertBefore, link, member, resum, type Segment, withManifest } from './archive-forge.ts';

const { segments, refuses } = forge();
const blob = `blobs/sha256/${digestOf('hello').slice(7)}`;
const at = (all: readonly Segment[], path: string): Segment => all[indexOf(all, path)] as Segment;

describe('members that come twice', () => {
  it.each(['longshore/manifest.json', 'README.txt', 'index.json'])('%s in the head', async (path) => {
    const all = segments();
    await refuses(assemble(insertBefore(all, 'oci-layout', at(all, path))), 'INTEGRITY_ARCHIVE');
  });
  it.each(['longshore/manifest.json', 'README.txt', blob, 'files/a.txt', 'SHA256SUMS'])('%s before the end', async (path) => {
    const all = segments();
    await refuses(assemble(insertBefore(all, 'SHA256SUMS', at(all, path))), 'INTEGRITY_ARCHIVE');
  });
  it('a blob among the content', async () => {
    const all = segments();
    await refuses(assemble(resum(insertBefore(all, blob, at(all, blob)))), 'INTEGRITY_ARCHIVE');
  });
  it('a blob in the manifest', async () => refuses(assemble(resum(withManifest(segments(), ({ blobs }) => { if (blobs[0] !== undefined) blobs.push(blobs[0]); }))), 'INTEGRITY_ARCHIVE'));
  it('a link with the name of another file', async () => refuses(assemble(resum(insertBefore(segments(), 'files/b.txt', link('files/a.txt', blob)))), 'INTEGRITY_ARCHIVE'));
  it('a file with the name of a blob', async () => refuses(assemble(insertBefore(segments(), 'SHA256SUMS', member(blob, 'jello'))), 'INTEGRITY_ARCHIVE'));
});
