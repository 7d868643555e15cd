// primary.xml of a yum repository: createrepo_c(8); the schema "primary" of the rpm-metadata project.
import { BundleError } from '../../bom/errors.ts';
import { checksumOf } from './checksum.ts';
import type { Evr } from './evr.ts';
import { readLocation } from './location.ts';
import { type RpmChecksum, type RpmFile, type RpmPackage, type RpmRelations, relationKinds } from './package.ts';
import type { RpmRelation } from './relation.ts';
import { readEvr, RelationTable, wholeNumber } from './relation-table.ts';
import { type RecordHandler, type RecordOptions, type RecordPlace, RecordReader } from './xml-records.ts';
import type { XmlScanner } from './xml-scanner.ts';

export interface PrimaryOptions extends Pick<RecordOptions, 'maxRecordBytes' | 'maxBytes'> {
  /** Whose index it is, for messages. */
  readonly subject: string;
}

export interface PrimaryFacts {
  /** Packages handed over. */
  readonly count: number;
  /** What the root element says; informative, clients do not mind it. */
  readonly declared: number | undefined;
}

/** `<checksum type="sha256" pkgid="YES">hex</checksum>` just opened. */
function readChecksum(scanner: XmlScanner): RpmChecksum {
  const type = scanner.attribute('type');
  const text = scanner.content();
  const checksum = checksumOf(type, text);
  if (checksum === undefined) throw scanner.fail('a checksum of a known type', JSON.stringify(`${type ?? ''} ${text}`.slice(0, 150)));
  return checksum;
}

function sizeAttribute(scanner: XmlScanner, name: string): number {
  const text = scanner.attribute(name);
  const size = wholeNumber(text ?? '0');
  if (size === undefined) throw scanner.fail(`${name}: a whole number, not below 0`, JSON.stringify(text));
  return size;
}

/** What has been read of the package at hand; each element once. */
interface Draft {
  name?: string;
  arch?: string;
  evr?: Evr;
  checksum?: RpmChecksum;
  summary?: string;
  buildTime?: number;
  size?: number;
  installedSize?: number;
  location?: string;
  base?: string;
  locationStart?: number;
  locationEnd?: number;
  hasFormat?: boolean;
  vendor?: string;
  licence?: string;
  sourceRpm?: string;
  headerRange?: { readonly start: number; readonly end: number };
  files: RpmFile[];
  relations: { -readonly [kind in keyof RpmRelations]?: readonly RpmRelation[] };
}

const kindOf: ReadonlyMap<string, keyof RpmRelations> = new Map(relationKinds.map((kind) => [`rpm:${kind}`, kind]));
const none: readonly RpmRelation[] = [];

class PrimaryHandler implements RecordHandler {
  private readonly table = new RelationTable();
  private readonly onPackage: (item: RpmPackage) => void;
  private draft: Draft = { files: [], relations: {} };
  count = 0;
  declared: number | undefined;

  constructor(onPackage: (item: RpmPackage) => void) {
    this.onPackage = onPackage;
  }

  root(scanner: XmlScanner): void {
    this.declared = wholeNumber(scanner.attribute('packages'));
  }

  record(scanner: XmlScanner): void {
    const type = scanner.attribute('type');
    if (type !== undefined && type !== 'rpm') throw scanner.fail('packages of type rpm', JSON.stringify(type));
    const draft: Draft = { files: [], relations: {} };
    this.draft = draft;
    for (let name = scanner.nextChild(); name !== undefined; name = scanner.nextChild()) this.element(scanner, name, draft);
  }

