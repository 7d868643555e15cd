// Zeta packages: .vers files (or build_pkg.sh alone) of shell assignments, and build scripts that are searched, never run.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import type { ParsedBom } from '../../documents/document.ts';
import { BomDraft, isTemplated, type Line, linesOf, moduleNameOf } from '../draft.ts';
import { assignmentsOf } from './shell-assignments.ts';

/** One module per .vers file, or per folder with only a build_pkg.sh. `select` takes app and app:version. */
export const zeta: Adapter = {
  name: 'zeta', version: 2,
  summary: 'Zeta packages (.vers files and build scripts, read and never run); select by app or app:version',
  wants: (path) => /\.vers$|(?:^|\/)[\w.-]+\.sh$|(?:^|\/)Dockerfile$/.test(path),
  detect: (files) => files.some(({ path, text }) => path.endsWith('.vers') || (/(?:^|\/)build_pkg\.sh$/.test(path) && text.includes('ZETA_'))),
  convert: (files, options = {}) => convert(files, options),
};

interface App { readonly file: AdapterFile; readonly name: string; readonly version: string; readonly values: ReadonlyMap<string, string> }

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const words = options.select ?? [];
  const folders = new Set(files.filter(({ path }) => path.endsWith('.vers')).map(({ path }) => folderOf(path)));
  const isMain = ({ path }: AdapterFile): boolean => path.endsWith('.vers') || (/(?:^|\/)build_pkg\.sh$/.test(path) && !folders.has(folderOf(path)));
  const apps = files.filter(isMain).map((file): App => {
    const { values } = assignmentsOf(file);
    const base = file.path.split('/').at(-1)?.replace(/\.vers$|\.sh$/, '') ?? '';
    const [, stem = base, release] = /^(.*?)[-_](\d[\w.-]*)$/.exec(base) ?? [];
    return { file, name: file.path.split('/').at(-2) ?? stem, version: release ?? values.get('APP_VER') ?? '', values };
  });
  const chosen = apps.filter(({ name, version }) => words.length === 0 || words.includes(name) || words.includes(`${name}:${version}`));
  const warnings = words.filter((word) => !chosen.some(({ name, version }) => word === name || word === `${name}:${version}`)).map((word) => `select: ${word} is no app here`);
  const isAlone = (app: App): boolean => chosen.filter(({ name }) => name === app.name).length === 1;
  return { boms: chosen.map((app) => appBom(app, files, isAlone(app) ? app.name : `${app.name}-${app.version}`, options)), warnings };
}

function folderOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}

function appBom(app: App, files: readonly AdapterFile[], name: string, options: AdapterOptions): ParsedBom {
  const folder = folderOf(app.file.path);
  const scripts = files.filter(({ path }) => path !== app.file.path && !path.endsWith('.vers') && folderOf(path) === folder && folder !== '');
  const draft = new BomDraft(zeta, [app.file, ...scripts], options);
  draft.metadata['name'] = moduleNameOf(name);
  draft.metadata['version'] = app.version === '' ? undefined : app.version;
  draft.metadata['labels'] = { short: app.name, kind: 'zeta-app' };
  const { values, lines, rest, written } = assignmentsOf(app.file);
  const required = new Set<string>();
  const cloned = clonedBy([app.file, ...scripts]);
  if (app.file.path.endsWith('.vers')) for (const { where, text, reason } of rest) draft.unresolved(where, text, reason);
  for (const [variable, value] of values) {
    const where = `${app.file.path}:${lines.get(variable) ?? 1}`;
    if (/_URL$/.test(variable) && value !== '' && !value.includes('${ZETA_') && !cloned.has(variable)) draft.file([value], where, { purpose: 'binary', folder: app.name });
    if (/^(?:\w+_)?APP_IMG$/.test(variable) || (/_IMG(?:_\w+)?$/.test(variable) && value.startsWith(insideRegistry))) produced(draft, value, where);
    if (/^REQ_APP_(?:IMG|IMAGE)_NAME$/.test(variable)) for (const word of value.split(/\s+/)) if (word !== '') required.add(word);
  }
  const lists = [written.map(({ where, text }) => ({ where, text: text.slice(0, 4096) })), ...(app.file.path.endsWith('.vers') ? [] : [linesOf(draft, app.file)]), ...scripts.map((script) => linesOf(draft, script))];
  for (const list of lists) search(draft, list, values, required);
  required.delete(app.name);
  if (required.size > 0) draft.more['requires'] = { strong: [...required].sort().map((word) => [{ key: 'short', operator: 'eq', values: [word] }]) };
  return draft.build(name);
}

