import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import { apiVersion, type Lock, type LockedFile, type LockedImage, type LockedPackage, type LockSpec } from '../../bom/lock.ts';
import type { Served } from '../../repository/content.ts';
import { serve, type ServeOptions, type Service } from '../../repository/serve.ts';
import { Store } from '../../store/store.ts';

export const user = 'pusher';
export const password = 'correct horse';
export const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A store in a temporary folder and a server on a free loopback port. */
export interface Bed {
  readonly store: Store;
  readonly folder: string;
  readonly origin: string;
  readonly served: Served[];
  readonly service: Service;
  add(mediaType: string, content: Uint8Array | string): Promise<Descriptor>;
  /** fetch of a path; `auth: true` sends the good password. */
  ask(path: string, init?: RequestInit & { readonly auth?: boolean }): Promise<Response>;
  close(): Promise<void>;
}

export type BedOptions = Partial<Omit<ServeOptions, 'contents' | 'blobs' | 'push' | 'htpasswd'>> & { readonly passwords?: boolean; readonly readOnly?: boolean; readonly folder?: string };

export async function makeBed(options: BedOptions = {}): Promise<Bed> {
  const folder = options.folder ?? await mkdtemp(join(tmpdir(), 'longshore-serve-'));
  const store = await Store.open(join(folder, 'store'), { create: true });
  const served: Served[] = [];
  const htpasswd = join(folder, 'htpasswd');
  if (options.passwords !== false) await writeFile(htpasswd, `${user}:${hashSync(password, 4)}\n`);
  const { passwords, readOnly, folder: given, ...rest } = options;
  const service = await serve({
    contents: () => served, blobs: store, listen: [{ host: '127.0.0.1', port: 0 }], ...rest,
    ...(readOnly === true ? {} : { push: { blobs: store, state: join(folder, 'state') } }),
    ...(passwords === false ? {} : { htpasswd }),
  });
  const origin = service.addresses[0] ?? '';
  return {
    store, folder, origin, served, service,
    add: async (mediaType, content) => {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
      await store.putBytes({ ...blob, bytes });
      return blob;
    },
    ask: (path, init = {}) => {
      const { auth, ...rest } = init;
      const headers = new Headers(init.headers);
      if (auth === true) headers.set('authorization', basic);
      return fetch(`${origin}${path}`, { redirect: 'manual', ...rest, headers });
    },
    close: async () => {
      await service.close(0);
      store.close();
      if (given === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

const emptySpec: LockSpec = {
  targets: [], order: [], boms: [], images: [], files: [], packages: [], packageSets: [], repositories: [], charts: [], git: [], runtimes: [], dropped: [],
  unresolved: [], warnings: [], influences: [],
};

export function makeLock(name: string, spec: Partial<LockSpec>, sequence = 1): Lock {
  return { apiVersion, kind: 'Lock', metadata: { name, project: digestOf(name), sequence }, spec: { ...emptySpec, ...spec } };
}

export function servedOf(lock: Lock, date = 1_700_000_000): Served {
  return { lock, date, generation: lock.metadata.sequence };
}

/** An image of one layer in the store, and its place in a lock. */
export async function makeImage(bed: Bed, ref: string, options: { readonly layer?: string | Uint8Array; readonly as?: string } = {}): Promise<LockedImage> {
  const config = await bed.add('application/vnd.oci.image.config.v1+json', JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, ref }));
  const layer = await bed.add('application/vnd.oci.image.layer.v1.tar+gzip', options.layer ?? `layer of ${ref}`);
  const manifest = await bed.add(manifestMediaType, JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaType, config, layers: [layer] }));
  return {
    ref, digest: manifest.digest, mediaType: manifest.mediaType, size: manifest.size, sources: [ref], platforms: { 'linux/amd64': manifest.digest },
    manifests: [manifest], blobs: [config, layer], kind: 'image', role: 'image', trust: 'declared', usedBy: ['app'],
    ...(options.as === undefined ? {} : { as: options.as }),
  };
}

export async function makeFile(bed: Bed, name: string, content: string): Promise<LockedFile> {
  const { digest, size } = await bed.add('application/octet-stream', content);
  return { name, urls: [], digest, size, mode: '0644', purpose: 'file', mediaType: 'application/octet-stream', trust: 'declared', usedBy: ['app'] };
}

export async function makeDeb(bed: Bed, name: string, version: string, target: string): Promise<LockedPackage> {
  const { digest, size } = await bed.add('application/vnd.debian.binary-package', `deb ${name} ${version}`);
  return {
    target, manager: 'deb', name, version, arch: 'amd64', digest, size, repo: 'main', urls: [], path: `pool/main/${name}_${version}_amd64.deb`,
    stanza: `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nSize: ${size}\nSHA256: ${digest.slice(7)}\nMaintainer: Example <example@example.org>\nDescription: ${name}`,
    role: 'normal', reason: 'requested', sets: ['app/set'], trust: 'verified', usedBy: ['app'],
  };
}

/** The smallest image that can be pushed: an empty config and one layer. */
export interface Pushable {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
}

export function makePushable(layer: string, more: Readonly<Record<string, unknown>> = {}): Pushable {
  const encode = (text: string): { digest: Digest; bytes: Uint8Array; size: number } => {
    const bytes = new TextEncoder().encode(text);
    return { digest: digestOf(bytes), bytes, size: bytes.length };
  };
  const [config, content] = [encode(JSON.stringify({ architecture: 'amd64', os: 'linux', layer })), encode(layer)];
  const { bytes, digest } = encode(JSON.stringify({
    schemaVersion: 2, mediaType: manifestMediaType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.size },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: content.digest, size: content.size }],
    ...more,
  }));
  return { bytes, digest, mediaType: manifestMediaType, blobs: [config, content] };
}

export async function pushBlob(bed: Bed, name: string, bytes: Uint8Array): Promise<Response> {
  const started = await bed.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST', auth: true });
  return bed.ask(`${started.headers.get('location')}?digest=${digestOf(bytes)}`, { method: 'PUT', auth: true, body: Buffer.from(bytes), headers: { 'content-type': 'application/octet-stream' } });
}

export async function pushImage(bed: Bed, name: string, reference: string, image: Pushable): Promise<Response> {
  for (const blob of image.blobs) await pushBlob(bed, name, blob.bytes);
  return bed.ask(`/v2/${name}/manifests/${reference}`, { method: 'PUT', auth: true, body: Buffer.from(image.bytes), headers: { 'content-type': image.mediaType } });
}

export interface ErrorBody { readonly errors: readonly { readonly code: string; readonly message: string; readonly detail?: unknown }[] }

export async function errorCode(response: Response): Promise<string> {
  return ((await response.json()) as ErrorBody).errors[0]?.code ?? '';
}

/** `size` letters that nobody pushed before. */
export function randomText(size: number): string {
  return randomBytes(Math.ceil(size / 2)).toString('hex').slice(0, size);
}
