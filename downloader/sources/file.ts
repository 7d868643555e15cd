import { tmpdir } from 'node:os';
import PQueue from 'p-queue';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedFile } from '../../bom/lock.ts';
import type { BlobReader, BlobWriter, Bytes, PlainFetch, Source } from '../../bom/ports.ts';
import type { FileRequirement } from '../../bom/requirement.ts';
import { checkNoCredential } from '../../bom/url-credential.ts';
import type { ContentIdentity, HttpClient } from '../../transport/http-client.ts';
import { statusOf } from '../../transport/http-errors.ts';
import { settled } from '../failures.ts';
import { type Evidence, parseEvidence } from './file-evidence.ts';
import type { CheckedSignature } from './file-signature.ts';
import { hashFile, localPathOf, openFile } from './file-local.ts';
import { type From, receivedSpool } from './file-spool.ts';
import { type Choice, firstGood, streamInOrder, Turns } from './in-order.ts';

export interface FileSourceOptions {
  readonly http: HttpClient;
  readonly blobs: BlobReader & BlobWriter;
  readonly notify: Notify;
  /** The headers of a credential that a BOM names. Throws `INPUT_CREDENTIAL` for one that the project does not declare. */
  readonly headersFor: (name: string) => Promise<Readonly<Record<string, string>>>;
  /** Where content is kept while its digest is still unknown; the system's temporary folder when left out. */
  readonly spoolDir?: string;
  readonly concurrency?: number;
  /** When signatures have to be valid. */
  readonly now?: () => Date;
}

const mediaType = 'application/octet-stream';

/**
 * Files by address or path. A declared sha256 is trusted (`declared`) and asked only for its size; a file without one, or with other hashes
 * as evidence, is read while resolving, checked, and stored (`first-use`); so is one from a local path. One with a signature is read too, is
 * `verified` when it is good, and brings the signature along as a file beside it. Mirrors are tried in order, and an
 * error names all of them. Throws `RESOLVE_NOT_FOUND`, `INPUT_MISSING_FILE`, integrity, transfer and storage errors.
 */
export function createFileSource(options: FileSourceOptions): Source<'file'> {
  const queue = new PQueue({ concurrency: options.concurrency ?? 8 });
  const turns = new Turns();
  return {
    async resolve(wanted, signal) {
      const resolved = await settled(wanted.map((requirement) => queue.add(async () => {
        const { file, beside } = await resolveFile(requirement, { ...options, signal });
        options.notify({ kind: 'done', phase: 'lock', item: `file ${file.name}`, bytes: file.size });
        return { file, beside };
      }, { signal })));
      const files = resolved.map(({ file }) => file);
      return { artifacts: [...files, ...signatureFiles(resolved.flatMap(({ beside }) => beside ?? []), files)] };
    },
    async *fetch(file, blob, { offset = 0, into, signal }) {
      const headers = await headersOf(file.headersFrom ?? [], options);
      yield* turns.take(blob.digest, (first) => streamInOrder(mirrors(file.name, file.urls), { offset, first }, (url, at) =>
        notFoundNamed(options.http.stream(url, { signal, headers, offset: at, expectedSize: blob.size, borrow: true, into }), `file ${file.name}`)));
    },
  };
}

/** How the first address of a file is asked for all of it. */
export async function plainFile({ urls: [url], headersFrom = [] }: LockedFile, options: Pick<FileSourceOptions, 'headersFor'>): Promise<PlainFetch | undefined> {
  return url === undefined ? undefined : { url, headers: await headersOf(headersFrom, options) };
}

interface Resolving extends FileSourceOptions { readonly signal: AbortSignal }

/** Signatures as files of their own, except where a document lists the same file itself. Throws `RESOLVE_CONFLICT` for another content of that name. */
function signatureFiles(found: readonly LockedFile[], files: readonly LockedFile[]): LockedFile[] {
  return found.filter((signature) => {
    const same = files.find(({ name }) => name === signature.name);
    if (same !== undefined && same.digest !== signature.digest) {
      throw new BundleError('RESOLVE_CONFLICT', { subject: `file ${signature.name}`, expected: `the signature that was checked (${signature.digest})`, actual: `another file of that name (${same.digest})`, next: 'Give that file another saveAs, or point signature.url to it.' });
    }
    return same === undefined;
  });
}

