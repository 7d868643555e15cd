// Where apt looks for packages: sources.list(5), one-line and deb822 style.
import { BundleError } from '../../bom/errors.ts';
import { parseStanzas } from './deb822.ts';

/** One repository entry; every uri, suite and component combines with every other. */
export interface SourceEntry {
  readonly types: readonly string[];
  readonly uris: readonly string[];
  /** A suite that ends in `/` is an exact path: a flat repository, without components. */
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Empty: the target's. */
  readonly architectures: readonly string[];
  /** Beside those, and not of those (`arch+=`, `arch-=`; Architectures-Add and -Remove). */
  readonly architecturesAdded?: readonly string[];
  readonly architecturesRemoved?: readonly string[];
  /** A path of a keyring, or fingerprints. */
  readonly signedBy?: string;
  /** An armored key that stands in the entry itself (deb822 style). */
  readonly signedByKey?: string;
  readonly trusted: boolean;
  readonly allowWeak: boolean;
  readonly checkValidUntil: boolean;
  readonly checkDate: boolean;
  readonly byHash: 'yes' | 'no' | 'force';
  readonly enabled: boolean;
}

function bad(subject: string, actual: string, next?: string): BundleError {
  return new BundleError('INPUT_FIELD', { subject, expected: 'an entry of sources.list(5): deb [options] uri suite [component…]', actual, ...(next === undefined ? {} : { next }) });
}

/** Options whose meaning is kept, or that say what else apt fetches or how. */
const knownOptions: ReadonlySet<string> = new Set(['arch', 'signed-by', 'trusted', 'check-valid-until', 'check-date', 'by-hash', 'snapshot', 'include', 'exclude', 'lang', 'target', 'pdiffs']);
/** Those whose lists can be added to and taken from. */
const listOptions: ReadonlySet<string> = new Set(['arch', 'lang', 'target']);

export interface SourceParts { readonly types: readonly string[]; readonly uris: readonly string[]; readonly suites: readonly string[]; readonly components: readonly string[] }

export const isNo = (value: string | undefined): boolean => /^(?:no|false|0|off|disable|without)$/i.test(value ?? '');
export const isYes = (value: string | undefined): boolean => /^(?:yes|true|1|on|enable|with)$/i.test(value ?? '');

/** An entry of its parts and options (by lower-case name, as either style spells them). Throws `INPUT_FIELD` with `subject` for a suite that does not fit the components. */
export function entryOf(parts: SourceParts, option: (name: string) => string | undefined, subject: string): SourceEntry {
  for (const suite of parts.suites) {
    if (suite.endsWith('/') !== (parts.components.length === 0)) throw bad(subject, suite.endsWith('/') ? 'components after a suite that is a path' : `the suite ${suite} without a component`);
    if (suite.split('/').includes('..')) throw bad(subject, `the suite ${suite}`);
  }
  const list = (...names: readonly string[]): string[] => names.map((name) => option(name) ?? '').join(' ').split(/[\s,]+/).filter((item) => item !== '');
  for (const name of ['snapshot', 'include', 'exclude']) {
    const value = option(name)?.trim() ?? '';
    // A snapshot by its name, and lists of packages to take or to leave (apt 2.9 and 3.1): passed over they would give other packages than apt takes.
    if (value !== '' && !(name === 'snapshot' && (isYes(value) || isNo(value)))) throw bad(subject, `the option ${name}, which is not read here`, name === 'snapshot' ? 'Name the address of the snapshot itself.' : 'Say it in preferences.');
  }
  const [added, removed] = [list('arch+', 'architectures-add'), list('arch-', 'architectures-remove')];
  const signed = option('signed-by')?.trim();
  const key = signed?.includes('-----BEGIN PGP') === true ? signed.split('\n').map((line) => line.replace(/^[ \t]/, '').replace(/^\.$/, '')).join('\n') : undefined;
  const byHash = option('by-hash');
  return {
    ...parts,
    architectures: list('arch').length > 0 ? list('arch') : list('architectures'),
    ...(added.length === 0 ? {} : { architecturesAdded: added }), ...(removed.length === 0 ? {} : { architecturesRemoved: removed }),
    ...(key !== undefined ? { signedByKey: `${key}\n` } : signed === undefined || signed === '' ? {} : { signedBy: signed }),
    trusted: isYes(option('trusted')),
    allowWeak: isYes(option('allow-weak')),
    checkValidUntil: !isNo(option('check-valid-until')),
    checkDate: !isNo(option('check-date')),
    byHash: byHash === 'force' ? 'force' : isNo(byHash) ? 'no' : 'yes',
    enabled: !isNo(option('enabled')),
  };
}

