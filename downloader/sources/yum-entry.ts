// A repository requirement as the single repositories that it names: dnf.conf(5), "Repo options" and "Repo variables".
import { type IniSection, readIni } from '../../bom/adapters/yum-repo.ts';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { KeySource, RepositoryRequirement, Target } from '../../bom/requirement.ts';

/** Addresses have their variables replaced. */
export interface YumRepository {
  /** Of the lock: the requirement's id, with the section behind it when a .repo file names several. */
  readonly id: string;
  readonly requirement: RepositoryRequirement;
  /** Each ends in `/`. */
  readonly baseurls: readonly string[];
  readonly mirrorlist?: string;
  readonly metalink?: string;
  readonly keys: readonly KeySource[];
  readonly gpgcheck: boolean;
  readonly repoGpgcheck: boolean;
  /** The lower number wins. */
  readonly priority: number;
  readonly cost: number;
  readonly excludes: readonly string[];
  readonly includepkgs: readonly string[];
  readonly moduleHotfixes: boolean;
  /** Streams to enable: `name:stream`. */
  readonly modules: readonly string[];
  /** Of a .repo file of this machine; never in a lock. */
  readonly login?: { readonly user: string; readonly password: string };
  /** PEM files that a .repo file names. */
  readonly tlsFiles?: { readonly certFile?: string; readonly keyFile?: string; readonly caFile?: string };
  /** The file and section that these are from. */
  readonly secretsFrom?: { readonly path: string; readonly section: string };
}

/** What a .repo file says of how its server is asked. */
export type RepoSecrets = Pick<YumRepository, 'login' | 'tlsFiles'>;

const rpmArch: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64', '386': 'i686', arm: 'armv7hl' };
const baseArch: Readonly<Record<string, string>> = { i686: 'i386', armv7hl: 'armhfp' };

/** rpm's name of the target's architecture. */
export function rpmArchOf({ arch, basearch }: Target): string {
  return rpmArch[arch] ?? basearch ?? arch;
}

/** What `$name` in addresses stands for; the requirement's own variables win. */
export function variablesOf(target: Target, { variables = {} }: RepositoryRequirement): Readonly<Record<string, string>> {
  const arch = rpmArchOf(target);
  const releasever = target.releasever ?? target.release ?? '';
  const [major = '', minor = ''] = releasever.split('.');
  const own = target.basearch === arch || target.basearch === undefined ? baseArch[arch] ?? arch : target.basearch;
  return { releasever, releasever_major: major, releasever_minor: minor, arch, basearch: own, ...variables };
}

function placeOf({ id, at }: RepositoryRequirement): string {
  return `repository ${id} (${at.file}:${at.line})`;
}

/**
 * `$name`, `${name}`, `${name:-otherwise}` and `${name:+instead}` replaced. A repository may give a variable the empty value (Rocky's `rltype`, Oracle's
 * `ociregion`). Throws `INPUT_FIELD` for a variable that nobody gives a value.
 */
function replaced(text: string, variables: Readonly<Record<string, string>>, requirement: RepositoryRequirement): string {
  return text.replace(/\$(?:\{([A-Za-z0-9_]+)(?::([-+])([^}]*))?\}|([A-Za-z0-9_]+))/g, (_, braced: string | undefined, sign: string | undefined, word: string | undefined, plain: string | undefined) => {
    const name = braced ?? plain ?? '';
    const value = variables[name] ?? '';
    if (sign !== undefined) return sign === '+' ? (value === '' ? '' : word ?? '') : value === '' ? word ?? '' : value;
    if (value !== '' || Object.hasOwn(requirement.variables ?? {}, name)) return value;
    throw new BundleError('INPUT_FIELD', { subject: placeOf(requirement), expected: `a value of $${name}`, actual: 'none', next: `Set variables: {${name}: …} of the repository${name.startsWith('releasever') ? ', or release of the target' : ''}; "" where it is to be empty.` });
  });
}

