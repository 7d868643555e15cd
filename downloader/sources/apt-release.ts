// Fetching and checking what a repository says of itself: apt-secure(8); Debian wiki, DebianRepository/Format.
import type { Descriptor } from '../../bom/digest.ts';
import { plainPath } from '../../bom/apt-sources.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import { keyMediaType, type LockedRepository } from '../../bom/lock.ts';
import type { KeySource } from '../../bom/requirement.ts';
import { parseRelease, type Release } from '../../formats/deb/release.ts';
import type { PgpKey } from '../../formats/pgp/keys.ts';
import type { Verification } from '../../formats/pgp/signature.ts';
import { type AptSuite, releaseFolder, urlOf } from './apt-entry.ts';
import { fetchDocument, type FetchContext, keep } from './apt-fetch.ts';
import type { AptAccess } from './apt-received.ts';
import { narrowedKeys, type OfferedFiles, offeredFiles } from './repository-keys.ts';

const maxReleaseBytes = 32 << 20;
const maxKeyBytes = 16 << 20;
/** How far a Date may lie ahead of this machine's clock. */
const maxSkewSeconds = 3600;

export interface ReleaseContext extends FetchContext, AptAccess {
  readonly now: () => Date;
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /** Asked first; what it has no answer to is verified here. */
  readonly verifier?: ApartVerifier;
  /** Repositories as the last lock saw them: a Release older than theirs is a replay. */
  readonly previous?: readonly LockedRepository[];
}

export type VerifiedText = Verification & { readonly text: Uint8Array };

/** Who verifies somewhere else, while what does it here is not loaded. */
export interface ApartVerifier {
  /** As `verifyClearsigned` says; undefined where that throws, or cannot be asked. */
  verifyClearsigned(document: Uint8Array, options: OfferedFiles & { readonly now: Date }): Promise<VerifiedText | undefined>;
}

/** A Release that was checked: what may be believed, and what the lock says of it. */
export interface CheckedRelease {
  readonly suite: AptSuite;
  readonly release: Release;
  readonly locked: Omit<LockedRepository, 'target' | 'indexes' | 'architectures'>;
  readonly warnings: readonly string[];
  readonly headers: Readonly<Record<string, string>> | undefined;
}

const nameOf = (suite: AptSuite): string => `${redactUrl(suite.uri)} ${suite.suite}`;

/** Keys of the requirement and of the entry's signed-by, narrowed to the fingerprints that are asked for. */
function keysFor(context: ReleaseContext, suite: AptSuite, signal: AbortSignal): Promise<OfferedFiles> {
  const signedBy = (suite.entry.signedBy ?? '').split(/[\s,]+/).filter((item) => item !== '');
  const sources: KeySource[] = [...suite.requirement.keys, ...signedBy.map(plainPath).map((item) => (item.startsWith('/') ? { path: item } : { fingerprint: item }))];
  return offeredFiles(context, sources, { id: suite.id, signal, inline: suite.entry.signedByKey });
}

interface Signed {
  readonly text: Uint8Array;
  readonly metadata: Descriptor;
  readonly signature?: Descriptor;
  readonly signers: readonly string[];
  readonly ignored: readonly string[];
}

const releaseMediaType = 'text/plain';

/** Loaded where it is needed: it takes longer than what it does. */
const pgp = (): Promise<typeof import('../../formats/pgp/signature.ts')> => import('../../formats/pgp/signature.ts');

interface Asking { readonly headers: Readonly<Record<string, string>> | undefined; readonly signal: AbortSignal }

