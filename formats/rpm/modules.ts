// modules.yaml of a yum repository: modulemd 2 (libmodulemd, "modulemd v2", "modulemd-defaults v1", "modulemd-obsoletes v1").
import { isUtf8 } from 'node:buffer';
import { BundleError } from '../../bom/errors.ts';
import { readModuleYaml, type YamlMap, type YamlValue } from './module-yaml.ts';

/** One build of a stream. Versions are numbers of up to 20 digits: text here, compared by length, then by bytes. */
export interface ModuleStream {
  readonly kind: 'stream';
  readonly name: string;
  readonly stream: string;
  readonly version: string;
  readonly context: string;
  readonly arch: string;
  readonly summary?: string;
  /** Alternatives: one of them has to be met, with one stream of each module; no stream named is any, a leading `-` excludes. */
  readonly requires: readonly Readonly<Record<string, readonly string[]>>[];
  /** profile -> names of packages */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** name-epoch:version-release.arch */
  readonly artifacts: readonly string[];
  /** Names that left the module: packages of that name are not hidden by it. */
  readonly demodularized: readonly string[];
  /** The document, verbatim. */
  readonly text: string;
}

export interface ModuleDefaults {
  readonly kind: 'defaults';
  readonly name: string;
  readonly stream?: string;
  /** stream -> profiles installed unless others are named */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  readonly modified: string;
  readonly text: string;
}

export interface ModuleObsoletes {
  readonly kind: 'obsoletes';
  readonly name: string;
  readonly stream: string;
  readonly context?: string;
  readonly message: string;
  readonly modified: string;
  /** ISO 8601: from then on. */
  readonly eolDate?: string;
  readonly obsoletedBy?: { readonly name: string; readonly stream: string };
  readonly reset: boolean;
  readonly text: string;
}

/** A document that filtering does not need (translations, packager documents), or of a version unknown here. */
export interface ModuleOther {
  readonly kind: 'other';
  readonly document: string;
  /** Of the module it is about, where it says so. */
  readonly name?: string;
  readonly text: string;
}

export type ModuleDocument = ModuleStream | ModuleDefaults | ModuleObsoletes | ModuleOther;

const maxModulesBytes = 256 << 20;

class Reader {
  private readonly subject: string;

  constructor(subject: string) {
    this.subject = subject;
  }

  wrong(expected: string, actual: string): BundleError {
    return new BundleError('INTEGRITY_METADATA', { subject: this.subject, expected, actual });
  }

  map(value: YamlValue | undefined, what: string): YamlMap {
    if (value === undefined || value === null || value === '') return {};
    if (typeof value !== 'object' || Array.isArray(value)) throw this.wrong(`a mapping at ${what}`, typeof value);
    return value as YamlMap;
  }

  list(value: YamlValue | undefined, what: string): readonly string[] {
    if (value === undefined || value === null || value === '') return [];
    if (!Array.isArray(value)) throw this.wrong(`a list at ${what}`, typeof value);
    return value.map((item: YamlValue) => this.text(item, what));
  }

  text(value: YamlValue | undefined, what: string): string {
    if (typeof value !== 'string' || value === '') throw this.wrong(`text at ${what}`, value === undefined ? 'nothing' : typeof value);
    return value;
  }

  optional(value: YamlValue | undefined, what: string): string | undefined {
    return value === undefined || value === null ? undefined : this.text(value, what);
  }