/** A base address, ending in `/`. Throws `INPUT_FIELD` for one with a query: paths belong before it, and what stands there is a token that would go into locks. */
function baseOf(url: string, requirement: RepositoryRequirement): string {
  if (!/[?#]/.test(url)) return url.endsWith('/') ? url : `${url}/`;
  throw new BundleError('INPUT_FIELD', {
    subject: placeOf(requirement), expected: 'a baseurl without ?…', actual: redactUrl(url),
    next: 'Name a mirror of your site that needs no token (SUSE: RMT), or give the token as a credential in headersFrom.',
  });
}

/** SUSE signs metadata and its clients check it unless told otherwise; dnf's default is not to. */
function isRepoGpgcheck({ repoGpgcheck, trusted }: RepositoryRequirement, target: Target): boolean {
  return repoGpgcheck ?? (target.family === 'suse' && !trusted);
}

/** The repository itself, when it is not a .repo file. */
function single(requirement: RepositoryRequirement, target: Target): YumRepository {
  const variables = variablesOf(target, requirement);
  const address = (text: string): string => replaced(text, variables, requirement);
  return {
    id: requirement.id, requirement,
    baseurls: (requirement.baseurls ?? []).map((url) => baseOf(address(url), requirement)),
    ...(requirement.mirrorlist === undefined ? {} : { mirrorlist: address(requirement.mirrorlist) }),
    ...(requirement.metalink === undefined ? {} : { metalink: address(requirement.metalink) }),
    keys: requirement.keys.map((key) => (key.url === undefined ? key : { ...key, url: address(key.url) })),
    gpgcheck: requirement.gpgcheck ?? !requirement.trusted,
    repoGpgcheck: isRepoGpgcheck(requirement, target),
    priority: requirement.priority ?? 99, cost: requirement.cost ?? 1000,
    excludes: requirement.excludes ?? [], includepkgs: requirement.includepkgs ?? [], modules: requirement.modules ?? [],
    moduleHotfixes: requirement.moduleHotfixes ?? false,
  };
}

const listOf = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter((item) => item !== '');
const flagOf = (text: string | undefined): boolean | undefined => (text === undefined || text === '' ? undefined : /^(?:1|true|yes|on)$/i.test(text));
const numberOf = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined);

/** A gpgkey of a .repo file: variables stand in paths too, as in Fedora's. */
function keyOf(written: string, target: Target, requirement: RepositoryRequirement): KeySource {
  const path = /^(?:file:\/\/)?(\/.*)$/.exec(written)?.[1];
  return path === undefined ? { url: written } : { path: replaced(path, variablesOf(target, requirement), requirement) };
}

interface SectionContext { readonly requirement: RepositoryRequirement; readonly target: Target; readonly several: boolean }

/** One section with the requirement's fields in front of it: what the document says wins over the file. */
function section({ name, values }: IniSection, { requirement, target, several }: SectionContext): RepositoryRequirement {
  const get = (key: string): string | undefined => { const value = values.get(key); return value === '' ? undefined : value; };
  const fromFile = {
    baseurls: get('baseurl') === undefined ? undefined : listOf(get('baseurl')),
    mirrorlist: get('metalink') === undefined && get('mirrorlist')?.includes('metalink') === true ? undefined : get('mirrorlist'),
    metalink: get('metalink') ?? (get('mirrorlist')?.includes('metalink') === true ? get('mirrorlist') : undefined),
    gpgcheck: flagOf(get('pkg_gpgcheck') ?? get('gpgcheck')), repoGpgcheck: flagOf(get('repo_gpgcheck')), priority: numberOf(get('priority')), cost: numberOf(get('cost')),
    moduleHotfixes: flagOf(get('module_hotfixes')), excludes: listOf(get('excludepkgs') ?? get('exclude')), includepkgs: listOf(get('includepkgs')),
  };
  const keys = (): KeySource[] => listOf(get('gpgkey')).map((written) => keyOf(written, target, requirement));
  const own = Object.fromEntries(Object.entries(requirement).filter(([key]) => key !== 'repoFile' && key !== 'repoText')) as unknown as RepositoryRequirement;
  return {
    ...Object.fromEntries(Object.entries(fromFile).filter(([, value]) => value !== undefined)), ...own,
    id: several ? `${requirement.id}/${name}` : requirement.id, keys: requirement.keys.length > 0 ? requirement.keys : keys(),
  };
}

/** A certificate without sslclientkey has its key in the same file. */
function secretsIn({ values }: IniSection): RepoSecrets {
  const [user, password, certFile] = [values.get('username') ?? '', values.get('password') ?? '', values.get('sslclientcert') ?? ''];
  const files = { certFile, keyFile: values.get('sslclientkey') || certFile, caFile: values.get('sslcacert') ?? '' };
  const given = Object.fromEntries(Object.entries(files).filter(([, value]) => value !== ''));
  return { ...(user === '' ? {} : { login: { user, password } }), ...(Object.keys(given).length === 0 ? {} : { tlsFiles: given }) };
}

/** The login and the client certificate in a section of a .repo file's text; undefined when it has no such section. */
export function secretsOfSection(text: string, name: string): RepoSecrets | undefined {
  const found = readIni(text).find((item) => item.name === name);
  return found === undefined ? undefined : secretsIn(found);
}

function secretsOf(item: IniSection, requirement: RepositoryRequirement): Pick<YumRepository, 'login' | 'tlsFiles' | 'secretsFrom'> {
  if ((item.values.get('password') ?? '') !== '' && requirement.repoText !== undefined) {
    throw new BundleError('INPUT_CREDENTIAL', { subject: placeOf(requirement), expected: 'a repository without a password in the document', actual: 'a password in repoText', next: 'Declare a credential in Project.spec.credentials and name it in headersFrom, or name the .repo file of this machine in repoFile.' });
  }
  const secrets = secretsIn(item);
  const { repoFile } = requirement;
  if (repoFile === undefined || Object.keys(secrets).length === 0) return secrets;
  return { ...secrets, secretsFrom: { path: /^[/~]/.test(repoFile.written) ? repoFile.path : repoFile.written, section: item.name } };
}

/**
 * The repositories of a requirement; `readText` reads the .repo file that it may name. Sections that are not enabled are left out. Throws
 * `INPUT_FIELD` for a variable without a value and for a file without an enabled section, `INPUT_CREDENTIAL` for a password in a document.
 */
export async function yumRepositories(requirement: RepositoryRequirement, target: Target, readText: (path: string) => Promise<string>): Promise<YumRepository[]> {
  const { repoFile, repoText } = requirement;
  if (repoFile === undefined && repoText === undefined) return [single(requirement, target)];
  const sections = readIni(repoText ?? await readText(repoFile?.path ?? '')).filter(({ name, values }) => name !== 'main' && flagOf(values.get('enabled')) !== false);
  const found = sections.filter(({ values }) => ['baseurl', 'mirrorlist', 'metalink'].some((key) => (values.get(key) ?? '') !== ''));
  if (found.length === 0) {
    throw new BundleError('INPUT_FIELD', { subject: placeOf(requirement), expected: 'an enabled section with baseurl, mirrorlist or metalink', actual: `none in ${repoFile?.written ?? 'repoText'}` });
  }
  return found.map((item) => ({ ...single(section(item, { requirement, target, several: found.length > 1 }), target), ...secretsOf(item, requirement) }));
}

/** What a repository is called in messages, and its `uri` in a lock: its first address, redacted. */
export function addressOf({ metalink, mirrorlist, baseurls }: Pick<YumRepository, 'metalink' | 'mirrorlist' | 'baseurls'>): string {
  return redactUrl(baseurls[0] ?? metalink ?? mirrorlist ?? '');
}
