// What an archive in Ubuntu's layout is made of: stanzas as they are released, and the same built again for its pockets.
import { createHash } from 'node:crypto';
import { solveAptClassic } from '../../../downloader/solver/apt-classic.ts';
import { BundleError } from '../../../bom/errors.ts';
import { packageSets } from '../apt-sets.ts';
import { randomFrom, randomUniverse } from '../random-universe.ts';
import { openPair } from '../real-apt.ts';

/** A stanza by field; `Package`, `Version` and `Architecture` are always there. */
export type Fields = Readonly<Record<string, string>>;

export const relationFields = ['Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Conflicts', 'Breaks', 'Replaces', 'Enhances', 'Provides'] as const;
const kept: ReadonlySet<string> = new Set(['Package', 'Source', 'Version', 'Architecture', 'Multi-Arch', 'Priority', 'Section', 'Essential', 'Important', 'Protected', ...relationFields]);

export const textOf = (fields: Fields): string => `${Object.entries(fields).map(([name, value]) => `${name}: ${value}`).join('\n')}\n`;
export const sourceOf = (fields: Fields): string => fields['Source']?.replace(/ .*/, '') ?? fields['Package'] ?? '';
/** A number from 0 to 1 that a text always has. */
export const shareOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE() / 0x1_0000_0000;

export class Dice {
  private readonly random: () => number;
  constructor(seed: number) { this.random = randomFrom(seed); }
  below(limit: number): number { return Math.floor(this.random() * limit); }
  chance(share: number): boolean { return this.random() < share; }
  pick<T>(items: readonly T[]): T { return items[this.below(items.length)] as T; }
}

/** Some forty to a hundred packages of several universes with names of their own, some of them `all`. */
export function handMade(seed: number, architectures: readonly string[]): Fields[] {
  const found: Fields[] = [];
  for (const [index, prefix] of ['a', 'b', 'c', 'd'].entries()) {
    // Most of what nothing could meet is taken out, or half of all requests would be refused.
    const named = (text: string): string => text.replace(/\bx(\d+)\b/g, (whole, number: string) => (shareOf(`${seed} ${text}`) < 0.05 ? whole : `p${number}`)).replace(/ \([<>]=? ?[^)]*\)/g, (whole) => (shareOf(`${seed} ${text} ${whole}`) < 0.2 ? whole : '')).replace(/\b([pvx]\d+)\b/g, `${prefix}$1`);
    const { packages } = randomUniverse(seed * 10 + index, { conflicts: 0.03, architectures: [...architectures] });
    for (const { name, version, arch, fields } of packages) {
      const isAll = shareOf(`${seed} ${prefix} ${name}`) < 0.2;
      if (isAll && arch !== architectures[0]) continue;
      const { 'Multi-Arch': multi, ...rest } = fields;
      const own = Object.fromEntries(Object.entries(rest).map(([field, value]) => [field, relationFields.some((each) => each === field) ? named(value) : value]));
      const source = shareOf(`source ${seed} ${prefix} ${name}`) < 0.3 ? { Source: `${prefix}src${Math.floor(shareOf(name) * 4)}` } : {};
      found.push({ Package: named(name), ...source, Version: version, Architecture: isAll ? 'all' : arch, ...(multi === undefined || (isAll && multi === 'same') ? {} : { 'Multi-Arch': multi }), ...own });
    }
  }
  return found;
}

/** The closures, Recommends included, of some of the fixed sets in this machine's own Debian, amd64 and arm64; amd64's stand for i386 too. */
export async function fromTheMachine(seed: number, sets: number): Promise<Fields[]> {
  const dice = new Dice(seed);
  const wanted = Array.from({ length: sets }, () => dice.pick(packageSets));
  const found = new Map<string, Fields>();
  for (const arch of ['amd64', 'arm64']) {
    const { offer: { universe }, close } = await openPair([arch]);
    try {
      for (const set of wanted) {
        try {
          const { chosen } = solveAptClassic(universe, { wanted: set.split(/\s+/), recommends: true, mode: 'closure', installed: new Map() });
          for (const { version } of chosen) found.set(`${universe.label(universe.ownerOf(version))} ${universe.versionText(version)} ${universe.archText(version)}`, fieldsOf(universe.stanzaOf(version)));
        } catch (error) {
          if (!(error instanceof BundleError)) throw error;
        }
      }
    } finally {
      await close();
    }
  }
  return [...found.values()].flatMap((fields) => (fields['Architecture'] === 'amd64' ? [fields, { ...fields, Architecture: 'i386' }] : [fields]));
}

function fieldsOf(stanza: string): Fields {
  const fields: Record<string, string> = {};
  for (const [, name = '', value = ''] of stanza.matchAll(/^([A-Za-z-]+):[ \t]*(.*)$/gm)) if (kept.has(name)) fields[name] = value;
  return fields;
}

/** Packages of one source in a later version: their relations to each other in exactly their version follow. */
export function rebuilt(packages: readonly Fields[], suffix: string): Fields[] {
  const versions = new Set(packages.map((fields) => `${fields['Package']} ${fields['Version']}`));
  return packages.map((fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => {
    if (name === 'Version') return [name, value + suffix];
    if (!relationFields.some((field) => field === name)) return [name, value];
    return [name, value.replace(/([a-z0-9][a-z0-9+.-]*)(:\w+)? \(= ([^)]+)\)/g, (whole, other: string, arch: string | undefined, version: string) => (versions.has(`${other} ${version}`) ? `${other}${arch ?? ''} (= ${version}${suffix})` : whole))];
  })));
}
