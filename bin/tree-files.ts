// Everything that the machine serves but images, as files for another web server.
import { hexOf } from '../bom/digest.ts';
import { chartMediaType, packageMediaType } from '../bom/lock.ts';
import type { TreeFile } from '../importer/targets/tree-build.ts';
import type { Served, ServedBlobs } from '../repository/content.ts';
import type { Signer } from '../repository/mirror/signer.ts';
import { YumMirrors } from '../repository/mirror/yum.ts';
import { keyName } from '../repository/client/files-for.ts';
import type { FileTree } from '../repository/files/files.ts';
import { keyAnswer } from '../repository/keys-route.ts';
import { View } from '../repository/view.ts';

/** Paths as the machine itself serves them: apt/, yum/, files/ and git/ with SHA256SUMS, charts/, keys/. */
export async function treeFiles(served: readonly Served[], signer: Signer, blobs: ServedBlobs): Promise<TreeFile[]> {
  const view = new View(served, signer);
  return [
    { path: 'keys/longshore.asc', bytes: Buffer.from(signer.publicKeyArmored) },
    ...(await aptFiles(view)),
    ...(await yumFiles(new YumMirrors(served, signer, { isAlone: true }), blobs)),
    ...(await vendorKeys(view, signer, blobs)),
    ...fileTree(view.files, 'files'),
    ...fileTree(view.git, 'git'),
    ...(await chartFiles(view, served, blobs)),
  ];
}

/** What indexes of earlier trees lead to, and a client that read them may still ask for. */
export function outlives(path: string): boolean {
  return /\/by-hash\/|^apt\/[^/]+\/[^/]+\/pool\/|^yum\/[^/]+\/[^/]+\/(repodata\/(?!repomd\.xml)|Packages\/)/.test(path);
}

async function aptFiles({ apt }: View): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  for (const mirror of apt.mirrors) {
    const { project, target, packages } = mirror;
    for (const [path, bytes] of await apt.files(mirror)) files.push({ path: `apt/${project}/${target.id}/${path}`, bytes, ...(/\/(InRelease|Release\.gpg)$/.test(path) ? { volatile: true as const } : {}) });
    for (const { path, digest, size } of packages) files.push({ path: `apt/${project}/${target.id}/${path}`, blob: { mediaType: packageMediaType.deb, digest, size } });
    if (apt.alias(target.id) === mirror && !apt.mirrors.some((each) => each.project === target.id)) files.push({ path: `apt/${target.id}`, target: `${project}/${target.id}` });
  }
  return files;
}

async function yumFiles(yum: YumMirrors, blobs: ServedBlobs): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  for (const mirror of yum.mirrors) {
    const { project, target, packages } = mirror;
    const root = `yum/${project}/${target.id}`;
    for (const [path, bytes] of await yum.files(mirror, blobs)) files.push({ path: `${root}/${path}`, bytes, ...(path.endsWith('.asc') ? { volatile: true as const } : {}) });
    for (const { path, digest, size } of packages) files.push({ path: `${root}/${path}`, blob: { mediaType: packageMediaType.rpm, digest, size } });
    const isAlone = yum.mirrors.every((each) => each === mirror || (each.target.id !== target.id && each.project !== target.id)) && project !== target.id;
    if (isAlone) files.push({ path: `yum/${target.id}`, target: `${project}/${target.id}` });
  }
  return files;
}

/** Under the names that .repo files give them. */
async function vendorKeys(view: View, signer: Signer, blobs: ServedBlobs): Promise<TreeFile[]> {
  const names = [...new Set(view.served.flatMap(({ lock }) => lock.spec.repositories.flatMap(({ keys }) => keys.map(keyName))))];
  const answers = await Promise.all(names.map(async (name) => ({ name, answer: await keyAnswer(name, { view, blobs, signer, ca: undefined }) })));
  return answers.flatMap(({ name, answer }) => (answer?.body?.kind === 'bytes' ? [{ path: `keys/${name}`, bytes: answer.body.bytes }] : []));
}

function fileTree(files: FileTree, root: string): TreeFile[] {
  const list = files.list();
  if (list.length === 0) return [];
  const sums = list.map(({ path, digest }) => `${hexOf(digest)}  ${path}\n`).join('');
  return [{ path: `${root}/SHA256SUMS`, bytes: Buffer.from(sums) }, ...list.filter(({ path }) => path !== 'SHA256SUMS').map(({ path, digest, size }) => ({ path: `${root}/${path}`, blob: { mediaType: 'application/octet-stream', digest, size } }))];
}

async function chartFiles({ charts }: View, served: readonly Served[], blobs: ServedBlobs): Promise<TreeFile[]> {
  const all = new Map<string, TreeFile>();
  for (const chart of served.flatMap(({ lock }) => lock.spec.charts)) {
    if (!all.has(chart.path)) all.set(chart.path, { path: `charts/${chart.path}`, blob: { mediaType: chartMediaType, digest: chart.digest, size: chart.size } });
    if (chart.provenance !== undefined && !all.has(`${chart.path}.prov`)) all.set(`${chart.path}.prov`, { path: `charts/${chart.path}.prov`, blob: chart.provenance });
  }
  const index = all.size === 0 ? undefined : await charts.answer(['index.yaml'], blobs);
  return [...(index?.body?.kind === 'bytes' ? [{ path: 'charts/index.yaml', bytes: index.body.bytes }] : []), ...all.values()];
}
