import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { manifestMediaType } from '../../bom/bundle.ts';
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
  return { mediaType: bundleType, dsseEnvelope: { payload: payload.toString('base64'), payloadType: type, signatures: [{ sig }] } };
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

describe('a cosign key', () => {
  it('accepts a signature on exactly this image', async () => {
    const fake = await registry();
    addCosignTag(fake, fake.addImage('linux/amd64', ['x'], 'a/b:1'));
    expect((await resolve(fake, { cosignKey: await keyFile() })).trust).toBe('verified');
  });

  it('accepts bundles: an envelope about the digest, and a signature over the manifest', async () => {
    const fake = await registry();
    const image = fake.addImage('linux/amd64', ['x'], 'a/b:1');
    addBundle(fake, image, dsse(hexOf(image.digest)));
    expect((await resolve(fake, { cosignKey: await keyFile() })).trust).toBe('verified');
    const bytes = fake.manifests.get(image.digest)!.bytes;
    addBundle(fake, image, { messageSignature: { signature: sign('sha256', bytes, privateKey).toString('base64') } });
    expect((await resolve(fake, { cosignKey: await keyFile() })).trust).toBe('verified');
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
      expect(await codeOf(resolve(fake, { cosignKey: await keyFile() })), name).toBe('INTEGRITY_SIGNATURE');
    }
    const fake = await registry();
    addCosignTag(fake, fake.addImage('linux/amd64', ['x'], 'a/b:1'));
    expect(await codeOf(resolve(fake, { cosignKey: '/nonexistent.pub' }))).toBe('INPUT_MISSING_FILE');
    const bad = `${await keyFile()}.bad`;
    await writeFile(bad, 'no key');
    expect(await codeOf(resolve(fake, { cosignKey: bad }))).toBe('INPUT_KEY');
  });
});
