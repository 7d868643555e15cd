// Small tars that other tools wrote, whole in memory: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "GNU tar and POSIX tar".
import { Header, Pax } from 'tar';
import { BundleError } from '../../bom/errors.ts';
import { blockBytes, paddedSize } from './tar-header.ts';

export interface ForeignTarFile {
  /** As its header says it, without a leading `./`. */
  readonly path: string;
  readonly content: Buffer;
}

/** Bounds what a tar of nothing but headers can cost. */
const maxMembers = 100_000;

/**
 * The regular files of `bytes` in order; everything else is passed over. Nothing is unpacked, so paths are not judged. Throws
 * `INTEGRITY_METADATA` for a damaged header, a length that leaves the tar, and an end in the middle.
 */
export function readForeignTar(bytes: Buffer, subject: string): ForeignTarFile[] {
  const bad = (actual: string): BundleError => new BundleError('INTEGRITY_METADATA', { subject, expected: 'a whole tar', actual });
  const files: ForeignTarFile[] = [];
  let at = 0;
  let longName: string | undefined;
  for (let members = 0; at < bytes.length; members += 1) {
    if (members > maxMembers) throw bad(`more than ${maxMembers} members`);
    if (at + blockBytes > bytes.length) throw bad('an end in the middle of a header');
    const header = new Header(bytes, at);
    if (header.nullBlock) return files;
    if (!header.cksumValid) throw bad(`a damaged header at byte ${at}`);
    const size = header.size ?? 0;
    const start = at + blockBytes;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.length) throw bad(`a member of ${size} bytes at byte ${at}, beyond the end`);
    const content = bytes.subarray(start, start + size);
    at = start + paddedSize(size);
    if (header.type === 'NextFileHasLongPath' || header.type === 'OldGnuLongPath') longName = content.toString('utf8').replace(/\0.*$/s, '');
    else if (header.type === 'ExtendedHeader') longName = Pax.parse(content.toString('utf8')).path;
    else {
      const path = (longName ?? header.path ?? '').replace(/^(?:\.\/)+/, '');
      longName = undefined;
      if (header.type === 'File' || header.type === 'OldFile') files.push({ path, content });
    }
  }
  return files;
}
