// What a BOM says beyond its artifacts: references inside it that must hold, and wishes that are not carried out and therefore said aloud.
import type { Entry } from './aggregate-entries.ts';
import type { ParsedBom } from './documents/document.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition, type TreePath } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';

/** Every `tools[].file` and `modules[].image` names an entry of its own BOM. Throws `INPUT_FIELD`. */
export function checkReferences(bom: ParsedBom): void {
  const spec = bom.value.spec ?? {};
  const ids = (list: readonly { readonly id?: string | undefined }[] | undefined): string[] => (list ?? []).flatMap(({ id }) => id ?? []);
  const check = (name: string | undefined, known: readonly string[], path: TreePath, what: string): void => {
    if (name === undefined || known.includes(name)) return;
    const next = didYouMean(name, known);
    throw new BundleError('INPUT_FIELD', { subject: formatPosition(bom.positionOf(path)), expected: `the id of ${what}`, actual: name, ...(next === undefined ? {} : { next }) });
  };
  for (const [index, { file }] of (spec.tools ?? []).entries()) check(file, ids(spec.files), ['spec', 'tools', index, 'file'], 'a file under spec.files');
  for (const [index, { image }] of (spec.modules ?? []).entries()) check(image, ids(spec.images), ['spec', 'modules', index, 'image'], 'an image under spec.images');
}

/** `mutable: refuse` wants a digest. Throws `RESOLVE_UNPINNED`. */
export function checkMutable({ value, module, at }: Entry<'images'>): void {
  if (value.mutable !== 'refuse' || value.digest !== undefined || value.ref.includes('@')) return;
  throw new BundleError('RESOLVE_UNPINNED', {
    subject: `${formatPosition(at('mutable'))}: image ${value.ref} of module ${module}`, expected: 'a digest, because the entry says mutable: refuse', actual: 'none',
    next: 'Write its digest in the document or in an overlay.',
  });
}

/** The SHA-1 of what `crane pull` writes. */
export const craneEvidence = 'crane-tarball-sha1';

/** Warnings about wishes that are not carried out: checks of other systems over forms of an image that only their tool makes. */
export function unkeptPromises(images: readonly Entry<'images'>[]): string[] {
  return images.flatMap(({ value, module }) => (value.evidence ?? []).filter((evidence) => !isCheckableEvidence(evidence))
    .map(({ kind, tool }) => `image ${value.ref} of ${module}: its ${kind}${tool === undefined ? '' : ` (${tool})`} cannot be checked here; its digest is what identifies it`));
}

/** Evidence about an image that its manifests answer while locking, or its content once it was downloaded. */
export function isCheckableEvidence({ kind, format }: { readonly kind: string; readonly format?: string | undefined }): boolean {
  return kind === 'manifest-digest' || kind === 'config-digest' || (kind === craneEvidence && (format === undefined || format === 'tarball' || format === 'legacy'));
}
