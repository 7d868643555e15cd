// Where modules publish: OCI registries, git revisions, web servers. What is found there, as a document or as a folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { x as extract } from 'tar';
import { type Digest, digestOf, isDigest } from '../../bom/digest.ts';
import { BundleError, checkNotAborted, redactUrl } from '../../bom/errors.ts';
import { parseReference } from '../../bom/reference.ts';
import { checkNoCredential } from '../../bom/url-credential.ts';
import type { HttpClient } from '../../transport/http-client.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { RegistryPool } from '../../transport/registry.ts';
import { checkRevision, checkTreePath, gitAddress } from '../git-address.ts';
import { git, gitStream } from '../git-command.ts';
import { fetchRevision, resolveRevision, runOf } from './git-repository.ts';
import { moduleLimits, readImageBom } from './module-image.ts';

export interface ModuleAccess {
  readonly http: HttpClient;
  readonly registry: RegistryPool;
  /** A folder of this run: what is fetched from git lies below it until the run ends. */
  readonly folder: () => Promise<string>;
  /** A file with the authorities that git judges https servers by. */
  readonly authorities?: () => Promise<string | undefined>;
  readonly signal: AbortSignal;
}

/** Where something was read, for the lock. */
export interface FoundAt {
  readonly url: string;
  readonly digest?: Digest;
  readonly commit?: string;
  readonly found?: string;
  /** The address itself says what has to be there. */
  readonly pinned: boolean;
}

export type Found =
  /** As it is published: what reads it decides what is text (`bom/documents/utf8.ts`; adapters are more lenient). */
  | { readonly kind: 'document'; readonly bytes: Uint8Array; readonly at: FoundAt }
  /** `root`: all that was fetched; `path`: what was asked for, in it. */
  | { readonly kind: 'folder'; readonly root: string; readonly path: string; readonly at: FoundAt };

const maxTreeBytes = 2 * 2 ** 30;

/**
 * What an address leads to: `oci://host/path[:tag][@sha256:…]` (see module-image.ts), `http(s)://…[#sha256:…]`, `git+https://host/repo[@rev][#path]`
 * (also git+http, git+ssh, git+file). Throws `RESOLVE_NOT_FOUND`, `INPUT_*`, integrity and transfer errors.
 */
export async function fetchModule(address: string, access: ModuleAccess, headers: Readonly<Record<string, string>> = {}): Promise<Found> {
  checkNoCredential(address, 'address of a module');
  if (address.startsWith('oci://')) {
    const reference = parseReference(address.slice('oci://'.length), address);
    const { bytes, digest, found } = await readImageBom(reference, access);
    return { kind: 'document', bytes, at: { url: address, digest, found, pinned: reference.digest !== undefined } };
  }
  return address.startsWith('git+') ? fetchRevisionFolder(address, access, headers) : fetchDocument(address, access, headers);
}

async function fetchDocument(address: string, { http, signal }: ModuleAccess, headers: Readonly<Record<string, string>>): Promise<Found> {
  const [url = '', fragment] = address.split('#');
  if (fragment !== undefined && !isDigest(fragment)) throw new BundleError('INPUT_DIGEST', { subject: redactUrl(url), expected: '#sha256:… after the address, or nothing', actual: JSON.stringify(fragment.slice(0, 100)) });
  const { body } = await http.get(url, { signal, headers, maxBytes: moduleLimits.bomBytes }).catch((cause: unknown) => {
    throw statusOf(cause) === 404 || statusOf(cause) === 410 ? new BundleError('RESOLVE_NOT_FOUND', { subject: redactUrl(url), expected: 'a document', actual: `status ${statusOf(cause)}` }, { cause }) : cause;
  });
  const digest = digestOf(body);
  if (fragment !== undefined && fragment !== digest) throw new BundleError('INTEGRITY_DIGEST', { subject: redactUrl(url), expected: fragment, actual: digest });
  return { kind: 'document', bytes: body, at: { url: redactUrl(url), digest, pinned: fragment !== undefined } };
}

/** Repository, revision and path of `git+https://host/repo@rev#path`. An @ before the path belongs to the user name of ssh. */
export function parseGitAddress(address: string): { readonly url: string; readonly rev?: string; readonly path: string } {
  const [place = '', path = ''] = address.slice('git+'.length).split('#');
  const start = place.indexOf('/', place.indexOf('://') + 3);
  const at = start < 0 ? -1 : place.indexOf('@', start);
  const url = gitAddress(at < 0 ? place : place.slice(0, at), address);
  return { url, path: checkTreePath(path, address), ...(at < 0 ? {} : { rev: checkRevision(place.slice(at + 1), address) }) };
}

async function fetchRevisionFolder(address: string, { folder, authorities, signal }: ModuleAccess, headers: Readonly<Record<string, string>>): Promise<Found> {
  const { url, rev, path } = parseGitAddress(address);
  const scratch = await mkdtemp(join(await folder(), 'git-'));
  const place = { url, commit: '', subject: address, headers, authorities: await authorities?.(), signal, spoolDir: scratch, ...(rev === undefined ? {} : { ref: rev }) };
  const revision = await resolveRevision(place);
  const repository = await fetchRevision(place, revision, scratch);
  const run = { ...runOf({ ...place, headers: {} }), repository };
  const isFile = path !== '' && (await git(['cat-file', '-t', `${revision.commit}:${path}`], run)).trim() === 'blob';
  const tree = isFile ? posix.dirname(path) : path;
  const root = await mkdtemp(join(await folder(), 'tree-'));
  await unpack(['archive', '--format=tar', `${revision.commit}:${tree === '.' ? '' : tree}`], { run, root, address });
  await rm(repository, { recursive: true, force: true });
  return { kind: 'folder', root, path: isFile ? join(root, posix.basename(path)) : root, at: { url: address, commit: revision.commit, pinned: rev !== undefined && rev === revision.commit } };
}

/** Files and folders of a tree, nothing else: links of a repository could lead to files of this machine. */
async function unpack(args: readonly string[], { run, root, address }: { readonly run: Parameters<typeof git>[1]; readonly root: string; readonly address: string }): Promise<void> {
  let bytes = 0;
  const bounded = async function* bounded(): AsyncGenerator<Uint8Array> {
    for await (const chunk of gitStream(args, run)) {
      bytes += chunk.length;
      if (bytes > maxTreeBytes) throw new BundleError('INTEGRITY_METADATA', { subject: address, expected: `at most ${maxTreeBytes} bytes`, actual: 'more', next: 'Name the folder of the descriptors themselves after #.' });
      yield chunk;
    }
  };
  try {
    const into = extract({ cwd: root, strict: true, preservePaths: false, noChmod: true, noMtime: true, filter: (_, entry) => 'type' in entry && (entry.type === 'File' || entry.type === 'Directory') });
    await pipeline(Readable.from(bounded()), into as unknown as NodeJS.WritableStream);
  } catch (cause) {
    checkNotAborted(run.signal, address);
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('STORAGE_IO', { subject: address, expected: 'room for its files', actual: (cause as Error).message }, { cause });
  }
}
