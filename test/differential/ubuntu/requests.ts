// What machines ask of an archive in Ubuntu's layout: which pockets and repositories they have, what they prefer, what is installed, what they want.
import { Dice, type Fields } from './packages.ts';
import { codename, components, type Site } from './site.ts';

/** A machine's sources. */
export interface Setup {
  readonly architectures: readonly string[];
  /** Text of a .sources file; a line for each entry with `oneLine`. */
  readonly sources: string;
  readonly oneLine: boolean;
  /** Suites that are there, `place name`. */
  readonly pockets: readonly string[];
}

export interface Request {
  readonly specs: readonly string[];
  readonly recommends: boolean;
  readonly preferences: string;
  readonly targetRelease?: string;
  /** The machine has something already. */
  readonly installed: boolean;
  readonly phasing: 'always' | 'never' | 'by machine';
}

const machines: readonly (readonly string[])[] = [['amd64'], ['amd64', 'i386'], ['arm64'], ['amd64', 'arm64'], ['arm64', 'amd64']];
const isPort = (arch: string): boolean => arch === 'arm64';

interface Stanza { readonly uris: string; readonly suites: readonly string[]; readonly components: readonly string[]; readonly architectures?: readonly string[]; /** Said by what is taken away from all. */ readonly without?: readonly string[]; readonly key: string }

export class RequestMaker {
  private readonly dice: Dice;
  private readonly site: Site;
  /** Text of armored keys by path, for entries that hold their key themselves. */
  private readonly keyTexts: ReadonlyMap<string, string>;
  constructor(site: Site, keyTexts: ReadonlyMap<string, string>, seed: number) {
    this.site = site;
    this.keyTexts = keyTexts;
    this.dice = new Dice(seed);
  }

  setup(): Setup {
    const { dice, site } = this;
    const architectures = dice.pick(machines);
    const pockets = ['', ...['-updates', '-security', '-backports', '-proposed'].filter(() => dice.chance(0.6))];
    const own = dice.chance(0.85) ? components : components.filter((component) => component === 'main' || dice.chance(0.5));
    const inOrder = dice.chance(0.8) ? own : own.toReversed();
    const stanzas: Stanza[] = [];
    const seen: string[] = [];
    for (const place of ['archive', 'ports'] as const) {
      const here = architectures.filter((arch) => isPort(arch) === (place === 'ports'));
      if (here.length === 0) continue;
      const key = site.keys[dice.chance(0.5) ? 'new' : 'old'];
      const plain = { uris: site.addresses[place], components: inOrder, key, ...(here.length < architectures.length || dice.chance(0.3) ? (dice.chance(0.3) ? { without: architectures.filter((arch) => !here.includes(arch)) } : { architectures: here }) : {}) };
      const suites = pockets.map((pocket) => codename + pocket);
      const security = suites.filter((suite) => suite.endsWith('-security'));
      stanzas.push({ ...plain, suites: suites.filter((suite) => !security.includes(suite)) }, ...(security.length === 0 ? [] : [{ ...plain, suites: security }]));
      seen.push(...suites.map((suite) => `${place} ${suite}`));
    }
    for (const [place, suite, key] of [['esm', `${codename}-apps-security`, 'esm'], ['ppa', codename, 'ppa'], ['flat', './', 'flat'], ['modern', codename, 'ppa']] as const) {
      if (!dice.chance(0.4)) continue;
      stanzas.splice(dice.below(stanzas.length + 1), 0, { uris: site.addresses[place], suites: [suite], components: place === 'flat' ? [] : ['main'], key: site.keys[key] });
      seen.push(`${place} ${suite}`);
    }
    const oneLine = dice.chance(0.4);
    return { architectures, oneLine, pockets: seen, sources: stanzas.map((stanza) => (oneLine ? linesOf(stanza) : this.deb822(stanza))).join(oneLine ? '' : '\n') };
  }

  private deb822({ uris, suites, components: own, architectures, without = [], key }: Stanza): string {
    const { dice } = this;
    const inline = dice.chance(0.25) ? this.keyTexts.get(key)?.trimEnd().split(/\r?\n/).map((line) => ` ${line === '' ? '.' : line}`).join('\n') : undefined;
    return [
      'Types: deb', `URIs: ${uris}`, `Suites: ${suites.join(' ')}`, ...(own.length === 0 ? [] : [`Components: ${own.join(' ')}`]),
      ...(architectures === undefined ? [] : [`Architectures: ${architectures.join(' ')}`]), ...(without.length === 0 ? [] : [`Architectures-Remove: ${without.join(' ')}`]), `Signed-By:${inline === undefined ? ` ${key}` : `\n${inline}`}`,
      ...(dice.chance(0.1) ? ['By-Hash: force'] : []), '',
    ].join('\n');
  }

