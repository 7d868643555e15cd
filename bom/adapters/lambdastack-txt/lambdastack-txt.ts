// LambdaStack and Epiphany 1.x: requirements.<arch>.txt, one entry a line below [section], repositories as shell code beside it.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { baseName, BomDraft } from '../draft.ts';
import { shellRepositories } from './shell-repositories.ts';

const listPath = /(?:^|\/)requirements(?:\.(?:x86_64|aarch64))?\.txt$/;
const scriptPath = /(?:^|\/)add-repositories(?:\.[a-z0-9_]+)?\.sh$/;
const arches: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** `select` takes operating systems (folder names such as ubuntu-18.04) and architectures; `values`: os, for a list outside its folder. */
export const lambdastackTxt: Adapter = {
  name: 'lambdastack-txt', version: 1,
  summary: 'LambdaStack and Epiphany 1.x requirements.<arch>.txt with their add-repositories scripts; select by os and architecture',
  wants: (path) => listPath.test(path) || scriptPath.test(path),
  detect: (files) => files.some(({ path, text }) => listPath.test(path) && /^\s*\[(?:crane|packages|files|images)\]/m.test(text)),
  convert: (files, options = {}) => convert(files, options),
};

interface Listed { readonly text: string; readonly where: string }
interface TargetOf { readonly id: string; readonly os: string; readonly arch: string; readonly manager: 'deb' | 'rpm' }

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const words = options.select ?? [];
  const all = files.filter(({ path }) => listPath.test(path)).map((file) => ({ file, target: targetOf(file, options.values?.['os']) }));
  const known = all.flatMap(({ target: { os, arch } }) => [os, arch, ...Object.keys(arches).filter((name) => arches[name] === arch)]);
  const warnings = words.filter((word) => !known.includes(word)).map((word) => `select: ${word} is neither an operating system nor an architecture here`);
  const archWords = words.map((word) => arches[word] ?? word).filter((word) => Object.values(arches).includes(word));
  const osWords = words.filter((word) => all.some(({ target }) => target.os === word));
  const chosen = all.filter(({ target }) => (osWords.length === 0 || osWords.includes(target.os)) && (archWords.length === 0 || archWords.includes(target.arch)));
  const draft = new BomDraft(lambdastackTxt, files.filter(({ path }) => listPath.test(path) || scriptPath.test(path)), options);
  draft.metadata['labels'] = { kind: 'distribution', short: 'lambdastack' };
  for (const { file, target } of chosen) addList(draft, file, target, files, chosen.length > 1);
  return { boms: [draft.build('lambdastack')], warnings };
}

function targetOf({ path, text }: AdapterFile, named: string | undefined): TargetOf {
  const os = named ?? path.split('/').at(-2) ?? 'linux';
  const arch = arches[/\.(x86_64|aarch64)\.txt$/.exec(path)?.[1] ?? 'x86_64'] ?? 'amd64';
  const isDeb = /^(?:ubuntu|debian)/.test(os) || (!/^(?:redhat|rhel|centos|almalinux|rocky)/.test(os) && !text.includes('[packages-repo-prereqs]'));
  return { id: `${os}-${arch}`, os, arch, manager: isDeb ? 'deb' : 'rpm' };
}

/** rpm lists cut a line at any #; on Debian systems only lines that begin with # are comments. */
function sectionsOf({ path, text }: AdapterFile, manager: 'deb' | 'rpm', draft: BomDraft): ReadonlyMap<string, readonly Listed[]> {
  const sections = new Map<string, Listed[]>();
  let current: Listed[] | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = (manager === 'rpm' ? raw.replace(/#.*$/s, '') : raw.startsWith('#') ? '' : raw).trim().replace(/\s+/g, ' ');
    const where = `${path}:${index + 1}`;
    const header = /^\[([^\]]+)\]$/.exec(line)?.[1];
    if (header !== undefined) { current = sections.get(header) ?? []; sections.set(header, current); }
    else if (line === '') continue;
    else if (current === undefined) draft.unresolved(where, line, 'an entry before any [section]');
    else current.push({ text: line, where });
  }
  return sections;
}

const knownSections = ['crane', 'packages', 'packages-repo-prereqs', 'packagesfromurl', 'files', 'images'];

