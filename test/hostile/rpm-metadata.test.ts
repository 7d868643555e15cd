// What a mirror may do to a yum repository's documents: compressed badly or as bombs, nested without end, signed by who may not any more.
import { zstdCompressSync } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { gzip, xzCompress } from '../../formats/compression.ts';
import { base, repository, set, source, toolAndUser } from '../downloader/yum-world.ts';
import { bzip2 } from '../support/bzip2.ts';
import { makeKey, rawSignature4, signature4 } from '../support/rpm-signing.ts';
import { makeYumRepository, type TestRpm, type YumRepositoryOptions } from '../support/yum-repository.ts';

let key: PrivateKey;
let rpms: TestRpm[];
beforeAll(async () => {
  ({ key, rpms } = await toolAndUser());
});

type Content = Map<string, Uint8Array>;
const files = (more: YumRepositoryOptions = {}): Promise<Content> => makeYumRepository(rpms, more);
const lock = (content: Content, specs = ['tool'], keyring = key, repoGpgcheck = false): Promise<unknown> =>
  source({ files: content, key: keyring }).yum.resolve([set(specs, { repositories: [repository({ repoGpgcheck })] })], new AbortController().signal);

const encoders: readonly [string, (bytes: Uint8Array) => Uint8Array][] = [['.gz', gzip], ['.xz', xzCompress], ['.zst', (bytes) => zstdCompressSync(bytes)], ['.bz2', bzip2]];

describe.each(encoders)('indexes in %s', (extension, encode) => {
  it('are refused when they are cut, though their hash is right', async () => {
    for (const share of [0.3, 0.9]) await expect(lock(await files({ extension, encode: (bytes) => { const whole = encode(bytes); return whole.subarray(0, Math.floor(whole.length * share)); } }))).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });

  it('are refused when they give more than repomd.xml says, or a record without end', async () => {
    const blank = (text: string): string => text.replace('<metadata', `<!--${' '.repeat(8 << 20)}--><metadata`);
    const lying = await files({ extension, encode, primary: blank, repomd: (repomd) => ({ ...repomd, files: repomd.files.map((file) => ({ ...file, openSize: 1 << 16 })) }) });
    await expect(lock(lying)).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    const silent = await files({ extension, encode, primary: (text) => text.replace('<summary>', `<summary>${'a'.repeat(70 << 20)}`), repomd: (repomd) => ({ ...repomd, files: repomd.files.map(({ openSize: _, ...file }) => file) }) });
    // The answer alone: an assertion that fails would print all of it.
    expect(await lock(silent).then(() => 'resolved', (error: { readonly code?: string }) => error.code)).toBe('INTEGRITY_METADATA');
  }, 120_000);
});

describe('documents', () => {
  const entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>';
  const deep = '<a>'.repeat(200_000);
  it.each<[string, YumRepositoryOptions]>([
    ['primary with an entity bomb', { primary: (text) => text.replace('<metadata', `${entities}<metadata`) }],
    ['primary with an entity that nobody declared', { primary: (text) => text.replace('<summary>', '<summary>&b;') }],
    ['primary nested without end', { primary: (text) => text.replace('<package ', `${deep}<package `) }],
    ['a package nested without end', { primary: (text) => text.replace('<format>', `<format>${deep}`) }],
    ['filelists with an entity bomb', { more: { filelists: `${entities}<filelists/>` } }],
    ['filelists nested without end', { more: { filelists: `<filelists>${deep}</filelists>` } }],
    ['groups with an entity bomb', { more: { group: `${entities}<comps/>` } }],
    ['groups nested without end', { more: { group: `<comps>${deep}` } }],
    ['modules with an alias bomb', { more: { modules: `---\ndocument: modulemd\nversion: 2\ndata: &a [${'*a, '.repeat(1000)}]\n` } }],
    ['modules nested without end', { more: { modules: `---\ndocument: modulemd\nversion: 2\ndata: ${'['.repeat(100_000)}\n` } }],
  ])('%s: refused', async (_, more) => {
    await expect(lock(await files(more), ['user'])).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });
});

describe('signatures of repomd.xml', () => {
  const signed = async (sign: (bytes: Buffer) => Promise<Uint8Array> | Uint8Array, keyring = key): Promise<unknown> => {
    const content = await files();
    content.set(`${base}repodata/repomd.xml.asc`, await sign(Buffer.from(content.get(`${base}repodata/repomd.xml`) ?? '')));
    return lock(content, ['tool'], keyring, true);
  };

  it('count when they are good', async () => { await expect(signed((bytes) => signature4(key, bytes))).resolves.toBeDefined(); });

  it('are refused by a key that had ended, when they are of another document, and of an older one', async () => {
    const short = await makeKey('short', { expiresAfterSeconds: 86_400 });
    const older = await files({ timestamp: 1_760_000_000 });
    for (const refused of [
      () => signed((bytes) => rawSignature4(short.keyPacket, bytes), short),
      () => signed(() => signature4(key, Buffer.from('another document'))),
      () => signed(() => signature4(key, Buffer.from(older.get(`${base}repodata/repomd.xml`) ?? ''))),
      () => signed((bytes) => Buffer.from(`-----BEGIN PGP SIGNATURE-----\n\n${bytes.subarray(0, 60).toString('base64')}\n-----END PGP SIGNATURE-----\n`)),
    ]) await expect(refused()).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
  });
});
