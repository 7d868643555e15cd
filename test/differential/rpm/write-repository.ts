// rpm-md of packages that exist only as metadata: enough for a solver, nothing to download.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { relationKinds } from '../../../formats/rpm/package.ts';
import type { RpmRelation } from '../../../formats/rpm/relation.ts';
import type { MadePackage } from './debian-universe.ts';

const flagOf = { '=': 'EQ', '<': 'LT', '<=': 'LE', '>': 'GT', '>=': 'GE' } as const;
const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function entry({ name, op, evr }: RpmRelation): string {
  if (op === undefined || evr === undefined) return `<rpm:entry name="${escape(name)}"/>`;
  return `<rpm:entry name="${escape(name)}" flags="${flagOf[op]}" epoch="${evr.epoch}" ver="${escape(evr.version)}"${evr.release === '' ? '' : ` rel="${escape(evr.release)}"`}/>`;
}

const idOf = (item: MadePackage): string => createHash('sha256').update(`${item.name} ${item.evr.epoch}:${item.evr.version}-${item.evr.release} ${item.arch}`).digest('hex');
const version = ({ evr }: MadePackage): string => `<version epoch="${evr.epoch}" ver="${escape(evr.version)}" rel="${escape(evr.release)}"/>`;

function packageText(item: MadePackage, vendor: string): string {
  const relations = relationKinds.map((kind) => (item.deps[kind].length === 0 ? '' : `<rpm:${kind}>${item.deps[kind].map(entry).join('')}</rpm:${kind}>`)).join('');
  return `<package type="rpm"><name>${escape(item.name)}</name><arch>${item.arch}</arch>${version(item)}<checksum type="sha256" pkgid="YES">${idOf(item)}</checksum>`
    + `<summary>s</summary><description>d</description><packager/><url/><time file="1" build="1"/><size package="1000" installed="1000" archive="1000"/><location href="Packages/${idOf(item)}.rpm"/>`
    + `<format><rpm:license>l</rpm:license>${vendor === '' ? '<rpm:vendor/>' : `<rpm:vendor>${vendor}</rpm:vendor>`}<rpm:group>g</rpm:group><rpm:buildhost>h</rpm:buildhost><rpm:sourcerpm>${escape(item.name)}.src.rpm</rpm:sourcerpm><rpm:header-range start="1" end="2"/>${relations}`
    + `${item.files.map((path) => `<file>${escape(path)}</file>`).join('')}</format></package>\n`;
}

function filesText(item: MadePackage): string {
  return `<package pkgid="${idOf(item)}" name="${escape(item.name)}" arch="${item.arch}">${version(item)}${[...item.files, ...item.moreFiles].map((path) => `<file>${escape(path)}</file>`).join('')}</package>\n`;
}

export interface WrittenRepository { readonly path: string; readonly primary: string; readonly filelists: string }

/** Writes `repodata` below `path`; modules and comps as they are. */
export async function writeRepository(path: string, packages: readonly MadePackage[], extra: { readonly modules?: string; readonly group?: string; readonly vendor?: string } = {}): Promise<WrittenRepository> {
  const folder = join(path, 'repodata');
  await mkdir(folder, { recursive: true });
  const documents: Record<string, string> = {
    primary: `<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${packages.length}">\n${packages.map((item) => packageText(item, extra.vendor ?? '')).join('')}</metadata>\n`,
    filelists: `<?xml version="1.0" encoding="UTF-8"?>\n<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="${packages.length}">\n${packages.map(filesText).join('')}</filelists>\n`,
    ...(extra.modules === undefined ? {} : { modules: extra.modules }), ...(extra.group === undefined ? {} : { group: extra.group }),
  };
  const entries: string[] = [];
  for (const [type, text] of Object.entries(documents)) {
    const packed = gzipSync(text, { level: 1 });
    const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
    await writeFile(join(folder, `${type}.gz`), packed);
    entries.push(`<data type="${type}"><checksum type="sha256">${hash(packed)}</checksum><open-checksum type="sha256">${hash(text)}</open-checksum><location href="repodata/${type}.gz"/><timestamp>1</timestamp><size>${packed.length}</size><open-size>${Buffer.byteLength(text)}</open-size></data>`);
  }
  await writeFile(join(folder, 'repomd.xml'), `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm"><revision>1</revision>${entries.join('')}</repomd>\n`);
  return { path, primary: join(folder, 'primary.gz'), filelists: join(folder, 'filelists.gz') };
}
