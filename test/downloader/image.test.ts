import { afterEach, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { silent } from '../../bom/events.ts';
import type { Bytes, Source } from '../../bom/ports.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { createImageSource } from '../../downloader/sources/image.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { configMediaType, type FakeRegistry, type FakeRegistryOptions, layerMediaType, startFakeRegistry } from '../support/fake-registry.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const signal = new AbortController().signal;
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

async function registry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options);
  open.push(() => fake.close());
  return fake;
}

function source(...fakes: readonly FakeRegistry[]): { source: Source<'image'>; blobs: MemoryBlobs } {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 1000, retry: { firstWaitMs: 1, retries: 2 } });
  open.push(() => http.close());
  const blobs = new MemoryBlobs();
  return { source: createImageSource({ registry: createRegistryPool({ http, insecureHosts: fakes.map(({ host }) => host) }), blobs, notify: silent }), blobs };
}

function wanted(ref: string, more: Partial<ImageRequirement> = {}): ImageRequirement {
  return {
    kind: 'image', ref, platforms: ['linux/amd64'], sources: [ref], artifactKind: 'image', role: 'runtime',
    extras: { signatures: false, attestations: false, sboms: false, referrers: false }, usedBy: ['m'], at: [], ...more,
  };
}

async function all(bytes: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

describe('resolving', () => {
  it('takes the wanted platforms of an index, which keeps its digest', async () => {
    const fake = await registry();
    const [amd, arm, arm7] = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7'].map((platform) => [fake.addImage(platform, ['base', platform]), platform] as const);
    const index = fake.addIndex([amd!, arm!, arm7!], 'team/app:1');
    const { source: images, blobs } = source(fake);
    const { artifacts: [image] } = await images.resolve([wanted(`${fake.host}/team/app:1`, { platforms: ['linux/amd64', 'linux/arm64'] })], signal);
    expect(image).toMatchObject({ digest: index.digest, mediaType: indexMediaType, trust: 'first-use', usedBy: ['m'] });
    expect(image?.platforms).toEqual({ 'linux/amd64': amd![0].digest, 'linux/arm64': arm![0].digest });
    expect(image?.manifests.map(({ digest }) => digest)).toEqual([index.digest, amd![0].digest, arm![0].digest]);
    expect(image?.blobs.length).toBe(5);
    for (const manifest of image?.manifests ?? []) expect(await blobs.has(manifest.digest)).toBe(true);
  });

  it('takes everything for `all`, and nested indexes', async () => {
    const fake = await registry();
    const inner = fake.addIndex([[fake.addImage('linux/s390x', ['s'])  , 'linux/s390x'], [fake.addImage('linux/amd64', ['a']), 'linux/amd64']]);
    const attestation = fake.addImage('unknown/unknown', ['att']);
    fake.addIndex([[inner], [attestation, 'unknown/unknown']], 'x/y:1');
    const { source: images } = source(fake);
    const ref = `${fake.host}/x/y:1`;
    const { artifacts: [everything, one] } = await images.resolve([wanted(ref, { platforms: ['all'] }), wanted(ref)], signal);
    expect(everything?.manifests.length).toBe(5);
    expect(Object.keys(everything?.platforms ?? {})).toEqual(['linux/s390x', 'linux/amd64']);
    expect(one?.manifests.map(({ mediaType }) => mediaType)).toEqual([indexMediaType, indexMediaType, manifestMediaType]);
  });

  it('falls back to a lower variant, as runtimes do, and looks into entries without a platform', async () => {
    const fake = await registry();
    fake.addIndex([[fake.addImage('linux/arm/v6', ['6']), 'linux/arm/v6'], [fake.addImage('linux/amd64', ['a'])]], 'x/y:1');
    const { artifacts: [image] } = await source(fake).source.resolve([wanted(`${fake.host}/x/y:1`, { platforms: ['linux/amd64', 'linux/arm/v7'] })], signal);
    expect(Object.keys(image?.platforms ?? {}).sort()).toEqual(['linux/amd64', 'linux/arm/v6']);
  });

  it('names the platforms there are when a wanted one is missing', async () => {
    const fake = await registry();
    fake.addIndex([[fake.addImage('linux/arm64', ['x']), 'linux/arm64'], [fake.addImage('linux/ppc64le', ['y']), 'linux/ppc64le']], 'x/multi:1');
    fake.addImage('linux/arm64', ['x'], 'x/single:1');
    const { source: images } = source(fake);
    const error = await failure(images.resolve([wanted(`${fake.host}/x/multi:1`)], signal));
    expect(error.code).toBe('RESOLVE_PLATFORM');
    expect(error.message).toContain('linux/arm64, linux/ppc64le');
    expect((await failure(images.resolve([wanted(`${fake.host}/x/single:1`)], signal))).code).toBe('RESOLVE_PLATFORM');
    const { artifacts: [waived] } = await images.resolve([wanted(`${fake.host}/x/single:1`, { platformWaived: true })], signal);
    expect(Object.keys(waived?.platforms ?? {})).toEqual(['linux/arm64']);
  });

  it('carries artifacts of any type, and lists foreign layers without carrying them', async () => {
    const fake = await registry();
    const config = fake.addBlob('application/vnd.example.config', '{}');
    const foreign = { ...fake.addBlob('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'windows'), urls: ['https://example.org/x'] };
    fake.addManifest({ mediaType: manifestMediaType, config, layers: [fake.addBlob('text/plain', 'note'), foreign] } as { mediaType: string }, 'x/y:1');
    const result = await source(fake).source.resolve([wanted(`${fake.host}/x/y:1`, { artifactKind: 'artifact' })], signal);
    expect(result.artifacts[0]?.blobs.map(({ mediaType }) => mediaType)).toEqual(['application/vnd.example.config', 'text/plain']);
    expect(result.artifacts[0]?.foreign?.length).toBe(1);
    expect(result.dropped?.[0]?.what).toContain(foreign.digest);
  });

  it('tries mirrors in order, for the same digest, and records all of them', async () => {
    const [dead, good] = [await registry(), await registry()];
    const image = good.addImage('linux/amd64', ['x'], 'm/app:1');
    const declared = wanted(`${dead.host}/app:1@${image.digest}`, { digest: image.digest, sources: [`${dead.host}/app:1@${image.digest}`, `${good.host}/m/app:1`] });
    const { artifacts: [locked] } = await source(dead, good).source.resolve([declared], signal);
    expect(locked).toMatchObject({ digest: image.digest, trust: 'declared', sources: [`${dead.host}/app:1@${image.digest}`, `${good.host}/m/app:1`] });
  });

  it('asks the mirrors of registries.conf first, and goes on to the registry', async () => {
    const [mirror, real] = [await registry(), await registry()];
    const image = mirror.addImage('linux/amd64', ['x'], 'hub/x/app:1');
    real.addImage('linux/amd64', ['x'], 'x/app:1');
    real.addImage('linux/amd64', ['y'], 'x/other:1');
    const http = createHttpClient({ env: {}, retry: { firstWaitMs: 1, retries: 1 } });
    open.push(() => http.close());
    const rules = [{ prefix: 'docker.io', location: real.host, insecure: true, blocked: false, mirrors: [{ location: `${mirror.host}/hub`, insecure: true, pull: 'all' as const }] }];
    const images = createImageSource({ registry: createRegistryPool({ http, rules }), blobs: new MemoryBlobs(), notify: silent });
    const { artifacts: [first, second] } = await images.resolve([wanted('docker.io/x/app:1'), wanted('docker.io/x/other:1')], signal);
    expect(first).toMatchObject({ digest: image.digest, sources: ['docker.io/x/app:1'] });
    expect(real.server.seen.some(({ url }) => url.includes('/x/app/'))).toBe(false);
    expect((await all(images.fetch(second!, second!.blobs[1]!, { signal }))).length).toBe(1);
  });

  it.each(['first', 'last'] as const)('asks an insecure mirror in plain http for what it mirrors, and its host for nothing else, asked %s', async (order) => {
    const mirror = await registry({ auth: { kind: 'basic', user: 'anna', password: 's3cret' } });
    mirror.addImage('linux/amd64', ['x'], 'hub/x/app:1');
    mirror.addImage('linux/amd64', ['y'], 'own/app:1');
    const http = createHttpClient({ env: {}, retry: { firstWaitMs: 1, retries: 0 } });
    open.push(() => http.close());
    const rules = [{ prefix: 'docker.io', location: 'docker.io', insecure: false, blocked: false, mirrors: [{ location: `${mirror.host}/hub`, insecure: true, pull: 'all' as const }] }];
    const credentials = { find: async () => ({ kind: 'basic' as const, user: 'anna', password: 's3cret' }) };
    const images = createImageSource({ registry: createRegistryPool({ http, rules, credentials }), blobs: new MemoryBlobs(), notify: silent });
    const mirrored = async (): Promise<unknown> => expect(await images.resolve([wanted('docker.io/x/app:1')], signal)).toMatchObject({ artifacts: [{ trust: 'first-use' }] });
    if (order === 'last') await mirrored();
    expect((await failure(images.resolve([wanted(`${mirror.host}/own/app:1`)], signal))).code).toBe('TRANSFER_TLS');
    if (order === 'first') await mirrored();
    expect(mirror.server.seen.filter(({ url }) => url.includes('own/app'))).toEqual([]);
    expect(mirror.server.seen.filter(({ url, headers }) => headers.authorization !== undefined && !url.startsWith('/v2/hub/x/app/'))).toEqual([]);
    expect(mirror.server.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
  });

  it('refuses another content under a declared digest, and names every source tried', async () => {
    const [one, two] = [await registry({ fault: (request, response) => {
      if (request.url?.includes('/manifests/') !== true) return false;
      response.writeHead(200, { 'content-type': manifestMediaType }).end('{"schemaVersion":2}');
      return true;
    } }), await registry()];
    const digest = digestOf('wanted');
    const ref = `${one.host}/a/b@${digest}`;
    const error = await failure(source(one, two).source.resolve([wanted(ref, { digest, sources: [ref, `${two.host}/a/b`] })], signal));
    expect(error.code).toBe('INTEGRITY_DIGEST');
    expect(error.facts.actual).toContain(one.host);
    expect(error.facts.actual).toContain(two.host);
  });

  it('names every image that fails', async () => {
    const fake = await registry();
    const error = await failure(source(fake).source.resolve([wanted(`${fake.host}/a/b:1`), wanted(`${fake.host}/c/d:1`)], signal));
    expect(error.code).toBe('RESOLVE_NOT_FOUND');
    expect(error.message).toContain(`${fake.host}/a/b:1`);
    expect(error.message).toContain(`${fake.host}/c/d:1`);
  });
});

describe('fetching', () => {
  it('gives blobs and manifests from an offset', async () => {
    const fake = await registry();
    fake.addImage('linux/amd64', ['0123456789'], 'a/b:1');
    const { source: images } = source(fake);
    const { artifacts: [image] } = await images.resolve([wanted(`${fake.host}/a/b:1`)], signal);
    const layer = image!.blobs[1]!;
    expect(new TextDecoder().decode(await all(images.fetch(image!, layer, { signal, offset: 4 })))).toBe('456789');
    expect(digestOf(await all(images.fetch(image!, image!.manifests[0]!, { signal })))).toBe(image!.digest);
  });

  it('goes on with the next source where one breaks off, and starts there when content was refused', async () => {
    const [one, two] = [await registry(), await registry()];
    const content = 'x'.repeat(300_000);
    const image = one.addImage('linux/amd64', [content], 'a/b:1');
    two.addImage('linux/amd64', [content], 'a/b:1');
    const { source: images } = source(one, two);
    const { artifacts: [locked] } = await images.resolve([wanted(`${one.host}/a/b@${image.digest}`, { digest: image.digest, sources: [`${one.host}/a/b`, `${two.host}/a/b`] })], signal);
    const layer = locked!.blobs.find(({ mediaType }) => mediaType === layerMediaType)!;
    one.cuts = 10;
    one.cutAfter = 1000;
    expect((await all(images.fetch(locked!, layer, { signal }))).length).toBe(content.length);
    const before = one.server.seen.length;
    await all(images.fetch(locked!, layer, { signal }));
    expect(one.server.seen.length).toBe(before);
    expect(two.server.seen.some(({ headers }) => headers.range !== undefined)).toBe(true);
  });

  it('keeps config and layers of a Docker schema 2 list', async () => {
    const fake = await registry();
    const type = 'application/vnd.docker.distribution.manifest.v2+json';
    const child = fake.addManifest({ mediaType: type, config: fake.addBlob('application/vnd.docker.container.image.v1+json', '{"os":"linux","architecture":"amd64"}'),
      layers: [fake.addBlob('application/vnd.docker.image.rootfs.diff.tar.gzip', 'l')] } as { mediaType: string });
    const list = fake.addManifest({ mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
      manifests: [{ ...child, platform: { os: 'linux', architecture: 'amd64' } }] } as { mediaType: string }, 'a/b:1');
    const { artifacts: [image] } = await source(fake).source.resolve([wanted(`${fake.host}/a/b:1`)], signal);
    expect(image).toMatchObject({ digest: list.digest, mediaType: list.mediaType });
    expect(image?.blobs.length).toBe(2);
    expect(configMediaType).toContain('oci');
  });
});
