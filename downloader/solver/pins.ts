// The priority of each version: apt_preferences(5) of apt 2.6, "Determination of Package Installation Priority"; behaviour checked by `npm run differential -- pins`.
import type { Preference, ReleaseFacts } from '../../formats/deb/preferences.ts';
import { expressionOf, writtenExpression } from '../../formats/deb/expression.ts';
import { globToRegExp, isGlob, versionMatcher } from '../../formats/deb/version.ts';
import type { IndexInput, Universe } from './universe.ts';

type Matcher = (text: string) => boolean;

/** Literal text, a glob, or `/an extended regular expression/` that may match anywhere, in any case. */
function matcherOf(pattern: string): Matcher {
  const written = writtenExpression(pattern);
  if (written !== undefined) {
    const expression = expressionOf(written);
    return (text) => expression.test(text);
  }
  if (!isGlob(pattern)) return (text) => text === pattern;
  const expression = globToRegExp(pattern);
  return (text) => expression.test(text);
}

const keys: Readonly<Record<string, keyof ReleaseFacts>> = { a: 'suite', n: 'codename', o: 'origin', l: 'label', v: 'version', c: 'component', b: 'architecture' };

/** Whether a release is what `value` says: `stable`, `12`, `a=stable, o=Debian`, or `*`. */
export function releaseMatcher(value: string): (facts: ReleaseFacts) => boolean {
  const text = value.trim();
  if (text === '*') return () => true;
  if (!text.includes('=')) {
    const matches = matcherOf(text);
    const isVersion = /^\d/.test(text);
    return ({ suite, codename, version }) => (isVersion ? version !== undefined && matches(version) : [suite, codename].some((name) => name !== undefined && matches(name)));
  }
  const parts = new Map<keyof ReleaseFacts, Matcher>();
  for (const part of text.split(',')) {
    const [, letter = '', pattern = ''] = /^\s*([A-Za-z])\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const key = keys[letter.toLowerCase()];
    if (key !== undefined) parts.set(key, matcherOf(pattern.replace(/^"(.*)"$/, '$1')));
  }
  return (facts) => parts.size > 0 && [...parts].every(([key, matches]) => { const fact = facts[key]; return fact !== undefined && matches(fact); });
}

interface Rule {
  readonly preference: Preference;
  /** By number of the index: whether the record speaks of what it offers. Undefined for records of versions. */
  readonly index: ((input: IndexInput) => boolean) | undefined;
  readonly version: Matcher | undefined;
}

interface NamedRule extends Rule { readonly matches: (name: string, arch: number) => boolean; readonly matchesSource: Matcher | undefined }

function ruleOf(preference: Preference): Rule {
  const { kind, value } = preference;
  if (kind === 'version') return { preference, index: undefined, version: versionMatcher(value) };
  if (kind === 'release') {
    const matches = releaseMatcher(value);
    return { preference, version: undefined, index: ({ release }) => release !== undefined && matches(release) };
  }
  const host = /^"(.*)"$/.exec(value)?.[1] ?? value;
  const matches = matcherOf(host);
  return { preference, version: undefined, index: ({ release }) => release?.site !== undefined && (host === '' ? release.site === '' : release.site !== '' && matches(release.site)) };
}

/** `name` means the native architecture, `name:any` all of them. */
function namedRules(preference: Preference, architectures: readonly string[]): NamedRule[] {
  return preference.packages.filter((name) => name !== '*').map((written) => {
    const isSource = written.startsWith('src:');
    const [, base = '', suffix] = /^(.*?)(?::([A-Za-z0-9-]+))?$/.exec(isSource ? written.slice(4) : written) ?? [];
    const matchesName = matcherOf(base);
    const fitsArch = (arch: number): boolean => (suffix === undefined || suffix === 'native' ? arch === 0 : suffix === 'any' || suffix === architectures[arch]);
    return { ...ruleOf(preference), matches: (name, arch) => fitsArch(arch) && (isSource || matchesName(name)), matchesSource: isSource ? matchesName : undefined };
  });
}

export interface PinOptions {
  readonly preferences: readonly Preference[];
  /** `apt-get -t`: 990 for what matches, before the preferences. */
  readonly targetRelease?: string;
}

/** Below every priority that can be written. */
const never = -32_768;

/** Priorities of versions; below 1: not to be installed. */
export class PinPolicy {
  private readonly universe: Universe;
  private readonly named: readonly NamedRule[];
  private readonly general: readonly Rule[];
  private readonly byIndex = new Map<number, number>();
  private readonly known = new Map<number, number>();
  private readonly byName = new Map<number, readonly NamedRule[]>();

  constructor(universe: Universe, { preferences, targetRelease }: PinOptions) {
    this.universe = universe;
    this.named = preferences.flatMap((preference) => namedRules(preference, universe.architectures));
    const first: Preference[] = targetRelease === undefined ? [] : [{ packages: ['*'], kind: 'release', value: targetRelease, priority: 990 }];
    this.general = [...first, ...preferences.filter(({ packages }) => packages.includes('*'))].map(ruleOf);
  }

  priorityOf(version: number): number {
    let known = this.known.get(version);
    if (known === undefined) {
      known = this.find(version);
      this.known.set(version, known);
    }
    return known;
  }

  private find(version: number): number {
    const { universe } = this;
    const indexes = universe.indexesOf(version);
    const most = indexes.map((index) => this.indexPriority(index)).filter((priority) => priority !== Number.NEGATIVE_INFINITY);
    if (most.length === 0) return never;
    const rule = this.rulesFor(universe.ownerOf(version)).find((each) => each.matchesSource?.(universe.sourceOf(version)) !== false
      && (each.version?.(universe.versionText(version)) ?? indexes.some((index) => each.index?.(universe.inputAt(index)) === true)));
    if (rule === undefined) return Math.max(...most);
    return rule.preference.priority === 'never' ? never : rule.preference.priority;
  }

  private rulesFor(pkg: number): readonly NamedRule[] {
    if (this.named.length === 0) return [];
    const { universe } = this;
    let rules = this.byName.get(pkg);
    if (rules === undefined) {
      const name = universe.names.nameOf(universe.nameOf(pkg));
      rules = this.named.filter((rule) => rule.matches(name, universe.archOf(pkg)));
      this.byName.set(pkg, rules);
    }
    return rules;
  }

  private indexPriority(index: number): number {
    let known = this.byIndex.get(index);
    if (known === undefined) {
      const input = this.universe.inputAt(index);
      const rules = this.general.filter((each) => each.index?.(input) === true).map(({ preference }) => preference.priority);
      const [own = input.priority] = rules;
      known = own === 'never' || rules.includes('never') ? Number.NEGATIVE_INFINITY : own;
      this.byIndex.set(index, known);
    }
    return known;
  }
}