const insideRegistry = '${ZETA_DOCKER_REG_URL}/';

function produced(draft: BomDraft, image: string, where: string): void {
  draft.more['variables'] = { registryHost: { description: 'the registry inside', default: '' } };
  draft.add('produces', { image: image.replace('${ZETA_DOCKER_REG_URL}', '${registryHost}'), origin: { where } });
}

/** Variables that `git clone` is given: addresses of repositories, not of files. */
function clonedBy(files: readonly AdapterFile[]): ReadonlySet<string> {
  return new Set(files.flatMap(({ text }) => [...text.matchAll(/\bgit\s+clone\s+(?:-\S+\s+)*["']?\$\{?(\w+)/g)].map(([, name = '']) => name)));
}

/** Lines that fetch something: images, repositories, addresses. Images of the registry inside are built by other apps; packages by name are unresolved. */
function search(draft: BomDraft, lines: readonly Line[], values: ReadonlyMap<string, string>, required: Set<string>): void {
  const filled = (word: string): string => word.replace(/^["']|["']$/g, '').replace(/\$\{?(\w+)\}?/g, (_, name: string) => values.get(name) ?? `\${${name}}`);
  for (const { where, text } of lines) {
    if (/^\s*#/.test(text)) continue;
    const [, pulled] = /\bdocker\s+pull\s+(\S+)/.exec(text) ?? /^\s*FROM\s+(\S+)/.exec(text) ?? [];
    const ref = pulled === undefined ? undefined : filled(pulled);
    const [, inside] = /^\$\{ZETA_DOCKER_REG_URL\}\/([\w.-]+)/.exec(ref ?? '') ?? [];
    if (inside !== undefined) required.add(inside);
    else if (ref !== undefined && !ref.includes('ZETA_DOCKER_REG_URL')) draft.image(ref, where, /^\s*FROM/.test(text) ? { role: 'base' } : {});
    const [, built] = /\bdocker\s+build\s+(?:-\S+\s+)*?-t\s+(\$\{?ZETA_DOCKER_REG_URL\}?\/\S+)/.exec(text) ?? [];
    if (built !== undefined) produced(draft, built.replace(/^\$\{?ZETA_DOCKER_REG_URL\}?/, '${ZETA_DOCKER_REG_URL}'), where);
    const [, cloned] = /\bgit\s+clone\s+(?:-\S+\s+)*(\S+)/.exec(text) ?? [];
    if (cloned !== undefined && !isTemplated(filled(cloned))) draft.add('git', { url: filled(cloned), origin: { where } });
    else if (cloned !== undefined) draft.unresolved(where, text, 'a repository with a shell expression in it');
    const [, fetched] = /\b(?:wget|curl)\b[^|;&]*?\s["']?((?:https?:\/\/|\$)[^\s"';|&]+)/.exec(text) ?? [];
    const url = fetched === undefined ? undefined : filled(fetched);
    if (url !== undefined && ![...values.values()].includes(url)) draft.file([url], where, { purpose: 'source' });
    for (const [command] of text.matchAll(/\b(?:apt-get|apt|yum|dnf|apk|pip\d?|npm|gem)\s+(?:-\S+\s+)*(?:install|add)\b[^&|;]*/g)) draft.unresolved(where, command, 'packages by name, without a repository or a digest');
  }
}
