// File lists and changelogs of rpm packages, read out of the blobs where they lie.
import { closeSync, openSync, readSync } from 'node:fs';
import type { RpmDetails } from '../formats/rpm/mirror.ts';
import { packageEntry } from '../formats/rpm/package-entry.ts';
import { parseRpmHead, rpmHeadBytes } from '../formats/rpm/package-head.ts';
import { storageError } from './durable-file.ts';

/** A package that lies in one piece at `offset` of a file. */
export interface RpmAt {
  /** Of the package, for messages and as key. */
  readonly digest: string;
  readonly what: string;
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** Most heads are smaller. */
const firstBytes = 16 << 10;

/** One for all reads of a thread, which follow each other; what is kept of a head are strings of its own. */
let scratch = Buffer.allocUnsafe(firstBytes);

class HeadFile {
  private readonly path: string;
  private readonly file: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.file = openSync(path, 'r');
    } catch (cause) {
      throw storageError(path, cause);
    }
  }

  /** The bytes stand until the next read. */
  read(offset: number, length: number): Buffer {
    if (scratch.length < length) scratch = Buffer.allocUnsafe(length);
    const bytes = scratch;
    let filled = 0;
    try {
      for (let got = 1; filled < length && got > 0; filled += got) got = readSync(this.file, bytes, filled, length - filled, offset + filled);
    } catch (cause) {
      throw storageError(this.path, cause);
    }
    return bytes.subarray(0, filled);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** What mirrors need of a package's head. `bytes` may be all of the file, or less; `more` reads on to the length asked for. Throws `INTEGRITY_METADATA`. */
export function rpmDetails(bytes: Uint8Array, what: string, more: (length: number) => Uint8Array): RpmDetails {
  let head = bytes;
  for (let needed = rpmHeadBytes(head, what); needed > head.length; needed = rpmHeadBytes(head, what)) {
    const before = head.length;
    head = more(needed);
    if (head.length <= before) break;
  }
  const { files, changelogs } = packageEntry(parseRpmHead(head, what));
  return { files, changelogs };
}

/** By digest. Blocks while it reads: for threads and commands, not for a service that answers meanwhile. Throws `INTEGRITY_METADATA` for what is no rpm, `STORAGE_IO`. */
export function readRpmDetails(packages: readonly RpmAt[]): Map<string, RpmDetails> {
  const found = new Map<string, RpmDetails>();
  let file: HeadFile | undefined;
  let path = '';
  try {
    for (const item of packages) {
      if (file === undefined || item.path !== path) {
        file?.close();
        file = undefined;
        file = new HeadFile(item.path);
        path = item.path;
      }
      const open = file;
      found.set(item.digest, rpmDetails(open.read(item.offset, Math.min(item.size, firstBytes)), item.what, (length) => open.read(item.offset, Math.min(item.size, length))));
    }
  } finally {
    file?.close();
  }
  return found;
}
