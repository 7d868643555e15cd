// libsolv's own test cases: libsolv(3), libsolv-tools' testsolv(1). Only the parts that choosing packages to install needs, on an empty machine or on one that has something; anything else is a reason to leave a case out.
import { parseRich, type RichRelation } from '../../../formats/rpm/relation.ts';
import { relationText } from '../../../formats/rpm/relation.ts';
import { rulesIn, type RuleTexts } from './libsolv-rules.ts';
import type { OracleDocument, OraclePackage } from './oracle.ts';

export interface CaseStep {
  readonly document: OracleDocument;
  /** `name-version.arch`, sorted; undefined: a problem is expected. */
  readonly expected: readonly string[] | undefined;
}

/** `A < B`, as libsolv says it. */
export interface Comparison { readonly a: string; readonly op: string; readonly b: string }

/** What follows from the packages of these numbers. */
export interface RuleStep { readonly document: OracleDocument; readonly wanted: readonly number[]; readonly expected: RuleTexts }

export interface CaseParts { readonly steps: readonly CaseStep[]; readonly comparisons: readonly Comparison[]; readonly rules: readonly RuleStep[] }

export type LibsolvCase = CaseParts | { readonly leftOut: string };

const fields: Readonly<Record<string, string>> = { Req: 'requires', Prv: 'provides', Con: 'conflicts', Obs: 'obsoletes', Rec: 'recommends', Sug: 'suggests', Sup: 'supplements', Enh: 'enhances' };
const richWords: Readonly<Record<string, string>> = { '&': 'and', '|': 'or', '<IF>': 'if', '<UNLESS>': 'unless', '<ELSE>': 'else', '+': 'with', '-': 'without' };

/** Those of dnf, and those that have no effect where packages are installed and nothing goes. */
const flagsOfDnf = ['ignorerecommended', 'keeporphans', 'bestobeypolicy', 'yumobsoletes', 'allowvendorchange', 'keepexplicitobsoletes', 'noautotarget'];
const jobsOfOthers: Readonly<Record<string, string>> = {
  update: 'an update without anything asked for', distupgrade: 'an upgrade of a whole distribution', erase: 'something is taken away', favor: 'favoured packages, which dnf has no word for', disfavor: 'favoured packages, which dnf has no word for',
  blacklist: 'blacklisted packages, which dnf has no word for', lock: 'locked packages', verify: 'a repair of what is there', noop: 'what a selection finds, not a choice', allowuninstall: 'something may be taken away',
};

class Unfit extends Error {}

function bracketed(rich: RichRelation): string {
  if (rich.kind === 'plain') return relationText(rich.relation);
  if ('then' in rich) return `(${bracketed(rich.then)} ${rich.kind} ${bracketed(rich.condition)}${rich.otherwise === undefined ? '' : ` else ${bracketed(rich.otherwise)}`})`;
  return `(${bracketed(rich.left)} ${rich.kind} ${bracketed(rich.right)})`;
}

/** testsolv writes `A & B`, `A <IF> B`, also without parentheses around the whole. */
function relation(text: string): string {
  const words = text.split(/\s+/).map((word) => richWords[word] ?? word).join(' ').replace(/\(([^()]+ else [^()]+)\)/, '$1');
  if (/namespace:|<ARCH>|:any|<MULTIARCH>/.test(words)) throw new Unfit('namespaces or Debian relations');
  if (!/ (?:and|or|if|unless|with|without) /.test(` ${words} `)) return words.trim();
  const rich = parseRich(words.trim().startsWith('(') && parseRich(words.trim()) !== undefined ? words.trim() : `(${words.trim()})`);
  if (rich === undefined) throw new Unfit('a relation that rpm does not have');
  return bracketed(rich);
}

interface Repository { readonly name: string; readonly priority: number; readonly packages: OraclePackage[] }

class Reader {
  private readonly lines: readonly string[];
  private at = 0;
  private readonly repositories: Repository[] = [];
  private arch = 'unset';
  private twins = false;
  private weak = true;
  private install: string[][] = [];
  private best = false;
  private multiversion: string[] = [];
  private notWeak: string[] = [];
  private disabled: string[] = [];
  private installed: string | undefined;
  readonly steps: CaseStep[] = [];
  readonly comparisons: Comparison[] = [];
  readonly rules: RuleStep[] = [];

