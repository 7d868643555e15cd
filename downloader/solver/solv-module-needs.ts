// Which streams of modules can be in force together: modulemd, "dependencies". dnf solves them before it looks at packages; this is what it was seen to choose.
import type { ModuleStream } from '../../formats/rpm/modules.ts';

/** No repository comes near; what needs more is not in force. */
const maxSteps = 20_000;

function isAccepted(streams: readonly string[], stream: string): boolean {
  const refused = streams.filter((item) => item.startsWith('-')).map((item) => item.slice(1));
  if (refused.length > 0) return !refused.includes(stream);
  return streams.length === 0 || streams.includes(stream);
}

/** Builds of one stream that need the same of other modules, whatever their contexts: they are in force together or not at all. */
export interface Variant {
  readonly builds: readonly ModuleStream[];
  /** What the first of the newest needs, platform and all. */
  readonly needs: readonly (readonly [string, readonly string[]])[];
}

const byNumber = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
const needsOf = ({ name: own, requires }: ModuleStream): [string, readonly string[]][] => requires.flatMap((needs) => Object.entries(needs).filter(([name]) => name !== own));
const keyOf = (build: ModuleStream): string => needsOf(build).filter(([name]) => name !== 'platform').map(([name, streams]) => `${name}:[${[...streams].sort().join(',')}]`).sort().join(';');

function variantOf(builds: readonly ModuleStream[]): Variant {
  const [first, ...rest] = builds;
  const newest = first === undefined ? undefined : rest.reduce((best, build) => (byNumber(build.version, best.version) > 0 ? build : best), first);
  return { builds, needs: newest === undefined ? [] : needsOf(newest) };
}

export interface Chosen {
  /** The stream of each module. */
  readonly streams: ReadonlyMap<string, string>;
  /** One for each stream. */
  readonly variants: readonly Variant[];
}

export class ModuleNeeds {
  /** Variants of each `name:stream`, in the order in which they are tried. */
  private readonly variants: ReadonlyMap<string, readonly Variant[]>;
  private readonly known: ReadonlyMap<string, readonly string[]>;
  private readonly platform: string | undefined;
  private steps = 0;

  /** `known`: streams of each module, in the order in which they are tried. */
  constructor(all: readonly ModuleStream[], known: ReadonlyMap<string, readonly string[]>, platform: string | undefined) {
    this.variants = new Map([...Map.groupBy(all, ({ name, stream }) => `${name}:${stream}`)].map(([stream, builds]) =>
      [stream, [...Map.groupBy(builds, keyOf)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, own]) => variantOf(own))]));
    this.known = known;
    this.platform = platform;
  }

  /** The builds in force: as many of the streams `wanted` as can be together, the earlier before the later, with what they need. */
  inForce(wanted: readonly (readonly [string, string])[]): Chosen {
    const all = this.together(wanted);
    if (all !== undefined) return all;
    let found: Chosen = { streams: new Map(), variants: [] };
    const kept: (readonly [string, string])[] = [];
    for (const stream of wanted) {
      const more = this.together([...kept, stream]);
      if (more === undefined) continue;
      kept.push(stream);
      found = more;
    }
    return found;
  }

  private together(wanted: readonly (readonly [string, string])[]): Chosen | undefined {
    this.steps = 0;
    return this.justify({ streams: new Map(wanted), variants: [] });
  }

  /** Finds a variant for each stream that has none yet, and streams for what these need. */
  private justify(chosen: Chosen): Chosen | undefined {
    const next = [...chosen.streams][chosen.variants.length];
    if (next === undefined) return chosen;
    for (const variant of this.variants.get(next.join(':')) ?? []) {
      this.steps += 1;
      if (this.steps > maxSteps) return undefined;
      const found = this.withNeeds({ ...chosen, variants: [...chosen.variants, variant] }, variant.needs);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private withNeeds(chosen: Chosen, [need, ...rest]: Variant['needs']): Chosen | undefined {
    if (need === undefined) return this.justify(chosen);
    const [name, accepted] = need;
    if (name === 'platform') return this.platform === undefined || isAccepted(accepted, this.platform) ? this.withNeeds(chosen, rest) : undefined;
    const fixed = chosen.streams.get(name);
    if (fixed !== undefined) return isAccepted(accepted, fixed) ? this.withNeeds(chosen, rest) : undefined;
    for (const stream of this.known.get(name) ?? []) {
      if (!isAccepted(accepted, stream)) continue;
      const found = this.withNeeds({ ...chosen, streams: new Map(chosen.streams).set(name, stream) }, rest);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
