// configs[], and what export.include… of the project leaves out: tools, module images, site configurations.
import { conflictOf, sortedUnique } from './aggregate-conflict.ts';
import type { Entry } from './aggregate-entries.ts';
import { normalArch } from './aggregate-targets.ts';
import type { ParsedBom, ParsedProject } from './documents/document.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { ConfigRequirement, FileRequirement } from './requirement.ts';
import { type Selection, unselected } from './selector.ts';
import { substitute, variablesOf } from './variables.ts';

interface Dropped { readonly what: string; readonly because: string }

/**
 * Configurations of every module, sorted by name; none, and a reason for each, unless the project's `export.includeConfigs` is true. Throws
 * `INPUT_FIELD` for one of a BOM that is no file of this machine, and for names that cannot be or are taken.
 */
export function configRequirements(boms: readonly ParsedBom[], project: ParsedProject, selection: Selection): { readonly configs: readonly ConfigRequirement[]; readonly dropped: readonly Dropped[] } {
  const configs = new Map<string, ConfigRequirement>();
  const dropped: Dropped[] = [];
  for (const bom of boms) {
    const variables = variablesOf(bom, project.value.spec?.values ?? {});
    for (const [index, written] of (bom.value.spec?.configs ?? []).entries()) {
      const path = ['spec', 'configs', index];
      const module = bom.value.metadata.name;
      const what = `config ${written.id ?? written.path} of ${module}`;
      const because = project.value.spec?.export?.includeConfigs === true ? unselected(written.when, selection, normalArch) : 'export.includeConfigs is not true';
      if (because !== undefined) { dropped.push({ what, because }); continue; }
      const value = substitute(written, variables, bom, path);
      const at = bom.positionOf(path);
      if (bom.folder === undefined || bom.root !== undefined) {
        throw new BundleError('INPUT_FIELD', { subject: `${formatPosition(at)}: ${what}`, expected: 'a document that is a file of this machine', actual: 'one from elsewhere, which may not name files here', next: 'Save the document and name it with -f, or leave export.includeConfigs out.' });
      }
      const id = value.id ?? value.path.replace(/\/+$/, '').split('/').at(-1) ?? '';
      if (!/^[\w.-]{1,200}$/.test(id) || /^\.+$/.test(id)) {
        throw new BundleError('INPUT_FIELD', { subject: formatPosition(at), expected: 'an id of letters, digits and . _ - for a configuration', actual: JSON.stringify(id), next: 'Give the entry an id.' });
      }
      const name = `configs/${module}/${id}.tar`;
      const before = configs.get(name);
      if (before !== undefined) throw taken(name, module, at, before);
      configs.set(name, {
        kind: 'config', name, path: { folder: bom.folder, written: value.path }, exclude: value.exclude ?? [], redact: value.redact ?? [], usedBy: [module], at: [at],
        ...(value.licence === undefined ? {} : { licence: value.licence }),
      });
    }
  }
  return { configs: sortedUnique([...configs.keys()]).flatMap((name) => configs.get(name) ?? []), dropped };
}

function taken(name: string, module: string, at: ConfigRequirement['at'][number], other: FileRequirement | ConfigRequirement): Error {
  const [otherAt = at] = other.at;
  return conflictOf(`config ${name}`, 'one content for one name', [{ module: other.usedBy[0] ?? '', at: otherAt, says: name }, { module, at, says: name }], 'Give one of them another id or saveAs.');
}

/** No file may have the name of a configuration, or lie below it. Throws `RESOLVE_CONFLICT`. */
export function checkConfigNames(configs: readonly ConfigRequirement[], files: readonly FileRequirement[]): void {
  if (configs.length === 0) return;
  const byName = new Map(configs.map((config) => [config.name, config]));
  for (const file of files) {
    const parts = file.name.split('/');
    const name = file.name === 'configs' ? configs[0]?.name : parts.map((_, index) => parts.slice(0, index + 1).join('/')).find((prefix) => byName.has(prefix))
      ?? configs.find((config) => config.name.startsWith(`${file.name}/`))?.name;
    const config = name === undefined ? undefined : byName.get(name);
    const [at] = config?.at ?? [];
    if (config !== undefined && at !== undefined) throw taken(config.name, config.usedBy[0] ?? '', at, file);
  }
}

