import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { silent } from '../../bom/events.ts';
import type { LockedImage } from '../../bom/lock.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { createImageSource } from '../../downloader/sources/image.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { configMediaType, type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { makeSigstore } from '../support/sigstore.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const none = { signatures: false, attestations: false, sboms: false, referrers: false };

async function registry(): Promise<FakeRegistry> {
  const fake = await startFakeRegistry();
  open.push(() => fake.close());
  return fake;
}

async function keyFile(key = publicKey): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'longshore-test-'));
  open.push(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'key.pub'), createPublicKey(key.export({ type: 'spki', format: 'pem' }) as string).export({ type: 'spki', format: 'pem' }));
  return join(dir, 'key.pub');
}

async function resolve(fake: FakeRegistry, more: Partial<ImageRequirement>): Promise<LockedImage> {
  const http = createHttpClient({ env: {}, retry: { firstWaitMs: 1, retries: 1 } });
  open.push(() => http.close());
  const source = createImageSource({ registry: createRegistryPool({ http, insecureHosts: [fake.host] }), blobs: new MemoryBlobs(), notify: silent });
  const ref = `${fake.host}/a/b:1`;
  const { artifacts } = await source.resolve([{
    kind: 'image', ref, platforms: ['linux/amd64'], sources: [ref], artifactKind: 'image', role: 'runtime', extras: none, usedBy: [], at: [], ...more,
  }], signal);
  return artifacts[0] as LockedImage;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  return error instanceof BundleError ? error.code : String(error);
}

/** A cosign tag with a simple-signing payload about `digest`. */
function addCosignTag(fake: FakeRegistry, image: Descriptor, { about = image.digest, key = privateKey } = {}): Descriptor {
  const payload = JSON.stringify({ critical: { identity: { 'docker-reference': '' }, image: { 'docker-manifest-digest': about }, type: 'cosign container image signature' }, optional: null });
  const layer = { ...fake.addBlob(simpleSigning, payload), annotations: { 'dev.cosignproject.cosign/signature': sign('sha256', Buffer.from(payload), key).toString('base64') } };
  return fake.addManifest({ mediaType: manifestMediaType, config: fake.addBlob(configMediaType, '{}'), layers: [layer] } as { mediaType: string }, `a/b:sha256-${hexOf(image.digest)}.sig`);
}

/** A cosign 3 bundle as a referrer, found by the fallback tag. */
function addBundle(fake: FakeRegistry, image: Descriptor, content: object, annotations: object = {}): Descriptor {
  const artifact = fake.addManifest({
    mediaType: manifestMediaType, artifactType: bundleType, config: fake.addBlob('application/vnd.oci.empty.v1+json', '{}'), layers: [fake.addBlob(bundleType, JSON.stringify(content))], subject: image,
  } as { mediaType: string });
  fake.addIndex([[{ ...artifact, artifactType: bundleType, annotations } as Descriptor]], `a/b:sha256-${hexOf(image.digest)}`);
  return artifact;
}

function dsse(sha256: string, predicateType = 'https://sigstore.dev/cosign/sign/v1'): object {
  const type = 'application/vnd.in-toto+json';
  const payload = Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', predicateType, subject: [{ digest: { sha256 } }] }));
  const sig = sign('sha256', Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]), privateKey).toString('base64');
  return { mediaType: bundleType, verificationMaterial: { publicKey: { hint: '' } }, dsseEnvelope: { payload: payload.toString('base64'), payloadType: type, signatures: [{ sig }] } };
}