/** Which of `all` architectures an entry is for, in their order; `given` counts where the entry names none, all of them where that is empty too. */
export function architecturesOf(entry: Pick<SourceEntry, 'architectures' | 'architecturesAdded' | 'architecturesRemoved'>, given: readonly string[], all: readonly string[]): readonly string[] {
  const own = entry.architectures.length > 0 ? entry.architectures : given;
  const named = new Set([...(own.length > 0 ? own : all), ...entry.architecturesAdded ?? []]);
  for (const arch of entry.architecturesRemoved ?? []) named.delete(arch);
  return all.filter((arch) => named.has(arch));
}

/** One `deb …` or `deb-src …` line; undefined for an empty line or a comment. Throws `INPUT_FIELD` with `subject` for anything else; of a document (`isWritten`) also for options that would be passed over. */
export function parseSourceLine(line: string, subject: string, { isWritten = false } = {}): SourceEntry | undefined {
  const text = line.replace(/#.*$/, '').trim();
  if (text === '') return undefined;
  const match = /^(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$/.exec(text);
  if (match === null) throw bad(subject, JSON.stringify(text.slice(0, 200)));
  const [, type = '', options = '', uri = '', suite = '', components = ''] = match;
  const given = new Map<string, string>();
  for (const item of options.split(/\s+/).filter((part) => part !== '')) {
    const [, name = '', sign = '', value = ''] = /^([A-Za-z][A-Za-z-]*?)([+-]?)=(.*)$/.exec(item) ?? [];
    const key = name.toLowerCase();
    if (key === '' || (sign !== '' && !listOptions.has(key)) || (isWritten && !knownOptions.has(key))) throw bad(subject, `the option ${JSON.stringify(item)}`);
    given.set(key + sign, sign === '' ? value : `${given.get(key + sign) ?? ''} ${value}`);
  }
  const parts = { types: [type], uris: [uri], suites: [suite], components: components.split(/\s+/).filter((item) => item !== '') };
  return entryOf(parts, (name) => given.get(name), subject);
}

/** Every entry of a `.list` file's text. Throws `INPUT_FIELD` naming file and line. */
export function parseSourceLines(text: string, file: string): SourceEntry[] {
  return text.split('\n').flatMap((line, index) => parseSourceLine(line, `${file}:${index + 1}`) ?? []);
}

/** Every entry of a `.sources` file's text, disabled ones included. Throws `INPUT_FIELD` or `INTEGRITY_METADATA` naming the file. */
export function parseDeb822Sources(text: string, file: string): SourceEntry[] {
  return parseStanzas(text, { subject: file, comments: true }).map((stanza, index) => {
    const words = (name: string): string[] => (stanza.get(name) ?? '').split(/\s+/).filter((item) => item !== '' && item !== '.');
    const parts = { types: words('types'), uris: words('uris'), suites: words('suites'), components: words('components') };
    const subject = `${file}, entry ${index + 1}`;
    if (parts.types.length === 0 || parts.uris.length === 0 || parts.suites.length === 0) throw bad(subject, 'an entry without Types, URIs or Suites');
    return entryOf(parts, (name) => stanza.get(name), subject);
  });
}
