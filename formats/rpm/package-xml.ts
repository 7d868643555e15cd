// Entries of primary.xml, filelists.xml and other.xml for one package, in the form of createrepo_c(8).
import type { RpmChangelog } from './filelists.ts';
import type { Evr } from './evr.ts';
import type { RpmChecksum, RpmFile, RpmRelations } from './package.ts';
import { isPrimaryPath, type PackageEntry } from './package-entry.ts';
import { emptyLocation } from './primary.ts';
import type { RpmOperator, RpmRelation } from './relation.ts';
import { escapeAttribute, escapeText } from './xml-text.ts';

const flags: Readonly<Record<RpmOperator, string>> = { '=': 'EQ', '<': 'LT', '<=': 'LE', '>': 'GT', '>=': 'GE' };

/** As createrepo_c writes the lists. */
const order = ['provides', 'requires', 'conflicts', 'obsoletes', 'suggests', 'enhances', 'recommends', 'supplements'] as const satisfies readonly (keyof RpmRelations)[];

function relationXml({ name, op, evr, pre }: RpmRelation): string {
  const version = op === undefined || evr === undefined ? '' : ` flags="${flags[op]}"${evr.version === '' && evr.release === '' ? '' : ` epoch="${evr.epoch}" ver="${escapeAttribute(evr.version)}"${evr.release === '' ? '' : ` rel="${escapeAttribute(evr.release)}"`}`}`;
  return `      <rpm:entry name="${escapeAttribute(name)}"${version}${pre === true ? ' pre="1"' : ''}/>\n`;
}

const fileXml = ({ path, type }: RpmFile, indent: string): string => `${indent}<file${type === undefined ? '' : ` type="${type}"`}>${escapeText(path)}</file>\n`;
const evrXml = ({ epoch, version, release }: Evr): string => `  <version epoch="${epoch}" ver="${escapeAttribute(version)}" rel="${escapeAttribute(release)}"/>\n`;

/**
 * The `<package>` element of primary.xml, with `<location href=""/>` where a mirror puts its own: a stanza as `LockedPackage.stanza` holds it. `size` is the file's.
 */
export function primaryXml(entry: PackageEntry, file: { readonly checksum: RpmChecksum; readonly size: number }): string {
  const element = (name: string, value: string): string => `<${name}>${escapeText(value)}</${name}>\n`;
  const lists = order.map((kind) => (entry.relations[kind].length === 0 ? '' : `    <rpm:${kind}>\n${entry.relations[kind].map(relationXml).join('')}    </rpm:${kind}>\n`));
  return `<package type="rpm">
  ${element('name', entry.name)}  ${element('arch', entry.arch)}${evrXml(entry.evr)}  <checksum type="${file.checksum.type}" pkgid="YES">${file.checksum.value}</checksum>
  ${element('summary', entry.summary)}  ${element('description', entry.description)}  ${element('packager', entry.packager)}  ${element('url', entry.url)}  <time file="${entry.buildTime}" build="${entry.buildTime}"/>
  <size package="${file.size}" installed="${entry.installedSize}" archive="${entry.archiveSize}"/>
  ${emptyLocation}
  <format>
    ${element('rpm:license', entry.licence)}    ${element('rpm:vendor', entry.vendor)}    ${element('rpm:group', entry.group)}    ${element('rpm:buildhost', entry.buildHost)}    ${
    element('rpm:sourcerpm', entry.sourceRpm)}    <rpm:header-range start="${entry.headerRange.start}" end="${entry.headerRange.end}"/>\n${lists.join('')}${
    entry.files.filter(({ path }) => isPrimaryPath(path)).map((item) => fileXml(item, '    ')).join('')}  </format>
</package>`;
}

/** Whom a record of filelists or other is about; `pkgid` is the checksum in primary. */
export interface RecordHead {
  readonly pkgid: string;
  readonly name: string;
  readonly arch: string;
  readonly evr: Evr;
}

const recordXml = ({ pkgid, name, arch, evr }: RecordHead, items: string): string =>
  `<package pkgid="${pkgid}" name="${escapeAttribute(name)}" arch="${escapeAttribute(arch)}">\n${evrXml(evr)}${items}</package>\n`;

/** The package's record in filelists.xml. */
export function filelistsXml(head: RecordHead, files: readonly RpmFile[]): string {
  return recordXml(head, files.map((file) => fileXml(file, '  ')).join(''));
}

/** The package's record in other.xml. */
export function otherXml(head: RecordHead, changelogs: readonly RpmChangelog[]): string {
  return recordXml(head, changelogs.map(({ author, date, text }) => `  <changelog author="${escapeAttribute(author)}" date="${date}">${escapeText(text)}</changelog>\n`).join(''));
}
