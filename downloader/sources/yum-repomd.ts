// The root of a repository's metadata, fetched and checked: dnf.conf(5), "metalink", "repo_gpgcheck"; createrepo_c(8).
import { createHash } from 'node:crypto';
import { type Descriptor, digestOf } from '../../bom/digest.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import { keyMediaType, type LockedRepository } from '../../bom/lock.ts';
import { type Metalink, parseMetalink, parseMirrorList } from '../../formats/rpm/metalink.ts';
import { parseRepomd, type Repomd } from '../../formats/rpm/repomd.ts';
import type { PgpKey } from '../../formats/pgp/keys.ts';
import { verifyDetached } from '../../formats/pgp/signature.ts';
import { fetchDocument, keep } from './apt-fetch.ts';
import { firstGood } from './in-order.ts';
import { type OfferedKeys, offeredKeys } from './repository-keys.ts';
import type { YumContext } from './yum-access.ts';
import { addressOf, type YumRepository } from './yum-entry.ts';

const maxListBytes = 4 << 20;
const maxRepomdBytes = 4 << 20;
const maxSignatureBytes = 1 << 20;
const maxSkewSeconds = 3600;
const repomdPath = 'repodata/repomd.xml';

/** A repomd.xml that was checked: what may be believed, and what the lock says of it. */
export interface CheckedRepomd {
  readonly repository: YumRepository;
  readonly repomd: Repomd;
  /** Base addresses that may have what it lists, the one it came from first; each ends in `/`. */
  readonly bases: readonly string[];
  readonly keys: readonly PgpKey[];
  readonly locked: Omit<LockedRepository, 'target' | 'indexes'>;
  readonly warnings: readonly string[];
}

const nameOf = (repository: YumRepository): string => `${repository.id} (${addressOf(repository)})`;
const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

interface Mirrors { readonly bases: readonly string[]; readonly metalink?: Metalink }

/** Base addresses: those written first, then what the metalink or the mirror list gives. A list that cannot be had counts only where nothing else is known. */
async function mirrorsOf(context: YumContext, repository: YumRepository, signal: AbortSignal): Promise<Mirrors> {
  const { baseurls, metalink, mirrorlist } = repository;
  const document = async (url: string): Promise<Uint8Array> => {
    const bytes = await fetchDocument(context, url, { maxBytes: maxListBytes, signal });
    if (bytes === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject: redactUrl(url), expected: `mirrors of ${repository.id}`, actual: 'nothing at this address' });
    return bytes;
  };
  if (metalink !== undefined) {
    const parsed = parseMetalink(await document(metalink), redactUrl(metalink));
    return { bases: [...new Set([...baseurls, ...parsed.urls.map((url) => url.slice(0, -repomdPath.length))])], metalink: parsed };
  }
  if (mirrorlist !== undefined) {
    const urls = parseMirrorList(await document(mirrorlist), redactUrl(mirrorlist));
    return { bases: [...new Set([...baseurls, ...urls.map((url) => (url.endsWith('/') ? url : `${url}/`))])] };
  }
  return { bases: baseurls };
}

const strength = ['sha512', 'sha384', 'sha256', 'sha1'];

/** Passes when a metalink's strongest hash of the current version, or of one that slow mirrors still serve, is the content's. */
function checkMetalink(metalink: Metalink, bytes: Uint8Array, subject: string): void {
  const hashes = metalink.versions.flatMap((version) => version.hashes.filter(({ type }) => strength.includes(type)).toSorted((a, b) => strength.indexOf(a.type) - strength.indexOf(b.type)).slice(0, 1));
  if (hashes.some(({ type, value }) => createHash(type).update(bytes).digest('hex') === value)) return;
  throw new BundleError('INTEGRITY_DIGEST', { subject, expected: hashes.length === 0 ? 'a metalink with a hash' : `${hashes[0]?.type} ${hashes[0]?.value}, as the metalink says`, actual: `${digestOf(bytes)}, not what the metalink says` });
}

/** When the metadata was made: the newest of its indexes. */
function dateOf({ files, revision }: Repomd): number | undefined {
  const times = files.flatMap(({ timestamp }) => (timestamp === undefined ? [] : [timestamp]));
  if (times.length > 0) return Math.max(...times);
  return revision !== undefined && /^\d{9,11}$/.test(revision) ? Number(revision) : undefined;
}