  private element(scanner: XmlScanner, name: string, draft: Draft): void {
    const depth = scanner.depth - 1;
    switch (name) {
      case 'name': once(scanner, draft.name); draft.name = scanner.content(); break;
      case 'arch': once(scanner, draft.arch); draft.arch = scanner.content(); break;
      case 'version': once(scanner, draft.evr); draft.evr = readEvr(scanner); break;
      case 'checksum': once(scanner, draft.checksum); draft.checksum = readChecksum(scanner); break;
      case 'summary': draft.summary = scanner.content(); break;
      case 'time': draft.buildTime = sizeAttribute(scanner, 'build'); break;
      case 'size':
        once(scanner, draft.size);
        draft.size = sizeAttribute(scanner, 'package');
        draft.installedSize = sizeAttribute(scanner, 'installed');
        break;
      case 'location':
        once(scanner, draft.location);
        Object.assign(draft, readLocation(scanner));
        draft.locationStart = scanner.tokenStart;
        scanner.skipTo(depth);
        draft.locationEnd = scanner.at;
        break;
      case 'format':
        once(scanner, draft.hasFormat);
        draft.hasFormat = true;
        for (let field = scanner.nextChild(); field !== undefined; field = scanner.nextChild()) this.field(scanner, field, draft);
        break;
    }
    scanner.skipTo(depth);
  }

  private field(scanner: XmlScanner, name: string, draft: Draft): void {
    const depth = scanner.depth - 1;
    const kind = kindOf.get(name);
    if (kind !== undefined) {
      once(scanner, draft.relations[kind]);
      draft.relations[kind] = this.table.read(scanner);
      return;
    }
    switch (name) {
      case 'file': draft.files.push(readFile(scanner)); break;
      case 'rpm:license': draft.licence = scanner.content(); break;
      case 'rpm:vendor': draft.vendor = scanner.content(); break;
      case 'rpm:sourcerpm': draft.sourceRpm = scanner.content(); break;
      case 'rpm:header-range': draft.headerRange = { start: sizeAttribute(scanner, 'start'), end: sizeAttribute(scanner, 'end') }; break;
    }
    scanner.skipTo(depth);
  }

  finish(place: RecordPlace, scanner: XmlScanner): void {
    this.count += 1;
    this.onPackage(packageOf(this.draft, place, scanner));
  }
}

/** Two answers to one question are how two readers come to see two packages. */
function once(scanner: XmlScanner, before: unknown): void {
  if (before !== undefined) throw scanner.fail('each element of a package once', `a second <${scanner.name}>`);
}

/** `<file>` just opened: primary, filelists. */
export function readFile(scanner: XmlScanner): RpmFile {
  const type = scanner.attribute('type');
  const path = scanner.content();
  return type === 'dir' || type === 'ghost' ? { path, type } : { path };
}

function packageOf(draft: Draft, place: RecordPlace, scanner: XmlScanner): RpmPackage {
  const { name, arch, evr, checksum, location, size, headerRange } = draft;
  if (name === undefined || name === '' || arch === undefined || arch === '' || evr === undefined || evr.version === '' || checksum === undefined || location === undefined || size === undefined) {
    throw scanner.fail('a package with name, arch, version, checksum, size and location', `${name ?? 'one'} without some of them`);
  }
  if (headerRange !== undefined && (headerRange.start > headerRange.end || headerRange.end > size)) throw scanner.fail(`a header within the ${size} bytes of ${name}`, `${headerRange.start} to ${headerRange.end}`);
  const { bytes } = scanner;
  const from = place.offset - scanner.base;
  const { locationStart = 0, locationEnd = 0, relations } = draft;
  return {
    name, arch, evr, checksum, location, size, place,
    ...(draft.base === undefined ? {} : { base: draft.base }),
    ...(draft.summary === undefined ? {} : { summary: draft.summary }),
    ...(draft.vendor === undefined ? {} : { vendor: draft.vendor }),
    ...(draft.licence === undefined ? {} : { licence: draft.licence }),
    ...(headerRange === undefined ? {} : { headerRange }),
    installedSize: draft.installedSize ?? 0,
    buildTime: draft.buildTime ?? 0,
    sourceRpm: draft.sourceRpm ?? '',
    provides: relations.provides ?? none,
    requires: relations.requires ?? none,
    conflicts: relations.conflicts ?? none,
    obsoletes: relations.obsoletes ?? none,
    recommends: relations.recommends ?? none,
    suggests: relations.suggests ?? none,
    supplements: relations.supplements ?? none,
    enhances: relations.enhances ?? none,
    files: draft.files,
    slice: () => {
      const [before, after] = [bytes.toString('utf8', from, locationStart), bytes.toString('utf8', locationEnd, from + place.length)];
      // Only a comment or a CDATA section can hold these characters.
      if (before.includes(emptyLocation) || after.includes(emptyLocation)) throw scanner.fail(`one location of ${name}`, 'a second one');
      return before + emptyLocation + after;
    },
  };
}

