// A folder that Epiphany's or LambdaStack's download-requirements made, as a BOM: images with the names they were saved under, files, dashboards, packages.
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { toYaml } from '../bom/documents/yaml-writer.ts';
import { BundleError } from '../bom/errors.ts';
import { apiVersion } from '../bom/lock.ts';
import { openArchiveFiles } from '../downloader/sources/image-archive-files.ts';
import { parseSavedImages } from '../formats/oci/docker-archive.ts';
import { commitFile } from '../store/durable-file.ts';

const parts = ['files', 'images', 'packages', 'grafana_dashboards'];

/**
 * Writes the BOM to `out` when `folder` is such a tree and holds no archive of longshore; undefined when it is not. Packages travel as files below `packages/`:
 * a `Packages` index among them makes `deb [trusted=yes] …/files/packages ./` work, and repodata does it for yum; warned of are those that have none. Throws `INPUT_FIELD` for an image that nobody named.
 */
export async function epirepoBom(folder: string, out: string, signal: AbortSignal): Promise<{ readonly warnings: readonly string[] } | undefined> {
  const root = resolve(folder);
  const names = await readdir(root).catch((cause: NodeJS.ErrnoException): string[] => { if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return []; throw cause; });
  if (!names.includes('images') && !(names.includes('packages') && names.includes('files'))) return undefined;
  const files: { readonly path: string; readonly saveAs: string; readonly purpose: string }[] = [];
  const images: object[] = [];
  for (const part of parts.filter((each) => names.includes(each))) {
    for (const entry of (await readdir(join(root, part), { withFileTypes: true, recursive: true })).filter((each) => each.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const below = path.slice(root.length + part.length + 2);
      if (part === 'images' && below.endsWith('.tar')) images.push(...(await tagsOf(path, signal)).map((ref) => ({ ref, archive: { path, format: 'docker' } })));
      else files.push({ path, saveAs: part === 'files' ? below : `${part}/${below}`, purpose: part === 'grafana_dashboards' ? 'dashboard' : part === 'packages' ? 'os-package' : 'binary' });
    }
  }
  await commitFile(out, toYaml({ apiVersion, kind: 'ModuleBOM', metadata: { name: 'epirepo' }, spec: { images, files } }));
  return { warnings: withoutIndex(files.map(({ saveAs }) => saveAs)) };
}

/** Packages that no index beside or above them names: apt and yum cannot install them from here, nobody knows what they need. */
function withoutIndex(files: readonly string[]): string[] {
  const kinds = [
    { end: '.deb', index: /(?:^|\/)Packages(?:\.(?:gz|xz|bz2|zst))?$/, make: 'dpkg-scanpackages --multiversion . > Packages' },
    { end: '.rpm', index: /(?:^|\/)repodata\/repomd\.xml$/, make: 'createrepo_c .' },
  ];
  return kinds.flatMap(({ end, index, make }) => {
    const folders = files.filter((file) => file.startsWith('packages/') && index.test(file)).map((file) => file.replace(index, ''));
    const left = files.filter((file) => file.startsWith('packages/') && file.endsWith(end) && !folders.some((folder) => file.startsWith(`${folder}/`)));
    return left.length === 0 ? [] : [
      `${left.length} ${end} files below packages/ have no index: they are served as plain files, no repository is made of them (the first: ${left[0]}). Run \`${make}\` in their folder first, or lock the packages by name with spec.packages.`,
    ];
  });
}

async function tagsOf(path: string, signal: AbortSignal): Promise<readonly string[]> {
  const archive = await openArchiveFiles(path, { subject: path, spoolDir: resolve(path, '..'), signal });
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive.open('manifest.json')) chunks.push(chunk.slice());
    const tags = parseSavedImages(Buffer.concat(chunks), path).flatMap((image) => image.tags);
    if (tags.length === 0) throw new BundleError('INPUT_FIELD', { subject: path, expected: 'an image with a name (RepoTags)', actual: 'none', next: 'Save the image by its name, or write a BOM that names this archive.' });
    return tags;
  } finally {
    await archive.close();
  }
}
