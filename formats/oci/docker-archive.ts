// `docker save`: moby image specification 1.2, "Combined Image JSON + Filesystem Changeset Format" (manifest.json).
import { z } from 'zod';
import { isDigest, type Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';

export interface SavedImage {
  /** Names of the config and of each layer inside the archive. */
  readonly config: string;
  readonly layers: readonly string[];
  readonly tags: readonly string[];
}

const listSchema = z.array(z.object({
  Config: z.string().min(1), Layers: z.array(z.string().min(1)).max(1000), RepoTags: z.array(z.string()).nullish(),
})).min(1).max(10_000);
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

/** The images that a `manifest.json` lists. Throws `INTEGRITY_METADATA`. */
export function parseSavedImages(bytes: Uint8Array, subject: string): SavedImage[] {
  const result = listSchema.safeParse(parseJson(bytes));
  if (result.success) return result.data.map(({ Config, Layers, RepoTags }) => ({ config: Config, layers: Layers, tags: RepoTags ?? [] }));
  throw new BundleError('INTEGRITY_METADATA', { subject: `${subject}: manifest.json`, expected: 'a list of Config, Layers and RepoTags', actual: result.error.issues[0]?.message ?? 'something else' });
}

/** Digests of the uncompressed layers, in order. Throws `INTEGRITY_METADATA`, also where one is no sha256. */
export function parseDiffIds(bytes: Uint8Array, subject: string): Digest[] {
  const result = configSchema.safeParse(parseJson(bytes));
  const diffIds = result.data?.rootfs.diff_ids ?? [];
  if (result.success && diffIds.every(isDigest)) return diffIds.filter(isDigest);
  throw new BundleError('INTEGRITY_METADATA', { subject: `${subject}: config`, expected: 'sha256 digests in rootfs.diff_ids', actual: 'something else' });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // safeParse then says that it has another form
  }
}
