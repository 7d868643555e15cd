// The Release file of a repository: Debian wiki, DebianRepository/Format ("Release" files); apt-secure(8).
import { BundleError } from '../../bom/errors.ts';
import { parseStanzas, type Stanza } from './deb822.ts';

export interface ReleaseFile {
  readonly path: string;
  readonly size: number;
  /** Lower-case hex; at least one of the two is there. */
  readonly sha256?: string;
  readonly sha512?: string;
}

export interface Release {
  readonly origin?: string;
  readonly label?: string;
  readonly suite?: string;
  readonly codename?: string;
  readonly version?: string;
  /** Seconds since 1970. */
  readonly date?: number;
  readonly validUntil?: number;
  readonly architectures: readonly string[];
  readonly components: readonly string[];
  readonly acquireByHash: boolean;
  /** `NotAutomatic: yes`: nothing of it is installed unless asked for; `ButAutomaticUpgrades` raises that to upgrades. */
  readonly notAutomatic: boolean;
  readonly butAutomaticUpgrades: boolean;
  /** arch:all packages stand in each binary-<arch>, and a binary-all that may be listed must not be read beside it. */
  readonly allInArchIndexes: boolean;
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Seconds since 1970 of an RFC 5322 date in UTC (`Sat, 11 Jul 2026 10:16:37 UTC`), or undefined. */
export function parseReleaseDate(text: string): number | undefined {
  const match = /^(?:[A-Za-z]{3},\s*)?(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(?:UTC|GMT|Z|[+-]0000)$/.exec(text.trim());
  if (match === null) return undefined;
  const [, day, month = '', year, hour, minute, second] = match;
  const index = months.indexOf(month.toLowerCase());
  if (index < 0) return undefined;
  const parts = [Number(year), index, Number(day), Number(hour), Number(minute), Number(second)] as const;
  const time = new Date(Date.UTC(...parts));
  if (time.getUTCDate() !== parts[2] || time.getUTCHours() !== parts[3]) return undefined;
  return time.getTime() / 1000;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `seconds` since 1970 as a Release file says it. */
export function formatReleaseDate(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = months[time.getUTCMonth()] ?? '';
  return `${weekdays[time.getUTCDay()]}, ${two(time.getUTCDate())} ${month[0]?.toUpperCase()}${month.slice(1)} ${time.getUTCFullYear()} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} UTC`;
}

/** Whether `path` stays below the folder it is relative to, and says so plainly. */
export function isPlainPath(path: string): boolean {
  return path !== '' && !/^[/]|[\\\0\n]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function filesOf(stanza: Stanza, subject: string): Map<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>();
  for (const [field, key, digits] of [['sha256', 'sha256', 64], ['sha512', 'sha512', 128]] as const) {
    for (const line of (stanza.get(field) ?? '').split('\n')) {
      if (line.trim() === '') continue;
      const [hash = '', size = '', path = '', ...rest] = line.trim().split(/\s+/);
      if (rest.length > 0 || hash.length !== digits || !/^[0-9a-fA-F]+$/.test(hash) || !/^\d{1,15}$/.test(size)) {
        throw new BundleError('INTEGRITY_METADATA', { subject, expected: `"<${key}> <size> <path>" lines`, actual: JSON.stringify(line.slice(0, 200)) });
      }
      if (!isPlainPath(path.replace(/^\.\//, ''))) {
        throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'paths below the Release file', actual: JSON.stringify(path.slice(0, 200)) });
      }
      const name = path.replace(/^\.\//, '');
      const known = files.get(name);
      if (known !== undefined && known.size !== Number(size)) {
        throw new BundleError('INTEGRITY_METADATA', { subject: `${subject} ${name}`, expected: `${known.size} bytes in every list`, actual: `${size} bytes` });
      }
      files.set(name, { ...known, path: name, size: Number(size), [key]: hash.toLowerCase() });
    }
  }
  return files;
}

function dateOf(stanza: Stanza, field: string, subject: string): number | undefined {
  const text = stanza.get(field);
  if (text === undefined) return undefined;
  const seconds = parseReleaseDate(text);
  if (seconds === undefined) throw new BundleError('INTEGRITY_METADATA', { subject, expected: `${field} as "Sat, 11 Jul 2026 10:16:37 UTC"`, actual: JSON.stringify(text.slice(0, 80)) });
  return seconds;
}

/**
 * A Release from its text (signature already taken off). Only SHA256 and SHA512 lists are read: a file that only weak lists name is not in
 * `files`. Throws `INTEGRITY_METADATA` when it is not one stanza, when a list or date is malformed, and when a path leaves the repository.
 */
export function parseRelease(content: Uint8Array | string, subject: string): Release {
  const stanzas = parseStanzas(content, { subject, maxStanzaBytes: 64 << 20 });
  const [stanza] = stanzas;
  if (stanza === undefined || stanzas.length > 1) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'one stanza', actual: `${stanzas.length}` });
  }
  const words = (field: string): string[] => (stanza.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
  const yes = (field: string): boolean => stanza.get(field)?.trim().toLowerCase() === 'yes';
  const text = (field: string, key: string): Record<string, string> => (stanza.get(field) === undefined ? {} : { [key]: stanza.get(field)?.trim() ?? '' });
  const date = dateOf(stanza, 'date', subject);
  const validUntil = dateOf(stanza, 'valid-until', subject);
  return {
    ...text('origin', 'origin'), ...text('label', 'label'), ...text('suite', 'suite'), ...text('codename', 'codename'), ...text('version', 'version'),
    ...(date === undefined ? {} : { date }),
    ...(validUntil === undefined ? {} : { validUntil }),
    architectures: words('architectures'),
    components: words('components'),
    acquireByHash: yes('acquire-by-hash'),
    notAutomatic: yes('notautomatic'),
    butAutomaticUpgrades: yes('butautomaticupgrades'),
    allInArchIndexes: words('no-support-for-architecture-all').includes('Packages') || (stanza.has('architectures') && !words('architectures').includes('all')),
    files: filesOf(stanza, subject),
  };
}
