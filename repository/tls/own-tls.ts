// The machine's own authority and certificate on disk: made on first use, renewed in time, kept over restarts.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { BundleError } from '../../bom/errors.ts';
import { commitFile, commitNewFile, makeDirectory } from '../../store/durable-file.ts';
import type { TlsFiles } from '../listen.ts';
import { type CertificateAndKey, fingerprintOf, issueServerCertificate, makeAuthority } from './certificate.ts';

const authorityDays = 3650;
const serverDays = 397;
/** A certificate is renewed when less than this is left of it. */
const renewBeforeMs = 30 * 86_400_000;

export interface OwnTls extends TlsFiles {
  /** PEM of the authority: what clients have to trust. */
  readonly ca: string;
  /** SHA-256 of it: what a person compares. */
  readonly fingerprint: string;
  /** When this has to be asked for again, to renew in time. */
  readonly renewAt: Date;
}

/**
 * TLS files for `hosts` (DNS names, IP addresses; at least one), from the authority in `folder`, which is made when there is none. The server's
 * certificate is kept while it fits: same authority, every host in it, a month left. Throws `STORAGE_IO` for files that are there and no certificates,
 * and `INTEGRITY_EXPIRED` for an authority at its end: clients have to trust a new one first ({@link rotateAuthority}).
 */
export async function openOwnTls(folder: string, options: { readonly hosts: readonly string[]; readonly now: Date }): Promise<OwnTls> {
  const { now } = options;
  const hosts = [...new Set(options.hosts)];
  await makeDirectory(folder);
  const authority = (await readPair(folder, 'ca')) ?? await firstAuthority(folder, { name: `longshore ${hosts[0] ?? ''}`.trim(), now, days: authorityDays });
  const root = new X509Certificate(authority.certificate);
  if (root.validToDate.getTime() - now.getTime() < renewBeforeMs) {
    throw new BundleError('INTEGRITY_EXPIRED', {
      subject: join(folder, 'ca.pem'), expected: 'an authority that is valid for a month yet', actual: `one that ends on ${root.validTo}`,
      next: 'Make a new authority, and let every client trust it before the old one ends.',
    });
  }
  const kept = await readPair(folder, 'server');
  const server = kept !== undefined && fits(kept, root, hosts, now) ? kept
    : await writePair(folder, 'server', issueServerCertificate(authority, { hosts, now, days: Math.min(serverDays, daysLeft(root, now)) }));
  const renewAt = new Date(new X509Certificate(server.certificate).validToDate.getTime() - renewBeforeMs);
  return { cert: `${server.certificate}${authority.certificate}`, key: server.key, ca: authority.certificate, fingerprint: fingerprintOf(authority.certificate), renewAt };
}

/**
 * The authority of a folder that has none yet: of several processes that make one at the same time, all go on with the key and the certificate that came first to the
 * disk. What a stopped rotation left, a key with the certificate of the one before, gets its certificate.
 */
async function firstAuthority(folder: string, facts: { readonly name: string; readonly now: Date; readonly days: number }): Promise<CertificateAndKey> {
  const [keyPath, path] = [join(folder, 'ca.key'), join(folder, 'ca.pem')];
  const own = makeAuthority(facts);
  const had = await readText(path);
  if ((await readText(keyPath)) === undefined) {
    if (had !== undefined) throw unusable(path, 'a certificate without its key');
    await commitNewFile(keyPath, own.key, 0o600);
  }
  const key = (await readText(keyPath)) ?? own.key;
  const made = key === own.key ? own : checked(path, () => makeAuthority({ ...facts, key }));
  if (!(await commitNewFile(path, made.certificate))) {
    const first = await readPair(folder, 'ca');
    if (first !== undefined) return first;
    await commitFile(path, made.certificate);
  }
  return made;
}

/** Replaces the authority; the old certificate stays beside it as `ca.old.pem`, so that both can be handed to clients for a while. */
export async function rotateAuthority(folder: string, options: { readonly hosts: readonly string[]; readonly now: Date }): Promise<OwnTls> {
  const old = await readPair(folder, 'ca');
  if (old !== undefined) await commitFile(join(folder, 'ca.old.pem'), old.certificate);
  await writePair(folder, 'ca', makeAuthority({ name: `longshore ${options.hosts[0] ?? ''}`.trim(), now: options.now, days: authorityDays }));
  return openOwnTls(folder, options);
}

function fits(pair: CertificateAndKey, root: X509Certificate, hosts: readonly string[], now: Date): boolean {
  const certificate = new X509Certificate(pair.certificate);
  return certificate.verify(root.publicKey) && certificate.validToDate.getTime() - now.getTime() >= renewBeforeMs
    && hosts.every((host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined);
}

function daysLeft(root: X509Certificate, now: Date): number {
  return Math.floor((root.validToDate.getTime() - now.getTime()) / 86_400_000);
}

async function readPair(folder: string, name: string): Promise<CertificateAndKey | undefined> {
  const path = join(folder, `${name}.pem`);
  const [certificate, key] = [await readText(path), await readText(join(folder, `${name}.key`))];
  if (certificate === undefined || key === undefined) return undefined;
  return checked(path, () => new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) ? { certificate, key } : undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new BundleError('STORAGE_IO', { subject: path, expected: 'to read it', actual: cause.message }, { cause });
  });
}

function checked<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw unusable(path, (cause as Error).message, cause);
  }
}

function unusable(path: string, actual: string, cause?: unknown): BundleError {
  return new BundleError('STORAGE_IO', { subject: path, expected: 'a certificate and its key, as PEM', actual, next: 'Restore both files, or remove both: new ones are made.' }, { cause });
}

/** The key first: a certificate without its key is as good as none, and both are made anew. */
async function writePair(folder: string, name: string, pair: CertificateAndKey): Promise<CertificateAndKey> {
  await commitFile(join(folder, `${name}.key`), pair.key, 0o600);
  await commitFile(join(folder, `${name}.pem`), pair.certificate);
  return pair;
}
