// Zeta's stage folders: <app>/stage/packages/<file>, scripts beside them, and the standard variables as an env file.
import { BundleError } from '../../../bom/errors.ts';
import type { Lock, LockedFile } from '../../../bom/lock.ts';
import type { BlobReader } from '../../../bom/ports.ts';
import { targetNames } from '../registry-names.ts';
import type { Layout, LayoutFile } from './layout.ts';
import { moduleBoms } from './module-boms.ts';

export interface ZetaOptions {
  /** Modules to stage, by name or by label `short`; all when empty. */
  readonly modules: readonly string[];
  /** Absolute path of the shared folder as the cluster sees it: `/mapr/CLUSTER/zeta/shared`. */
  readonly root: string;
  /** host:port of the registry that the cluster pulls from. */
  readonly registry: string;
}

/** One app in one version, as it was staged. */
export interface Staged {
  readonly app: string;
  readonly version: string;
  readonly files: readonly { readonly path: string; readonly digest: string; readonly size: number }[];
}

/**
 * One layout for each module that is wanted. Files of several versions of an app stand side by side; the env file of a version is
 * `<app>/stage/<app>-<version>.env`. Throws `INPUT_FIELD` for an app name that Zeta cannot have, `INPUT_FLAG` for a module that is not here.
 */
export async function zetaLayouts(lock: Lock, blobs: BlobReader, options: ZetaOptions): Promise<readonly { readonly staged: Staged; readonly layout: Layout }[]> {
  const boms = await moduleBoms(lock, blobs);
  const called = (name: string, short: string | undefined): boolean => options.modules.includes(name) || (short !== undefined && options.modules.includes(short));
  const chosen = boms.filter(({ locked: { name, labels } }) => options.modules.length === 0 || called(name, labels['short']));
  for (const module of options.modules) {
    if (!chosen.some(({ locked: { name, labels } }) => name === module || labels['short'] === module)) {
      throw new BundleError('INPUT_FLAG', { subject: `--module ${module}`, expected: `one of ${boms.map(({ locked }) => locked.name).join(', ')}`, actual: 'no module of that name' });
    }
  }
  const names = targetNames(lock.spec.images);
  return chosen.map(({ locked, bom }) => {
    const app = appName(locked.labels['short'] ?? locked.name, locked.name);
    const version = locked.version || 'unversioned';
    if (!/^[\w.+~-]+$/.test(version)) throw new BundleError('INPUT_FIELD', { subject: `module ${locked.name}`, expected: 'a version of letters, digits and . _ + ~ -', actual: version });
    const mine = <T extends { readonly usedBy: readonly string[] }>(list: readonly T[]): T[] => list.filter(({ usedBy }) => usedBy.includes(locked.name));
    const files = mine(lock.spec.files).map((file): LayoutFile => ({ path: `${app}/stage/${placeOf(file)}`, content: { mediaType: file.mediaType, digest: file.digest, size: file.size }, mode: file.mode }));
    const images = mine(lock.spec.images).map(({ ref, digest }) => { const name = names.get(ref); return `${options.registry}/${name?.path ?? ref}${name?.tag === undefined ? `@${digest}` : `:${name.tag}`}`; });
    const produced = (bom.value.spec?.produces ?? []).flatMap(({ image }) => (image === undefined ? [] : [image.replace(/^\$?\$\{registryHost\}/, options.registry)]));
    const env = envOf({ app, version, root: options.root, images: [...produced, ...images] });
    const layout: Layout = { files: [...files, { path: `${app}/stage/${app}-${version}.env`, content: new TextEncoder().encode(env) }], skipped: skippedOf(lock, locked.name) };
    const staged = layout.files.map(({ path, content }) => ({ path, digest: content instanceof Uint8Array || !('digest' in content) ? '' : content.digest, size: content instanceof Uint8Array ? content.length : 'size' in content ? content.size : 0 }));
    return { staged: { app, version, files: staged }, layout };
  });
}

/**
 * Throws `RESOLVE_CONFLICT` when two of the modules are one app in one version, or a package would replace another one of that name that a version
 * staged before (`present`, in the same folder) needs. Scripts are one for all versions: the last ones stay.
 */
export function checkStages(wanted: readonly Staged[], present: readonly Staged[]): void {
  const nameOf = ({ app, version }: Staged): string => `${app} ${version}`;
  const twice = wanted.find((each, index) => wanted.slice(0, index).some((other) => nameOf(other) === nameOf(each)));
  if (twice !== undefined) throw new BundleError('RESOLVE_CONFLICT', { subject: nameOf(twice), expected: 'one module for an app in one version', actual: 'two', next: 'Give one of them another label `short`, or name modules with --module.' });
  const renewed = new Set(wanted.map(nameOf));
  const owners = new Map<string, { readonly digest: string; readonly by: string }>();
  for (const stage of [...present.filter((each) => !renewed.has(nameOf(each))), ...wanted]) {
    for (const { path, digest } of stage.files.filter((file) => file.path.includes('/stage/packages/'))) {
      const owner = owners.get(path);
      if (owner !== undefined && owner.digest !== digest) {
        throw new BundleError('RESOLVE_CONFLICT', { subject: path, expected: `${owner.digest}, which ${owner.by} has under that name`, actual: `${digest} of ${nameOf(stage)}`, next: `Give the file another name with saveAs, or take the other version away: longshore unstage ${owner.by.replace(' ', '@')}` });
      }
      owners.set(path, { digest, by: nameOf(stage) });
    }
  }
}

function appName(name: string, module: string): string {
  if (/^[a-z0-9]+$/.test(name)) return name;
  throw new BundleError('INPUT_FIELD', {
    subject: `module ${module}`, expected: 'a name of a-z and 0-9 alone, as Zeta has it', actual: name, next: 'Give the module a label `short` of that form, or name other modules with --module.',
  });
}

/** Scripts stand in the stage folder itself, everything else in packages/; folders of a file's name are dropped, as staged packages are flat. */
function placeOf({ name, purpose }: LockedFile): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  return purpose === 'script' ? base : `packages/${base}`;
}

function envOf({ app, version, root, images }: { readonly app: string; readonly version: string; readonly root: string; readonly images: readonly string[] }): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  return [
    `APP_NAME=${quote(app)}`, `APP_VER=${quote(version)}`, `APP_ROOT=${quote(`${root}/${app}`)}`, `APP_PKG_DIR=${quote(`${root}/${app}/stage/packages`)}`,
    ...images.map((image, index) => `${index === 0 ? 'APP_IMG' : `APP_IMG_${index + 1}`}=${quote(image)}`),
  ].map((line) => `export ${line}\n`).join('');
}

function skippedOf(lock: Lock, module: string): Layout['skipped'] {
  const mine = <T extends { readonly usedBy: readonly string[] }>(list: readonly T[]): T[] => list.filter(({ usedBy }) => usedBy.includes(module));
  return [
    ...mine(lock.spec.packages).map(({ name }) => ({ what: `package ${name}`, because: 'machines get it from the apt or yum mirror' })),
    ...mine(lock.spec.charts).map(({ name }) => ({ what: `chart ${name}`, because: 'clusters get it from the chart repository' })),
    ...mine(lock.spec.git).map(({ url }) => ({ what: `git ${url}`, because: 'a stage folder has no place for repositories' })),
  ];
}
