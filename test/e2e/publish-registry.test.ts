// Debian's docker-registry as the site's own registry, skopeo as the client that judges.
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { createRegistryTarget, type RegistryTarget, type RegistryTargetOptions } from '../../importer/targets/registry.ts';
import { targetNames } from '../../importer/targets/registry-names.ts';
import type { Credentials } from '../../transport/credentials.ts';
import { createHttpClient, type Http } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { noise } from '../support/bytes.ts';
import { must } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
const configMediaType = 'application/vnd.oci.image.config.v1+json';
const layerMediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
const blobs = new MemoryBlobs();
let registry: DockerRegistry;
let guarded: DockerRegistry;
let http: Http;

beforeAll(async () => {
  const folder = await temporaryFolder('publish');
  registry = await startDockerRegistry(`${folder}/open`);
  guarded = await startDockerRegistry(`${folder}/guarded`, { user: 'anna:s3cret' });
  http = createHttpClient({ env: {} });
});

afterAll(async () => {
  await http.close();
  await registry.stop();
  await guarded.stop();
});

function manifest(document: { readonly mediaType: string; readonly [key: string]: unknown }): Descriptor {
  return blobs.add(document.mediaType, JSON.stringify({ schemaVersion: 2, ...document }));
}

interface Single { readonly manifest: Descriptor; readonly blobs: readonly Descriptor[] }

function single(architecture: string, layers: readonly Uint8Array[]): Single {
  const parts = layers.map((layer) => blobs.add(layerMediaType, gzipSync(layer, { level: 1 })));
  const config = blobs.add(configMediaType, JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer)) } }));
  return { manifest: manifest({ mediaType: manifestMediaType, config, layers: parts }), blobs: [config, ...parts] };
}

function locked(ref: string, root: Descriptor, inner: readonly Single[]): LockedImage {
  const manifests = [root, ...inner.map((each) => each.manifest).filter(({ digest }) => digest !== root.digest)];
  const unique = new Map(inner.flatMap((each) => each.blobs).map((blob) => [blob.digest, blob]));
  return { ref, ...root, sources: [], platforms: {}, manifests, blobs: [...unique.values()], kind: 'image', role: 'runtime', trust: 'declared', usedBy: [] };
}

const listed = (entry: Single, architecture: string): object => ({ ...entry.manifest, platform: { os: 'linux', architecture } });

function target(to: DockerRegistry, images: readonly LockedImage[], more: Partial<RegistryTargetOptions> & { readonly credentials?: Credentials } = {}): RegistryTarget {
  const pool = createRegistryPool({ http, insecureHosts: [to.host], ...(more.credentials === undefined ? {} : { credentials: more.credentials }) });
  return createRegistryTarget({ session: pool.session(to.host), names: targetNames(images), concurrency: 4, ...more });
}

async function inspect(to: DockerRegistry, name: string): Promise<string> {
  return digestOf(await must('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${to.host}/${name}`]));
}

describe('publishing into docker-registry', () => {
  const base = noise(400_000);

  it('keeps digests of a multi-platform image and shares layers between repositories', async () => {
    const [amd, arm] = [single('amd64', [base, noise(100_000, 2)]), single('arm64', [base, noise(100_000, 3)])];
    const index = manifest({ mediaType: indexMediaType, manifests: [listed(amd, 'amd64'), listed(arm, 'arm64')] });
    const images = [locked('quay.io/team/multi:1', index, [amd, arm]), locked('docker.io/library/other:2', amd.manifest, [amd])];
    const publisher = target(registry, images);
    expect(await Promise.all(images.map((image) => publisher.publish(image, blobs, signal)))).toEqual(['published', 'published']);
    await publisher.commit(signal);
    expect(await inspect(registry, 'quay.io/team/multi:1')).toBe(index.digest);
    expect(await inspect(registry, 'docker.io/library/other:2')).toBe(amd.manifest.digest);
    const folder = await temporaryFolder('copied');
    await must('skopeo', ['copy', '-q', '--insecure-policy', '--all', '--src-tls-verify=false', `docker://${registry.host}/quay.io/team/multi:1`, `oci:${folder}/layout:multi`]);
    const again = target(registry, images);
    expect(await Promise.all(images.map((image) => again.publish(image, blobs, signal)))).toEqual(['present', 'present']);
    await again.commit(signal);
  });

  it('meets the refusal of a sparse index, and rewrites it when asked', async () => {
    const amd = single('amd64', [base]);
    const index = manifest({ mediaType: indexMediaType, manifests: [listed(amd, 'amd64'), { mediaType: manifestMediaType, digest: digestOf('absent'), size: 6, platform: { os: 'linux', architecture: 'arm64' } }] });
    const image = locked('quay.io/team/sparse:1', index, [amd]);
    const refused: unknown = await target(registry, [image]).publish(image, blobs, signal).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BundleError);
    expect(refused).toMatchObject({ code: 'TARGET_REFUSED', next: expect.stringContaining('--rewrite-indexes') as string });
    const rewriting = target(registry, [image], { rewriteIndexes: true });
    await rewriting.publish(image, blobs, signal);
    await rewriting.commit(signal);
    expect(rewriting.rewrites).toMatchObject([{ from: index.digest }]);
    expect(await inspect(registry, 'quay.io/team/sparse:1')).toBe(rewriting.rewrites[0]?.to);
    await must('skopeo', ['copy', '-q', '--insecure-policy', '--all', '--src-tls-verify=false', `docker://${registry.host}/quay.io/team/sparse:1`, `oci:${await temporaryFolder('sparse')}/layout:x`]);
  });

  it('logs in where it must, and says so where it cannot', async () => {
    const amd = single('amd64', [noise(50_000, 9)]);
    const image = locked('quay.io/team/guarded:1', amd.manifest, [amd]);
    const credentials: Credentials = { find: async () => ({ kind: 'basic', user: 'anna', password: 's3cret' }) };
    const publisher = target(guarded, [image], { credentials });
    await publisher.publish(image, blobs, signal);
    await publisher.commit(signal);
    const refused: unknown = await target(guarded, [image]).publish(image, blobs, signal).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'TRANSFER_AUTH' });
  });
});
