import { createHash } from 'node:crypto';
import type { PrivateKey } from 'openpgp';
import { gzip } from '../../formats/compression.ts';
import { packageEntry } from '../../formats/rpm/package-entry.ts';
import { parseRpmHead } from '../../formats/rpm/package-head.ts';
import { filelistsXml, primaryXml } from '../../formats/rpm/package-xml.ts';
import { rpmTag } from '../../formats/rpm/header.ts';
import { type Repomd, type RepomdFile, renderRepomd } from '../../formats/rpm/repomd.ts';
import { basicTags, makeRpm, type TagValue } from './rpm-file.ts';
import { makeSignedRpm, signature4 } from './rpm-signing.ts';

export interface TestRpm { readonly name: string; readonly bytes: Buffer }

export interface RpmOptions {
  readonly version?: string;
  readonly arch?: string;
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
  /** Absolute paths. */
  readonly files?: readonly string[];
  readonly key?: PrivateKey;
  readonly payload?: Uint8Array;
}

const strings = (value: readonly string[]): TagValue => ({ type: 'strings', value });
const numbers = (value: readonly number[]): TagValue => ({ type: 'int32', value });

/** An .rpm, signed over its header when there is a key. */
export async function testRpm(name: string, { version = '1', arch = 'noarch', requires = [], provides = [], files = [], key, payload }: RpmOptions = {}): Promise<TestRpm> {
  const all = [name, ...provides];
  const tags = basicTags(name, [
    [rpmTag.version, { type: 'string', value: version }], [rpmTag.arch, { type: 'string', value: arch }],
    [rpmTag.provideName, strings(all)], [rpmTag.provideVersion, strings(all.map((each) => (each === name ? `${version}-2` : '')))], [rpmTag.provideFlags, numbers(all.map((each) => (each === name ? 8 : 0)))],
    ...(requires.length === 0 ? [] : [[rpmTag.requireName, strings(requires)], [rpmTag.requireVersion, strings(requires.map(() => ''))], [rpmTag.requireFlags, numbers(requires.map(() => 0))]] as const),
    ...(files.length === 0 ? [] : [
      [rpmTag.baseNames, strings(files.map((path) => path.slice(path.lastIndexOf('/') + 1)))], [rpmTag.dirNames, strings(files.map((path) => path.slice(0, path.lastIndexOf('/') + 1)))],
      [rpmTag.dirIndexes, numbers(files.map((_, index) => index))], [rpmTag.fileModes, { type: 'int16', value: files.map(() => 0o100644) }], [rpmTag.fileFlags, numbers(files.map(() => 0))],
    ] as const),
  ]);
  const parts = { tags, ...(payload === undefined ? {} : { payload }) };
  const bytes = key === undefined ? makeRpm(name, parts) : await makeSignedRpm(name, { header: (content) => signature4(key, content) }, parts);
  return { name, bytes };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What an index may say differently from the truth. */
export interface EntryChange { readonly location?: string; readonly sha256?: string; readonly size?: number }

export interface YumRepositoryOptions {
  readonly base?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
  /** Signs repomd.xml. */
  readonly key?: PrivateKey;
  readonly change?: Readonly<Record<string, EntryChange>>;
  readonly encode?: (bytes: Uint8Array) => Uint8Array;
  readonly extension?: string;
  readonly checksum?: 'sha256' | 'sha512' | 'sha1' | 'md5';
  /** In place of the primary's text. */
  readonly primary?: (text: string) => string;
  readonly more?: Readonly<Record<string, string>>;
  readonly repomd?: (repomd: Repomd) => Repomd;
}

/** The files of a small repository by URL. Nothing is consistent that a test makes otherwise. */
export async function makeYumRepository(rpms: readonly TestRpm[], options: YumRepositoryOptions = {}): Promise<Map<string, Uint8Array>> {
  const { base = 'http://rpm.example.org/os/', timestamp = 1_770_000_000, encode = gzip, extension = '.gz', checksum = 'sha256' } = options;
  const files = new Map<string, Uint8Array>();
  const records = rpms.map(({ name, bytes }) => {
    const entry = packageEntry(parseRpmHead(bytes, name));
    const change = options.change?.[name] ?? {};
    const digest = change.sha256 ?? sha256(bytes);
    const location = change.location ?? `Packages/${name}-${entry.evr.version}.rpm`;
    files.set(`${base}${location}`, bytes);
    const xml = primaryXml(entry, { checksum: { type: 'sha256', value: digest }, size: change.size ?? bytes.length });
    return { primary: xml.replace('<location href=""/>', `<location href="${location}"/>`), filelists: filelistsXml({ pkgid: digest, name, arch: entry.arch, evr: entry.evr }, entry.files) };
  });
  const primary = `<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${rpms.length}">\n${records.map((each) => each.primary).join('\n')}\n</metadata>\n`;
  const texts: Record<string, string> = {
    primary: options.primary?.(primary) ?? primary,
    filelists: `<?xml version="1.0" encoding="UTF-8"?>\n<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="${rpms.length}">\n${records.map((each) => each.filelists).join('')}</filelists>\n`,
    ...options.more,
  };
  const listed = Object.entries(texts).map(([type, text]): RepomdFile => {
    const bytes = encode(Buffer.from(text));
    const location = `repodata/${type}.xml${extension}`;
    files.set(`${base}${location}`, bytes);
    return { type, checksum: { type: checksum, value: createHash(checksum).update(bytes).digest('hex') }, location, timestamp, size: bytes.length, openSize: Buffer.byteLength(text) };
  });
  const repomd: Repomd = { revision: String(timestamp), tags: { content: [], repo: [], distro: [] }, files: listed };
  const bytes = renderRepomd(options.repomd?.(repomd) ?? repomd);
  files.set(`${base}repodata/repomd.xml`, bytes);
  if (options.key !== undefined) files.set(`${base}repodata/repomd.xml.asc`, await signature4(options.key, bytes));
  return files;
}
