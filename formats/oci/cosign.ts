// How signatures lie beside images: sigstore/cosign specs/SIGNATURE_SPEC.md (simple signing), specs/BUNDLE_SPEC.md (bundles as referrers).
import type { ContentDescriptor, Manifest } from './manifest.ts';

export const cosignSignatureAnnotation = 'dev.cosignproject.cosign/signature';
export const simpleSigningMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundleMediaType = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d)?\+json/;
export const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

export function isSigstoreBundle(mediaType: string): boolean {
  return bundleMediaType.test(mediaType);
}

/** What a referrer is for. */
export type ReferrerKind = 'signature' | 'attestation' | 'sbom' | 'referrer';

/** Suffixes of the tags that cosign gives what belongs to `sha256-<hex>`. */
export const cosignTags: readonly (readonly [suffix: string, kind: ReferrerKind])[] = [['sig', 'signature'], ['att', 'attestation'], ['sbom', 'sbom']];

/**
 * What a referrer is, from its own manifest: lists of referrers are not to be relied on for that (cosign 2.6 gives the config's media type in
 * its fallback tag).
 */
export function kindOfReferrer(manifest: Manifest): ReferrerKind {
  const { annotations = {} } = manifest;
  const types = [manifest.artifactType, ...(manifest.kind === 'manifest' ? [manifest.config.mediaType, ...manifest.layers.map((layer: ContentDescriptor) => layer.mediaType)] : [])].filter((type) => type !== undefined);
  if (types.some((type) => isSigstoreBundle(type))) {
    const predicate = annotations['dev.sigstore.bundle.predicateType'] ?? '';
    const isSignature = annotations['dev.sigstore.bundle.content'] === 'message-signature' || predicate === '' || predicate.startsWith('https://sigstore.dev/cosign/sign/');
    return isSignature ? 'signature' : /spdx|cyclonedx/.test(predicate) ? 'sbom' : 'attestation';
  }
  const [type = ''] = types;
  if (type.startsWith('application/vnd.dev.cosign.artifact.sig.') || type === 'application/vnd.cncf.notary.signature') return 'signature';
  if (/in-toto|dsse|attestation/.test(type)) return 'attestation';
  return /spdx|cyclonedx|syft|sbom/.test(type) ? 'sbom' : 'referrer';
}
