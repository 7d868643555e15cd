// A bundle that `publish --bundle` sent to a registry, brought in blob by blob.
import { artifactTypes, bundleOf, indexMediaType, lockMediaType } from '../bom/bundle.ts';
import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { type Lock, parseLock } from '../bom/lock.ts';
import type { Reference } from '../bom/reference.ts';
import { manifestMediaTypes, parseManifest } from '../formats/oci/manifest.ts';
import { verified } from '../formats/oci/verified.ts';
import type { RegistrySession } from '../transport/registry.ts';
import { fetchMissing } from './fetch-missing.ts';
import { type ServedResult, serveLock, type ServeLockOptions } from './serve-lock.ts';

export interface ImportBundleOptions extends ServeLockOptions {
  readonly session: RegistrySession;
  readonly reference: Pick<Reference, 'path' | 'tag' | 'digest'>;
  /** Passes for a tag: whoever writes to that registry decides then what is imported. A digest needs no such leave. */
  readonly allowUnsigned: boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

const maxLockBytes = 512 << 20;

/**
 * Brings what the store lacks of a bundle, and serves it. The lock inside gives every digest, and the bundle's own: what a registry changes is noticed.
 * Throws `INPUT_UNSIGNED` for a reference without digest that nobody vouches for, `INPUT_ARCHIVE_FORMAT` for what is no bundle, `INTEGRITY_*`, `TRANSFER_*`,
 * and what {@link serveLock} throws.
 */
export async function importBundle(options: ImportBundleOptions): Promise<ServedResult & { readonly fetched: number; readonly fetchedBytes: number; readonly bundle: Digest; readonly lock: Lock }> {
  const { session, reference: { path, tag, digest }, store, signal, notify } = options;
  const subject = `oci://${session.host}/${path}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
  if (digest === undefined && !options.allowUnsigned) {
    throw new BundleError('INPUT_UNSIGNED', { subject, expected: 'a digest, as `longshore publish --bundle` printed it', actual: 'a tag', next: 'Name it as host/name@sha256:…, or pass --allow-unsigned when the registry is trusted.' });
  }
  const root = await session.getManifest(path, digest ?? tag ?? 'latest', signal);
  const lock = await readBundleLock(root, options, subject);
  const bundle = bundleOf(lock);
  if (bundle.index.digest !== root.digest) throw new BundleError('INTEGRITY_DIGEST', { subject, expected: `${bundle.index.digest}, by the lock inside`, actual: root.digest });
  const done = await fetchMissing({
    store, blobs: bundle.content, concurrency: options.concurrency, notify, signal,
    open: (blob, offset, each) => (manifestMediaTypes.includes(blob.mediaType) ? manifestBytes(options, blob, offset) : session.streamBlob(path, blob, { offset, signal: each })),
  });
  return { ...(await serveLock(lock, options)), ...done, bundle: root.digest, lock };
}

async function* manifestBytes({ session, reference, signal }: ImportBundleOptions, blob: Descriptor, offset: number): AsyncGenerator<Uint8Array> {
  yield (await session.getManifest(reference.path, blob.digest, signal)).bytes.subarray(offset);
}

async function readBundleLock(root: Descriptor & { readonly bytes: Uint8Array }, { session, reference: { path }, signal }: ImportBundleOptions, subject: string): Promise<Lock> {
  const fail = (actual: string): BundleError => new BundleError('INPUT_ARCHIVE_FORMAT', { subject, expected: 'a bundle of longshore', actual, next: 'Send one there with `longshore publish --registry HOST --bundle NAME`.' });
  const index = parseManifest(root.bytes, root.mediaType, subject);
  if (index.kind !== 'index' || index.mediaType !== indexMediaType || index.artifactType !== artifactTypes.bundle) throw fail(index.artifactType ?? index.mediaType);
  const metadata = index.manifests.find(({ artifactType }) => artifactType === artifactTypes.metadata) ?? index.manifests[0];
  if (metadata === undefined) throw fail('an empty index');
  const manifest = await session.getManifest(path, metadata.digest, signal);
  const parsed = parseManifest(manifest.bytes, manifest.mediaType, subject);
  if (parsed.kind !== 'manifest' || parsed.config.mediaType !== lockMediaType || parsed.config.size > maxLockBytes) throw fail('an index without a lock');
  const chunks: Uint8Array[] = [];
  for await (const chunk of verified(session.streamBlob(path, parsed.config, { signal }), parsed.config, { subject })) chunks.push(Uint8Array.from(chunk));
  return parseLock(Buffer.concat(chunks).toString('utf8'), `lock of ${subject}`);
}
