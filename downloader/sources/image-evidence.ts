// What other systems published about an image, held against what was found: never identity.
import { BundleError } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { ImageRequirement } from '../../bom/requirement.ts';
import { parseManifest } from '../../formats/oci/manifest.ts';
import type { ImageContent } from './image-walk.ts';

/**
 * Checks `manifest-digest` and `config-digest`; the content answers crane's sums (crane-evidence.ts), other kinds were reported as not checkable before. Throws `INTEGRITY_DIGEST` for evidence that
 * speaks of another image, a warning where the document allows that.
 */
export function checkEvidence({ evidence = [], ref }: Pick<ImageRequirement, 'evidence' | 'ref'>, { manifests }: Pick<ImageContent, 'manifests'>, notify: Notify): void {
  const configs = (): string[] => manifests.flatMap(({ bytes, mediaType }) => { const parsed = parseManifest(bytes, mediaType, `image ${ref}`); return parsed.kind === 'manifest' ? [parsed.config.digest] : []; });
  for (const { kind, value, allowMismatch } of evidence) {
    const found = kind === 'manifest-digest' ? manifests.map(({ digest }) => digest as string) : kind === 'config-digest' ? configs() : undefined;
    const wanted = value.includes(':') ? value : `sha256:${value}`;
    if (found === undefined || found.includes(wanted)) continue;
    const actual = found.slice(0, 5).join(', ');
    if (!allowMismatch) throw new BundleError('INTEGRITY_DIGEST', { subject: `image ${ref}, evidence ${kind}`, expected: wanted, actual, next: 'Correct the evidence or the reference; allowMismatch: true lets it pass with a warning.' });
    notify({ kind: 'warning', subject: `image ${ref}`, message: `its ${kind} is not ${wanted} but ${actual}` });
  }
}