/** Stands in a stanza where a mirror puts its own location. */
export const emptyLocation = '<location href=""/>';

/**
 * Reads a decompressed primary.xml in chunks of any size; every package is handed over once, in order of the index. What is kept between packages
 * is one table of the index's relations. Throws `INTEGRITY_METADATA`: not well formed (see `XmlScanner`), cut, an element twice, a field missing,
 * numbers that are none, a location that leaves the repository, a header range beyond the file, sizes above the limits.
 */
export class PrimaryReader {
  private readonly handler: PrimaryHandler;
  private readonly reader: RecordReader;

  constructor(options: PrimaryOptions, onPackage: (item: RpmPackage) => void) {
    this.handler = new PrimaryHandler(onPackage);
    this.reader = new RecordReader({ ...options, root: 'metadata', record: 'package' }, this.handler);
  }

  push(chunk: Uint8Array): void {
    this.reader.push(chunk);
  }

  end(): PrimaryFacts {
    this.reader.end();
    return { count: this.handler.count, declared: this.handler.declared };
  }
}

/** {@link PrimaryReader} over a whole stream. */
export async function readPrimary(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: PrimaryOptions, onPackage: (item: RpmPackage) => void): Promise<PrimaryFacts> {
  const reader = new PrimaryReader(options, onPackage);
  for await (const chunk of chunks) reader.push(chunk);
  return reader.end();
}

/**
 * The stanzas (`RpmPackage.slice`) of the packages at `places`, cut out of the decompressed index in a second pass; in the order of `places`.
 * Throws `INTEGRITY_METADATA` when the index does not hold packages there: it is not the one that was read before.
 */
export async function cutStanzas(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, places: readonly RecordPlace[], options: PrimaryOptions): Promise<readonly string[]> {
  const order = [...new Map(places.map((place) => [place.offset, place])).values()].sort((a, b) => a.offset - b.offset);
  const found = new Map<number, Buffer>();
  const pieces: Uint8Array[] = [];
  let base = 0;
  for await (const chunk of chunks) {
    for (let place = order[found.size]; place !== undefined && place.offset < base + chunk.length; place = order[found.size]) {
      const end = place.offset + place.length - base;
      pieces.push(Uint8Array.from(chunk.subarray(Math.max(0, place.offset - base), Math.max(0, end))));
      if (end > chunk.length) break;
      found.set(place.offset, Buffer.concat(pieces.splice(0)));
    }
    base += chunk.length;
    if (found.size === order.length) break;
  }
  const texts = order.map((place) => found.get(place.offset)?.toString('utf8'));
  const stanzas = stanzasAt(texts, order, options);
  const byOffset = new Map(order.map(({ offset }, index) => [offset, stanzas[index] ?? '']));
  return places.map(({ offset }) => byOffset.get(offset) ?? '');
}

/** The stanzas of packages, whose elements in the index are `texts`, from `places`. All with one reader: its tables cost more than the text. Throws as {@link cutStanzas}. */
export function stanzasAt(texts: readonly (string | undefined)[], places: readonly RecordPlace[], { subject }: PrimaryOptions): readonly string[] {
  const stanzas: string[] = [];
  const reader = new PrimaryReader({ subject }, (item) => { stanzas.push(item.slice()); });
  reader.push(Buffer.from('<metadata>'));
  for (const [index, text] of texts.entries()) {
    if (text?.startsWith('<package') === true) reader.push(Buffer.from(text));
    if (text?.startsWith('<package') === true && text.endsWith('</package>') && stanzas.length === index + 1) continue;
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: `a package at byte ${places[index]?.offset ?? 0}`, actual: 'something else: the index changed' });
  }
  reader.push(Buffer.from('</metadata>'));
  reader.end();
  return stanzas;
}