  /** What is there in the setup's pockets, of its architectures. */
  private offered({ pockets, architectures }: Setup, among?: (pocket: string) => boolean): Fields[] {
    return pockets.filter((pocket) => among?.(pocket) ?? true).flatMap((pocket) => this.site.pockets.get(pocket) ?? []).filter(({ Architecture = '' }) => Architecture === 'all' || architectures.includes(Architecture));
  }

  private name(setup: Setup): string {
    const [native] = setup.architectures;
    const offered = this.offered(setup).filter(({ Architecture }) => Architecture === native || Architecture === 'all');
    return this.dice.pick(offered)['Package'] ?? '';
  }

  /** A suite that has it, as a rule. */
  private suiteOf({ pockets }: Setup, { Package: name }: Fields): string {
    const having = pockets.filter((pocket) => this.site.pockets.get(pocket)?.some((fields) => fields['Package'] === name));
    const suite = this.dice.pick(this.dice.chance(0.9) && having.length > 0 ? having : pockets).split(' ')[1];
    return suite === undefined || suite === './' ? codename : suite;
  }

  private spec(setup: Setup, installed: readonly string[]): string {
    const { dice } = this;
    const [native = '', ...foreign] = setup.architectures;
    const value = dice.below(20);
    const some = dice.pick(this.offered(setup));
    const label = `${some['Package']}${some['Architecture'] === native || some['Architecture'] === 'all' ? '' : `:${some['Architecture']}`}`;
    if (value < 2) return `${label}=${some['Version']}`;
    if (value === 2) return `${label}=${dice.pick([`${some['Version']?.slice(0, 1)}*`, `*${some['Version']?.slice(-2)}`, '*u1', '*bpo1'])}`;
    if (value < 5) return `${label}/${this.suiteOf(setup, some)}`;
    if (value === 5 && foreign.length > 0) return `${this.name(setup)}:${dice.pick(foreign)}`;
    if (value === 6) return `${this.name(setup)}-`;
    if (value === 7) return dice.pick(['server^', 'ubuntu-desktop-minimal^', 'cloud-image^']);
    if (value === 8) return `${this.name(setup).slice(0, -1)}*`;
    if (value < 13 && installed.length > 0) return dice.pick(installed);
    if (value === 13) return dice.pick(this.offered(setup, (pocket) => !pocket.endsWith(` ${codename}`)).concat(some))['Package'] ?? '';
    return this.name(setup);
  }

  request(setup: Setup, installed: readonly string[]): Request {
    const { dice } = this;
    const hasInstalled = installed.length > 0 && dice.chance(0.6);
    const specs = [...new Set(Array.from({ length: 1 + (dice.chance(0.4) ? dice.below(4) : 0) }, () => this.spec(setup, hasInstalled ? installed : [])))];
    return {
      specs: specs.every((spec) => spec.endsWith('-')) ? [...specs, this.name(setup)] : specs, recommends: dice.chance(0.5), installed: hasInstalled,
      preferences: Array.from({ length: dice.chance(0.4) ? 1 + dice.below(3) : 0 }, () => this.preference(setup)).join('\n'),
      ...(dice.chance(0.25) ? { targetRelease: dice.pick(setup.pockets).split(' ')[1]?.replace('./', codename) ?? codename } : {}),
      phasing: dice.pick(['always', 'never', 'by machine']),
    };
  }

  private preference(setup: Setup): string {
    const { dice } = this;
    const [packages, pin] = dice.chance(0.35)
      ? [this.name(setup), dice.pick(['version *+u*', 'version *bpo*', 'version 1*', 'release a=novel-proposed', 'release o=UbuntuESMApps', 'release c=universe'])]
      : [dice.pick(['*', '*', `${this.name(setup).slice(0, 2)}*`, `src:${this.name(setup)}`]), dice.pick([
        'release a=novel-backports', 'release a=novel-proposed', 'release n=novel', 'release o=LP-PPA-someone-tools', 'release o=LP-PPA-*', 'release o=Ubuntu,a=novel-security', 'release v=24.04', 'release l=Ubuntu,c=universe',
        'release a=novel*', 'release b=i386', 'origin 127.0.0.4', 'origin 127.0.0.3', 'origin "127.0.0.1"', 'release o=Flat', 'release novel-updates',
      ])];
    return `Package: ${packages}\nPin: ${pin}\nPin-Priority: ${dice.pick([-1, 1, 50, 100, 400, 499, 501, 600, 990, 1001])}\n`;
  }
}

function linesOf({ uris, suites, components: own, architectures, without = [], key }: Stanza): string {
  const options = [...(architectures === undefined ? [] : [`arch=${architectures.join(',')}`]), ...(without.length === 0 ? [] : [`arch-=${without.join(',')}`]), `signed-by=${key}`].join(' ');
  return suites.map((suite) => `deb [${options}] ${[uris, suite, ...own].join(' ')}\n`).join('');
}
