import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { generateKey } from 'openpgp';
import { BundleError } from '../../bom/errors.ts';
import { gzip } from '../../formats/compression.ts';
import { formatReleaseDate } from '../../formats/deb/release.ts';
import { parseSigningKey, type SigningKey } from '../../formats/pgp/keys.ts';
import { clearsign, signDetached } from '../../formats/pgp/signature.ts';
import type { HttpClient } from '../../transport/http-client.ts';

export interface TestKey { readonly signing: SigningKey; readonly publicKey: string }

export async function makeTestKey(more: { readonly keyExpirationTime?: number } = {}): Promise<TestKey> {
  const date = new Date('2026-01-01T00:00:00Z');
  const { privateKey, publicKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'test archive' }], date, format: 'armored', ...more });
  return { signing: await parseSigningKey(Buffer.from(privateKey), 'test key'), publicKey };
}

/** A stanza with the fields that every index has; `fields` come after them. */
export function stanza(name: string, fields: Readonly<Record<string, string>> = {}): string {
  const { Version = '1', Architecture = 'amd64', ...rest } = fields;
  const content = `${name} ${Version} ${Architecture}`;
  const all = {
    Package: name, Version, Architecture, Size: String(content.length), SHA256: createHash('sha256').update(content).digest('hex'),
    Filename: `pool/${name}_${Version.replace(/^\d+:/, '')}_${Architecture}.deb`, ...rest,
  };
  return Object.entries(all).map(([field, value]) => `${field}: ${value}`).join('\n');
}

export interface RepositoryOptions {
  readonly uri?: string;
  readonly suite?: string;
  readonly date?: Date;
  readonly validUntil?: Date;
  readonly key?: TestKey;
  readonly detached?: boolean;
  /** Added to, or put in place of, the Release's own fields. */
  readonly release?: Readonly<Record<string, string>>;
  readonly architecture?: string;
  readonly extension?: string;
  readonly encode?: (bytes: Uint8Array) => Uint8Array;
}

/** The files of a small repository by URL: Release (signed when there is a key) and one index. Nothing is consistent that a test makes otherwise. */
export async function makeRepository(stanzas: readonly string[], options: RepositoryOptions = {}): Promise<Map<string, Uint8Array>> {
  const { uri = 'http://apt.example.org/debian', suite = 'stable', date = new Date('2026-02-01T00:00:00Z'), architecture = 'amd64', extension = '.gz', encode = gzip } = options;
  const flat = suite.endsWith('/');
  const folder = flat ? `${uri}/${suite.replace(/^\.\//, '')}` : `${uri}/dists/${suite}/`;
  const path = `${flat ? '' : `main/binary-${architecture}/`}Packages${extension}`;
  const packages = encode(Buffer.from(`${stanzas.join('\n\n')}\n`));
  const fields: Record<string, string> = {
    Origin: 'Test', Suite: suite.replace('/', ''), Codename: suite.replace('/', ''), Date: formatReleaseDate(date.getTime() / 1000),
    ...(options.validUntil === undefined ? {} : { 'Valid-Until': formatReleaseDate(options.validUntil.getTime() / 1000) }),
    Architectures: architecture, Components: 'main',
    SHA256: `\n ${createHash('sha256').update(packages).digest('hex')} ${packages.length} ${path}`, ...options.release,
  };
  const release = Object.entries(fields).filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\n`).join('');
  const files = new Map<string, Uint8Array>([[folder + path, packages]]);
  const signed = new Date('2026-02-01T00:00:00Z');
  if (options.key === undefined || options.detached === true) files.set(`${folder}Release`, Buffer.from(release));
  if (options.key !== undefined && options.detached === true) files.set(`${folder}Release.gpg`, Buffer.from(await signDetached(Buffer.from(release), options.key.signing, signed)));
  if (options.key !== undefined && options.detached !== true) files.set(`${folder}InRelease`, Buffer.from(await clearsign(release, options.key.signing, signed)));
  return files;
}

/** An {@link HttpClient} over a map of files. `asked` lists every URL in order. */
export function clientOver(files: ReadonlyMap<string, Uint8Array>): HttpClient & { readonly asked: string[] } {
  const asked: string[] = [];
  const missing = (url: string): BundleError => new BundleError('TRANSFER_STATUS', { subject: url, expected: 'status 200', actual: '404', details: { status: 404 } });
  return {
    asked,
    async get(url, { maxBytes, accept = [] }) {
      asked.push(url);
      const body = files.get(url);
      if (body === undefined && !accept.includes(404)) throw missing(url);
      if (body !== undefined && body.length > maxBytes) throw new BundleError('TRANSFER_PROTOCOL', { subject: url, expected: `at most ${maxBytes} bytes`, actual: 'more' });
      return { status: body === undefined ? 404 : 200, headers: {}, body: body ?? new Uint8Array(), url };
    },
    async head(url) {
      return files.has(url) ? { status: 200, size: files.get(url)?.length ?? 0, headers: {} } : { status: 404, headers: {} };
    },
    size: async (url) => files.get(url)?.length,
    async *stream(url, { offset = 0, into }) {
      asked.push(url);
      const body = files.get(url);
      if (body === undefined) throw missing(url);
      if (into === undefined) return yield body.subarray(offset);
      // As threads do.
      writeSync(into.fd, body, offset, body.length - offset, offset);
      yield into.written(body.length - offset);
      const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
      into.digested(sha256(body), into.tail === undefined ? undefined : sha256(body.subarray(into.tail.from)));
    },
    close: async () => undefined,
  };
}
