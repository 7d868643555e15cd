// Where referrers are looked for: the referrers API and tags of a registry (distribution specification 1.1), and what an OCI layout lists.
import { type Descriptor, type Digest, hexOf } from '../../bom/digest.ts';
import { cosignTags } from '../../formats/oci/cosign.ts';
import { type ContentDescriptor, isManifestType, parseManifest } from '../../formats/oci/manifest.ts';
import type { FetchedManifest, RegistryPlace, RegistryPool } from '../../transport/registry.ts';
import { findManifest, listReferrers } from '../../transport/registry-discovery.ts';
import { settled } from '../failures.ts';
import type { ArchivedImage } from './image-archive.ts';
import type { ListedReferrer, ReferrerPlace } from './image-referrers.ts';
import { savedKinds, tagOfEntry } from './layout-entry.ts';

export function registryPlace(registry: RegistryPool, source: RegistryPlace, signal: AbortSignal): ReferrerPlace {
  const session = registry.session(source);
  return {
    name: `${source.host}/${source.path}`,
    manifest: ({ digest }) => session.getManifest(source.path, digest, signal),
    async list(subject) {
      const { referrers, tag } = await listReferrers(session, source.path, { digest: subject, signal });
      const listed: ListedReferrer[] = await settled(referrers.map(async ({ digest }) => ({ manifest: await session.getManifest(source.path, digest, signal), ...(tag === undefined ? {} : { tag }) })));
      for (const [suffix, kind] of cosignTags) {
        const name = `sha256-${hexOf(subject)}.${suffix}`;
        const manifest = await findManifest(session, source.path, { reference: name, signal });
        if (manifest !== undefined) listed.push({ manifest, tag: name, kind });
      }
      return listed;
    },
  };
}

/** Signatures and the like in an image archive: by cosign's tags, by the tag that stands in for the referrers API, by `cosign save`'s marks, and by their own subject. */
export function archivePlace(image: ArchivedImage, name: string): ReferrerPlace {
  let bySubject: Promise<Map<Digest, FetchedManifest[]>> | undefined;
  return {
    name,
    manifest: (descriptor) => image.manifest(descriptor),
    async list(subject) {
      const listed: ListedReferrer[] = [];
      for (const entry of image.entries) listed.push(...await listedBy(entry, subject, image));
      bySubject ??= subjectsOf(image);
      const seen = new Set(listed.map(({ manifest }) => manifest.digest));
      for (const manifest of (await bySubject).get(subject) ?? []) if (!seen.has(manifest.digest)) listed.push({ manifest });
      return listed;
    },
  };
}

async function listedBy(entry: ContentDescriptor, subject: Digest, image: ArchivedImage): Promise<ListedReferrer[]> {
  const stem = `sha256-${hexOf(subject)}`;
  const tag = tagOfEntry(entry);
  const [kind, suffix] = savedKinds[entry.annotations?.['kind'] ?? ''] ?? [];
  if (kind !== undefined && subject === image.root.digest) return [{ manifest: await image.manifest(entry), kind, tag: `${stem}.${suffix}` }];
  for (const [end, tagged] of cosignTags) if (tag === `${stem}.${end}`) return [{ manifest: await image.manifest(entry), kind: tagged, tag }];
  if (tag !== stem) return [];
  const { bytes, mediaType } = await image.manifest(entry);
  const index = parseManifest(bytes, mediaType, tag);
  if (index.kind !== 'index') return [];
  return settled(index.manifests.map(async (each: Descriptor) => ({ manifest: await image.manifest(each), tag })));
}

/** The manifests of a layout's top level that name a subject. */
async function subjectsOf(image: ArchivedImage): Promise<Map<Digest, FetchedManifest[]>> {
  const found = new Map<Digest, FetchedManifest[]>();
  for (const entry of image.entries) {
    if (!isManifestType(entry.mediaType)) continue;
    const manifest = await image.manifest(entry);
    const { subject } = parseManifest(manifest.bytes, entry.mediaType, `manifest ${entry.digest}`);
    if (subject !== undefined) found.set(subject.digest, [...found.get(subject.digest) ?? [], manifest]);
  }
  return found;
}
