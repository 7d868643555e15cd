// repomd.xml: the root of a yum repository's metadata; the schema "repomd" of the rpm-metadata project, createrepo_c(8).
import { BundleError } from '../../bom/errors.ts';
import { isInside } from './location.ts';
import type { RpmChecksum } from './package.ts';
import { checksumOf } from './checksum.ts';
import { escapeAttribute, escapeText } from './xml-text.ts';
import { childOf, childText, parseXml, type XmlElement } from './xml-tree.ts';

/** One index: `primary`, `filelists`, `other`, `group`, `modules`, `updateinfo`, … */
export interface RepomdFile {
  readonly type: string;
  /** Of the file as it lies there. */
  readonly checksum: RpmChecksum;
  /** Of its content, decompressed. */
  readonly openChecksum?: RpmChecksum;
  /** Relative to the repository (or to `base`), never leaving it. */
  readonly location: string;
  readonly base?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
  readonly size?: number;
  readonly openSize?: number;
}

export interface Repomd {
  readonly revision?: string;
  /** `<tags>`: what the repository says of itself. */
  readonly tags: { readonly content: readonly string[]; readonly repo: readonly string[]; readonly distro: readonly { readonly cpeid?: string; readonly text: string }[] };
  readonly files: readonly RepomdFile[];
}

const maxRepomdBytes = 4 << 20;

function wrong(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual });
}

/** Old generators write times with a fraction. */
function numberOf(element: XmlElement, name: string, subject: string): number | undefined {
  const text = childText(element, name);
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}(?:\.[0-9]+)?$/.test(text)) throw wrong(subject, `<${name}> with a number, not below 0`, JSON.stringify(text.slice(0, 40)));
  return Math.floor(Number(text));
}

function checksumIn(element: XmlElement, name: string, subject: string): RpmChecksum | undefined {
  const child = childOf(element, name);
  if (child === undefined) return undefined;
  const checksum = checksumOf(child.attributes.type, child.text);
  if (checksum === undefined) throw wrong(subject, `<${name}> of a known type`, JSON.stringify(`${child.attributes.type ?? ''} ${child.text}`.slice(0, 150)));
  return checksum;
}

function fileOf(data: XmlElement, subject: string): RepomdFile {
  const type = data.attributes.type ?? '';
  const what = `${subject}, ${type}`;
  const twice = data.children.find((child, index) => data.children.findIndex(({ name }) => name === child.name) !== index);
  if (twice !== undefined) throw wrong(what, 'each element once', `<${twice.name}> twice`);
  const place = childOf(data, 'location')?.attributes;
  const checksum = checksumIn(data, 'checksum', what);
  if (type === '' || checksum === undefined || place === undefined) throw wrong(what, 'type, checksum and location of each index', 'one without');
  const location = place.href ?? '';
  if (!isInside(location)) throw wrong(what, 'a location inside the repository', JSON.stringify(location.slice(0, 200)));
  const base = place['xml:base'];
  const openChecksum = checksumIn(data, 'open-checksum', what);
  const [timestamp, size, openSize] = ['timestamp', 'size', 'open-size'].map((name) => numberOf(data, name, what));
  return {
    type, checksum, location,
    ...(base === undefined ? {} : { base }),
    ...(openChecksum === undefined ? {} : { openChecksum }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(size === undefined ? {} : { size }),
    ...(openSize === undefined ? {} : { openSize }),
  };
}

/** A repomd.xml from its bytes. Throws `INTEGRITY_METADATA`: not well formed, an index without checksum or location, one type twice, a location that leaves the repository. */
export function parseRepomd(bytes: Uint8Array, subject: string): Repomd {
  const root = parseXml(bytes, { subject, root: 'repomd', maxBytes: maxRepomdBytes });
  const files = root.children.filter(({ name }) => name === 'data').map((data) => fileOf(data, subject));
  const twice = files.find(({ type }, index) => files.findIndex((file) => file.type === type) !== index);
  if (twice !== undefined) throw wrong(subject, 'each index once', `${twice.type} twice`);
  const revision = childText(root, 'revision');
  const tags = childOf(root, 'tags')?.children ?? [];
  const texts = (name: string): string[] => tags.filter((tag) => tag.name === name).map(({ text }) => text.trim());
  return {
    ...(revision === undefined ? {} : { revision }),
    tags: {
      content: texts('content'),
      repo: texts('repo'),
      distro: tags.filter(({ name }) => name === 'distro').map(({ text, attributes: { cpeid } }) => ({ text: text.trim(), ...(cpeid === undefined ? {} : { cpeid }) })),
    },
    files,
  };
}

const checksumXml = (name: string, { type, value }: RpmChecksum): string => `    <${name} type="${escapeAttribute(type)}">${escapeText(value)}</${name}>\n`;
const numberXml = (name: string, value: number | undefined): string => (value === undefined ? '' : `    <${name}>${value}</${name}>\n`);

function fileXml(file: RepomdFile): string {
  const base = file.base === undefined ? '' : ` xml:base="${escapeAttribute(file.base)}"`;
  return `  <data type="${escapeAttribute(file.type)}">\n${checksumXml('checksum', file.checksum)}${file.openChecksum === undefined ? '' : checksumXml('open-checksum', file.openChecksum)}    <location${base} href="${escapeAttribute(file.location)}"/>\n${
    numberXml('timestamp', file.timestamp)}${numberXml('size', file.size)}${numberXml('open-size', file.openSize)}  </data>\n`;
}

/** The one byte form of a repomd, as createrepo_c writes it. */
export function renderRepomd({ revision, tags, files }: Repomd): Uint8Array {
  const lines = [
    ...tags.content.map((text) => `    <content>${escapeText(text)}</content>\n`),
    ...tags.repo.map((text) => `    <repo>${escapeText(text)}</repo>\n`),
    ...tags.distro.map(({ cpeid, text }) => `    <distro${cpeid === undefined ? '' : ` cpeid="${escapeAttribute(cpeid)}"`}>${escapeText(text)}</distro>\n`),
  ];
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
${revision === undefined ? '' : `  <revision>${escapeText(revision)}</revision>\n`}${lines.length === 0 ? '' : `  <tags>\n${lines.join('')}  </tags>\n`}${files.map(fileXml).join('')}</repomd>
`);
}
