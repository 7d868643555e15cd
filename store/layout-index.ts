// `index.json` of an OCI image layout: image specification 1.1, image-layout.md ("index.json file").
import { readFile } from 'node:fs/promises';
import { indexMediaType, refNameAnnotation } from '../bom/bundle.ts';
import { canonicalBytes } from '../bom/canonical-json.ts';
import { type Digest, isDigest } from '../bom/digest.ts';
import { commitFile } from './durable-file.ts';

interface Entry {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export const emptyLayoutIndex = canonicalBytes({ schemaVersion: 2, mediaType: indexMediaType, manifests: [] });

const entriesOf = (bytes: Uint8Array): Entry[] => (JSON.parse(new TextDecoder().decode(bytes)) as { manifests: Entry[] }).manifests;

/**
 * Adds the manifests of `added` to the index at `path`: the newest entry of a name stands, last; entries whose manifest `has` does not find are left out. A file
 * that says all this already stays as it is.
 */
export async function mergeLayoutIndex(path: string, added: Uint8Array, has: (digest: Digest) => Promise<boolean>): Promise<void> {
  const nameOf = (entry: Entry): string => entry.annotations?.[refNameAnnotation] ?? entry.digest;
  const entries = new Map<string, Entry>();
  const before = await readFile(path);
  for (const entry of [...entriesOf(before), ...entriesOf(added)]) {
    entries.delete(nameOf(entry));
    if (isDigest(entry.digest) && (await has(entry.digest))) entries.set(nameOf(entry), entry);
  }
  const after = canonicalBytes({ schemaVersion: 2, mediaType: indexMediaType, manifests: [...entries.values()] });
  if (!before.equals(after)) await commitFile(path, after);
}
