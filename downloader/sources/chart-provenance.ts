// Provenance files of charts: checked against a keyring where one is given, carried where they speak of the chart.
import { readFile } from 'node:fs/promises';
import { type Descriptor, digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { ChartRequirement } from '../../bom/requirement.ts';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { verifyClearsigned } from '../../formats/pgp/signature.ts';
import type { ChartContent } from '../../formats/helm/chart-archive.ts';
import { provenanceDigests, provenanceMediaType, unverifiedText } from '../../formats/helm/provenance.ts';
import type { ChartContext } from './chart-context.ts';
import type { FoundChart } from './chart-origin.ts';

interface Checking { readonly subject: string; readonly content: ChartContent; readonly context: ChartContext }

/**
 * With a keyring: throws `INTEGRITY_SIGNATURE` unless a key of it signed a provenance file that names this very chart. Without one, a provenance
 * file that speaks of other content is left out, with a warning.
 */
export async function checkProvenance(found: FoundChart, { keyring }: ChartRequirement, { subject, content, context }: Checking): Promise<{ readonly provenance?: Descriptor; readonly signers?: readonly string[] }> {
  const { provenance, packed } = found;
  if (provenance === undefined) {
    if (keyring === undefined) return {};
    throw new BundleError('INTEGRITY_SIGNATURE', { subject, expected: 'a provenance file (.prov), because a keyring is given', actual: 'none beside the chart' });
  }
  const blob = { mediaType: provenanceMediaType, digest: digestOf(provenance), size: provenance.length };
  if (keyring === undefined) {
    const isAbout = isReadable(provenance) && isOf(unverifiedText(provenance));
    if (!isAbout) context.warnings.push(`chart ${content.facts.name} ${content.facts.version}: its provenance file speaks of other content, and is left out`);
    return isAbout ? { provenance: blob } : {};
  }
  const keys = await parseKeys(await readFile(keyring.absolute).catch((cause: NodeJS.ErrnoException) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject: keyring.written, expected: `the keyring of ${subject}`, actual: cause.code ?? 'an error' }, { cause });
  }), keyring.written);
  const { signers, text } = await verifyClearsigned(provenance, keys, { subject: `${subject}, provenance`, now: context.now() });
  if (!isOf(new TextDecoder().decode(text))) throw new BundleError('INTEGRITY_DIGEST', { subject: `${subject}, provenance`, expected: `the digest of this chart, ${digestOf(packed)}`, actual: 'a good signature over other content' });
  return { provenance: blob, signers };

  /** Without a key nobody asked for it: what cannot be read is left out like what speaks of other content. */
  function isReadable(bytes: Uint8Array): boolean {
    try {
      return provenanceDigests(unverifiedText(bytes), subject).size > 0;
    } catch (error) {
      if (error instanceof BundleError) return false;
      throw error;
    }
  }

  function isOf(text: string): boolean {
    return [...provenanceDigests(text, `${subject}, provenance`).values()].includes(digestOf(packed));
  }
}
