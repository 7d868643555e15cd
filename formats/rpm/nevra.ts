// Names of packages as rpm prints them: rpm(8), "QUERY OPTIONS"; modulemd writes artifacts in the same way, always with the epoch.
import { type Evr, parseEvr } from './evr.ts';

export interface Nevra {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
}

/** `name-[epoch:]version-release.arch`, with `(none)` or nothing for no epoch; undefined when the text is none. */
export function parseNevra(text: string): Nevra | undefined {
  const [, name, evr, arch] = /^(.+)-((?:\(none\):|\d+:)?[^-:]+-[^-:]+)\.([^-:.]+)$/.exec(text) ?? [];
  if (name === undefined || evr === undefined || arch === undefined) return undefined;
  return { name, evr: parseEvr(evr.replace(/^\(none\):/, '')), arch };
}
