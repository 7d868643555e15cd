import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineSigner } from '../../bin/machine-key.ts';
import { SignatureThread, warmSignatureThread } from '../../bin/signature-thread.ts';
import { silent } from '../../bom/events.ts';
import type { PackageSetRequirement } from '../../bom/requirement.ts';
import { createAptSource } from '../../downloader/sources/apt.ts';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { clearsign, verifyClearsigned, verifyDetached } from '../../formats/pgp/signature.ts';
import { clientOver, makeRepository, makeTestKey, stanza, type TestKey } from '../support/apt-repository.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const now = new Date('2026-03-01T00:00:00Z');
const at = { file: 'bom.yaml', line: 7, column: 3 };
let thread: SignatureThread;
let key: TestKey;
let other: TestKey;
beforeAll(async () => {
  [key, other] = await Promise.all([makeTestKey(), makeTestKey()]);
  thread = await warmed('spec: {packages: [{id: a, manager: deb, include: [{name: b}]}]}');
});

async function warmed(document: string): Promise<SignatureThread> {
  const path = join(await temporaryFolder('signature-thread'), 'bom.yaml');
  await writeFile(path, document);
  warmSignatureThread(['sync', '-f', path], 2);
  return new SignatureThread();
}

afterAll(() => { thread.close(); });

const filesOf = (...keys: readonly TestKey[]): { bytes: Uint8Array; subject: string }[] => keys.map(({ publicKey }) => ({ bytes: Buffer.from(publicKey), subject: 'key.asc' }));

const set: PackageSetRequirement = {
  kind: 'deb', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 't', family: 'debian', os: 'debian', release: '12', arch: 'amd64' },
  repositories: [{ id: 'main', manager: 'deb', at, line: 'deb http://apt.example.org/debian stable main', keys: [{ path: '/key.asc' }], trusted: false }],
  role: 'normal', dependencies: 'closure', weakDependencies: false, arches: [], include: [{ spec: 'app', versions: 'newest', at }], urls: [],
};

async function resolve(files: ReadonlyMap<string, Uint8Array>, verifier: SignatureThread | undefined, keyText = key.publicKey): Promise<unknown> {
  const apt = createAptSource({ http: clientOver(files), blobs: new MemoryBlobs(), notify: silent, now: () => now, readFile: async () => Buffer.from(keyText), ...(verifier === undefined ? {} : { verifier }) });
  return apt.resolve([set], new AbortController().signal);
}

describe('a thread that verifies', () => {
  it('says what is said without it, by the keys that count', async () => {
    const document = Buffer.from(await clearsign('Origin: x\n', key.signing, new Date('2026-02-01T00:00:00Z')));
    const expected = await verifyClearsigned(document, await parseKeys(Buffer.from(key.publicKey), 'key'), { subject: 'x', now });
    expect(await thread.verifyClearsigned(document, { files: filesOf(other, key), fingerprints: [], now })).toEqual(expected);
    expect(await thread.verifyClearsigned(document, { files: filesOf(other, key), fingerprints: [key.signing.fingerprint], now })).toEqual(expected);
    expect(await thread.verifyClearsigned(document, { files: filesOf(other, key), fingerprints: [other.signing.fingerprint], now })).toBeUndefined();
    expect(await thread.verifyClearsigned(Buffer.from(document.toString().replace('Origin: x', 'Origin: y')), { files: filesOf(key), fingerprints: [], now })).toBeUndefined();
    expect(await thread.verifyClearsigned(document, { files: filesOf(key), fingerprints: [], now: new Date('2026-01-15T00:00:00Z') })).toBeUndefined();
  });

  it('leaves it to its caller to say what is wrong', async () => {
    const good = await makeRepository([stanza('app')], { key });
    expect(await resolve(good, thread)).toEqual(await resolve(good, undefined));
    await expect(resolve(await makeRepository([stanza('app')], { key: other }), thread)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE', facts: { actual: expect.stringContaining('unknown key') as string } });
    await expect(resolve(await makeRepository([stanza('app')]), thread)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    await expect(resolve(good, thread, 'no key')).rejects.toMatchObject({ code: 'INPUT_KEY' });
    expect(await resolve(await makeRepository([stanza('app')], { key, detached: true }), thread)).toMatchObject({ repositories: [{ verified: true }] });
  });
});

describe('a machine that signs in a thread', () => {
  async function machine(): Promise<string> {
    const root = await temporaryFolder('signature-thread');
    await mkdir(join(root, 'keys'));
    await writeFile(join(root, 'keys/machine.key'), key.signing.key.armor());
    return root;
  }

  it('signs as without it, and writes its public key', async () => {
    const root = await machine();
    const signer = await machineSigner(root, () => now, thread);
    const here = await machineSigner(await machine(), () => now, undefined);
    expect(signer.publicKeyArmored).toBe(here.publicKeyArmored);
    expect(await readFile(join(root, 'keys/machine.asc'), 'utf8')).toBe(here.publicKeyArmored);
    expect(await signer.clearsign('Origin: x\n')).toBe(await here.clearsign('Origin: x\n'));
    const content = Buffer.from('Release');
    const keys = await parseKeys(Buffer.from(here.publicKeyArmored), 'key');
    expect(await verifyDetached(content, Buffer.from(await signer.detach(content)), keys, { subject: 'x', now })).toEqual({ signers: [key.signing.fingerprint], ignored: [] });
  });

  it('goes on without a thread that ended, and says itself what is no key', async () => {
    const ended = await warmed('{"manager": "deb"}');
    const root = await machine();
    const signer = await machineSigner(root, () => now, ended);
    ended.close();
    expect(await signer.detach(Buffer.from('x'))).toContain('BEGIN PGP SIGNATURE');
    expect(await ended.verifyClearsigned(Buffer.from('x'), { files: [], fingerprints: [], now })).toBeUndefined();
    const none = await warmed('spec: {packages: [{id: a, manager: rpm}]}');
    await none.answered;
    expect(await none.signerOf(Buffer.from(key.signing.key.armor()), () => now)).toBeUndefined();
    await writeFile(join(root, 'keys/machine.key'), 'no key');
    await expect(machineSigner(root, () => now, thread)).rejects.toMatchObject({ code: 'INPUT_KEY' });
  });
});