  lists(value: YamlValue | undefined, what: string): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(Object.entries(this.map(value, what)).map(([key, list]) => [key, this.list(list, `${what}.${key}`)]));
  }

  stream(data: YamlMap, text: string): ModuleStream {
    const dependencies = data.dependencies ?? [];
    if (!Array.isArray(dependencies)) throw this.wrong('a list at data.dependencies', typeof dependencies);
    const profiles = Object.entries(this.map(data.profiles, 'data.profiles')).map(([name, profile]) => [name, this.list(this.map(profile, `data.profiles.${name}`).rpms, `data.profiles.${name}.rpms`)] as const);
    const summary = this.optional(data.summary, 'data.summary');
    return {
      kind: 'stream',
      name: this.text(data.name, 'data.name'),
      stream: this.text(data.stream, 'data.stream'),
      version: this.optional(data.version, 'data.version') ?? '0',
      context: this.optional(data.context, 'data.context') ?? '',
      arch: this.optional(data.arch, 'data.arch') ?? '',
      ...(summary === undefined ? {} : { summary }),
      requires: dependencies.map((each: YamlValue) => this.lists(this.map(each, 'data.dependencies').requires, 'data.dependencies.requires')),
      profiles: Object.fromEntries(profiles),
      artifacts: this.list(this.map(data.artifacts, 'data.artifacts').rpms, 'data.artifacts.rpms'),
      demodularized: this.list(this.map(data.demodularized, 'data.demodularized').rpms, 'data.demodularized.rpms'),
      text,
    };
  }

  defaults(data: YamlMap, text: string): ModuleDefaults {
    const stream = this.optional(data.stream, 'data.stream');
    return {
      kind: 'defaults', name: this.text(data.module, 'data.module'), ...(stream === undefined ? {} : { stream }),
      profiles: this.lists(data.profiles, 'data.profiles'), modified: this.optional(data.modified, 'data.modified') ?? '0', text,
    };
  }

  obsoletes(data: YamlMap, text: string): ModuleObsoletes {
    const by = data.obsoleted_by === undefined ? undefined : this.map(data.obsoleted_by, 'data.obsoleted_by');
    const [context, eolDate] = [this.optional(data.context, 'data.context'), this.optional(data.eol_date, 'data.eol_date')];
    return {
      kind: 'obsoletes', name: this.text(data.module, 'data.module'), stream: this.text(data.stream, 'data.stream'),
      message: this.optional(data.message, 'data.message') ?? '', modified: this.optional(data.modified, 'data.modified') ?? '', reset: data.reset === 'true',
      ...(context === undefined ? {} : { context }), ...(eolDate === undefined ? {} : { eolDate }),
      ...(by === undefined ? {} : { obsoletedBy: { name: this.text(by.module, 'data.obsoleted_by.module'), stream: this.text(by.stream, 'data.obsoleted_by.stream') } }),
      text,
    };
  }
}

/** Comments, directives and blank lines. */
const isEmpty = (text: string): boolean => /^(?:[ \t]*(?:#.*|%.*)?(?:\r?\n|$))*$/.test(text);

/** Documents as YAML separates them: `---` begins one, `...` may end it. */
function documentsOf(text: string, subject: string): string[] {
  return text.split(/^---(?=\s|$)/m).flatMap((part) => {
    const [body = '', ...rest] = part.split(/^\.\.\.[ \t]*$/m);
    const extra = rest.find((each) => !isEmpty(each));
    if (extra !== undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: '--- before each document', actual: JSON.stringify(extra.trim().slice(0, 40)) });
    return isEmpty(body) ? [] : [`---${/^\s/.test(body) ? '' : '\n'}${body.trimEnd()}\n...\n`];
  });
}

function documentOf(text: string, subject: string): ModuleDocument {
  const reader = new Reader(subject);
  const root = reader.map(readModuleYaml(text, subject), 'the document');
  const document = reader.text(root.document, 'document');
  const data = reader.map(root.data, 'data');
  const version = root.version;
  if (document === 'modulemd' && version === '2') return reader.stream(data, text);
  if (document === 'modulemd' && version === '1') throw reader.wrong('modulemd of version 2', 'version 1');
  if (document === 'modulemd-defaults' && version === '1') return reader.defaults(data, text);
  if (document === 'modulemd-obsoletes' && version === '1') return reader.obsoletes(data, text);
  const name = data.module ?? data.name;
  return { kind: 'other', document, ...(typeof name === 'string' ? { name } : {}), text };
}

/**
 * The documents of a decompressed modules.yaml, in order. What filtering needs is read, the text is kept. Scalars are text as written: a stream
 * `1.10` stays that. Throws `INTEGRITY_METADATA`: no YAML, aliases, a field missing or of another shape, too long.
 */
export function parseModules(bytes: Uint8Array, subject: string): readonly ModuleDocument[] {
  if (bytes.length > maxModulesBytes || !isUtf8(bytes)) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `at most ${maxModulesBytes} bytes of UTF-8`, actual: bytes.length > maxModulesBytes ? `${bytes.length} bytes` : 'other bytes' });
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').replace(/^\ufeff/, '');
  return documentsOf(text, subject).map((document, index) => documentOf(document, `${subject}, document ${index + 1}`));
}
