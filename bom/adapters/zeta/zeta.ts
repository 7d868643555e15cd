// Zeta packages: .vers files of shell assignments, and build scripts that are searched, never run.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import type { ParsedBom } from '../../documents/document.ts';
import { BomDraft, isTemplated, moduleNameOf } from '../draft.ts';
import { assignmentsOf } from './shell-assignments.ts';

/** One module per .vers file. `select` takes app and app:version. */
export const zeta: Adapter = {
  name: 'zeta', version: 1,
  summary: 'Zeta packages (.vers files and build scripts, read and never run); select by app or app:version',
  wants: (path) => /\.vers$|(?:^|\/)[\w.-]+\.sh$|(?:^|\/)Dockerfile$/.test(path),
  detect: (files) => files.some(({ path }) => path.endsWith('.vers')),
  convert: (files, options = {}) => convert(files, options),
};

interface App { readonly file: AdapterFile; readonly name: string; readonly version: string; readonly values: ReadonlyMap<string, string> }

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const words = options.select ?? [];
  const apps = files.filter(({ path }) => path.endsWith('.vers')).map((file): App => {
    const { values } = assignmentsOf(file);
    const base = file.path.split('/').at(-1)?.replace(/\.vers$/, '') ?? '';
    const [, stem = base, release] = /^(.*?)-(\d[\w.]*)$/.exec(base) ?? [];
    return { file, name: file.path.split('/').at(-2) ?? stem, version: release ?? values.get('APP_VER') ?? '', values };
  });
  const chosen = apps.filter(({ name, version }) => words.length === 0 || words.includes(name) || words.includes(`${name}:${version}`));
  const warnings = words.filter((word) => !chosen.some(({ name, version }) => word === name || word === `${name}:${version}`)).map((word) => `select: ${word} is no app here`);
  const isAlone = (app: App): boolean => chosen.filter(({ name }) => name === app.name).length === 1;
  return { boms: chosen.map((app) => appBom(app, files, isAlone(app) ? app.name : `${app.name}-${app.version}`, options)), warnings };
}

function appBom(app: App, files: readonly AdapterFile[], name: string, options: AdapterOptions): ParsedBom {
  const folder = app.file.path.split('/').slice(0, -1).join('/');
  const scripts = files.filter(({ path }) => path !== app.file.path && !path.endsWith('.vers') && path.split('/').slice(0, -1).join('/') === folder && folder !== '');
  const draft = new BomDraft(zeta, [app.file, ...scripts], options);
  draft.metadata['name'] = moduleNameOf(name);
  draft.metadata['version'] = app.version === '' ? undefined : app.version;
  draft.metadata['labels'] = { short: app.name, kind: 'zeta-app' };
  const { values, lines, rest } = assignmentsOf(app.file);
  for (const { where, text, reason } of rest) draft.unresolved(where, text, reason);
  for (const [variable, value] of values) {
    const where = `${app.file.path}:${lines.get(variable) ?? 1}`;
    if (/_URL$/.test(variable) && value !== '') draft.file([value], where, { purpose: 'binary', folder: app.name });
    if (/^(?:\w+_)?APP_IMG$/.test(variable)) {
      draft.more['variables'] = { registryHost: { description: 'the registry inside', default: '' } };
      draft.add('produces', { image: value.replace('${ZETA_DOCKER_REG_URL}', '${registryHost}'), origin: { where } });
    }
    if (/^REQ_APP_(?:IMG|IMAGE)_NAME$/.test(variable)) {
      draft.more['requires'] = { strong: value.split(/\s+/).filter((word) => word !== '').map((word) => [{ key: 'short', operator: 'eq', values: [word] }]) };
    }
  }
  for (const script of scripts) searchScript(draft, script, values);
  return draft.build(name);
}

/** Lines that fetch something: images, repositories, addresses; package installs are unresolved. */
function searchScript(draft: BomDraft, { path, text }: AdapterFile, values: ReadonlyMap<string, string>): void {
  const filled = (word: string): string => word.replace(/^["']|["']$/g, '').replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values.get(name) ?? `\${${whole.replace(/[${}]/g, '')}}`);
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${path}:${index + 1}`;
    if (/^\s*#/.test(line)) continue;
    const [, pulled] = /\bdocker\s+pull\s+(\S+)/.exec(line) ?? /^\s*FROM\s+(\S+)/.exec(line) ?? [];
    if (pulled !== undefined) draft.image(filled(pulled), where, /^\s*FROM/.test(line) ? { role: 'base' } : {});
    const [, cloned] = /\bgit\s+clone\s+(?:-\S+\s+)*(\S+)/.exec(line) ?? [];
    if (cloned !== undefined && !isTemplated(filled(cloned))) draft.add('git', { url: filled(cloned), origin: { where } });
    else if (cloned !== undefined) draft.unresolved(where, line, 'a repository with a shell expression in it');
    const [, fetched] = /\b(?:wget|curl)\b[^|;&]*?\s["']?((?:https?:\/\/|\$)[^\s"';|&]+)/.exec(line) ?? [];
    const url = fetched === undefined ? undefined : filled(fetched);
    if (url !== undefined && ![...values.values()].includes(url)) draft.file([url], where, { purpose: 'source' });
    if (/\b(?:apt-get|apt|yum|dnf|apk)\b.*\binstall\b|\b(?:pip\d?|npm|gem)\s+install\b/.test(line)) draft.unresolved(where, line, 'packages by name, without a repository or a digest');
  }
}