/**
 * `files` and `images` without what the project leaves behind: the files of `tools[]` when `export.includeTools` is false, module images when
 * `export.includeModules` is false. Module images are those of role `module`, and those that `modules[]` names and that say no role.
 */
export function includedEntries(
  files: readonly Entry<'files'>[], images: readonly Entry<'images'>[], project: ParsedProject,
): { readonly files: readonly Entry<'files'>[]; readonly images: readonly Entry<'images'>[]; readonly dropped: readonly Dropped[] } {
  const { includeTools, includeModules } = project.value.spec?.export ?? {};
  const isTool = ({ bom, value }: Entry<'files'>): boolean => (bom.value.spec?.tools ?? []).some(({ file }) => file === value.id);
  const isModule = ({ bom, value }: Entry<'images'>): boolean =>
    value.role === 'module' || (value.role === undefined && value.id !== undefined && (bom.value.spec?.modules ?? []).some(({ image }) => image === value.id));
  const tools = includeTools === false ? files.filter(isTool) : [];
  const modules = includeModules === false ? images.filter(isModule) : [];
  return {
    files: files.filter((entry) => !tools.includes(entry)),
    images: images.filter((entry) => !modules.includes(entry)),
    dropped: [
      ...tools.map(({ value, module }) => ({ what: `tool ${value.id ?? ''} of ${module}`, because: 'export.includeTools is false' })),
      ...modules.map(({ value, module }) => ({ what: `image ${value.ref} of ${module}`, because: 'export.includeModules is false' })),
    ],
  };
}

/** `files` with where `tools[]` install them. Throws `RESOLVE_CONFLICT` for two places, `INPUT_FIELD` for one that is no absolute path. */
export function withInstallPlaces(files: readonly FileRequirement[], entries: readonly Entry<'files'>[], project: ParsedProject): readonly FileRequirement[] {
  const places = new Map<string, { readonly installAs: string; readonly module: string; readonly at: FileRequirement['at'][number] }>();
  for (const bom of new Set(entries.map((entry) => entry.bom))) {
    const variables = variablesOf(bom, project.value.spec?.values ?? {});
    for (const [index, written] of (bom.value.spec?.tools ?? []).entries()) {
      const path = ['spec', 'tools', index];
      const entry = entries.find((each) => each.bom === bom && each.value.id === written.file);
      if (written.installAs === undefined || entry === undefined) continue;
      const { installAs = '' } = substitute(written, variables, bom, path);
      const at = bom.positionOf([...path, 'installAs']);
      if (!/^\/(?!\/)[^\u0000-\u001f\u007f\\]{1,1000}$/.test(installAs) || installAs.split('/').includes('..')) {
        throw new BundleError('INPUT_FIELD', { subject: formatPosition(at), expected: 'an absolute path in installAs', actual: JSON.stringify(installAs.slice(0, 200)) });
      }
      const key = formatPosition(entry.at());
      const module = bom.value.metadata.name;
      const before = places.get(key);
      if (before !== undefined && before.installAs !== installAs) throw placesDiffer(written.file, [{ ...before, says: before.installAs }, { module, at, says: installAs }]);
      places.set(key, { installAs, module, at });
    }
  }
  return files.map((file) => {
    const [first, ...others] = file.at.flatMap((at) => places.get(formatPosition(at)) ?? []);
    if (first === undefined) return file;
    const other = others.find(({ installAs }) => installAs !== first.installAs);
    if (other !== undefined) throw placesDiffer(file.name, [{ ...first, says: first.installAs }, { ...other, says: other.installAs }]);
    return { ...file, installAs: first.installAs };
  });
}

function placesDiffer(name: string, sides: Parameters<typeof conflictOf>[2]): Error {
  return conflictOf(`tool ${name}`, 'one place to install it (installAs)', sides, 'Make both the same, or leave one out.');
}