function addList(draft: BomDraft, file: AdapterFile, target: TargetOf, files: readonly AdapterFile[], isOneOfMany: boolean): void {
  const { id, os, arch, manager } = target;
  const sections = sectionsOf(file, manager, draft);
  const when = isOneOfMany ? { when: { targets: [id] } } : {};
  const of = (name: string): readonly Listed[] => sections.get(name) ?? [];
  const [distribution = os, release] = os.split(/-(?=[^-]*$)/);
  draft.add('targets', { id, family: manager === 'deb' ? 'debian' : 'rhel', os: distribution === 'redhat' ? 'rhel' : distribution, release, arch });
  for (const { text, where } of of('images')) draft.image(text, where, { platforms: [`linux/${arch}`], ...when });
  for (const { text, where } of of('crane')) {
    const tool = `toolchain-crane-${id}`;
    if (draft.file([text], where, { id: tool, purpose: 'toolchain', ...when })) draft.add('tools', { id: `tool-${tool}`, file: tool, ...when });
  }
  const urls = addFiles(draft, of('files'), manager, when);
  addRepositories(draft, target, file, files);
  const prerequisites = of('packages-repo-prereqs').map(({ text }) => ({ spec: text }));
  if (prerequisites.length > 0) draft.add('packages', { id: `${id}-prereqs`, manager, target: id, role: 'bootstrap', dependencies: 'none', include: prerequisites });
  const include = severalVersions(of('packages').flatMap(({ text, where }) => includeOf(text, where, manager, draft)));
  const allUrls = [...urls, ...of('packagesfromurl').map(({ text }) => ({ url: text }))];
  if (include.length + allUrls.length > 0) draft.add('packages', { id, manager, target: id, dependencies: 'closure', include, urls: allUrls });
  for (const [name, entries] of sections) {
    if (!knownSections.includes(name)) for (const { text, where } of entries) draft.unresolved(where, text, `the section [${name}] is not known`);
  }
}

/** deb: `name VERSION` means every version that begins so. */
function includeOf(text: string, where: string, manager: 'deb' | 'rpm', draft: BomDraft): { spec: string }[] {
  if (manager === 'rpm') return [{ spec: text }];
  const [name = '', version, ...rest] = text.split(' ');
  if (rest.length > 0) { draft.unresolved(where, text, 'more than a package name and a version'); return []; }
  return [{ spec: version === undefined ? name : `${name}=${version}*` }];
}

/** A package that stands there in several versions is wanted in all of them: the list feeds a repository, not one machine. */
function severalVersions(include: readonly { readonly spec: string }[]): { spec: string; versions?: 'all' }[] {
  const stem = (spec: string): string => spec.replace(/=.*$/s, '').replace(/-\d+\.\d.*$/s, '');
  const byName = Map.groupBy(include, ({ spec }) => stem(spec));
  return include.map(({ spec }) => (new Set(byName.get(stem(spec))?.map((item) => item.spec)).size > 1 && stem(spec) !== spec ? { spec, versions: 'all' } : { spec }));
}

/** `URL` or `URL newname`; packages among them go to the package set. */
function addFiles(draft: BomDraft, entries: readonly Listed[], manager: 'deb' | 'rpm', when: object): { url: string }[] {
  const packages: { url: string }[] = [];
  for (const { text, where } of entries) {
    const [url = '', saveAs, ...rest] = text.split(' ');
    if (rest.length > 0) { draft.unresolved(where, text, 'more than a URL and a name'); continue; }
    if (new RegExp(`\\.${manager}$`).test(baseName(url)) && saveAs === undefined && URL.canParse(url)) { packages.push({ url }); continue; }
    const purpose = (saveAs ?? '').endsWith('.json') ? 'dashboard' : /charts?\b.*\.tgz$/.test(url) ? 'chart' : 'binary';
    draft.file([url], where, { purpose, ...(saveAs === undefined ? {} : { saveAs }), ...when });
  }
  return packages;
}

function addRepositories(draft: BomDraft, { id, arch, manager }: TargetOf, list: AdapterFile, files: readonly AdapterFile[]): void {
  draft.add('packageRepositories', { id: `${id}-system`, manager, targets: [id], system: true });
  const folder = list.path.split('/').slice(0, -1).join('/');
  const own = Object.keys(arches).find((name) => arches[name] === arch) ?? '';
  const scripts = files.filter(({ path }) => scriptPath.test(path) && path.split('/').slice(0, -1).join('/') === folder && (!/\.(?:x86_64|aarch64)\.sh$/.test(path) || path.endsWith(`.${own}.sh`)));
  if (scripts.length === 0) draft.unresolved(list.path, 'package repositories', 'they are shell code in add-repositories scripts beside the list, and none was given');
  for (const script of scripts) shellRepositories(draft, script, { id, manager });
}
