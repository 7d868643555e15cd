import { type Digest, isDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { readSmall, type ServedBlobs } from '../content.ts';
import { Pushed } from './pushed.ts';

/**
 * Every blob that the pushes recorded below `state` need: manifests, what was pushed beside them, and what the manifests name, which may be a blob of
 * a generation that was mounted. Throws `STORAGE_IO` for a damaged record; a manifest whose own blob is gone or damaged leads to nothing.
 */
export async function pushedRoots(state: string, blobs: ServedBlobs): Promise<Set<Digest>> {
  const pushed = await Pushed.open(state);
  const all = pushed.digests();
  for (const name of pushed.names()) {
    for (const { mediaType, digest, size } of pushed.get(name)?.manifests.values() ?? []) {
      for (const named of await namedBy({ mediaType, digest, size }, blobs)) all.add(named);
    }
  }
  return all;
}

async function namedBy(manifest: { readonly mediaType: string; readonly digest: Digest; readonly size: number }, blobs: ServedBlobs): Promise<readonly Digest[]> {
  try {
    const { config, layers = [], manifests = [] } = JSON.parse((await readSmall(blobs, manifest)).toString('utf8')) as {
      readonly config?: { readonly digest?: string }; readonly layers?: readonly { readonly digest?: string }[]; readonly manifests?: readonly { readonly digest?: string }[];
    };
    return [config, ...layers, ...manifests].flatMap((each) => (each?.digest !== undefined && isDigest(each.digest) ? [each.digest] : []));
  } catch (cause) {
    if (cause instanceof BundleError && cause.family === 'integrity') return [];
    throw cause;
  }
}
