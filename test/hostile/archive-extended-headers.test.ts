import { describe, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { assemble, forge, insertBefore, raw, type Segment } from './archive-forge.ts';

const { segments, refuses } = forge();
const blob = `blobs/sha256/${digestOf('hello').slice(7)}`;

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const digits = String(rest.length + String(rest.length).length).length;
  return `${rest.length + digits}${rest}`;
}

const extended = (type: 'ExtendedHeader' | 'GlobalExtendedHeader', ...records: readonly string[]): Segment => raw({ path: 'PaxHeader', type }, Buffer.from(records.join('')));

describe('extended headers', () => {
  it.each([
    ['size', '10737418240'], ['size', '0'], ['path', '../evil'], ['linkpath', '/etc/passwd'], ['uid', '1000'], ['mtime', '1'], ['comment', 'hi'],
    ['GNU.sparse.major', '1'], ['GNU.sparse.size', '10737418240'], ['GNU.sparse.map', '0,1'], ['SCHILY.xattr.user.x', 'y'],
  ])('that set %s=%s', async (key, value) => {
    await refuses(assemble(insertBefore(segments(), blob, extended('ExtendedHeader', record(key, value)))), 'INTEGRITY_ARCHIVE');
    await refuses(assemble(insertBefore(segments(), 'SHA256SUMS', extended('ExtendedHeader', record(key, value)))), 'INTEGRITY_ARCHIVE');
    await refuses(assemble(insertBefore(segments(), blob, extended('GlobalExtendedHeader', record(key, value)))), 'INTEGRITY_ARCHIVE');
    await refuses(assemble(insertBefore(segments(), 'README.txt', extended('GlobalExtendedHeader', record(key, value)))), 'INTEGRITY_ARCHIVE');
  });
  it('of 1 MiB', async () => refuses(assemble(insertBefore(segments(), 'SHA256SUMS', raw({ path: 'PaxHeader', type: 'ExtendedHeader' }, Buffer.alloc(1 << 20, 'x')))), 'INTEGRITY_ARCHIVE'));
  it('that say 10 GiB', async () => refuses(assemble(insertBefore(segments(), 'SHA256SUMS', raw({ path: 'PaxHeader', type: 'ExtendedHeader', size: 10 * 2 ** 30 }))), 'INTEGRITY_ARCHIVE'));
  it('one after the other', async () => {
    const one = extended('ExtendedHeader', record('path', 'files/x'));
    await refuses(assemble(insertBefore(segments(), 'SHA256SUMS', one, one)), 'INTEGRITY_ARCHIVE');
  });
  it('GNU sparse members', async () => refuses(assemble(insertBefore(segments(), 'SHA256SUMS', raw({ path: 'files/evil', type: 'SparseFile' as 'File' }))), 'INTEGRITY_ARCHIVE'));
});