async function fetchSigned(context: ReleaseContext, suite: AptSuite, offered: OfferedFiles, { headers, signal }: Asking): Promise<Signed> {
  const folder = releaseFolder(suite);
  const subject = nameOf(suite);
  let parsed: Promise<readonly PgpKey[]> | undefined;
  const keys = (): Promise<readonly PgpKey[]> => (parsed ??= narrowedKeys(offered.files, offered.fingerprints, suite.id));
  // Keys that are none are told before anything is asked for.
  if (context.verifier === undefined) await keys();
  const inRelease = await fetchDocument(context, urlOf(suite.uri, `${folder}InRelease`), { maxBytes: maxReleaseBytes, signal, headers });
  if (inRelease !== undefined) {
    const now = context.now();
    const apart = await context.verifier?.verifyClearsigned(inRelease, { ...offered, now });
    const { text, signers, ignored } = apart ?? await (await pgp()).verifyClearsigned(inRelease, await keys(), { subject: `${subject} InRelease`, now });
    return { text, signers, ignored, metadata: await keep(context, releaseMediaType, inRelease, signal) };
  }
  const text = await fetchDocument(context, urlOf(suite.uri, `${folder}Release`), { maxBytes: maxReleaseBytes, signal, headers });
  if (text === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'InRelease or Release', actual: `neither in ${redactUrl(suite.uri)}/${folder}` });
  const signature = await fetchDocument(context, urlOf(suite.uri, `${folder}Release.gpg`), { maxBytes: maxKeyBytes, signal, headers });
  if (signature === undefined) throw new BundleError('INTEGRITY_SIGNATURE', { subject, expected: 'InRelease or Release.gpg', actual: 'a Release without a signature', next: 'Find a signed repository, or say `trusted: true` to record that you do without.' });
  const { signers, ignored } = await (await pgp()).verifyDetached(text, signature, await keys(), { subject: `${subject} Release.gpg`, now: context.now() });
  return {
    text, signers, ignored,
    metadata: await keep(context, releaseMediaType, text, signal),
    signature: await keep(context, 'application/pgp-signature', signature, signal),
  };
}

