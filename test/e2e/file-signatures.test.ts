// Signatures that the real gpg, minisign and openssl (which makes what `cosign sign-blob` makes) wrote, checked before a file is locked.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noise } from '../support/bytes.ts';
import { longshore, must, type Outcome } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('signatures');
const home = join(folder, 'gnupg');
let server: Server;
let origin = '';
let minisignKey = '';

beforeAll(async () => {
  await mkdir(join(folder, 'www'));
  await mkdir(home, { mode: 0o700 });
  await writeFile(join(folder, 'www/tool'), noise(3_000_000, 7));
  const gpg = (...args: string[]): Promise<string> => must('gpg', ['--homedir', home, '--batch', '--yes', '--passphrase', '', '--pinentry-mode', 'loopback', ...args], { cwd: folder });
  await gpg('--quick-generate-key', 'publisher@example.org', 'rsa2048', 'sign', 'never');
  await gpg('--armor', '--output', 'publisher.asc', '--export', 'publisher@example.org');
  await gpg('--armor', '--detach-sign', 'www/tool');
  await gpg('--output', 'www/tool.binary.sig', '--detach-sign', 'www/tool');
  await gpg('--quick-generate-key', 'stranger@example.org', 'rsa2048', 'sign', 'never');
  await gpg('--armor', '--output', 'stranger.asc', '--export', 'stranger@example.org');
  await must('minisign', ['-G', '-W', '-p', 'mini.pub', '-s', 'mini.key'], { cwd: folder });
  await must('minisign', ['-S', '-W', '-s', 'mini.key', '-m', 'www/tool', '-t', 'tool 1.0'], { cwd: folder });
  await must('minisign', ['-S', '-W', '-l', '-s', 'mini.key', '-m', 'www/tool', '-x', 'www/tool.old.minisig'], { cwd: folder });
  minisignKey = (await readFile(join(folder, 'mini.pub'), 'utf8')).split('\n')[1] ?? '';
  await must('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'cosign.key'], { cwd: folder });
  await must('openssl', ['pkey', '-in', 'cosign.key', '-pubout', '-out', 'cosign.pub'], { cwd: folder });
  await must('openssl', ['dgst', '-sha256', '-sign', 'cosign.key', '-out', 'raw.sig', 'www/tool'], { cwd: folder });
  await writeFile(join(folder, 'www/tool.sig'), (await readFile(join(folder, 'raw.sig'))).toString('base64'));
  await writeFile(join(folder, 'www/tool.sigstore.json'), JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', messageSignature: { signature: (await readFile(join(folder, 'raw.sig'))).toString('base64') } }));
  server = createServer((request, response) => {
    readFile(join(folder, 'www', (request.url ?? '').slice(1))).then((bytes) => response.writeHead(200, { 'content-length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes), () => response.writeHead(404).end());
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => { server.closeAllConnections(); server.close(); });

async function lock(signature: string, more = '', args: readonly string[] = []): Promise<Outcome & { readonly files: () => Promise<readonly { readonly name: string; readonly trust: string; readonly signature?: { readonly signers: readonly string[] } }[]> }> {
  const name = `lock-${Math.random().toString(36).slice(2)}.json`;
  await writeFile(join(folder, 'tool.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: tool}\nspec:\n  files: [{urls: ["${origin}/tool"], signature: ${signature}${more}}]\n`);
  const outcome = await longshore(['lock', '-f', 'tool.yaml', '--lock', name, ...args], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
  return { ...outcome, files: async () => (JSON.parse(await readFile(join(folder, name), 'utf8')) as { readonly spec: { readonly files: never } }).spec.files };
}

describe('a signed file', () => {
  it.each([
    ['gpg', () => '{kind: gpg, key: publisher.asc}', 'tool.asc'],
    ['gpg, binary', () => `{kind: gpg, key: publisher.asc, url: "${origin}/tool.binary.sig"}`, 'tool.sig'],
    ['minisign', () => '{kind: minisign, key: mini.pub}', 'tool.minisig'],
    ['minisign, the key in the document', () => `{kind: minisign, key: "${minisignKey}"}`, 'tool.minisig'],
    ['minisign, the form of old versions', () => `{kind: minisign, key: mini.pub, url: "${origin}/tool.old.minisig"}`, 'tool.minisig'],
    ['cosign', () => '{kind: cosign, key: cosign.pub}', 'tool.sig'],
    ['cosign, a bundle', () => `{kind: cosign, key: cosign.pub, url: "${origin}/tool.sigstore.json"}`, 'tool.sigstore.json'],
  ])('with %s is verified, also under --strict, and its signature travels', async (_, signature, beside) => {
    const outcome = await lock(signature(), '', ['--strict']);
    expect(outcome.status, outcome.stderr).toBe(0);
    const files = await outcome.files();
    expect(files.map(({ name, trust }) => [name, trust])).toEqual([['tool', 'verified'], [beside, 'verified']]);
    expect(files[0]?.signature?.signers[0]).toMatch(/^(?:[0-9A-F]{16}|[0-9A-F]{40}|sha256:[0-9a-f]{64})$/);
  });

  it.each([
    ['another gpg key', () => '{kind: gpg, key: stranger.asc}', 5, 'INTEGRITY_SIGNATURE'],
    ['a minisign key that is none', () => '{kind: minisign, key: publisher.asc}', 2, 'INPUT_KEY'],
    ['a cosign key that is none', () => '{kind: cosign, key: mini.pub}', 2, 'INPUT_KEY'],
    ['no signature there', () => `{kind: gpg, key: publisher.asc, url: "${origin}/none.asc"}`, 3, 'RESOLVE_NOT_FOUND'],
    ['a signature of another kind', () => `{kind: minisign, key: mini.pub, url: "${origin}/tool.asc"}`, 5, 'INTEGRITY_SIGNATURE'],
    ['a signature that is none', () => `{kind: cosign, key: cosign.pub, url: "${origin}/tool.asc"}`, 5, 'INTEGRITY_SIGNATURE'],
    ['no key file', () => '{kind: gpg, key: gone.asc}', 2, 'INPUT_MISSING_FILE'],
    ['a key by address', () => `{kind: gpg, key: "${origin}/publisher.asc"}`, 2, 'INPUT_FIELD'],
  ])('with %s is refused', async (_, signature, status, code) => {
    const outcome = await lock(signature());
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(code)]);
  });

  it('that was changed is refused by every kind', async () => {
    const good = await readFile(join(folder, 'www/tool'));
    await writeFile(join(folder, 'www/tool'), Buffer.concat([good.subarray(0, -1), Buffer.from([(good.at(-1) ?? 0) ^ 1])]));
    try {
      for (const signature of ['{kind: gpg, key: publisher.asc}', '{kind: minisign, key: mini.pub}', '{kind: cosign, key: cosign.pub}']) {
        const outcome = await lock(signature);
        expect([outcome.status, outcome.stderr]).toEqual([5, expect.stringContaining('INTEGRITY_SIGNATURE')]);
      }
    } finally {
      await writeFile(join(folder, 'www/tool'), good);
    }
  });

  it('with a trusted comment that was changed is refused', async () => {
    const text = await readFile(join(folder, 'www/tool.minisig'), 'utf8');
    await writeFile(join(folder, 'www/changed.minisig'), text.replace('tool 1.0', 'tool 2.0'));
    const outcome = await lock(`{kind: minisign, key: mini.pub, url: "${origin}/changed.minisig"}`);
    expect([outcome.status, outcome.stderr]).toEqual([5, expect.stringContaining('a trusted comment that was changed')]);
  });
});