  constructor(text: string) { this.lines = text.split('\n'); }

  private inline(): string[] {
    const found: string[] = [];
    while (this.lines[this.at]?.startsWith('#>') === true) {
      found.push((this.lines[this.at] ?? '').slice(2));
      this.at += 1;
    }
    return found;
  }

  read(): void {
    while (this.at < this.lines.length) {
      const line = (this.lines[this.at] ?? '').trim();
      this.at += 1;
      if (line !== '' && !line.startsWith('#')) this.command(line.split(/\s+/));
    }
  }

  private command([word = '', ...rest]: readonly string[]): void {
    switch (word) {
      case 'repo': this.repository(rest); return;
      case 'system': this.system(rest); return;
      case 'poolflags': this.poolFlags(rest); return;
      case 'solverflags':
        this.weak = !rest.includes('ignorerecommended');
        for (const flag of rest) if (!flagsOfDnf.includes(flag)) throw new Unfit(`the flag ${flag}, which dnf install does not set`);
        return;
      case 'disable': this.disabled.push(rest.at(-1) ?? ''); return;
      case 'feature': case 'evrcmp': return;
      case 'job': this.job(rest); return;
      case 'result': this.result(rest); return;
      case 'nextjob': [this.install, this.multiversion, this.notWeak, this.best] = [[], [], [], false]; return;
      default: throw new Unfit(`command ${word}`);
    }
  }

  private poolFlags(flags: readonly string[]): void {
    for (const flag of flags) if (flag !== 'implicitobsoleteusescolors' && flag !== 'whatprovideswithdisabled') throw new Unfit(`the flag ${flag}, which dnf install does not set`);
    this.twins ||= flags.includes('implicitobsoleteusescolors');
  }

  private repository([name = '', priority = '0', kind = '', source]: readonly string[]): void {
    const packages: OraclePackage[] = [];
    this.repositories.push({ name, priority: Number(priority.split('.')[0]), packages });
    if (kind === 'empty') return;
    if (source !== '<inline>') throw new Unfit('packages in files of other kinds');
    let current: { deps: Record<string, string[]>; files: string[] } | undefined;
    for (const line of this.inline()) {
      const [, tag = '', value = ''] = /^=([A-Z][a-z]+): ?(.*)$/.exec(line) ?? [];
      if (tag === 'Pkg') {
        const [n = '', version = '', release = '', a = ''] = value.split(' ');
        current = { deps: {}, files: [] };
        packages.push({ n, e: `${version}-${release}`, a, r: this.repositories.length - 1, ...current });
        continue;
      }
      const field = fields[tag];
      if (field === undefined) {
        if (!['Vnd', 'Sum', 'Ver', 'Tim'].includes(tag)) throw new Unfit(`field ${tag}`);
      } else if (value.startsWith('/') && field === 'provides') current?.files.push(value);
      else if (current !== undefined) current.deps[field] = [...current.deps[field] ?? [], relation(value)];
    }
  }

  private system([arch = '', type = '', installed]: readonly string[]): void {
    if (type === 'deb' || type === 'arch' || type === 'haiku' || type === 'conda') throw new Unfit(`packages of ${type}`);
    if (arch !== 'unset' && !/^(?:i686|x86_64)$/.test(arch)) throw new Unfit(`architecture ${arch}`);
    if (arch !== 'unset') this.arch = arch;
    this.installed = installed;
  }

  private packages(): OraclePackage[] { return this.repositories.flatMap(({ packages }) => packages); }

  private job([verb = '', kind = '', ...rest]: readonly string[]): void {
    const [, modifiers = ''] = /^\[(.*)\]$/.exec(rest.at(-1) ?? '') ?? [];
    const subject = modifiers === '' ? rest : rest.slice(0, -1);
    for (const modifier of modifiers === '' ? [] : modifiers.split(',')) if (!['forcebest', 'targeted', 'setevr', 'setarch'].includes(modifier)) throw new Unfit(`the job modifier ${modifier}, which dnf install does not set`);
    if (verb === 'multiversion' && (kind === 'name' || kind === 'provides')) this.multiversion.push(subject.join(' '));
    else if (verb === 'excludefromweak' && kind === 'name') this.notWeak.push(subject.join(' '));
    else if (verb === 'install' && ['name', 'provides', 'pkg', 'oneof'].includes(kind)) {
      this.install.push([kind, ...subject]);
      this.best ||= modifiers.includes('forcebest');
    } else throw new Unfit(jobsOfOthers[verb] ?? `job ${verb} ${kind}`);
  }

