import { describe, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { assemble, forge, insertBefore, link, type LooseManifest, member, replace, resum, withManifest } from './archive-forge.ts';

const { segments, refuses } = forge();
const path = (content: string): string => `blobs/sha256/${digestOf(content).slice(7)}`;

describe('a manifest and a tar that disagree', () => {
  it('other content under a blob\'s name', async () => refuses(assemble(segments().map((segment) => (segment.entry?.path === path('hello') ? { ...segment, body: Buffer.from('HELLO') } : segment))), 'INTEGRITY_ARCHIVE'));
  it('two blobs in each other\'s place', async () => {
    const all = segments();
    const swapped = all.map((segment) => {
      if (segment.entry?.path === path('hello')) return member(path('jello'), 'jello');
      return segment.entry?.path === path('jello') ? member(path('hello'), 'hello') : segment;
    });
    await refuses(assemble(resum(swapped)), 'INTEGRITY_ARCHIVE');
  });
  it('a blob that the tar does not have', async () => refuses(assemble(resum(segments().filter((segment) => segment.entry?.path !== path('hello')))), 'INTEGRITY_ARCHIVE'));
  it('a blob that the manifest does not have', async () => refuses(assemble(resum(insertBefore(segments(), path('hello'), member(path('other'), 'other')))), 'INTEGRITY_ARCHIVE'));
  it('a blob less in the manifest, in whose place the tar has nothing listed', async () =>
    refuses(assemble(resum(withManifest(segments(), (manifest) => { manifest.blobs = manifest.blobs.filter((blob) => blob.digest !== digestOf('hello')); }))), 'INTEGRITY_ARCHIVE'));
  it('a file that the manifest does not list', async () => refuses(assemble(resum(insertBefore(segments(), 'SHA256SUMS', member('evil.sh', 'x')))), 'INTEGRITY_ARCHIVE'));
  it('a listed file with other content', async () => refuses(assemble(resum(replace(segments(), 'README.txt', member('README.txt', 'call 555-0100 for support')))), 'INTEGRITY_ARCHIVE'));
  it('a link less', async () => refuses(assemble(resum(segments().filter((segment) => segment.entry?.path !== 'files/a.txt'))), 'INTEGRITY_ARCHIVE'));
  it('a link that leads to another blob', async () => refuses(assemble(resum(replace(segments(), 'files/a.txt', link('files/a.txt', path('jello'))))), 'INTEGRITY_ARCHIVE'));
  it('a wrong SHA256SUMS', async () => refuses(assemble(replace(segments(), 'SHA256SUMS', member('SHA256SUMS', 'nothing to see\n'))), 'INTEGRITY_ARCHIVE'));
  it('signature files in an archive without a signature', async () =>
    refuses(assemble(resum(insertBefore(segments(), 'SHA256SUMS', member('keys/longshore.asc', 'a key')))), 'INTEGRITY_ARCHIVE'));
  it.each<[string, (manifest: LooseManifest) => void]>([
    ['another project', (manifest) => { manifest['project'] = 'other'; }],
    ['another sequence', (manifest) => { manifest['sequence'] = 99; }],
    ['another bundle', (manifest) => { manifest['bundle'] = manifest['lock']; }],
    ['blobs left to a base, of which there are none', (manifest) => { manifest['required'] = { count: 0, bytes: 5, digest: digestOf('') }; }],
    ['a lock that is a file', (manifest) => { manifest['lock'] = { mediaType: 'application/json', digest: digestOf('hello'), size: 5 }; }],
  ])('%s, other than the lock inside says', async (_, change) => refuses(assemble(resum(withManifest(segments(), change))), 'INTEGRITY_ARCHIVE', 'INPUT_SYNTAX', 'INPUT_FIELD'));
});