/** Throws `INTEGRITY_EXPIRED` for metadata from the future and for metadata older than what the last lock saw, unless old ones are allowed. */
function checkDates(context: YumContext, repository: YumRepository, date: number | undefined): void {
  if (date === undefined || repository.requirement.allowExpired === true) return;
  const now = context.now().getTime() / 1000;
  if (date > now + maxSkewSeconds) {
    throw new BundleError('INTEGRITY_EXPIRED', { subject: nameOf(repository), expected: `metadata of ${iso(now)} or before`, actual: `some of ${iso(date)}`, next: 'Set the clock of this machine, or use another mirror.' });
  }
  const uri = addressOf(repository);
  const seen = (context.previous ?? []).filter((known) => known.manager === 'rpm' && known.uri === uri && known.date !== undefined).map((known) => Date.parse(known.date ?? '') / 1000);
  const newest = Math.max(0, ...seen);
  if (date >= newest) return;
  throw new BundleError('INTEGRITY_EXPIRED', {
    subject: nameOf(repository), expected: `metadata of ${iso(newest)} or later, as the last lock saw it`, actual: `some of ${iso(date)}`, next: 'Use a mirror that is up to date, or `allowExpired: true` to record that you go back.',
  });
}

interface Fetched { readonly base: string; readonly bytes: Uint8Array; readonly repomd: Repomd; readonly signature?: Uint8Array; readonly signers: readonly string[]; readonly ignored: readonly string[] }

interface Attempt { readonly repository: YumRepository; readonly mirrors: Mirrors; readonly keys: readonly PgpKey[]; readonly signal: AbortSignal }

/** Servers of subscriptions refuse who shows no certificate in many ways: 400, 401, 403, an alert, or a connection that ends. */
function withCertificateHint(error: unknown, url: string, { id, requirement, tlsFiles }: YumRepository): unknown {
  if (!(error instanceof BundleError) || error.family !== 'transfer' || !url.startsWith('https:') || error.code === 'TRANSFER_CONNECT') return error;
  const shown = requirement.tls?.clientCert !== undefined || tlsFiles?.certFile !== undefined;
  const hint = shown ? `Repository ${id} was shown its client certificate: see whether it has ended or belongs to another subscription.`
    : `If repository ${id} belongs to a subscription, name its client certificate in tls: {clientCert, clientKey}, or in sslclientcert of its .repo file.`;
  return new BundleError(error.code, { ...error.facts, next: `${error.next} ${hint}` }, { cause: error });
}

async function fetchFrom(context: YumContext, base: string, { repository, mirrors, keys, signal }: Attempt): Promise<Fetched> {
  const url = `${base}${repomdPath}`;
  const subject = redactUrl(url);
  const bytes = await fetchDocument(context, url, { maxBytes: maxRepomdBytes, signal }).catch((error: unknown) => { throw withCertificateHint(error, url, repository); });
  if (bytes === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'a yum repository', actual: 'no repodata/repomd.xml at this address' });
  if (mirrors.metalink !== undefined) checkMetalink(mirrors.metalink, bytes, subject);
  const repomd = parseRepomd(bytes, subject);
  checkDates(context, repository, dateOf(repomd));
  if (!repository.repoGpgcheck) return { base, bytes, repomd, signers: [], ignored: [] };
  const signature = await fetchDocument(context, `${url}.asc`, { maxBytes: maxSignatureBytes, signal });
  if (signature === undefined) {
    throw new BundleError('INTEGRITY_SIGNATURE', { subject, expected: 'a signature beside it, because repo_gpgcheck is on', actual: 'no repomd.xml.asc', next: 'Find a signed repository, or say repoGpgcheck: false, which leaves the signatures of the packages.' });
  }
  const { signers, ignored } = await verifyDetached(bytes, signature, keys, { subject: `${subject}.asc`, now: context.now() });
  return { base, bytes, repomd, signature, signers, ignored };
}

/** Which checks the project does without. */
function waiversOf({ gpgcheck, repoGpgcheck, requirement }: YumRepository): string[] {
  return [
    ...(!gpgcheck && !repoGpgcheck ? ['unsigned'] : gpgcheck ? [] : ['gpgcheck']),
    ...(requirement.allowExpired === true ? ['date'] : []),
  ];
}

