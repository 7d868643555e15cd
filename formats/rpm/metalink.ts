// Where a repository can be had: Metalink 3.0 as MirrorManager serves it (dnf.conf(5), "metalink"), and plain mirror lists ("mirrorlist").
import { BundleError } from '../../bom/errors.ts';
import { checksumOf } from './checksum.ts';
import type { RpmChecksum } from './package.ts';
import { childOf, childText, parseXml, type XmlElement } from './xml-tree.ts';

/** One repomd.xml that mirrors may have: the current one, or one that slow mirrors still serve. */
export interface MetalinkVersion {
  readonly hashes: readonly RpmChecksum[];
  readonly size?: number;
  /** Seconds since 1970. */
  readonly timestamp?: number;
}

export interface Metalink {
  /** The current one first. */
  readonly versions: readonly MetalinkVersion[];
  /** Addresses of repomd.xml, best first. */
  readonly urls: readonly string[];
}

const maxMetalinkBytes = 4 << 20;

function versionOf(element: XmlElement): MetalinkVersion {
  const hashes = (childOf(element, 'verification')?.children ?? []).filter(({ name }) => name === 'hash')
    .flatMap((hash) => checksumOf(hash.attributes.type?.replace('-', ''), hash.text) ?? []);
  const whole = (name: string): number | undefined => { const text = childText(element, name); return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined; };
  const [size, timestamp] = [whole('size'), whole('mm0:timestamp')];
  return { hashes, ...(size === undefined ? {} : { size }), ...(timestamp === undefined ? {} : { timestamp }) };
}

/** The repomd.xml of a metalink. Throws `INTEGRITY_METADATA`: not well formed, about another file, without an http(s) or file address. */
export function parseMetalink(bytes: Uint8Array, subject: string): Metalink {
  const root = parseXml(bytes, { subject, root: 'metalink', maxBytes: maxMetalinkBytes });
  const file = (childOf(root, 'files')?.children ?? []).find(({ name, attributes }) => name === 'file' && attributes.name === 'repomd.xml');
  if (file === undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a metalink of repomd.xml', actual: 'none in it' });
  const alternates = (childOf(file, 'mm0:alternates')?.children ?? []).filter(({ name }) => name === 'mm0:alternate').map(versionOf);
  const listed = (childOf(file, 'resources')?.children ?? []).filter(({ name }) => name === 'url')
    .map((url) => ({ address: url.text.trim(), preference: Number(url.attributes.preference ?? '0') || 0 }))
    .filter(({ address }) => isRepomd(address));
  if (listed.length === 0) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'addresses of repomd.xml', actual: 'none' });
  const urls = listed.toSorted((a, b) => b.preference - a.preference).map(({ address }) => address);
  return { versions: [versionOf(file), ...alternates], urls };
}

function isRepomd(address: string): boolean {
  return /^(?:https?|file):\/\/\S+\/repodata\/repomd\.xml$/i.test(address) && URL.canParse(address);
}

/** Base addresses of a mirror list: a line each, `#` comments. Throws `INTEGRITY_METADATA` when there is none: an error page, an empty answer. */
export function parseMirrorList(bytes: Uint8Array, subject: string): readonly string[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split(/\r?\n/).map((line) => line.trim());
  const urls = lines.filter((line) => /^(?:https?|file):\/\/\S+$/i.test(line) && URL.canParse(line));
  if (urls.length > 0) return urls;
  throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'addresses, one a line', actual: JSON.stringify(lines.find((line) => line !== '' && !line.startsWith('#'))?.slice(0, 100) ?? 'nothing') });
}
