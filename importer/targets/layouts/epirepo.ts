// The tree that Epiphany's and LambdaStack's repository roles take as `--offline-requirements`: files, images as docker archives, packages, dashboards.
import type { Descriptor } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import type { Lock, LockedImage, LockedPackage } from '../../../bom/lock.ts';
import type { BlobReader } from '../../../bom/ports.ts';
import { parseReference } from '../../../bom/reference.ts';
import { gzip } from '../../../formats/compression.ts';
import { dockerArchive } from '../../../formats/oci/docker-archive-writer.ts';
import { isIndexType, parseManifest } from '../../../formats/oci/manifest.ts';
import type { Layout, LayoutFile } from './layout.ts';
import { wholeBlob } from './module-boms.ts';

export interface EpirepoOptions {
  /** os/arch[/variant]; undefined: the one platform that an image has. */
  readonly platform?: string;
  /** Id of the target whose packages go in; undefined: the only one. */
  readonly target?: string;
}

type Skipped = Layout['skipped'][number];

/**
 * `files/<name>`, `images/<last part of the path>-<tag>.tar`, `packages/<file>` (bootstrap sets in `packages/repo-prereqs/`),
 * `grafana_dashboards/<name>`; charts are among the files, as there. Throws `RESOLVE_PLATFORM` and `INPUT_FLAG` where a platform or target has to be
 * chosen.
 */
export async function epirepoLayout(lock: Lock, blobs: BlobReader, options: EpirepoOptions = {}): Promise<Layout> {
  const skipped: Skipped[] = [];
  const { images, files, charts, git, packages } = lock.spec;
  const target = chosenTarget(lock, options.target);
  const layoutFiles: LayoutFile[] = [];
  for (const image of images) {
    if (image.kind !== 'image') skipped.push({ what: `${image.kind} ${image.ref}`, because: 'the layout holds only container images' });
    else layoutFiles.push(await imageFile(image, blobs, options.platform));
  }
  for (const file of files) {
    const base = file.name.slice(file.name.lastIndexOf('/') + 1);
    layoutFiles.push({ path: file.purpose === 'dashboard' ? `grafana_dashboards/${base}` : `files/${base}`, content: blobOf(file), mode: file.mode });
  }
  for (const chart of charts) layoutFiles.push({ path: `files/${chart.path.slice(chart.path.lastIndexOf('/') + 1)}`, content: blobOf(chart) });
  for (const item of git) skipped.push({ what: `git ${item.url}`, because: 'the layout has no place for repositories' });
  const own = packages.filter((item) => item.target === target);
  for (const item of own) layoutFiles.push({ path: packagePath(item), content: blobOf(item) });
  for (const item of packages) if (item.target !== target) skipped.push({ what: `package ${item.name} ${item.version}`, because: `it is for ${item.target}` });
  return { files: [...layoutFiles, ...flatIndex(own)], skipped };
}

function blobOf({ digest, size }: { readonly digest: Descriptor['digest']; readonly size: number }): Descriptor {
  return { mediaType: 'application/octet-stream', digest, size };
}

function chosenTarget({ spec: { packages } }: Lock, wanted: string | undefined): string | undefined {
  const targets = [...new Set(packages.map(({ target }) => target))].sort();
  if (wanted !== undefined && !targets.includes(wanted)) throw new BundleError('INPUT_FLAG', { subject: '--target', expected: `one of ${targets.join(', ') || '(no packages)'}`, actual: wanted });
  if (wanted === undefined && targets.length > 1) throw new BundleError('INPUT_FLAG', { subject: '--target', expected: `which target's packages: ${targets.join(', ')}`, actual: 'none named', next: `Pass --target ${targets[0] ?? ''}: this layout holds one system's.` });
  return wanted ?? targets[0];
}

/** As apt names a file: the colon of an epoch as %3a. */
function packagePath(item: LockedPackage): string {
  const upstream = item.path.slice(item.path.lastIndexOf('/') + 1);
  const name = item.manager === 'deb' ? `${item.name}_${item.version.replaceAll(':', '%3a')}_${item.arch}.deb` : upstream;
  return `packages/${item.role === 'bootstrap' ? 'repo-prereqs/' : ''}${name}`;
}

/** A flat apt index beside the packages, so that `deb [trusted=yes] URL/packages ./` works before `dpkg-scanpackages` ran. */
function flatIndex(packages: readonly LockedPackage[]): LayoutFile[] {
  const debs = packages.filter(({ manager, role }) => manager === 'deb' && role !== 'bootstrap').sort((a, b) => (packagePath(a) < packagePath(b) ? -1 : 1));
  if (debs.length === 0) return [];
  const text = debs.map((item) => `${item.stanza.trimEnd()}\nFilename: ./${packagePath(item).slice('packages/'.length)}\n`).join('\n');
  const bytes = new TextEncoder().encode(text);
  return [{ path: 'packages/Packages', content: bytes }, { path: 'packages/Packages.gz', content: gzip(bytes) }];
}

async function imageFile(image: LockedImage, blobs: BlobReader, platform: string | undefined): Promise<LayoutFile> {
  const manifest = platformManifest(image, platform);
  const parsed = parseManifest(await wholeBlob(blobs, manifest), manifest.mediaType, image.ref);
  if (parsed.kind === 'index') throw new BundleError('INTEGRITY_METADATA', { subject: image.ref, expected: 'the manifest of one platform', actual: 'an index' });
  const { config, layers } = parsed;
  const { host, path, tag, digest } = parseReference(image.ref);
  const name = `${host === 'docker.io' ? path.replace(/^library\//, '') : `${host}/${path}`}`;
  const suffix = tag ?? (digest ?? image.digest).slice('sha256:'.length, 'sha256:'.length + 12);
  return { path: `images/${path.slice(path.lastIndexOf('/') + 1)}-${suffix}.tar`, content: dockerArchive({ config, layers, tags: tag === undefined ? [] : [`${name}:${tag}`] }).parts };
}

function platformManifest(image: LockedImage, wanted: string | undefined): Descriptor {
  const platforms = Object.keys(image.platforms).sort();
  const platform = wanted ?? (platforms.length === 1 ? platforms[0] : undefined);
  const digest = platform === undefined ? undefined : image.platforms[platform];
  const manifest = image.manifests.find((each) => (digest === undefined ? platforms.length === 0 && each.digest === image.digest && !isIndexType(each.mediaType) : each.digest === digest));
  if (manifest !== undefined) return manifest;
  throw new BundleError('RESOLVE_PLATFORM', {
    subject: image.ref, expected: wanted === undefined ? 'one platform, or --platform to say which' : wanted, actual: platforms.join(', ') || 'none that is named', next: 'Pass --platform with one that every image has.',
  });
}