describe('what refers to an image', () => {
  it('travels when asked for, found by cosign\'s tags and by referrers', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    const signature = addCosignTag(fake, image);
    const bundle = addBundle(fake, image, dsse(hexOf(image.digest)));
    expect((await resolve(fake, {})).referrers).toBeUndefined();
    const locked = await resolve(fake, { extras: { ...none, signatures: true } });
    expect(locked.referrers).toEqual([
      { subject: image.digest, digest: bundle.digest, mediaType: manifestMediaType, artifactType: bundleType, size: bundle.size, kind: 'signature', tag: `sha256-${hexOf(image.digest)}` },
      { subject: image.digest, digest: signature.digest, mediaType: manifestMediaType, artifactType: configMediaType, size: signature.size, kind: 'signature', tag: `sha256-${hexOf(image.digest)}.sig` },
    ]);
    expect(locked.manifests.map(({ digest }) => digest)).toEqual([image.digest, bundle.digest, signature.digest]);
    expect(locked.blobs.length).toBe(5);
  });

  it('fails when it was asked for and is not there, but not for "whatever there is"', async () => {
    const fake = await registry();
    fake.addImage('linux/amd64', ['x'], 'a/b:1');
    for (const kind of ['signatures', 'attestations', 'sboms'] as const) {
      expect(await codeOf(resolve(fake, { extras: { ...none, [kind]: true } }))).toBe('RESOLVE_NOT_FOUND');
    }
    expect((await resolve(fake, { extras: { ...none, referrers: true } })).referrers).toBeUndefined();
  });

  it('includes attestations that build tools put into the index', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', ['x']);
    const attestation = { ...fake.addImage('unknown/unknown', ['att']), annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': image.digest } };
    fake.addIndex([[image, 'linux/amd64'], [attestation as Descriptor, 'unknown/unknown']], 'a/b:1');
    expect((await resolve(fake, {})).manifests.length).toBe(2);
    const locked = await resolve(fake, { extras: { ...none, attestations: true } });
    expect(locked.manifests.length).toBe(3);
    expect(Object.keys(locked.platforms)).toEqual(['linux/amd64']);
  });
});

/** A registry with the referrers API: pages of two, and each manifest with a subject is found by it. */
async function registryWithApi(): Promise<FakeRegistry> {
  const fake = await startFakeRegistry({
    fault: (request, response) => {
      const url = new URL(request.url ?? '/', 'http://x');
      const [, subject] = /^\/v2\/a\/b\/referrers\/(sha256:[0-9a-f]{64})$/.exec(url.pathname) ?? [];
      if (subject === undefined) return false;
      const all = [...fake.manifests].flatMap(([digest, { mediaType, bytes }]) => {
        const document = JSON.parse(Buffer.from(bytes).toString()) as { subject?: Descriptor };
        return document.subject?.digest === subject ? [{ mediaType, digest, size: bytes.length }] : [];
      });
      const from = Number(url.searchParams.get('from') ?? 0);
      if (all.length > from + 2) response.setHeader('link', `<${url.pathname}?from=${from + 2}>; rel="next"`);
      response.writeHead(200, { 'content-type': indexMediaType }).end(JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests: all.slice(from, from + 2) }));
      return true;
    },
  });
  open.push(() => fake.close());
  return fake;
}

describe('what refers to a referrer', () => {
  const artifact = (fake: FakeRegistry, artifactType: string, subject: Descriptor, layer: string): Descriptor =>
    fake.addManifest({ mediaType: manifestMediaType, artifactType, config: fake.addBlob('application/vnd.oci.empty.v1+json', '{}'), layers: [fake.addBlob('text/plain', layer)], subject } as { mediaType: string });

  it('comes along, over every page of the list, where all referrers are wanted', async () => {
    const fake = await registryWithApi();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    const boms = [1, 2, 3, 4, 5].map((number) => artifact(fake, 'application/spdx+json', image, `sbom ${number}`));
    const nested = artifact(fake, 'application/vnd.cncf.notary.signature', boms[4] as Descriptor, 'signature of the last SBOM');
    const deeper = artifact(fake, 'application/vnd.example.note', nested, 'note on that signature');
    const locked = await resolve(fake, { extras: { ...none, referrers: true } });
    expect(locked.referrers?.map(({ digest }) => digest).sort()).toEqual([...boms, nested, deeper].map(({ digest }) => digest).sort());
    expect(locked.referrers?.find(({ digest }) => digest === nested.digest)).toMatchObject({ subject: boms[4]?.digest, kind: 'signature' });
    expect(locked.blobs.length).toBe(2 + 1 + 7);
    const only = await resolve(fake, { extras: { ...none, sboms: true } });
    expect(only.referrers?.map(({ digest }) => digest).sort()).toEqual(boms.map(({ digest }) => digest).sort());
  });

  it('may be an index: all that it leads to comes along', async () => {
    const fake = await registryWithApi();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    const parts = ['one', 'two'].map((text) => fake.addManifest({ mediaType: manifestMediaType, config: fake.addBlob('application/vnd.oci.empty.v1+json', '{}'), layers: [fake.addBlob('text/plain', text)] } as { mediaType: string }));
    const inner = fake.addIndex([[parts[1] as Descriptor]]);
    const index = fake.addManifest({ mediaType: indexMediaType, artifactType: 'application/vnd.example.set', manifests: [parts[0], inner], subject: image } as { mediaType: string });
    const locked = await resolve(fake, { extras: { ...none, referrers: true } });
    expect(locked.referrers).toEqual([{ subject: image.digest, digest: index.digest, mediaType: indexMediaType, artifactType: 'application/vnd.example.set', size: index.size, kind: 'referrer' }]);
    expect(locked.manifests.map(({ digest }) => digest)).toEqual([image.digest, index.digest, parts[0]?.digest, inner.digest, parts[1]?.digest]);
    expect(locked.blobs.length).toBe(2 + 3);
  });

  it('fails when a list names what is not there, instead of leaving it out', async () => {
    const fake = await registryWithApi();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    const lost = { mediaType: manifestMediaType, digest: digestOf('lost'), size: 4 };
    fake.addManifest({ mediaType: indexMediaType, manifests: [lost], subject: image } as { mediaType: string });
    expect(await codeOf(resolve(fake, { extras: { ...none, referrers: true } }))).toBe('TRANSFER_STATUS');
  });
});

