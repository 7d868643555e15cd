// libsolv's own test cases: libsolv(3), libsolv-tools' testsolv(1). Only the parts that choosing for an empty machine needs; anything else is a reason to leave a case out.
import { parseRich, type RichRelation } from '../../../formats/rpm/relation.ts';
import { relationText } from '../../../formats/rpm/relation.ts';
import type { OracleDocument, OraclePackage } from './oracle.ts';

export interface CaseStep {
  readonly document: OracleDocument;
  /** `name-version.arch`, sorted; undefined: a problem is expected. */
  readonly expected: readonly string[] | undefined;
}

export type LibsolvCase = { readonly steps: readonly CaseStep[] } | { readonly leftOut: string };

const fields: Readonly<Record<string, string>> = { Req: 'requires', Prv: 'provides', Con: 'conflicts', Obs: 'obsoletes', Rec: 'recommends', Sug: 'suggests', Sup: 'supplements', Enh: 'enhances' };
const richWords: Readonly<Record<string, string>> = { '&': 'and', '|': 'or', '<IF>': 'if', '<UNLESS>': 'unless', '<ELSE>': 'else', '+': 'with', '-': 'without' };

class Unfit extends Error {}

function bracketed(rich: RichRelation): string {
  if (rich.kind === 'plain') return relationText(rich.relation);
  if ('then' in rich) return `(${bracketed(rich.then)} ${rich.kind} ${bracketed(rich.condition)}${rich.otherwise === undefined ? '' : ` else ${bracketed(rich.otherwise)}`})`;
  return `(${bracketed(rich.left)} ${rich.kind} ${bracketed(rich.right)})`;
}

/** testsolv writes `A & B`, `A <IF> B`, also without parentheses around the whole. */
function relation(text: string): string {
  const words = text.split(/\s+/).map((word) => richWords[word] ?? word).join(' ');
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
  private multiversion: string[] = [];
  readonly steps: CaseStep[] = [];

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
      case 'poolflags':
        if (rest.some((flag) => flag !== 'implicitobsoleteusescolors')) throw new Unfit(`pool flag ${rest.join(' ')}`);
        this.twins = true;
        return;
      case 'solverflags':
        this.weak = !rest.includes('ignorerecommended');
        if (rest.some((flag) => !['ignorerecommended', 'allowuninstall', 'keeporphans', 'bestobeypolicy', 'yumobsoletes', 'allowvendorchange', 'noautotarget'].includes(flag))) throw new Unfit(`solver flag ${rest.join(' ')}`);
        return;
      case 'feature': return;
      case 'job': this.job(rest); return;
      case 'result': this.result(rest); return;
      case 'nextjob':
        this.install = [];
        this.multiversion = [];
        return;
      default: throw new Unfit(`command ${word}`);
    }
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
    if (arch === 'unset' && this.packages().every(({ a }) => a === 'noarch')) this.arch = 'x86_64';
    else if (!/^(?:i686|x86_64)$/.test(arch)) throw new Unfit(`architecture ${arch}`);
    if ((this.repositories.find(({ name }) => name === installed)?.packages.length ?? 0) > 0) throw new Unfit('something is installed');
    if (arch !== 'unset') this.arch = arch;
  }

  private packages(): OraclePackage[] { return this.repositories.flatMap(({ packages }) => packages); }

  private job([verb = '', kind = '', ...rest]: readonly string[]): void {
    const last = rest.at(-1) ?? '';
    if (/^\[.*\]$/.test(last)) throw new Unfit(`job modifier ${last}`);
    if (verb === 'multiversion' && (kind === 'name' || kind === 'provides')) this.multiversion.push(rest.join(' '));
    else if (verb === 'install' && ['name', 'provides', 'pkg', 'oneof'].includes(kind)) this.install.push([kind, ...rest]);
    else throw new Unfit(`job ${verb} ${kind}`);
  }

  private candidates([kind = '', ...rest]: readonly string[]): number[] {
    const packages = this.packages();
    const label = ({ n, e, a, r }: OraclePackage): string => `${n}-${e}.${a}@${this.repositories[r]?.name}`;
    return packages.flatMap((item, index) => {
      const isMatch = kind === 'pkg' || kind === 'oneof' ? rest.includes(label(item)) : kind === 'name' ? rest.length === 1 && item.n === rest[0]
        : rest.length === 1 && (item.n === rest[0] || (item.deps.provides ?? []).some((text) => text.split(' ')[0] === rest[0]));
      return isMatch ? [index] : [];
    });
  }

  private result([what = '', source]: readonly string[]): void {
    const lines = source === '<inline>' ? this.inline() : [];
    if (!what.includes('transaction')) throw new Unfit(`a result of ${what}, not of a choice`);
    if (this.arch === 'unset') throw new Unfit('no architecture');
    const isProblem = lines.some((line) => line.startsWith('problem'));
    if (lines.some((line) => /^(?:erase|upgrade|downgrade|reinstall|change|obsoletes)/.test(line))) throw new Unfit('something is installed');
    if (this.install.length === 0) throw new Unfit('no install job');
    const install = this.install.map((each) => this.candidates(each));
    const document: OracleDocument = {
      arch: this.arch, twins: this.twins, packages: this.packages(), repositories: this.repositories.map(({ priority }) => ({ priority: 99 - priority })),
      jobs: [{ install, weak: this.weak, best: false, multiversion: this.multiversion, isLoose: this.install.some(([kind]) => kind !== 'pkg' && kind !== 'oneof') }],
    };
    const expected = lines.flatMap((line) => /^install (\S+)@/.exec(line)?.[1] ?? []).sort();
    this.steps.push({ document, expected: isProblem ? undefined : expected });
  }
}

/** A case as steps, or why it is left out. */
export function readLibsolvCase(text: string): LibsolvCase {
  const reader = new Reader(text);
  try {
    reader.read();
  } catch (error) {
    if (error instanceof Unfit) return reader.steps.length > 0 ? { steps: reader.steps } : { leftOut: error.message };
    throw error;
  }
  return reader.steps.length > 0 ? { steps: reader.steps } : { leftOut: 'no result of a choice' };
}