interface ResolvedFile { readonly file: LockedFile; readonly beside?: LockedFile }

async function resolveFile(requirement: FileRequirement, context: Resolving): Promise<ResolvedFile> {
  const { name, mode, purpose, platform, headersFrom, usedBy, digest, evidence } = requirement;
  const checks = evidence.map((text) => parseEvidence(text, `file ${name}`));
  const { local, urls } = places(requirement);
  const content = local === undefined ? await remote({ requirement, urls, checks }, context) : await fromPath({ requirement, path: local, checks }, context);
  const { signature } = content;
  const file: LockedFile = {
    name,
    urls: requirement.path === undefined ? [...urls] : [],
    ...(requirement.path === undefined ? {} : { path: requirement.path.written }),
    digest: content.digest,
    size: content.size,
    mode,
    purpose,
    ...(requirement.installAs === undefined ? {} : { installAs: requirement.installAs }),
    ...(platform === undefined ? {} : { platform }),
    ...(headersFrom.length === 0 ? {} : { headersFrom: [...headersFrom] }),
    ...(evidence.length === 0 ? {} : { evidence: [...evidence] }),
    ...(signature === undefined ? {} : { signature: { kind: signature.kind, signers: [...signature.signers], file: signature.name } }),
    mediaType,
    trust: signature !== undefined ? 'verified' : digest === undefined ? 'first-use' : 'declared',
    usedBy: [...usedBy],
  };
  return { file, ...(signature === undefined ? {} : { beside: await signatureFile(signature, file, context) }) };
}

/** The signature as a file beside the one it covers, stored. */
async function signatureFile({ name, bytes, url }: CheckedSignature, file: LockedFile, { blobs, signal }: Resolving): Promise<LockedFile> {
  const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
  await blobs.put(blob, (async function* whole() { yield bytes; })(), signal);
  return {
    name, urls: url === undefined ? [] : [url], ...(url === undefined ? { path: name } : {}), ...blob, mode: '0644', purpose: 'signature', trust: 'verified', usedBy: file.usedBy,
    ...(file.headersFrom === undefined ? {} : { headersFrom: file.headersFrom }),
  };
}

/** Undefined without a signature in the requirement. */
async function signatureOf(requirement: FileRequirement, path: string, context: Resolving): Promise<CheckedSignature | undefined> {
  const { signature } = requirement;
  if (signature === undefined) return undefined;
  const { checkSignature } = await import('./file-signature.ts');
  return checkSignature({ ...requirement, signature }, path, { http: context.http, headers: await headersOf(requirement.headersFrom, context), now: (context.now ?? (() => new Date()))(), signal: context.signal });
}

/** Where a requirement's content is: a local path (its own, or the first `file:` address that is its only kind), or addresses. */
function places({ name, path, urls }: FileRequirement): { readonly local?: string; readonly urls: readonly string[] } {
  if (path !== undefined) return { local: path.absolute, urls: [] };
  const remoteUrls = urls.filter((url) => localPathOf(url) === undefined);
  for (const url of remoteUrls) {
    if (!URL.canParse(url)) throw new BundleError('INPUT_URL', { subject: `file ${name}`, expected: 'an http or https address', actual: 'something else' });
    checkNoCredential(url, `file ${name}`);
  }
  const local = urls.map(localPathOf).find((found) => found !== undefined);
  return remoteUrls.length === 0 && local !== undefined ? { local, urls: [] } : { urls: remoteUrls };
}

interface Content { readonly digest: Digest; readonly size: number; readonly signature?: CheckedSignature }
interface Wanted { readonly requirement: FileRequirement; readonly checks: readonly Evidence[] }

async function fromPath({ requirement, path, checks }: Wanted & { readonly path: string }, context: Resolving): Promise<Content> {
  const { blobs, signal } = context;
  const subject = `file ${requirement.name} (${requirement.path?.written ?? path})`;
  const content = await hashFile(path, { subject, checks, signal });
  expectContent(requirement, content, subject);
  const signature = await signatureOf(requirement, path, context);
  await blobs.put({ mediaType, ...content }, openFile(path, 0), signal);
  return { ...content, ...(signature === undefined ? {} : { signature }) };
}