async function keepKeys(context: YumContext, { files }: OfferedKeys, signal: AbortSignal): Promise<Descriptor[]> {
  const kept: Descriptor[] = [];
  for (const file of files) kept.push(await keep(context, keyMediaType, file, signal));
  return kept;
}

/** How packages will be fetched: where secrets are, never what they are. */
function accessOf({ requirement, secretsFrom, tlsFiles, baseurls }: YumRepository): Pick<LockedRepository, 'repoFile' | 'tlsFiles' | 'alsoAt'> {
  const isPrivate = (requirement.headersFrom ?? []).length > 0 || secretsFrom !== undefined;
  const others = isPrivate ? baseurls.slice(1).map(redactUrl) : [];
  return {
    ...(secretsFrom !== undefined ? { repoFile: secretsFrom } : tlsFiles === undefined ? {} : { tlsFiles }),
    ...(others.length === 0 ? {} : { alsoAt: others }),
  };
}

function lockedOf(repository: YumRepository, { repomd, signers }: Fetched, kept: { readonly metadata: Descriptor; readonly signature?: Descriptor; readonly keys: readonly Descriptor[] }): CheckedRepomd['locked'] {
  const date = dateOf(repomd);
  const { headersFrom = [], tls } = repository.requirement;
  return {
    id: repository.id, manager: 'rpm', uri: addressOf(repository),
    ...(repomd.revision === undefined ? {} : { version: repomd.revision }), ...(date === undefined ? {} : { date: iso(date) }),
    metadata: kept.metadata, ...(kept.signature === undefined ? {} : { signature: kept.signature }), keys: [...kept.keys],
    keyFingerprints: [...signers], verified: signers.length > 0, waivers: waiversOf(repository),
    ...(repository.moduleHotfixes ? { moduleHotfixes: true } : {}),
    ...(headersFrom.length === 0 ? {} : { headersFrom: [...headersFrom] }),
    ...(tls === undefined ? {} : { tls }),
    ...accessOf(repository),
  };
}

/**
 * The repomd.xml of a repository from the first mirror that has a good one: the one its metalink names, signed where that is asked for, neither
 * from the future nor older than the last lock's. What was read is kept in the store. Throws `INPUT_KEY` without keys, `INTEGRITY_SIGNATURE`,
 * `INTEGRITY_DIGEST`, `INTEGRITY_EXPIRED`, `INTEGRITY_METADATA`, `RESOLVE_NOT_FOUND`, or a transfer error; of several mirrors the worst.
 */
export async function fetchRepomd(context: YumContext, repository: YumRepository, signal: AbortSignal): Promise<CheckedRepomd> {
  const offered = await offeredKeys(context, repository.keys, { id: repository.id, signal });
  if (offered.keys.length === 0 && (repository.gpgcheck || repository.repoGpgcheck)) {
    throw new BundleError('INPUT_KEY', {
      subject: `repository ${repository.id}`, expected: repository.gpgcheck ? 'a key that its packages are signed with' : 'a key that its metadata is signed with', actual: 'none',
      next: 'Give gpgKeys; `trusted: true` does without signatures and is recorded.',
    });
  }
  const mirrors = await mirrorsOf(context, repository, signal);
  const attempt = { repository, mirrors, keys: offered.keys, signal };
  const fetched = await firstGood({ subject: `repository ${repository.id}`, sources: mirrors.bases, nameOf: redactUrl }, (base) => fetchFrom(context, base, attempt));
  const metadata = await keep(context, 'application/xml', fetched.bytes, signal);
  const signature = fetched.signature === undefined ? undefined : await keep(context, 'application/pgp-signature', fetched.signature, signal);
  const keys = await keepKeys(context, offered, signal);
  return {
    repository, repomd: fetched.repomd, keys: offered.keys,
    bases: [fetched.base, ...mirrors.bases.filter((base) => base !== fetched.base)],
    locked: lockedOf(repository, fetched, { metadata, keys, ...(signature === undefined ? {} : { signature }) }),
    warnings: fetched.ignored.map((what) => `${nameOf(repository)}: ignored ${what}`),
  };
}
