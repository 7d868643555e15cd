// Which signatures over a Release count: the machine's apt beside ours, over keys and signatures that gpg makes of every kind that archives used since 2016.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleError } from '../../bom/errors.ts';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { verifyClearsigned, verifyDetached } from '../../formats/pgp/signature.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { must } from '../support/command.ts';

const release = 'Origin: trust\nSuite: x\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 Packages\n';

interface KeyKind { readonly algorithm: string; readonly expires?: string; readonly subkey?: string; readonly subkeyExpires?: string; readonly revoke?: 'key' }
const keyKinds: Readonly<Record<string, KeyKind>> = {
  'rsa2048': { algorithm: 'rsa2048' }, 'other': { algorithm: 'rsa2048' }, 'rsa3072': { algorithm: 'rsa3072' }, 'rsa4096': { algorithm: 'rsa4096' }, 'rsa1024': { algorithm: 'rsa1024' },
  'dsa1024': { algorithm: 'dsa1024' }, 'dsa2048': { algorithm: 'dsa2048' }, 'dsa3072': { algorithm: 'dsa3072' },
  'ed25519': { algorithm: 'ed25519' }, 'nistp256': { algorithm: 'nistp256' }, 'nistp384': { algorithm: 'nistp384' }, 'nistp521': { algorithm: 'nistp521' }, 'brainpoolP256r1': { algorithm: 'brainpoolP256r1' }, 'secp256k1': { algorithm: 'secp256k1' },
  'expired': { algorithm: 'rsa2048', expires: '1y' }, 'revoked': { algorithm: 'rsa2048', revoke: 'key' },
  'subkey': { algorithm: 'rsa2048', subkey: 'rsa2048' }, 'expired subkey': { algorithm: 'rsa2048', subkey: 'rsa2048', subkeyExpires: '1y' },
};

/** Keys, how they sign, and keys that the verifier does not get. */
export interface TrustCase { readonly name: string; readonly by: readonly string[]; readonly hash?: string; readonly without?: readonly string[]; readonly at?: string; readonly sigExpires?: string; readonly tampered?: 'first' | 'last' }

export const trustCases: readonly TrustCase[] = [
  ...['rsa2048', 'rsa3072', 'rsa4096', 'rsa1024', 'dsa2048', 'dsa3072', 'ed25519', 'nistp256', 'nistp384', 'nistp521', 'brainpoolP256r1', 'secp256k1', 'subkey', 'revoked'].map((name) => ({ name, by: [name] })),
  ...['SHA1', 'SHA224', 'SHA256', 'SHA384', 'SHA512', 'RIPEMD160', 'MD5'].map((hash) => ({ name: `rsa2048 ${hash}`, by: ['rsa2048'], hash })),
  ...['SHA1', 'SHA256', 'SHA512'].map((hash) => ({ name: `dsa1024 ${hash}`, by: ['dsa1024'], hash })),
  { name: 'expired', by: ['expired'], at: '20200601T000000' }, { name: 'expired subkey', by: ['expired subkey'], at: '20200601T000000' },
  { name: 'expired signature', by: ['rsa2048'], sigExpires: 'seconds=1' },
  { name: 'unknown', by: ['other'], without: ['other'] }, { name: 'good and unknown', by: ['rsa2048', 'other'], without: ['other'] }, { name: 'unknown and good', by: ['other', 'rsa2048'], without: ['other'] },
  { name: 'good and expired', by: ['rsa2048', 'expired'], at: '20200601T000000' }, { name: 'good and revoked', by: ['rsa2048', 'revoked'] },
  { name: 'dsa1024 SHA1 and rsa4096 SHA512', by: ['dsa1024', 'rsa4096'] },
  { name: 'good and bad', by: ['rsa2048', 'other'], tampered: 'last' }, { name: 'bad and good', by: ['rsa2048', 'other'], tampered: 'first' },
];

/** Where we are stricter than apt 2.6: DSA, RSA of fewer than 2048 bits, and curves that no distribution's archive uses and the OpenPGP library does not compute. */
export const explained: ReadonlySet<string> = new Set(['rsa1024', 'dsa2048', 'dsa3072', 'dsa1024 SHA256', 'dsa1024 SHA512', 'brainpoolP256r1', 'secp256k1']);

class Gpg {
  private readonly home: string;
  private readonly prints = new Map<string, string>();
  constructor(home: string) { this.home = home; }