describe('an image archive', () => {
  /** An OCI layout as a folder, of an image with what lies beside it. */
  async function layout(fake: FakeRegistry, entries: readonly object[]): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'longshore-test-'));
    open.push(() => rm(dir, { recursive: true }));
    await mkdir(join(dir, 'blobs/sha256'), { recursive: true });
    for (const [digest, bytes] of [...fake.blobs, ...[...fake.manifests].map(([digest, { bytes }]) => [digest, bytes] as const)]) await writeFile(join(dir, 'blobs/sha256', digest.slice(7)), bytes);
    await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests: entries }));
    return dir;
  }
  const archived = (dir: string): Partial<ImageRequirement> => ({ archive: { path: dir, written: 'image.oci', format: 'oci' } });

  it('brings its signatures: by cosign\'s tag, as `cosign save` marks them, and by their own subject', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    const signature = addCosignTag(fake, image);
    const bundle = addBundle(fake, image, dsse(hexOf(image.digest)));
    const key = await keyFile();
    const named = (name: string): object => ({ annotations: { 'org.opencontainers.image.ref.name': name } });
    const ways: [string, readonly object[], Descriptor][] = [
      ['tag', [{ ...image, ...named('example.org/a/b:1') }, { ...signature, ...named(`example.org/a/b:sha256-${hexOf(image.digest)}.sig`) }], signature],
      ['cosign save', [{ ...image, annotations: { kind: 'dev.cosignproject.cosign/image' } }, { ...signature, annotations: { kind: 'dev.cosignproject.cosign/sigs' } }], signature],
      ['subject', [{ ...image, ...named(`${fake.host}/a/b:1`) }, bundle], bundle],
    ];
    for (const [way, entries, expected] of ways) {
      const dir = await layout(fake, entries);
      const locked = await resolve(fake, { ...archived(dir), cosign: [{ kind: 'key', key }] });
      expect([way, locked.trust, locked.referrers?.map(({ digest }) => digest)]).toEqual([way, 'verified', [expected.digest]]);
      expect(await codeOf(resolve(fake, { ...archived(dir), cosign: [{ kind: 'key', key: await keyFile(other.publicKey) }] }))).toBe('INTEGRITY_SIGNATURE');
    }
    const bare = await layout(fake, [image]);
    expect(await codeOf(resolve(fake, { ...archived(bare), cosign: [{ kind: 'key', key }] }))).toBe('INTEGRITY_SIGNATURE');
    expect(await codeOf(resolve(fake, { ...archived(bare), extras: { ...none, signatures: true } }))).toBe('RESOLVE_NOT_FOUND');
  });
});

