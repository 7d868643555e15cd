// The tables of a deb universe as bytes and back: see table-image.ts.
import { NameTable } from './name-table.ts';
import { bytesOf, numbersIn, sectionsFrom, tableImage } from './table-image.ts';
import { Numbers, numberTables, Texts, type UniverseTables } from './universe-tables.ts';

/** Changes whenever what is kept, or how it is made, changes. */
const version = 'universe 8';

/** The parts of the image, in order; views where they can be. */
export function universeImage(tables: UniverseTables): Buffer[] {
  const names = tables.names.parts();
  return tableImage(version, [bytesOf(names.slots), bytesOf(names.hashes), bytesOf(names.starts), names.arena, tables.texts.view(), ...numberTables.map((name) => bytesOf(tables[name].view()))]);
}

/** The tables of an image; undefined when it is of another version or damaged. The bytes are kept and may be written to. */
export function universeFrom(image: Buffer): UniverseTables | undefined {
  const sections = sectionsFrom(image, version, 5 + numberTables.length);
  if (sections === undefined) return undefined;
  const [slots = image, hashes = image, starts = image, arena = image, texts = image, ...rest] = sections;
  const table = (name: (typeof numberTables)[number]): Numbers => {
    const view = numbersIn(rest[numberTables.indexOf(name)] ?? image);
    return new Numbers(view, view.length);
  };
  return {
    names: NameTable.from({ slots: numbersIn(slots), hashes: numbersIn(hashes), starts: numbersIn(starts), arena }), texts: new Texts(texts, texts.length),
    offsets: table('offsets'), owners: table('owners'), indexes: table('indexes'), bounds: table('bounds'), checks: table('checks'), flags: table('flags'), lastVersion: table('lastVersion'),
    previousVersion: table('previousVersion'), lastProvider: table('lastProvider'), providerLinks: table('providerLinks'), repeats: table('repeats'), mentions: table('mentions'), mentionedAt: table('mentionedAt'),
  };
}
