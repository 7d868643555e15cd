// The package indexes of an archive: formats/archive/FORMAT.md, section 6.
import { type Lock, lockTime, packageMediaType } from '../bom/lock.ts';
import type { BlobReader } from '../bom/ports.ts';
import type { SmallFile } from '../formats/archive/plan.ts';
import { renderChartIndex } from '../formats/helm/repository-index.ts';
import { renderAptMirror } from '../formats/deb/mirror.ts';
import { clearsign, signDetached } from '../formats/pgp/signature.ts';
import type { SigningKey } from '../formats/pgp/keys.ts';
import { renderYumMirror, type RpmDetails, type YumMirror } from '../formats/rpm/mirror.ts';
import { readDetails, readYumDocuments } from '../formats/rpm/mirror-sources.ts';

export interface PackageTrees {
  /** Indexes, unsigned, with paths below the archive. */
  readonly files: readonly SmallFile[];
  /** What needs a signature beside it: apt's Release files and yum's repomd.xml. */
  readonly releases: readonly SmallFile[];
}

/** Plain indexes of every target that has packages, dated with the lock: the same bytes on every machine. File lists of rpm packages are read out of the store. */
export async function renderPackageTrees(lock: Lock, store: BlobReader, options: { readonly aptValidForS?: number } = {}): Promise<PackageTrees> {
  const files: SmallFile[] = [];
  const releases: SmallFile[] = [];
  const debTargets = [...new Set(lock.spec.packages.filter((item) => item.manager === 'deb').map((item) => item.target))].sort();
  for (const id of debTargets) {
    const target = lock.spec.targets.find((each) => each.id === id);
    const mirror = renderAptMirror(lock.spec.packages, {
      target: id, label: lock.metadata.name, date: lockTime(lock), plain: true, ...(options.aptValidForS === undefined ? {} : { validUntil: lockTime(lock) + options.aptValidForS }),
      architectures: target === undefined || target.arch === 'any' ? [] : [target.arch],
    });
    files.push(...mirror.files.map(({ path, bytes }) => ({ path: `apt/${id}/${path}`, bytes })));
    releases.push({ path: `apt/${id}/dists/${id}/Release`, bytes: mirror.release });
  }
  const charts = lock.spec.charts.map((chart) => ({ ...chart, created: lockTime(lock) }));
  if (charts.length > 0) files.push({ path: 'charts/index.yaml', bytes: new TextEncoder().encode(renderChartIndex(charts)) });
  const rpmTargets = [...new Set(lock.spec.packages.filter((item) => item.manager === 'rpm').map((item) => item.target))].sort();
  for (const target of rpmTargets) {
    const mirror = await yumTree(lock, target, store);
    files.push(...mirror.files.map(({ path, bytes }) => ({ path: `yum/${target}/${path}`, bytes })));
    releases.push({ path: `yum/${target}/repodata/repomd.xml`, bytes: mirror.repomd });
  }
  return { files, releases };
}

async function yumTree(lock: Lock, target: string, store: BlobReader): Promise<YumMirror> {
  const packages = lock.spec.packages.filter((item) => item.manager === 'rpm' && item.target === target);
  const details = new Map<string, RpmDetails>();
  for (const { digest, size, name, version, arch } of packages) {
    // What the store lacks is named, all of it at once, before anything is written.
    if (await store.has(digest)) details.set(digest, await readDetails({ mediaType: packageMediaType.rpm, digest, size }, `${name}-${version}.${arch}.rpm`, store));
  }
  const documents = await readYumDocuments(lock.spec.repositories.filter((each) => each.manager === 'rpm' && each.target === target), store);
  return renderYumMirror(packages, details, { target, date: lockTime(lock), plain: true, documents });
}

/** When a key signs an archive: the lock's time, or the key's own when it is younger, since nobody believes a signature from before its key. */
export function signatureTime(lock: Lock, key: SigningKey): Date {
  return new Date(Math.max(lockTime(lock) * 1000, key.key.getCreationTime().getTime()));
}

/** InRelease and Release.gpg beside every Release, repomd.xml.asc beside every repomd.xml, and the public key. */
export async function signPackageTrees(trees: PackageTrees, key: SigningKey, date: Date): Promise<SmallFile[]> {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const signed = await Promise.all(trees.releases.map(async ({ path, bytes: release }) => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    if (path.startsWith('yum/')) return [{ path: `${path}.asc`, bytes: bytes(await signDetached(release, key, date)) }];
    return [
      { path: `${folder}/InRelease`, bytes: bytes(await clearsign(new TextDecoder().decode(release), key, date)) },
      { path: `${folder}/Release.gpg`, bytes: bytes(await signDetached(release, key, date)) },
    ];
  }));
  return [...signed.flat(), { path: 'keys/longshore.asc', bytes: bytes(key.key.toPublic().armor()) }];
}
