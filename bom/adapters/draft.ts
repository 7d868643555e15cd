// A ModuleBOM in the making: checks what adapters find, keeps names unique, and remembers what could not be understood.
import { posix } from 'node:path';
import { digestOf } from '../digest.ts';
import { moduleBomFrom, type ParsedBom } from '../documents/document.ts';
import { apiVersion, hexLengths, platform as platformSchema } from '../documents/fields.ts';
import { BundleError, redactUrl } from '../errors.ts';
import { parseReference } from '../reference.ts';
import { credentialIn, withoutCredentials } from '../url-credential.ts';
import type { Adapter, AdapterFile, AdapterOptions } from './adapter.ts';

export type Fields = Readonly<Record<string, unknown>>;

const lists = ['targets', 'images', 'files', 'packageRepositories', 'packages', 'charts', 'git', 'modules', 'tools', 'configs', 'produces', 'unresolved', 'licences'] as const;
type ListName = (typeof lists)[number];

/** Text with something in it that only another program can fill in: Go, jinja and shell templates, Zarf's markers. */
export function isTemplated(text: string): boolean {
  return /\{\{|\}\}|\{%|\$\{|\$\(|###ZARF_/.test(text);
}

export interface Line { readonly where: string; readonly text: string }

/** Lines of a script, for searching; one longer than 4096 characters is cut there, and unresolved. */
export function linesOf(draft: BomDraft, { path, text }: AdapterFile): Line[] {
  return text.split(/\r?\n/).map((line, index) => {
    const where = `${path}:${index + 1}`;
    if (line.length > 4096) draft.unresolved(where, line.slice(0, 80), 'a line too long to search to its end');
    return { where, text: line.slice(0, 4096) };
  });
}

/** `name` as a module name: lower case, anything else as -, at most 63 characters. */
export function moduleNameOf(name: string, fallback = 'module'): string {
  const clean = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+/, '').slice(0, 63).replace(/-+$/, '');
  return clean(name) || clean(fallback) || 'module';
}

export class BomDraft {
  private readonly lists: Record<ListName, Fields[]> = Object.fromEntries(lists.map((list) => [list, []])) as unknown as Record<ListName, Fields[]>;
  private readonly names = new Map<string, string>();
  private readonly said = new Set<string>();
  private readonly adapter: Pick<Adapter, 'name' | 'version'>;
  private readonly sources: readonly AdapterFile[];
  private readonly options: AdapterOptions;
  readonly metadata: Record<string, unknown> = {};
  readonly more: Record<string, unknown> = {};

  /** `sources` are the files that this module is made of; their digest goes into its origin. */
  constructor(adapter: Pick<Adapter, 'name' | 'version'>, sources: readonly AdapterFile[], options: AdapterOptions = {}) {
    this.adapter = adapter;
    this.sources = sources;
    this.options = options;
  }

  /** An entry as it is. One whose address holds a credential is unresolved: BOMs are handed on. */
  add(list: ListName, fields: Fields): void {
    const secret = list === 'git' || list === 'charts' ? addressesOf(fields).find((address) => credentialIn(address) !== undefined) : undefined;
    if (secret !== undefined) {
      const { where } = { where: '', ...(fields['origin'] as { readonly where?: string } | undefined) };
      this.unresolved(where, redactUrl(secret), 'an address with a user or password in it: declare a credential instead');
      return;
    }
    this.lists[list].push(substituted.has(list) ? literal(withoutUndefined(fields)) as Fields : withoutUndefined(fields));
  }

  has(list: ListName): boolean {
    return this.lists[list].length > 0;
  }

  /** What nobody but a person can resolve; the same again is said once. */
  unresolved(where: string, what: string, reason: string): void {
    const line = [where, what, reason].join('\n');
    if (this.said.has(line)) return;
    this.said.add(line);
    this.add('unresolved', { where: where || this.adapter.name, what: clip(what) || 'nothing', reason });
  }

  /** An image; unresolved when the text is no reference. true: it was taken. */
  image(ref: string, where: string, more: Fields = {}): boolean {
    if (isTemplated(ref)) { this.unresolved(where, ref, 'an image reference with a template in it'); return false; }
    try {
      parseReference(ref);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      this.unresolved(where, ref, `not an image reference: expected ${error.facts.expected}`);
      return false;
    }
    this.add('images', { ref, ...more, ...this.platforms(more['platforms'], where), origin: { where } });
    return true;
  }

  /** The platforms that can be read; others are unresolved, and without any the image has that of the site. */
  private platforms(wanted: unknown, where: string): Fields {
    if (!Array.isArray(wanted)) return {};
    const known = wanted.filter((each: unknown) => platformSchema.safeParse(each).success);
    for (const each of wanted) if (!known.includes(each)) this.unresolved(where, `platform ${String(each)}`, 'not os/arch[/variant]');
    return { platforms: known.length === 0 ? undefined : known };
  }

  /**
   * A file by its URLs (mirrors in order); unresolved when the first is not http(s), has a template or a password in it. Its name is made
   * unique: a second content under a taken name gets `folder` in front, else a part of its URL's digest.
   */
  file(urls: readonly string[], where: string, more: Fields & { readonly folder?: string; readonly saveAs?: string } = {}): boolean {
    const { folder, saveAs, ...fields } = more;
    const [first = ''] = urls;
    for (const url of urls) {
      const reason = urlProblem(url);
      if (reason !== undefined) { this.unresolved(where, /[@?]/.test(url) ? redactUrl(url) : url, reason); return false; }
    }
    const name = this.uniqueName(saveAs ?? baseName(first), first, folder);
    this.add('files', { urls, saveAs: name, ...fields, origin: { where } });
    return true;
  }

  /**
   * A file beside the descriptor `from`; unresolved when it leaves the folder, has a template in it, or nobody said where the folder is.
   * Gives its path below the folder.
   */
  local(written: string, from: string, where: string): string | undefined {
    const path = posix.normalize(posix.join(posix.dirname(from), written));
    const reason = isTemplated(written) ? 'a path with a template in it'
      : posix.isAbsolute(written) || path.startsWith('../') || path === '..' ? 'a file outside the folder of its descriptor'
        : this.options.folder === undefined ? 'a local file, and its descriptor does not come from a folder of this machine' : undefined;
    if (reason !== undefined) { this.unresolved(where, written, reason); return undefined; }
    return path;
  }

  /** A file beside the descriptor, as {@link local} finds it. */
  localFile(written: string, from: string, where: string, more: Fields & { readonly saveAs?: string } = {}): boolean {
    const path = this.local(written, from, where);
    if (path === undefined) return false;
    if (path.endsWith('/') || path === '.') { this.unresolved(where, written, 'a folder: name its files'); return false; }
    const { saveAs = path.split('/').at(-1) ?? path, ...fields } = more;
    this.add('files', { path, saveAs: this.uniqueName(saveAs, `path:${path}`, undefined), ...fields, origin: { where } });
    return true;
  }

  private uniqueName(wanted: string, url: string, folder: string | undefined): string {
    const hash = digestOf(url).slice('sha256:'.length, 'sha256:'.length + 12);
    const safe = safeName(wanted) ?? `${hash}.bin`;
    const candidates = [folder === undefined ? safe : safeName(`${folder}/${safe}`) ?? safe, `${hash}/${safe.split('/').at(-1) ?? safe}`];
    for (const name of candidates) {
      if ((this.names.get(name) ?? url) !== url) continue;
      this.names.set(name, url);
      return name;
    }
    return `${hash}/${hash}.bin`;
  }

  /** The checked module; what the schema does not take is a defect of the adapter, and said so. */
  build(fallbackName: string): ParsedBom {
    const { origin, version } = this.options;
    const bytes = this.sources.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    const spec = Object.fromEntries(lists.filter((list) => this.lists[list].length > 0).map((list) => [list, this.lists[list]]));
    const file = this.sources[0]?.path ?? this.adapter.name;
    return moduleBomFrom(withoutUndefined({
      apiVersion, kind: 'ModuleBOM',
      metadata: {
        ...(version === undefined ? {} : { version }),
        ...withoutUndefined(this.metadata),
        name: moduleNameOf(String(this.metadata['name'] ?? this.options.name ?? fallbackName), this.adapter.name),
        origin: withoutUndefined({
          adapter: `${this.adapter.name}@${this.adapter.version}`, ...origin,
          paths: bytes.map(({ path }) => path || this.adapter.name), digest: digestOf(bytes.map(({ text }) => text).join('')),
        }),
      },
      spec: { ...withoutUndefined(this.more), ...spec },
    }), file, this.options.folder === undefined ? {} : { folder: this.options.folder });
  }
}

function addressesOf({ url, source }: Fields): string[] {
  return [url, ...Object.values(typeof source === 'object' && source !== null ? source : {})].filter((value): value is string => typeof value === 'string' && value.includes('://'));
}

/** Lists in which `${` would be a variable of the BOM. */
const substituted: ReadonlySet<ListName> = new Set(['images', 'files', 'packageRepositories', 'packages', 'charts', 'git']);

function literal(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$${');
  if (Array.isArray(value)) return value.map(literal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, literal(item)]));
}

export function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** `algorithm:hex` of hex digits that stand alone in a descriptor, by their number; undefined when they are no digest. */
export function digestText(hex: string | undefined, algorithm?: string): string | undefined {
  const digits = hex?.trim().toLowerCase().replace(/^(?:sha256|sha512|sha1|md5|sha224):/, '');
  if (digits === undefined || !/^[0-9a-f]+$/.test(digits)) return undefined;
  const found = algorithm ?? Object.entries(hexLengths).find(([, length]) => length === digits.length)?.[0];
  return found !== undefined && hexLengths[found] === digits.length ? `${found}:${digits}` : undefined;
}

function urlProblem(url: string): string | undefined {
  if (isTemplated(url)) return 'a URL with a template in it';
  if (!URL.canParse(url)) return 'not a URL';
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return `a ${protocol} address: only its own site has it`;
  return credentialIn(url) === undefined ? undefined : 'a URL with a credential in it: declare a credential instead';
}

/** The last segment of a URL's path, as it is written. */
export function baseName(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '').split('/').at(-1) ?? '';
}

function safeName(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const isSafe = parts.length > 0 && parts.every((part) => part !== '..' && Buffer.byteLength(part) <= 200) && !/[\u0000-\u001f\u007f\\]/.test(name) && Buffer.byteLength(name) <= 900;
  return isSafe ? parts.join('/') : undefined;
}

function clip(text: string): string {
  const line = withoutCredentials(text).replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
