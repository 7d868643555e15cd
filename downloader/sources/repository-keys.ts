import { digestOf } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { KeySource } from '../../bom/requirement.ts';
import type { PgpKey } from '../../formats/pgp/keys.ts';
import { fetchDocument, type FetchContext, readLocal } from './apt-fetch.ts';

const maxKeyBytes = 16 << 20;

/** A file of keys as it came, to be kept once something was verified with it. */
export interface KeyFile { readonly bytes: Uint8Array; readonly subject: string }

export interface OfferedFiles {
  readonly files: readonly KeyFile[];
  /** Of the keys that count; all do where there is none. */
  readonly fingerprints: readonly string[];
}

export interface OfferedKeys {
  readonly keys: readonly PgpKey[];
  /** As they came, to be kept once something was verified with them. */
  readonly files: readonly Uint8Array[];
}

export interface KeyContext extends FetchContext {
  readonly readFile?: (path: string) => Promise<Uint8Array>;
}

async function keyBytes(context: KeyContext, source: KeySource, options: { readonly id: string; readonly signal: AbortSignal }): Promise<Uint8Array> {
  if (source.url === undefined) return context.readFile === undefined ? readLocal(source.path ?? '', maxKeyBytes) : context.readFile(source.path ?? '');
  const bytes = await fetchDocument(context, source.url, { maxBytes: maxKeyBytes, signal: options.signal });
  if (bytes === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject: redactUrl(source.url), expected: `the key of ${options.id}`, actual: 'nothing at this address' });
  return bytes;
}

/** Whether bytes are keys of which one has the fingerprint, where one is asked for. */
async function holdsKey(bytes: Uint8Array, { fingerprint = '' }: KeySource, subject: string): Promise<boolean> {
  if (fingerprint === '') return true;
  const { parseKeys } = await import('../../formats/pgp/keys.ts');
  return (await parseKeys(bytes, subject)).some((key) => key.fingerprints.some((own) => own.endsWith(plainFingerprint(fingerprint))));
}

/** The file of a source with both, where it is there and has the key; else undefined. */
async function localKey(context: KeyContext, source: KeySource, options: { readonly id: string; readonly signal: AbortSignal }): Promise<Uint8Array | undefined> {
  const { path } = source;
  if (path === undefined || source.url === undefined) return undefined;
  try {
    const bytes = await keyBytes(context, { path }, options);
    return await holdsKey(bytes, source, path) ? bytes : undefined;
  } catch (error) {
    if (error instanceof BundleError && error.code === 'INPUT_MISSING_FILE') return undefined;
    throw error;
  }
}

const plainFingerprint = (text: string): string => text.replace(/[\s!]/g, '').replace(/^0x/i, '').toUpperCase();

/**
 * The files of `sources` (and of `inline`, which is the key itself), each once. Throws `INTEGRITY_DIGEST` for a file other than declared, `RESOLVE_NOT_FOUND`,
 * `INPUT_MISSING_FILE`, transfer errors.
 */
export async function offeredFiles(context: KeyContext, sources: readonly KeySource[], options: { readonly id: string; readonly signal: AbortSignal; readonly inline?: string | undefined }): Promise<OfferedFiles> {
  const files = new Map<string, KeyFile>();
  const take = (bytes: Uint8Array, subject: string, digest: string | undefined): void => {
    const actual = digestOf(bytes);
    if (digest !== undefined && digest !== actual) throw new BundleError('INTEGRITY_DIGEST', { subject, expected: digest, actual });
    if (!files.has(actual)) files.set(actual, { bytes, subject });
  };
  for (const source of sources) {
    if (source.url === undefined && source.path === undefined) continue;
    const local = await localKey(context, source, options);
    take(local ?? await keyBytes(context, source, options), redactUrl((local === undefined ? source.url : undefined) ?? source.path ?? ''), source.digest);
  }
  if (options.inline !== undefined) take(new TextEncoder().encode(options.inline), `the key of ${options.id}`, undefined);
  return { files: [...files.values()], fingerprints: sources.flatMap(({ fingerprint = '' }) => (fingerprint === '' ? [] : [plainFingerprint(fingerprint)])) };
}

/** The keys in files of `id`, narrowed to fingerprints where there are any. Throws `INPUT_KEY` for what is no key, and for a fingerprint that no key has. */
export async function narrowedKeys(files: readonly KeyFile[], fingerprints: readonly string[], id: string): Promise<readonly PgpKey[]> {
  const { parseKeys } = await import('../../formats/pgp/keys.ts');
  const keys: PgpKey[] = [];
  for (const { bytes, subject } of files) keys.push(...await parseKeys(bytes, subject));
  for (const fingerprint of fingerprints) {
    if (keys.some((key) => key.fingerprints.some((own) => own.endsWith(fingerprint)))) continue;
    throw new BundleError('INPUT_KEY', { subject: `repository ${id}`, expected: `a key with the fingerprint ${fingerprint}`, actual: keys.map((key) => key.fingerprint).join(', ') || 'no key at all' });
  }
  return fingerprints.length === 0 ? keys : keys.filter((key) => fingerprints.some((fingerprint) => key.fingerprints.some((own) => own.endsWith(fingerprint))));
}

/** Both of them. */
export async function offeredKeys(context: KeyContext, sources: readonly KeySource[], options: { readonly id: string; readonly signal: AbortSignal; readonly inline?: string | undefined }): Promise<OfferedKeys> {
  const { files, fingerprints } = await offeredFiles(context, sources, options);
  return { keys: await narrowedKeys(files, fingerprints, options.id), files: files.map(({ bytes }) => bytes) };
}