  private label({ n, e, a, r }: OraclePackage): string { return `${n}-${e}.${a}@${this.repositories[r]?.name}`; }

  private candidates([kind = '', ...rest]: readonly string[]): number[] {
    const [name = '', op, version = ''] = rest;
    const isVersion = ({ e }: OraclePackage): boolean => op === undefined || e === version || e.startsWith(`${version}-`);
    if (op !== undefined && op !== '=' && kind !== 'pkg' && kind !== 'oneof') throw new Unfit(`job install ${rest.join(' ')}`);
    return this.packages().flatMap((item, index) => {
      const isMatch = kind === 'pkg' || kind === 'oneof' ? rest.includes(this.label(item)) : (item.n === name && isVersion(item))
        || (kind === 'provides' && (item.deps.provides ?? []).some((text) => text.split(' ')[0] === name));
      return isMatch ? [index] : [];
    });
  }

  /** The lines of evrcmp: `job noop provides A < B`. */
  private compared(lines: readonly string[]): void {
    for (const line of lines) {
      const [, a = '', op = '', b = ''] = /^job noop provides (\S+) ([<=>]) (\S+)$/.exec(line) ?? [];
      if (op === '') throw new Unfit(`a result that says ${line}`);
      this.comparisons.push({ a, op, b });
    }
  }

  private architecture(): string {
    if (this.arch !== 'unset') return this.arch;
    if (this.packages().every(({ a }) => a === 'noarch' || a === 'x86_64')) return 'x86_64';
    throw new Unfit('no architecture');
  }

  private result([what = '', source]: readonly string[]): void {
    const lines = source === '<inline>' ? this.inline() : [];
    // Said twice: the second counts.
    if (lines.length === 0 && this.lines[this.at]?.startsWith('result ') === true) return;
    if (what === 'jobs') { this.compared(lines); return; }
    if (what !== 'rules' && !what.includes('transaction')) throw new Unfit(`a result of ${what}, not of a choice`);
    const isProblem = lines.some((line) => line.startsWith('problem'));
    if (lines.some((line) => /^(?:erase|obsoletes)/.test(line))) throw new Unfit('something is taken away');
    if (this.install.length === 0) throw new Unfit('nothing is to be installed');
    const install = this.install.map((each) => this.candidates(each));
    const numbersOf = (isMeant: (item: OraclePackage) => boolean): number[] => this.packages().flatMap((item, index) => (isMeant(item) ? [index] : []));
    const document: OracleDocument = {
      arch: this.architecture(), twins: this.twins, packages: this.packages(), disabled: numbersOf((item) => this.disabled.includes(this.label(item))),
      repositories: this.repositories.map(({ name, priority }) => ({ priority: 99 - priority, ...(name === this.installed ? { installed: true } : {}) })),
      jobs: [{ install, weak: this.weak, best: this.best, multiversion: this.multiversion, notWeak: numbersOf(({ n }) => this.notWeak.includes(n)), isLoose: this.install.some(([kind]) => kind !== 'pkg' && kind !== 'oneof') }],
    };
    if (what === 'rules') { this.rules.push({ document, wanted: install.flat(), expected: rulesIn(lines) }); return; }
    const expected = lines.flatMap((line) => /^(?:install|(?:upgrade|downgrade|change|reinstall) \S+) (\S+)@/.exec(line)?.[1] ?? []).sort();
    this.steps.push({ document, expected: isProblem ? undefined : expected });
  }
}

/** A case as what it asserts, or why it is left out. */
export function readLibsolvCase(text: string): LibsolvCase {
  const reader = new Reader(text);
  try {
    reader.read();
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    if (reader.steps.length + reader.comparisons.length + reader.rules.length === 0) return { leftOut: error.message };
  }
  const { steps, comparisons, rules } = reader;
  return steps.length + comparisons.length + rules.length > 0 ? { steps, comparisons, rules } : { leftOut: 'no result of a choice' };
}
