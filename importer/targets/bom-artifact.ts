// A BOM as an artifact of its own, or as a referrer of its module's image: OCI image specification 1.1, manifest.md ("Guidelines for Artifact Usage").
import { emptyMediaType, manifestMediaType, titleAnnotation } from '../../bom/bundle.ts';
import { canonicalBytes } from '../../bom/canonical-json.ts';
import { type Descriptor, type Digest, digestOf } from '../../bom/digest.ts';
import type { ParsedBom } from '../../bom/documents/document.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import { bomMediaType } from '../../bom/lock.ts';
import type { Reference } from '../../bom/reference.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { RegistrySession } from '../../transport/registry.ts';
import { pushBlob, pushManifest } from '../../transport/registry-push.ts';
import { pushTags } from './registry-tags.ts';

export interface BomPush {
  readonly session: RegistrySession;
  /** Where it goes; with `subject`, the image that it is about. */
  readonly reference: Reference;
  readonly subject?: boolean;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

/**
 * Publishes a BOM as canonical JSON: the same document, the same digest. A referrer has no tag of its own; registries without the referrers API
 * get the tag that stands in for it. Throws `RESOLVE_NOT_FOUND` for a subject that is not there, `TARGET_REFUSED`, transfer errors.
 */
export async function pushBom(bom: ParsedBom, { session, reference, subject, notify, signal }: BomPush): Promise<{ readonly digest: Digest; readonly subject?: Digest }> {
  const { path } = reference;
  const about = subject === true ? await subjectOf(session, reference, signal) : undefined;
  const empty = { mediaType: emptyMediaType, bytes: new TextEncoder().encode('{}') };
  const layer = { mediaType: bomMediaType, bytes: bom.canonical };
  const [config, content] = [describe(empty), describe(layer)];
  for (const [blob, bytes] of [[config, empty.bytes], [content, layer.bytes]] as const) {
    await pushBlob(session, { path, blob, force: true, signal, notify, open: (range) => (async function* part() { yield bytes.subarray(range?.start ?? 0, range?.end ?? bytes.length); })() });
  }
  const { name, version } = bom.value.metadata;
  const manifest = canonicalBytes({
    schemaVersion: 2, mediaType: manifestMediaType, artifactType: bomMediaType, config, layers: [{ ...content, annotations: { [titleAnnotation]: `${name}.json` } }],
    annotations: { 'org.opencontainers.image.title': name, ...(version === undefined ? {} : { 'org.opencontainers.image.version': version }) },
    ...(about === undefined ? {} : { subject: about }),
  });
  const digest = digestOf(manifest);
  const { subjectKnown } = await pushManifest(session, { path, reference: about === undefined ? reference.tag ?? digest : digest, mediaType: manifestMediaType, bytes: manifest, signal, notify });
  await session.getManifest(path, digest, signal);
  if (about !== undefined && !subjectKnown) {
    const referrer = { subject: about.digest, digest, mediaType: manifestMediaType, artifactType: bomMediaType, size: manifest.length, kind: 'referrer' };
    await pushTags(session, [{ kind: 'referrer', path, referrer }], { signal, notify });
  }
  return { digest, ...(about === undefined ? {} : { subject: about.digest }) };
}

function describe({ mediaType, bytes }: { readonly mediaType: string; readonly bytes: Uint8Array }): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

async function subjectOf(session: RegistrySession, { host, path, tag, digest }: Reference, signal: AbortSignal): Promise<Descriptor> {
  const name = digest ?? tag ?? 'latest';
  const found = await session.getManifest(path, name, signal).catch((cause: unknown) => {
    throw statusOf(cause) === 404 ? new BundleError('RESOLVE_NOT_FOUND', { subject: `${host}/${path}`, expected: `the image that the BOM is about, ${name}`, actual: 'status 404', next: 'Push the image first.' }, { cause }) : cause;
  });
  return { mediaType: found.mediaType, digest: found.digest, size: found.size };
}