describe('a keyless signer', () => {
  it('is checked against a trust root, offline, and refused without one', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    const sigstore = await makeSigstore();
    const payload = JSON.stringify({ critical: { identity: { 'docker-reference': '' }, image: { 'docker-manifest-digest': image.digest }, type: 'cosign container image signature' }, optional: null });
    const who = { identity: 'https://example.org/workflow', issuer: 'https://issuer.example.org' };
    const signed = await sigstore.sign(Buffer.from(payload), who);
    const layer = { ...fake.addBlob(simpleSigning, payload), annotations: { 'dev.cosignproject.cosign/signature': signed.signature, 'dev.sigstore.cosign/certificate': signed.certificate, 'dev.sigstore.cosign/bundle': signed.rekor } };
    fake.addManifest({ mediaType: manifestMediaType, config: fake.addBlob(configMediaType, '{}'), layers: [layer] } as { mediaType: string }, `a/b:sha256-${hexOf(image.digest)}.sig`);
    const trustRoot = `${await keyFile()}.root.json`;
    await writeFile(trustRoot, sigstore.trustRoot);
    const name = (text: string, regexp = false): { text: string; regexp: boolean } => ({ text, regexp });
    const signer = { kind: 'identity' as const, identity: name(who.identity), issuer: name(who.issuer) };
    expect((await resolve(fake, { cosign: [{ ...signer, trustRoot }] })).trust).toBe('verified');
    expect((await resolve(fake, { cosign: [{ ...signer, identity: name('^https://example\\.org/', true), trustRoot }] })).trust).toBe('verified');
    const asked = fake.server.seen.length;
    expect(await codeOf(resolve(fake, { cosign: [signer] }))).toBe('INPUT_FIELD');
    expect(fake.server.seen.length).toBe(asked);
    expect(await codeOf(resolve(fake, { cosign: [{ ...signer, issuer: name('https://other.example.org'), trustRoot }] }))).toBe('INTEGRITY_SIGNATURE');
    expect(await codeOf(resolve(fake, { cosign: [{ ...signer, trustRoot }, { kind: 'key', key: await keyFile() }] })), 'each of them has to have signed').toBe('INTEGRITY_SIGNATURE');
  });
});

describe('a cosign key', () => {
  it('accepts a signature on exactly this image', async () => {
    const fake = await registry();
    addCosignTag(fake, fake.addImage('linux/amd64', ['x'], 'a/b:1'));
    expect((await resolve(fake, { cosign: [{ kind: 'key', key: await keyFile() }] })).trust).toBe('verified');
  });

  it('accepts bundles: an envelope about the digest, and a signature over the manifest', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    addBundle(fake, image, dsse(hexOf(image.digest)));
    expect((await resolve(fake, { cosign: [{ kind: 'key', key: await keyFile() }] })).trust).toBe('verified');
    const bytes = fake.manifests.get(image.digest)!.bytes;
    addBundle(fake, image, {
      mediaType: bundleType, verificationMaterial: { publicKey: { hint: '' } },
      messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: Buffer.from(hexOf(image.digest), 'hex').toString('base64') }, signature: sign('sha256', bytes, privateKey).toString('base64') },
    });
    expect((await resolve(fake, { cosign: [{ kind: 'key', key: await keyFile() }] })).trust).toBe('verified');
  });

  it('refuses other keys, other images, other statements, garbage and silence', async () => {
    const cases: [string, (fake: FakeRegistry, image: Descriptor) => void][] = [
      ['nothing', () => undefined],
      ['another key', (fake, image) => { addCosignTag(fake, image, { key: other.privateKey }); }],
      ['another image', (fake, image) => { addCosignTag(fake, image, { about: digestOf('other') }); }],
      ['an envelope about another image', (fake, image) => { addBundle(fake, image, dsse('0'.repeat(64))); }],
      ['an attestation in place of a signature', (fake, image) => { addBundle(fake, image, dsse(hexOf(image.digest), 'https://slsa.dev/provenance/v1')); }],
      ['garbage', (fake, image) => { addBundle(fake, image, { dsseEnvelope: 7 }); }],
    ];
    for (const [name, prepare] of cases) {
      const fake = await registry();
      prepare(fake, fake.addImage('linux/amd64', ['x'], 'a/b:1'));
      expect(await codeOf(resolve(fake, { cosign: [{ kind: 'key', key: await keyFile() }] })), name).toBe('INTEGRITY_SIGNATURE');
    }
    const fake = await registry();
    addCosignTag(fake, fake.addImage('linux/amd64', ['x'], 'a/b:1'));
    expect(await codeOf(resolve(fake, { cosign: [{ kind: 'key', key: '/nonexistent.pub' }] }))).toBe('INPUT_MISSING_FILE');
    const bad = `${await keyFile()}.bad`;
    await writeFile(bad, 'no key');
    expect(await codeOf(resolve(fake, { cosign: [{ kind: 'key', key: bad }] }))).toBe('INPUT_KEY');
  });
});
