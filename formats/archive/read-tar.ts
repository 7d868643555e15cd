// Entries of a tar that somebody else wrote, in memory: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"; GNU long names.
import { Header, Pax } from 'tar';
import { BundleError } from '../../bom/errors.ts';
import { blockBytes, paddedSize } from './tar-header.ts';

export interface ReadEntry {
  /** As the tar says it. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'symlink' | 'hardlink' | 'other';
  readonly linkpath: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

const maxEntries = 50_000;
const maxHeaderBytes = 1 << 20;

/** Every entry, in order; contents are views into `bytes`. Throws `INTEGRITY_METADATA` for what is no whole tar. */
export function* readTar(bytes: Buffer, subject: string): Generator<ReadEntry> {
  const pending: { ex?: Pax; path?: string; link?: string } = {};
  let entries = 0;
  for (let at = 0; at + blockBytes <= bytes.length;) {
    const header = decode(bytes, { at, ex: pending.ex, subject });
    if (header.nullBlock) return;
    if (!header.cksumValid) throw damaged(subject, 'a tar header', `something else at byte ${at}`);
    const isLink = header.type === 'SymbolicLink' || header.type === 'Link';
    const size = isLink ? 0 : header.size ?? 0;
    const start = at + blockBytes;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.length) throw damaged(subject, 'a whole tar', 'its end inside an entry');
    at = start + paddedSize(size);
    const content = bytes.subarray(start, start + size);
    if (isExtension(header.type)) { extend(pending, header.type, content, subject); continue; }
    entries += 1;
    if (entries > maxEntries) throw damaged(subject, `at most ${maxEntries} entries`, 'more');
    yield { path: pending.path ?? header.path ?? '', type: typeOf(header.type), linkpath: pending.link ?? header.linkpath ?? '', mode: header.mode ?? 0o644, content };
    for (const key of ['ex', 'path', 'link'] as const) delete pending[key];
  }
}

function decode(bytes: Buffer, { at, ex, subject }: { readonly at: number; readonly ex: Pax | undefined; readonly subject: string }): Header {
  try {
    const header = new Header(bytes, at, ex);
    if (ex?.path !== undefined) header.path = ex.path;
    return header;
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a tar header', actual: `something else at byte ${at}` }, { cause });
  }
}

function isExtension(type: string): boolean {
  return ['GlobalExtendedHeader', 'ExtendedHeader', 'OldExtendedHeader', 'NextFileHasLongPath', 'NextFileHasLongLinkpath'].includes(type);
}

function extend(pending: { ex?: Pax; path?: string; link?: string }, type: string, content: Buffer, subject: string): void {
  if (content.length > maxHeaderBytes) throw damaged(subject, `an extended header of at most ${maxHeaderBytes} bytes`, `${content.length} bytes`);
  const text = content.toString('utf8');
  if (type === 'NextFileHasLongPath') pending.path = text.replace(/\0.*$/s, '');
  else if (type === 'NextFileHasLongLinkpath') pending.link = text.replace(/\0.*$/s, '');
  else if (type !== 'GlobalExtendedHeader') pending.ex = Pax.parse(text, pending.ex, false);
}

function typeOf(type: string): ReadEntry['type'] {
  switch (type) {
    case 'File': case 'OldFile': case 'ContiguousFile': return 'file';
    case 'Directory': case 'GNUDumpDir': return 'folder';
    case 'SymbolicLink': return 'symlink';
    case 'Link': return 'hardlink';
    default: return 'other';
  }
}

function damaged(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}
