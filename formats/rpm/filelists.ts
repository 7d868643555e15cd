// filelists.xml and other.xml of a yum repository: createrepo_c(8); the schemas "filelists" and "other" of the rpm-metadata project.
import type { Evr } from './evr.ts';
import type { RpmFile } from './package.ts';
import { PathFinder } from './path-finder.ts';
import { readFile } from './primary.ts';
import { readEvr, wholeNumber } from './relation-table.ts';
import { type RecordHandler, type RecordOptions, RecordReader } from './xml-records.ts';
import type { XmlScanner } from './xml-scanner.ts';

/** Which package a record of filelists or other is about. */
export interface RecordOwner {
  /** Its checksum in primary. */
  readonly pkgid: string;
  readonly name: string;
  readonly arch: string;
  readonly evr: Evr;
}

export interface RpmChangelog {
  readonly author: string;
  /** Seconds since 1970. */
  readonly date: number;
  readonly text: string;
}

export interface ListOptions extends Pick<RecordOptions, 'maxRecordBytes' | 'maxBytes'> {
  /** Whose index it is, for messages. */
  readonly subject: string;
}

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A record with `pkgid`, `name` and `arch`, `<version>`, and a row of items. */
class ListHandler<Item> implements RecordHandler {
  private readonly element: string;
  private readonly readItem: (scanner: XmlScanner) => Item;
  private readonly onPackage: (owner: RecordOwner, items: readonly Item[]) => void;
  private readonly pass: ((scanner: XmlScanner) => void) | undefined;
  private owner: RecordOwner | undefined;
  private items: Item[] = [];

  constructor(parts: {
    readonly element: string; readonly readItem: (scanner: XmlScanner) => Item; readonly onPackage: (owner: RecordOwner, items: readonly Item[]) => void;
    /** Moves the scanner over items that nobody wants, where it can tell so from their bytes. */
    readonly pass?: (scanner: XmlScanner) => void;
  }) {
    this.element = parts.element;
    this.readItem = parts.readItem;
    this.onPackage = parts.onPackage;
    this.pass = parts.pass;
  }

  record(scanner: XmlScanner): void {
    const [pkgid, name, arch] = ['pkgid', 'name', 'arch'].map((attribute) => scanner.attribute(attribute));
    if (pkgid === undefined || name === undefined || arch === undefined) throw scanner.fail('a package with pkgid, name and arch', 'one without');
    this.items = [];
    let evr: Evr | undefined;
    for (;;) {
      this.pass?.(scanner);
      const child = scanner.nextChild();
      if (child === undefined) break;
      const depth = scanner.depth - 1;
      if (child === 'version') {
        if (evr !== undefined) throw scanner.fail('one <version>', 'a second one');
        evr = readEvr(scanner);
      } else if (child === this.element) this.items.push(this.readItem(scanner));
      scanner.skipTo(depth);
    }
    if (evr === undefined) throw scanner.fail(`a <version> of ${name}`, 'none');
    this.owner = { pkgid, name, arch, evr };
  }

  finish(): void {
    if (this.owner !== undefined) this.onPackage(this.owner, this.items);
  }
}

async function readAll(chunks: Chunks, options: RecordOptions, handler: RecordHandler): Promise<void> {
  const reader = new RecordReader(options, handler);
  for await (const chunk of chunks) reader.push(chunk);
  reader.end();
}

/** Reads a decompressed filelists.xml; every package once, in order. Bounds and errors as `readPrimary`. */
export function readFilelists(chunks: Chunks, options: ListOptions, onPackage: (owner: RecordOwner, files: readonly RpmFile[]) => void): Promise<void> {
  return readAll(chunks, { ...options, root: 'filelists', record: 'package' }, new ListHandler({ element: 'file', readItem: readFile, onPackage }));
}

/** Which packages of a decompressed filelists.xml own each of `paths`; paths that none owns are not in the result. Faster than reading every path. */
export async function findOwners(chunks: Chunks, paths: Iterable<string>, options: ListOptions): Promise<ReadonlyMap<string, readonly RecordOwner[]>> {
  const finder = new PathFinder(paths);
  const owners = new Map<string, RecordOwner[]>();
  await readAll(chunks, { ...options, root: 'filelists', record: 'package' }, new ListHandler({
    element: 'file', readItem: readFile, pass: (scanner) => { finder.pass(scanner); },
    onPackage: (owner, files) => {
      for (const { path } of files) {
        if (!finder.has(path)) continue;
        const known = owners.get(path);
        if (known === undefined) owners.set(path, [owner]);
        else if (known.at(-1) !== owner) known.push(owner);
      }
    },
  }));
  return owners;
}

function readChangelog(scanner: XmlScanner): RpmChangelog {
  const author = scanner.attribute('author') ?? '';
  const dateText = scanner.attribute('date');
  const date = wholeNumber(dateText);
  if (date === undefined) throw scanner.fail('a changelog with a date in seconds', JSON.stringify(dateText));
  return { author, date, text: scanner.content() };
}

/** Reads a decompressed other.xml: the changelogs of every package, in order. Bounds and errors as `readPrimary`. */
export function readOther(chunks: Chunks, options: ListOptions, onPackage: (owner: RecordOwner, changelogs: readonly RpmChangelog[]) => void): Promise<void> {
  return readAll(chunks, { ...options, root: 'otherdata', record: 'package' }, new ListHandler({ element: 'changelog', readItem: readChangelog, onPackage }));
}