/** Without a signature, because the project says so: Release, or the text of an InRelease without its frame. */
async function fetchUnsigned(context: ReleaseContext, suite: AptSuite, { headers, signal }: Asking): Promise<Signed> {
  const folder = releaseFolder(suite);
  for (const name of ['Release', 'InRelease']) {
    const bytes = await fetchDocument(context, urlOf(suite.uri, `${folder}${name}`), { maxBytes: maxReleaseBytes, signal, headers });
    if (bytes === undefined) continue;
    const framed = Buffer.from(bytes).toString('utf8');
    const text = framed.replace(/^-----BEGIN PGP SIGNED MESSAGE-----\r?\n[\s\S]*?\r?\n\r?\n/, '').replace(/-----BEGIN PGP SIGNATURE-----[\s\S]*$/, '');
    return { text: new TextEncoder().encode(text), signers: [], ignored: [], metadata: await keep(context, releaseMediaType, bytes, signal) };
  }
  throw new BundleError('RESOLVE_NOT_FOUND', { subject: nameOf(suite), expected: 'Release or InRelease', actual: `neither in ${redactUrl(suite.uri)}/${folder}` });
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Waivers that were needed. Throws `INTEGRITY_EXPIRED` when the Release lies in the future or is past its Valid-Until. */
function checkDates(suite: AptSuite, release: Release, now: number): string[] {
  const waivers: string[] = [];
  const allowed = suite.requirement.allowExpired === true;
  if (release.date !== undefined && release.date > now + maxSkewSeconds) {
    if (suite.entry.checkDate) throw new BundleError('INTEGRITY_EXPIRED', { subject: nameOf(suite), expected: `a Release of ${iso(now)} or before`, actual: `one dated ${iso(release.date)}`, next: 'Set the clock of this machine, or use another mirror.' });
    waivers.push('date');
  }
  if (release.validUntil !== undefined && release.validUntil < now) {
    if (suite.entry.checkValidUntil && !allowed) throw new BundleError('INTEGRITY_EXPIRED', { subject: nameOf(suite), expected: `a Release that is valid at ${iso(now)}`, actual: `one that was valid until ${iso(release.validUntil)}` });
    waivers.push('valid-until');
  }
  return waivers;
}

/** Throws `INTEGRITY_EXPIRED` when an earlier lock saw a newer Release of the same suite, unless old ones are allowed. */
function checkNotReplayed(suite: AptSuite, release: Release, previous: readonly LockedRepository[]): void {
  const uri = redactUrl(suite.uri);
  const seen = previous.filter((known) => known.manager === 'deb' && known.uri === uri && known.suite === suite.suite && known.date !== undefined)
    .map(({ date = '' }) => Date.parse(date) / 1000);
  const newest = Math.max(...seen, 0);
  if (suite.requirement.allowExpired === true || release.date === undefined || release.date >= newest) return;
  throw new BundleError('INTEGRITY_EXPIRED', {
    subject: nameOf(suite), expected: `a Release of ${iso(newest)} or later, as the last lock saw it`, actual: `one dated ${iso(release.date)}`, next: 'Use a mirror that is up to date, or `allowExpired: true` to record that you go back.',
  });
}

function warningsOf(suite: AptSuite, release: Release, ignored: readonly string[]): string[] {
  const warnings = ignored.map((what) => `${nameOf(suite)}: ignored ${what}`);
  const names = [release.suite, release.codename].filter((name) => name !== undefined);
  const plain = suite.suite.replace(/\/updates$/, '-security');
  if (!suite.suite.endsWith('/') && names.length > 0 && ![plain, suite.suite, suite.suite.split('/')[0]].some((name) => names.includes(name ?? ''))) {
    warnings.push(`${nameOf(suite)}: its Release says ${names.join(', ')} instead of ${suite.suite}`);
  }
  return warnings;
}

/**
 * The Release of a suite, verified with the keys offered for it and judged against the clock. What was read is kept in the store.
 * Throws `INPUT_KEY` without keys, `INTEGRITY_SIGNATURE`, `INTEGRITY_EXPIRED`, `INTEGRITY_METADATA`, `RESOLVE_NOT_FOUND`, or a transfer error.
 */
export async function fetchRelease(context: ReleaseContext, suite: AptSuite, signal: AbortSignal): Promise<CheckedRelease> {
  const trusted = suite.requirement.trusted || suite.entry.trusted;
  const offered = await keysFor(context, suite, signal);
  const unsigned = offered.files.length === 0 && offered.fingerprints.length === 0;
  if (unsigned && !trusted) {
    throw new BundleError('INPUT_KEY', { subject: `repository ${suite.id}`, expected: 'a key that its Release is signed with', actual: 'none', next: 'Give gpgKeys, or signed-by in the line or sources; `trusted: true` does without and is recorded.' });
  }
  const headers = await context.headersFor?.(suite.uri, suite.requirement.headersFrom ?? []);
  const asking = { headers, signal };
  const signed = unsigned ? await fetchUnsigned(context, suite, asking) : await fetchSigned(context, suite, offered, asking);
  const release = parseRelease(signed.text, nameOf(suite));
  checkNotReplayed(suite, release, context.previous ?? []);
  const waivers = [...(unsigned ? ['unsigned'] : []), ...checkDates(suite, release, context.now().getTime() / 1000)];
  // Kept only now: what a signature that turned out bad came with leaves nothing behind.
  const keys: Descriptor[] = [];
  for (const { bytes } of offered.files) keys.push(await keep(context, keyMediaType, bytes, signal));
  const { origin, label, codename, version, date, validUntil } = release;
  const optional = { origin, label, codename, version, date: date === undefined ? undefined : iso(date), validUntil: validUntil === undefined ? undefined : iso(validUntil) };
  return {
    suite,
    release,
    locked: {
      id: suite.id, manager: 'deb', uri: redactUrl(suite.uri), suite: suite.suite, components: [...suite.components],
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
      metadata: signed.metadata, ...(signed.signature === undefined ? {} : { signature: signed.signature }),
      keys, keyFingerprints: [...signed.signers], verified: !unsigned, waivers,
      ...(suite.requirement.headersFrom === undefined ? {} : { headersFrom: [...suite.requirement.headersFrom] }),
      ...(suite.requirement.tls === undefined ? {} : { tls: suite.requirement.tls }),
    },
    warnings: warningsOf(suite, release, signed.ignored),
    headers,
  };
}
