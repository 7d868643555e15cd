// The tree of hard links: FORMAT.md, section 6.
import { type Digest, hexOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Lock } from '../../bom/lock.ts';
import { isSafePath } from './tar-header.ts';

export function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** A runtime's real member, executable when its lock entry says so. */
export function runtimePath(runtime: { readonly platform: string; readonly path: string }): string {
  return `longshore/bin/${runtime.platform}/${runtime.path}`;
}

/**
 * Every name by which a blob of the lock is found after unpacking, apart from its digest. Throws `INPUT_FIELD` for a name that would leave
 * its folder and for one name with two contents.
 */
export function treeOf(lock: Lock): ReadonlyMap<string, Digest> {
  const tree = new Map<string, Digest>();
  const add = (path: string, digest: Digest): void => {
    if (!isSafePath(path)) throw unusable(path, 'a name that stays in its folder', 'one that does not');
    const other = tree.get(path);
    if (other !== undefined && other !== digest) throw unusable(path, `one content (${other})`, `another one (${digest})`);
    tree.set(path, digest);
  };
  const { files, charts, git, packages } = lock.spec;
  for (const file of files) add(`files/${file.name}`, file.digest);
  for (const chart of charts) {
    add(`charts/${chart.path}`, chart.digest);
    if (chart.provenance !== undefined) add(`charts/${chart.path}.prov`, chart.provenance.digest);
  }
  for (const item of git) add(`git/${item.name}.bundle`, item.digest);
  for (const item of packages) add(`${item.manager === 'deb' ? 'apt' : 'yum'}/${item.target}/${item.path}`, item.digest);
  return tree;
}

/** Throws `INPUT_FIELD` when a path is a folder of another: unpacking could make only one of them. */
export function checkFolders(paths: Iterable<string>): void {
  const all = new Set(paths);
  for (const path of all) {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      if (all.has(path.slice(0, slash))) throw unusable(path, `a folder ${path.slice(0, slash)}`, 'a file of that name');
    }
  }
}

function unusable(path: string, expected: string, actual: string): BundleError {
  return new BundleError('INPUT_FIELD', { subject: `lock: ${JSON.stringify(path)}`, expected, actual });
}
