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
 * Writes the BOM to `out` when `folder` is such a tree and holds no archive of longshore; false when it is not. Packages travel as files below `packages/`:
 * a `Packages` index among them makes `deb [trusted=yes] …/files/packages ./` work. Throws `INPUT_FIELD` for an image that nobody named.
 */
export async function epirepoBom(folder: string, out: string, signal: AbortSignal): Promise<boolean> {
  const root = resolve(folder);
  const names = await readdir(root).catch((cause: NodeJS.ErrnoException): string[] => { if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return []; throw cause; });
  if (!names.includes('images') && !(names.includes('packages') && names.includes('files'))) return false;
  const files: object[] = [];
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
  return true;
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