async function remote({ requirement, urls, checks }: Wanted & { readonly urls: readonly string[] }, context: Resolving): Promise<Content> {
  const { digest, size, name, headersFrom } = requirement;
  const isKnown = digest !== undefined && checks.length === 0 && requirement.signature === undefined;
  if (isKnown && size !== undefined) return { digest, size };
  const headers = await headersOf(headersFrom, context);
  if (isKnown) {
    const said = await sizeSaid(mirrors(name, urls), headers, context);
    if (said !== undefined) return { digest, size: said };
  }
  return firstGood(mirrors(name, urls), (url) => fetchUnknown({ requirement, checks, url, headers }, context));
}

/** The size that the first mirror with the file tells; undefined when none tells one. HEAD is not asked: it may be answered by something else than GET. */
async function sizeSaid(choice: Choice<string>, headers: Readonly<Record<string, string>>, { http, signal }: Resolving): Promise<number | undefined> {
  for (const url of choice.sources) {
    try {
      const said = await http.size(url, { signal, headers });
      if (said !== undefined) return said;
    } catch (error) {
      if (!(error instanceof BundleError) || error.family !== 'transfer') throw error;
      // the GET that follows meets the same trouble, and names it for every mirror
    }
  }
  return undefined;
}

interface Fetching extends Wanted { readonly url: string; readonly headers: Readonly<Record<string, string>> }

/** Reads content to a spool, since its digest or size is not known yet, going on with what an earlier run left of it; checks it; stores it. */
async function fetchUnknown({ requirement, checks, url, headers }: Fetching, context: Resolving): Promise<Content> {
  const { http, blobs, notify, spoolDir, signal } = context;
  const subject = `file ${requirement.name}`;
  const { size: expectedSize } = requirement;
  const isUnchecked = expectedSize === undefined && requirement.digest === undefined && checks.length === 0;
  const said = ({ total }: ContentIdentity): void => {
    if (isUnchecked && total === undefined) notify({ kind: 'warning', subject: `${subject} from ${redactUrl(url)}`, message: 'the server does not say how long it is: its length could not be checked; declare its size or sha256' });
  };
  const receive = ({ onIdentity, ...from }: From): Bytes => notFoundNamed(http.stream(url, {
    signal, headers, ...from, onIdentity: (identity) => { onIdentity(identity); said(identity); }, ...(expectedSize === undefined ? {} : { expectedSize }),
  }), subject);
  const key = JSON.stringify([url, requirement.headersFrom]);
  return receivedSpool({ folder: spoolDir ?? tmpdir(), key, receive, subject: `${subject} from ${redactUrl(url)}`, checks, signal }, async (path, content) => {
    expectContent(requirement, content, `${subject} from ${redactUrl(url)}`);
    const signature = await signatureOf(requirement, path, context);
    await blobs.put({ mediaType, ...content }, openFile(path, 0), signal);
    return { ...content, ...(signature === undefined ? {} : { signature }) };
  });
}

function expectContent({ digest, size }: FileRequirement, actual: Pick<Descriptor, 'digest' | 'size'>, subject: string): void {
  if (size !== undefined && size !== actual.size) throw new BundleError('INTEGRITY_SIZE', { subject, expected: `${size} bytes`, actual: `${actual.size} bytes` });
  if (digest !== undefined && digest !== actual.digest) throw new BundleError('INTEGRITY_DIGEST', { subject, expected: digest, actual: actual.digest });
}

function mirrors(name: string, urls: readonly string[]): Choice<string> {
  return { subject: `file ${name}`, sources: urls, nameOf: redactUrl };
}

async function headersOf(names: readonly string[], { headersFor }: Pick<FileSourceOptions, 'headersFor'>): Promise<Readonly<Record<string, string>>> {
  return Object.assign({}, ...await Promise.all(names.map(headersFor))) as Readonly<Record<string, string>>;
}

async function* notFoundNamed(bytes: Bytes, subject: string): Bytes {
  try {
    yield* bytes;
  } catch (cause) {
    const status = statusOf(cause);
    if (!(cause instanceof BundleError) || (status !== 404 && status !== 410)) throw cause;
    throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'a file at that address', actual: `status ${status} of ${cause.facts.subject}` }, { cause });
  }
}
