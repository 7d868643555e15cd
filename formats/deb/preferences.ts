// Which versions are preferred: apt_preferences(5) of apt 2.6.
import { BundleError } from '../../bom/errors.ts';
import { parseStanzas } from './deb822.ts';

/** What a Release file says of itself, and where it came from. */
export interface ReleaseFacts {
  /** What the source named: `deb uri SUITE …`. */
  readonly named?: string;
  /** `a=` */
  readonly suite?: string;
  /** `n=` */
  readonly codename?: string;
  /** `o=` */
  readonly origin?: string;
  /** `l=` */
  readonly label?: string;
  /** `v=` */
  readonly version?: string;
  /** `c=` */
  readonly component?: string;
  /** `b=` */
  readonly architecture?: string;
  /** Host without port; empty for local files. */
  readonly site?: string;
}

/** What a record is about: a version, facts of a Release file, or the host that offers it. */
export type PinKind = 'version' | 'release' | 'origin';

/** One record. */
export interface Preference {
  /** As written: `*`, `name`, `name:arch`, `name:any`, `src:name`, a glob or a `/regular expression/`. */
  readonly packages: readonly string[];
  readonly kind: PinKind;
  /** What follows the kind. */
  readonly value: string;
  /** -32768 to 32767 and not 0; `never`, for all packages of a release or host only: as if it did not exist, whatever other records say. */
  readonly priority: number | 'never';
}

function bad(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INPUT_FIELD', { subject, expected, actual });
}

function priorityOf(text: string, subject: string): Preference['priority'] {
  if (text === 'never') return 'never';
  const priority = /^-?\d{1,5}$/.test(text) ? Number(text) : 0;
  if (priority === 0 || priority < -32_768 || priority > 32_767) throw bad(subject, 'a Pin-Priority from -32768 to 32767 that is not 0, or never', JSON.stringify(text));
  return priority;
}

/** Every record of a preferences file, in order. Throws `INPUT_FIELD` for a record that says nothing, `INTEGRITY_METADATA` for what is no stanza. */
export function parsePreferences(text: string, subject: string): Preference[] {
  return parseStanzas(text, { subject, comments: true }).map((stanza, index) => {
    const where = `${subject}, record ${index + 1}`;
    const packages = (stanza.get('package') ?? '').split(/\s+/).filter((name) => name !== '');
    const [, kind = '', value = ''] = /^(\S+)\s*([\s\S]*)$/.exec((stanza.get('pin') ?? '').trim()) ?? [];
    if (packages.length === 0) throw bad(where, 'Package: names, globs or *', 'none');
    if (kind !== 'version' && kind !== 'release' && kind !== 'origin') throw bad(where, 'Pin: version, release or origin and what it is', kind === '' ? 'no Pin' : JSON.stringify(kind));
    if (kind === 'version' && packages.includes('*')) throw bad(where, 'a package for a version', 'Package: *');
    const priority = priorityOf((stanza.get('pin-priority') ?? '').trim(), where);
    if (priority === 'never' && packages.some((name) => name !== '*')) throw bad(where, 'a number: only `Package: *` can be preferred never', 'Pin-Priority: never');
    return { packages, kind, value: value.trim(), priority };
  });
}

/** A record as a preferences file says it. */
export function formatPreference({ packages, kind, value, priority }: Preference): string {
  return `Package: ${packages.join(' ')}\nPin: ${kind} ${value}\nPin-Priority: ${priority}\n`;
}
