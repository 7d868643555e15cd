// Signatures over files: found beside them, checked while locking, carried along.
import { readFile } from 'node:fs/promises';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { FileRequirement, FileSignature } from '../../bom/requirement.ts';
import { maxLegacyBytes, minisignHash, parseMinisignKey, parseMinisignSignature, verifyMinisign } from '../../formats/minisign.ts';
import { blobVerifier, publicKeyFingerprint } from '../../formats/oci/cosign-blob.ts';
import { parsePublicKey } from '../../formats/oci/public-key.ts';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { verifyDetachedStream } from '../../formats/pgp/signature.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import { statusOf } from '../../transport/http-errors.ts';
import { firstGood } from './in-order.ts';
import { openFile } from './file-local.ts';

export interface SignatureContext {
  readonly http: Pick<HttpClient, 'get'>;
  readonly headers: Readonly<Record<string, string>>;
  readonly now: Date;
  readonly signal: AbortSignal;
}

export interface CheckedSignature {
  readonly kind: FileSignature['kind'];
  /** Fingerprints or key ids. */
  readonly signers: readonly string[];
  readonly bytes: Uint8Array;
  /** Name of the signature below `files/`. */
  readonly name: string;
  /** Where it came from; none for a local file. */
  readonly url?: string;
}

const maxSignatureBytes = 1 << 20;
const extensions = { gpg: '.asc', minisign: '.minisig', cosign: '.sig' } as const;

/**
 * Checks the content at `path` against the signature that its requirement names. Throws `INTEGRITY_SIGNATURE` for a bad one,
 * `RESOLVE_NOT_FOUND` for none, `INPUT_KEY` and `INPUT_MISSING_FILE` for keys that cannot be read.
 */
export async function checkSignature(requirement: FileRequirement & { readonly signature: FileSignature }, path: string, context: SignatureContext): Promise<CheckedSignature> {
  const { signature, name } = requirement;
  const subject = `file ${name}`;
  const found = await fetchSignature(requirement, context);
  const signers = await signersOf(signature, { path, bytes: found.bytes, subject, context });
  const extension = /\.(?:asc|sig|gpg|minisig|sigstore\.json|bundle)$/.exec(found.place)?.[0] ?? extensions[signature.kind];
  return { kind: signature.kind, signers, bytes: found.bytes, name: `${name}${extension}`, ...(found.url === undefined ? {} : { url: found.url }) };
}

interface Found { readonly bytes: Uint8Array; readonly place: string; readonly url?: string }

async function fetchSignature({ signature, name, urls, path }: FileRequirement & { readonly signature: FileSignature }, { http, headers, signal }: SignatureContext): Promise<Found> {
  const extension = extensions[signature.kind];
  const { place } = signature;
  const local = place === undefined ? (path === undefined ? undefined : `${path.absolute}${extension}`) : /^https?:/i.test(place) ? undefined : place;
  if (local !== undefined) return { bytes: await readSmall(local, `signature of file ${name}`), place: local };
  const places = place === undefined ? urls.map((url) => beside(url, extension)) : [place];
  return firstGood({ subject: `signature of file ${name}`, sources: places, nameOf: redactUrl }, async (url): Promise<Found> => {
    try {
      return { bytes: (await http.get(url, { signal, headers, maxBytes: maxSignatureBytes })).body, place: new URL(url).pathname, url };
    } catch (cause) {
      if (!(cause instanceof BundleError) || (statusOf(cause) !== 404 && statusOf(cause) !== 410)) throw cause;
      throw new BundleError('RESOLVE_NOT_FOUND', { subject: `signature of file ${name}`, expected: `a ${signature.kind} signature`, actual: `none at ${redactUrl(url)}`, next: 'Say in signature.url where it is.' }, { cause });
    }
  });
}

function beside(url: string, extension: string): string {
  const address = new URL(url);
  address.pathname += extension;
  return address.href;
}

async function readSmall(path: string, subject: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject, expected: 'a file that can be read', actual: `${path}: ${cause.code ?? 'an error'}` }, { cause });
  });
  if (bytes.length > maxSignatureBytes) throw new BundleError('INPUT_FIELD', { subject, expected: `at most ${maxSignatureBytes} bytes`, actual: `${bytes.length} bytes` });
  return bytes;
}

interface Checking { readonly path: string; readonly bytes: Uint8Array; readonly subject: string; readonly context: SignatureContext }

async function signersOf({ kind, key }: FileSignature, checking: Checking): Promise<readonly string[]> {
  const { path, bytes, subject, context } = checking;
  const keySubject = 'text' in key ? `key of ${subject}` : key.written;
  const keyBytes = 'text' in key ? Buffer.from(key.text) : await readSmall(key.path, `key of ${subject}`);
  switch (kind) {
    case 'gpg': return (await verifyDetachedStream(openFile(path, 0), bytes, await parseKeys(keyBytes, keySubject), { subject, now: context.now })).signers;
    case 'minisign': return minisignSigners(Buffer.from(keyBytes).toString('utf8'), keySubject, checking);
    case 'cosign': {
      const publicKey = parsePublicKey(Buffer.from(keyBytes).toString('utf8'), keySubject);
      const verifier = blobVerifier(bytes, publicKey, subject);
      for await (const chunk of openFile(path, 0)) verifier.update(chunk);
      if (verifier.verify()) return [publicKeyFingerprint(publicKey)];
      throw new BundleError('INTEGRITY_SIGNATURE', { subject, expected: `a cosign signature by the key ${keySubject}`, actual: 'a bad signature, or one by another key' });
    }
  }
}

async function minisignSigners(keyText: string, keySubject: string, { path, bytes, subject }: Checking): Promise<readonly string[]> {
  const key = parseMinisignKey(keyText, keySubject);
  const signature = parseMinisignSignature(Buffer.from(bytes).toString('utf8'), subject);
  const hash = minisignHash();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of openFile(path, 0)) {
    size += chunk.length;
    if (signature.covers === 'blake2b512') { hash.update(chunk); continue; }
    if (size > maxLegacyBytes) throw new BundleError('RESOLVE_UNSUPPORTED', { subject, expected: `at most ${maxLegacyBytes} bytes under a minisign signature of the old form`, actual: 'more', next: 'Ask its publisher for a prehashed signature (minisign -H, the default today).' });
    chunks.push(chunk);
  }
  verifyMinisign(signature, signature.covers === 'blake2b512' ? hash.digest() : Buffer.concat(chunks), key, subject);
  return [key.id];
}
