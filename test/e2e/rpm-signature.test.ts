// Our verdict on real signed packages, next to rpm's own.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { rpmTag } from '../../formats/rpm/header.ts';
import { RpmKeyring } from '../../formats/rpm/keyring.ts';
import { parseRpmHead } from '../../formats/rpm/package-head.ts';
import { RpmVerifier } from '../../formats/rpm/signature.ts';
import { must, run } from '../support/command.ts';
import { buildRpms, everyFeature, type GpgKey, makeGpgKey, signRpms, stopGpg } from '../support/rpm-build.ts';
import { basicTags } from '../support/rpm-file.ts';
import { makeKey as makeSigningKeyInCode, makeSignedRpm, signature3 } from '../support/rpm-signing.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('rpm-signature');
const keys: GpgKey[] = [];
const packages = ['bed-files-3-1.noarch.rpm', 'bed-weak-1-1.noarch.rpm', 'bed-more-1-1.noarch.rpm'];

async function makeKey(name: string, algorithm: string): Promise<GpgKey> {
  const key = await makeGpgKey(join(folder, `gpg-${name}`), `${name}@example.org`, algorithm);
  keys.push(key);
  return key;
}

beforeAll(async () => {
  await mkdir(join(folder, 'unsigned'));
  await buildRpms(join(folder, 'unsigned'), everyFeature.filter(({ name }) => packages.some((file) => file.startsWith(`${name}-`))));
});
afterAll(async () => { for (const key of keys) await stopGpg(key); });

/** A folder with the packages, signed. */
async function signedBy(name: string, key: GpgKey): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const file of packages) await cp(join(folder, 'unsigned', file), join(path, file));
  await signRpms(path, key);
  return path;
}

async function ours(path: string, key: GpgKey): Promise<string> {
  const bytes = await readFile(path);
  try {
    const head = parseRpmHead(bytes, path);
    const now = new Date();
    const verifier = await RpmVerifier.start(head, new RpmKeyring(await parseKeys(Buffer.from(key.publicKey), 'key'), now), { subject: path, now });
    verifier.update(bytes.subarray(head.headerRange.end));
    return verifier.finish().signer;
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

/** Whether rpm, with this key alone in its database and both signature and digests wanted, takes the package. */
async function rpms(path: string, key: GpgKey): Promise<boolean> {
  const database = join(key.home, 'rpmdb');
  await mkdir(database, { recursive: true });
  await writeFile(join(key.home, 'key.asc'), key.publicKey);
  await must('rpmkeys', ['--dbpath', database, '--import', join(key.home, 'key.asc')]);
  return (await run('rpmkeys', ['--dbpath', database, '--define', '_pkgverify_level all', '--checksig', path])).status === 0;
}

describe.each([['RSA with 2048 bits', 'rsa2048'], ['RSA with 4096 bits', 'rsa4096'], ['Ed25519', 'ed25519']])('packages signed with %s', (_, algorithm) => {
  let key: GpgKey;
  let signed: string;

  beforeAll(async () => {
    key = await makeKey(algorithm, algorithm);
    signed = await signedBy(`signed-${algorithm}`, key);
  });

  it('are good for us as for rpm, whatever their payload', async () => {
    const [fingerprint = ''] = (await parseKeys(Buffer.from(key.publicKey), 'key')).map((each) => each.fingerprint);
    for (const file of packages) expect([await ours(join(signed, file), key), await rpms(join(signed, file), key)], file).toEqual([fingerprint, true]);
  });

  it('are refused by both when a byte of header or payload changed', async () => {
    const whole = await readFile(join(signed, packages[0] ?? ''));
    const head = parseRpmHead(whole, 'package');
    for (const at of [head.headerRange.end - 100, Math.floor((head.headerRange.end + whole.length) / 2), whole.length - 1]) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const path = join(signed, 'changed.rpm');
      await writeFile(path, bytes);
      expect([await ours(path, key), await rpms(path, key)], `byte ${at}`).toEqual([expect.stringMatching(/^INTEGRITY_/), false]);
    }
  });
});

describe('other packages', () => {
  it('are refused by both: unsigned, and signed by a foreign key', async () => {
    const [known, foreign] = [await makeKey('known', 'rsa2048'), await makeKey('foreign', 'rsa2048')];
    const [file = ''] = packages;
    expect([await ours(join(folder, 'unsigned', file), known), await rpms(join(folder, 'unsigned', file), known)]).toEqual(['INTEGRITY_SIGNATURE', false]);
    const path = join(await signedBy('by-foreign', foreign), file);
    expect([await ours(path, known), await rpms(path, known)]).toEqual(['INTEGRITY_SIGNATURE', false]);
  });

  it('are taken by both with signature packets of version 3, over the header and over all of it', async () => {
    const made = await makeSigningKeyInCode('old');
    const home = join(folder, 'gpg-old');
    await mkdir(home);
    const key = { home, userId: 'old', publicKey: made.toPublic().armor() };
    const content = await readFile(join(folder, 'unsigned', packages[0] ?? ''));
    const head = parseRpmHead(content, 'package');
    for (const [name, signs] of Object.entries({ header: { header: (bytes: Buffer) => signature3(made.keyPacket, bytes) }, whole: { header: (bytes: Buffer) => signature3(made.keyPacket, bytes), whole: (bytes: Buffer) => signature3(made.keyPacket, bytes) } })) {
      const path = join(folder, `${name}.rpm`);
      await writeFile(path, await makeSignedRpm('old', signs, { payload: content.subarray(head.headerRange.end), tags: basicTags('old', [[rpmTag.payloadCompressor, { type: 'string', value: 'gzip' }], [1124, { type: 'string', value: 'cpio' }], [1021, { type: 'string', value: 'linux' }]]) }));
      expect([await ours(path, key), await rpms(path, key)], name).toEqual([made.getFingerprint().toUpperCase(), true]);
    }
  });

  it('are taken by both when a subkey signed', async () => {
    const key = await makeKey('subkey', 'rsa2048');
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(await must('gpg', ['--homedir', key.home, '--batch', '--with-colons', '--list-keys']))?.[1] ?? '';
    await must('gpg', ['--homedir', key.home, '--batch', '--passphrase', '', '--quick-add-key', fingerprint, 'rsa2048', 'sign', 'never']);
    const withSubkey = { ...key, publicKey: await must('gpg', ['--homedir', key.home, '--batch', '--armor', '--export']) };
    const path = join(await signedBy('by-subkey', withSubkey), packages[0] ?? '');
    expect([await ours(path, withSubkey), await rpms(path, withSubkey)]).toEqual([fingerprint, true]);
    expect(await ours(path, key)).toBe('INTEGRITY_SIGNATURE');
  });
});
