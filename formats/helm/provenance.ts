// Provenance files: Helm documentation, "Helm Provenance and Integrity", "The Provenance File". Chart.yaml and the digests of files, clearsigned.
import { errorOf, readTrees, type Tree } from '../../bom/documents/yaml-tree.ts';
import { BundleError } from '../../bom/errors.ts';

export const provenanceMediaType = 'application/vnd.cncf.helm.chart.provenance.v1.prov';

/** Whether `bytes` begin as a provenance file does. */
export function isProvenance(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 200)).trimStart().startsWith('-----BEGIN PGP SIGNED MESSAGE-----');
}

/** The text under the signature, without checking it: for what no key was given for. */
export function unverifiedText(bytes: Uint8Array): string {
  const whole = new TextDecoder().decode(bytes).replaceAll('\r\n', '\n');
  const start = whole.indexOf('\n\n');
  const end = whole.indexOf('\n-----BEGIN PGP SIGNATURE-----');
  return start < 0 || end < start ? '' : whole.slice(start + 2, end).replace(/^- /gm, '');
}

/** Names and digests (`sha256:…`) of the files that a provenance text speaks for. Throws `INTEGRITY_METADATA`. */
export function provenanceDigests(text: string, subject: string): ReadonlyMap<string, string> {
  const { documents, problems: [problem] } = readTrees(text, subject, { duplicates: 'last', ignoreTags: true });
  if (problem !== undefined) throw new BundleError('INTEGRITY_METADATA', errorOf(problem).facts);
  const [, sums] = documents;
  const files = (sums?.tree as { readonly files?: Readonly<Record<string, Tree>> } | undefined)?.files;
  if (typeof files !== 'object') throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a provenance file with digests', actual: 'none' });
  return new Map(Object.entries(files).flatMap(([name, digest]) => (typeof digest === 'string' ? [[name, digest] as const] : [])));
}
