import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { createRegistryTarget, type RegistryTarget, type RegistryTargetOptions } from '../../importer/targets/registry.ts';
import { targetNames } from '../../importer/targets/registry-names.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { configMediaType, type FakeRegistry, layerMediaType, startFakeRegistry } from './fake-registry.ts';
import { FakeUploads, type UploadFaults } from './fake-uploads.ts';
import { MemoryBlobs } from './memory-blobs.ts';

const open: (() => Promise<unknown>)[] = [];

export interface Site { readonly fake: FakeRegistry; readonly uploads: FakeUploads; target(images: readonly LockedImage[], more?: Partial<RegistryTargetOptions>): RegistryTarget }

/** A registry that takes pushes, and targets that push there. {@link closeSites} ends it. */
export async function site(faults: UploadFaults = {}): Promise<Site> {
  const uploads: FakeUploads = new FakeUploads(() => fake, faults);
  const fake = await startFakeRegistry({ fault: uploads.handle });
  return siteOf(fake, uploads);
}

export function siteOf(fake: FakeRegistry, uploads: FakeUploads): Site {
  const http = createHttpClient({ env: {}, stallTimeoutMs: 2000, retry: { firstWaitMs: 1, retries: 2 } });
  open.push(() => fake.close(), () => http.close());
  const session = createRegistryPool({ http, insecureHosts: [fake.host] }).session(fake.host);
  return { fake, uploads, target: (images, more) => createRegistryTarget({ session, names: targetNames(images), concurrency: 4, ...more }) };
}

export async function closeSites(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

/** Locked images, and a store that has them. */
export class Images {
  readonly blobs = new MemoryBlobs();

  image(ref: string, layers: readonly (Uint8Array | string)[], more: Partial<LockedImage> = {}): LockedImage {
    const config = this.blobs.add(configMediaType, JSON.stringify({ os: 'linux', architecture: 'amd64', ref }));
    const parts = layers.map((layer) => this.blobs.add(layerMediaType, layer));
    const manifest = this.manifest({ mediaType: manifestMediaType, config, layers: parts });
    return {
      ref, ...manifest, sources: [ref], platforms: { 'linux/amd64': manifest.digest }, manifests: [manifest], blobs: [config, ...parts],
      kind: 'image', role: 'runtime', trust: 'declared', usedBy: [], ...more,
    };
  }

  /** A sparse index: of two platforms, one is there. */
  sparse(ref: string): LockedImage {
    const inner = this.image(ref, ['layer']);
    const absent = { mediaType: manifestMediaType, digest: digestOf('absent'), size: 6, platform: { os: 'linux', architecture: 'arm64' } };
    const index = this.manifest({ mediaType: indexMediaType, manifests: [{ ...inner.manifests[0], platform: { os: 'linux', architecture: 'amd64' } }, absent], annotations: { kept: 'yes' } });
    return { ...inner, ...index, manifests: [index, ...inner.manifests] };
  }

  manifest(document: { readonly mediaType: string; readonly [key: string]: unknown }): Descriptor {
    return this.blobs.add(document.mediaType, JSON.stringify({ schemaVersion: 2, ...document }));
  }
}

/** The coded error that `work` ends with. */
export async function failure(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}
