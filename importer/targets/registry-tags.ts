// Tags, and the tag that stands in for the referrers API: distribution specification 1.1, "Pushing Manifests with Subject", "Referrers Tag Schema".
import { indexMediaType } from '../../bom/bundle.ts';
import { type Digest, digestOf, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedReferrer } from '../../bom/lock.ts';
import { parseManifest } from '../../formats/oci/manifest.ts';
import type { FetchedManifest, RegistrySession } from '../../transport/registry.ts';
import { findManifest } from '../../transport/registry-discovery.ts';
import { pushManifest } from '../../transport/registry-push.ts';

/** What makes content visible once all of it is there. */
export type PendingTag =
  | { readonly kind: 'tag'; readonly path: string; readonly tag: string; readonly digest: Digest }
  /** A referrer that the registry did not take note of by itself. */
  | { readonly kind: 'referrer'; readonly path: string; readonly referrer: LockedReferrer };

interface Tagging { readonly signal: AbortSignal; readonly notify: Notify }

/** Sets every tag that does not point there yet, and reads it back. Referrers of one subject go into one index. Throws `TARGET_REFUSED`. */
export async function pushTags(session: RegistrySession, tags: readonly PendingTag[], options: Tagging): Promise<void> {
  const referrers = Map.groupBy(tags.filter((tag) => tag.kind === 'referrer'), ({ path, referrer }) => `${path} ${referrer.subject}`);
  for (const group of referrers.values()) {
    const [first] = group;
    if (first !== undefined) await addReferrers(session, first.path, { subject: first.referrer.subject, referrers: group.map(({ referrer }) => referrer), ...options });
  }
  for (const tag of tags) if (tag.kind === 'tag') await pushTag(session, tag, options);
}

async function pushTag(session: RegistrySession, { path, tag, digest }: Extract<PendingTag, { kind: 'tag' }>, options: Tagging): Promise<void> {
  const { signal } = options;
  if ((await findManifest(session, path, { reference: tag, signal }))?.digest === digest) return;
  await putAndCompare(session, await session.getManifest(path, digest, signal), { path, tag, ...options });
}

async function putAndCompare(session: RegistrySession, { bytes, mediaType }: Pick<FetchedManifest, 'bytes' | 'mediaType'>, { path, tag, signal, notify }: Tagging & { readonly path: string; readonly tag: string }): Promise<void> {
  const digest = digestOf(bytes);
  await pushManifest(session, { path, reference: tag, mediaType, bytes, signal, notify });
  const actual = (await session.getManifest(path, tag, signal)).digest;
  if (actual !== digest) {
    throw new BundleError('TARGET_REFUSED', { subject: `${session.host}/${path}:${tag}`, expected: digest, actual: `${actual} when read back`, next: 'Somebody else writes that tag, or the registry keeps tags from being changed.' });
  }
}

async function addReferrers(
  session: RegistrySession, path: string, add: Tagging & { readonly subject: Digest; readonly referrers: readonly LockedReferrer[] },
): Promise<void> {
  const { signal, notify, subject, referrers } = add;
  const tag = `sha256-${hexOf(subject)}`;
  const now = await findManifest(session, path, { reference: tag, signal });
  const parsed = now === undefined ? undefined : parseManifest(now.bytes, now.mediaType, `${session.host}/${path}:${tag}`);
  const known = parsed?.kind === 'index' ? parsed.manifests : [];
  const fresh = referrers.filter(({ digest }) => !known.some((entry) => entry.digest === digest));
  if (fresh.length === 0) return;
  const entries = fresh.map(({ mediaType, digest, size, artifactType }) => ({ mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) }));
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests: [...known, ...entries] }));
  await putAndCompare(session, { mediaType: indexMediaType, bytes }, { path, tag, signal, notify });
}