  run(args: readonly string[]): Promise<string> {
    return must('gpg', ['--homedir', this.home, '--batch', '--yes', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', '--trust-model', 'always', '--allow-weak-digest-algos', '--enable-dsa2', ...args]);
  }

  async make(name: string, { algorithm, expires = 'never', subkey, subkeyExpires = 'never', revoke }: KeyKind): Promise<void> {
    const when = ['--faked-system-time', '20200101T000000!'];
    const id = `${name.replace(/ /g, '-')}@example.org`;
    await this.run([...when, '--quick-gen-key', id, algorithm, subkey === undefined ? 'sign' : 'cert', expires]);
    const print = /^fpr:+([0-9A-F]+):/m.exec(await this.run(['--with-colons', '--list-keys', id]))?.[1] ?? '';
    this.prints.set(name, print);
    if (subkey !== undefined) await this.run([...when, '--quick-add-key', print, subkey, 'sign', subkeyExpires]);
    if (revoke !== 'key') return;
    const file = join(this.home, 'openpgp-revocs.d', `${print}.rev`);
    await writeFile(join(this.home, 'revocation.asc'), (await readFile(file, 'utf8')).replace(':-----BEGIN', '-----BEGIN'));
  }

  async sign({ by, hash, at, sigExpires }: TrustCase, form: '--clearsign' | '--detach-sign', text: string): Promise<string> {
    const file = join(this.home, 'Release');
    await writeFile(file, text);
    const prints = by.flatMap((name) => ['-u', `${this.prints.get(name) ?? ''}`]);
    await this.run([...(at === undefined ? [] : ['--faked-system-time', `${at}!`]), ...(hash === undefined ? [] : ['--digest-algo', hash]), ...(sigExpires === undefined ? [] : ['--default-sig-expire', sigExpires]), ...prints, '--armor', '-o', `${file}.asc`, form, file]);
    return readFile(`${file}.asc`, 'utf8');
  }

  /** Revocations are imported after everything was signed. */
  async revoke(): Promise<void> { await this.run(['--import', join(this.home, 'revocation.asc')]); }
  async keyring(names: readonly string[]): Promise<string> { return this.run(['--armor', '--export', ...names.map((name) => this.prints.get(name) ?? '')]); }
}

/** A detached signature with one packet taken over another text. */
async function mixed(gpg: Gpg, item: TrustCase): Promise<string> {
  const dearmor = async (text: string): Promise<Buffer> => Buffer.from(text.replace(/-----[^-]+-----/g, '').replace(/^=.{4}$/m, '').replace(/\s/g, ''), 'base64');
  const [bad, good] = item.tampered === 'first' ? [item.by[0], item.by[1]] : [item.by[1], item.by[0]];
  const one = await dearmor(await gpg.sign({ ...item, by: [bad ?? ''] }, '--detach-sign', `${release}more\n`));
  const two = await dearmor(await gpg.sign({ ...item, by: [good ?? ''] }, '--detach-sign', release));
  const both = item.tampered === 'first' ? [one, two] : [two, one];
  return `-----BEGIN PGP SIGNATURE-----\n\n${(Buffer.concat(both).toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END PGP SIGNATURE-----\n`;
}

export interface TrustAnswer { readonly name: string; readonly form: string; readonly apt: string; readonly ours: string }

async function aptSays(folder: string, files: Readonly<Record<string, string>>, keyring: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  const repository = join(folder, 'repository');
  await mkdir(repository, { recursive: true });
  for (const [name, text] of Object.entries({ ...files, 'Packages': '', 'key.asc': keyring })) await writeFile(join(repository, name), text);
  const root = await makeAptRoot(folder, { architecture: 'amd64', sources: `Types: deb\nURIs: file:${repository}\nSuites: ./\nSigned-By: ${repository}/key.asc\n` });
  const { status, stderr } = await root.apt(['update', '-qq', '-o', 'APT::Update::Error-Mode=any']);
  return status === 0 ? `accepts${/^W: .*weak/m.test(stderr) ? ', with a warning' : ''}` : `refuses: ${/(BADSIG|EXPKEYSIG|REVKEYSIG|EXPSIG|NO_PUBKEY|no longer|weak[^:]*|not signed)[^\n]{0,60}/.exec(stderr)?.[0] ?? stderr.slice(0, 120)}`;
}

async function weSay(verifying: Promise<unknown>): Promise<string> {
  try {
    await verifying;
    return 'accepts';
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return `refuses: ${error.facts.actual}`;
  }
}

/** What both say of each case, as InRelease and as Release with Release.gpg. */
export async function compareTrust(): Promise<TrustAnswer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-trust-'));
  const home = join(folder, 'gpg');
  await mkdir(home, { mode: 0o700 });
  const gpg = new Gpg(home);
  try {
    for (const [name, kind] of Object.entries(keyKinds)) await gpg.make(name, kind);
    const signed = [];
    for (const item of trustCases) {
      const detached = item.tampered === undefined ? await gpg.sign(item, '--detach-sign', release) : await mixed(gpg, item);
      signed.push({ item, detached, inline: item.tampered === undefined ? await gpg.sign(item, '--clearsign', release) : undefined });
    }
    await gpg.revoke();
    await new Promise((resolve) => { setTimeout(resolve, 2000); });
    const answers: TrustAnswer[] = [];
    for (const { item, detached, inline } of signed) {
      const keyring = await gpg.keyring(Object.keys(keyKinds).filter((name) => item.without?.includes(name) !== true));
      const keys = await parseKeys(Buffer.from(keyring), 'keyring');
      const options = { subject: item.name, now: new Date() };
      const work = join(folder, 'root');
      answers.push({ name: item.name, form: 'Release.gpg', apt: await aptSays(work, { 'Release': release, 'Release.gpg': detached }, keyring), ours: await weSay(verifyDetached(Buffer.from(release), Buffer.from(detached), keys, options)) });
      if (inline !== undefined) answers.push({ name: item.name, form: 'InRelease', apt: await aptSays(work, { InRelease: inline }, keyring), ours: await weSay(verifyClearsigned(Buffer.from(inline), keys, options)) });
    }
    return answers;
  } finally {
    await must('gpgconf', ['--homedir', home, '--kill', 'all']).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}
