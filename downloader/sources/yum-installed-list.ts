// The list that says what machines have before: names, `rpm -qa` output (name-version-release.arch), NEVRAs with epoch, or purls (package-url specification, "rpm"); each perhaps
// followed by what rpm knows of it, one relation a line: docs/rpm.md, "What machines have before".
import { BundleError } from '../../bom/errors.ts';
import { type Evr, parseEvr } from '../../formats/rpm/evr.ts';
import type { RpmOperator, RpmRelation } from '../../formats/rpm/relation.ts';
import { type DependencyKind, dependencyKinds } from '../solver/solv-tables.ts';

/** What the rpm database says of a package. */
export interface InstalledDetails {
  readonly relations: Readonly<Partial<Record<DependencyKind, readonly RpmRelation[]>>>;
  readonly files: readonly string[];
}

export interface InstalledEntry {
  readonly name: string;
  /** Without it, whatever version the repositories have. */
  readonly evr?: Evr;
  readonly arch?: string;
  /** Without them, what the repositories say of it. */
  readonly details?: InstalledDetails;
}

function purl(line: string): InstalledEntry | undefined {
  const [, name = '', version = '', query = ''] = /^pkg:rpm\/(?:[^/@?]+\/)?([^/@?]+)(?:@([^?]+))?(?:\?(.*))?$/.exec(line) ?? [];
  if (name === '') return undefined;
  const fields = new URLSearchParams(query);
  const [arch, epoch] = [fields.get('arch'), fields.get('epoch')];
  return {
    name: decodeURIComponent(name), ...(arch === null ? {} : { arch }),
    ...(version === '' ? {} : { evr: { ...parseEvr(decodeURIComponent(version)), ...(epoch === null ? {} : { epoch: Number(epoch) || 0 }) } }),
  };
}

/** Architectures that rpm knows, so that the last dot of a line can be told from one of a version. */
const archPattern = /\.(noarch|x86_64|aarch64|i[3-6]86|armv7hl|ppc64le|s390x|riscv64|loongarch64)$/;

function entryOf(line: string): InstalledEntry | undefined {
  if (line.startsWith('pkg:')) return purl(line);
  const arch = archPattern.exec(line)?.[1];
  if (arch === undefined) return { name: line };
  const bare = line.slice(0, -arch.length - 1);
  const [, leading = '', rest = bare] = /^(\d+:)?(.*)$/.exec(bare) ?? [];
  const [, name = '', version = '', release = ''] = /^(.+)-([^-]+)-([^-]+)$/.exec(rest) ?? [];
  if (name === '') return { name: bare, arch };
  return { name, arch, evr: parseEvr(`${leading}${version}-${release}`) };
}

const detailPattern = new RegExp(`^(${[...dependencyKinds, 'file'].join('|')})[ \\t]+([^#\\s].*)$`);
const relationPattern = /^([^\s(]\S*)(?:\s+(<=|>=|=|<|>)\s+(\S+))?$/;

function relationOf(text: string): RpmRelation | undefined {
  if (text.startsWith('(')) return { name: text };
  const [, name, op, evr] = relationPattern.exec(text) ?? [];
  if (name === undefined) return undefined;
  return op === undefined || evr === undefined ? { name } : { name, op: op as RpmOperator, evr: parseEvr(evr) };
}

/** rpm keeps the keys that it trusts as packages of their own, whose provides hold names of people. */
const isKey = ({ name }: InstalledEntry): boolean => name === 'gpg-pubkey' || name.startsWith('gpg-pubkey-');

/** A list while it is read: an entry is closed by the next. */
class ListReader {
  readonly entries: InstalledEntry[] = [];
  private readonly subject: string;
  private entry: InstalledEntry | undefined;
  private relations: Partial<Record<DependencyKind, RpmRelation[]>> = {};
  private files: string[] = [];
  private hasDetails = false;

  constructor(subject: string) { this.subject = subject; }

  close(): void {
    if (this.entry !== undefined) this.entries.push(this.hasDetails ? { ...this.entry, details: { relations: this.relations, files: this.files } } : this.entry);
    this.entry = undefined;
    this.relations = {};
    this.files = [];
    this.hasDetails = false;
  }

  read(raw: string, number: number): void {
    const refused = (actual: string): BundleError => new BundleError('INPUT_FIELD', {
      subject: `${this.subject}:${number}`, expected: 'a name, name-version-release.arch as `rpm -qa` prints it, or a purl; behind it what it provides and requires', actual: JSON.stringify(actual.slice(0, 80)),
    });
    const [, kind, text = ''] = detailPattern.exec(raw.trim()) ?? [];
    if (kind !== undefined) {
      if (this.entry !== undefined && isKey(this.entry)) return;
      const relation = kind === 'file' ? undefined : relationOf(text);
      if (this.entry === undefined || (kind !== 'file' && relation === undefined)) throw refused(raw.trim());
      this.hasDetails = true;
      if (relation === undefined) this.files.push(text);
      else (this.relations[kind as DependencyKind] ??= []).push(relation);
      return;
    }
    const line = raw.replace(/#.*$/, '').trim();
    if (line === '') return;
    if (/\s/.test(line)) throw refused(line);
    this.close();
    this.entry = entryOf(line);
  }
}

/**
 * The entries of a list. Empty lines and `#` comments are passed over; a line `name-version-release.arch` is told from a name by its architecture,
 * so `name` alone may hold dashes. `gpg-pubkey`, which is no package, is left out. Throws `INPUT_FIELD` for a line with blanks inside that is none of the details, and for
 * details of nothing.
 */
export function parseRpmList(text: string, subject: string): InstalledEntry[] {
  const reader = new ListReader(subject);
  for (const [index, line] of text.split(/\r?\n/).entries()) reader.read(line, index + 1);
  reader.close();
  return reader.entries.filter((entry) => !isKey(entry));
}
