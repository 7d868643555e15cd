// What the entries of an OCI layout's index.json are: image specification 1.1, image-layout.md; `cosign save`.
import { refNameAnnotation } from '../../bom/bundle.ts';
import type { ReferrerKind } from '../../formats/oci/cosign.ts';
import type { ContentDescriptor } from '../../formats/oci/manifest.ts';

/** What `cosign save` says of the entries of its layouts. */
export const savedKinds: Readonly<Record<string, readonly [kind: ReferrerKind, suffix: string]>> = {
  'dev.cosignproject.cosign/sigs': ['signature', 'sig'], 'dev.cosignproject.cosign/atts': ['attestation', 'att'], 'dev.cosignproject.cosign/sboms': ['sbom', 'sbom'],
};

/** Whether an entry of a layout belongs to another one, by its tag or by what `cosign save` says of it. */
export function isBeside(entry: ContentDescriptor): boolean {
  return /^sha256-[0-9a-f]{64}(?:\.[a-z]+)?$/.test(tagOfEntry(entry)) || savedKinds[entry.annotations?.['kind'] ?? ''] !== undefined;
}

/** The tag in the name of an entry; the whole name where it is a bare tag. */
export function tagOfEntry({ annotations }: ContentDescriptor): string {
  const name = annotations?.[refNameAnnotation] ?? '';
  return name.slice(name.lastIndexOf(':') + 1);
}
