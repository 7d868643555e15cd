// In which order apt's repair step looks at packages of the same score: that of its package table (rows by a hash of the name, as `apt-cache dump` prints it), put in order by
// an introsort, which does not keep equal ones as they were. Measured with Debug::pkgProblemResolver::ShowScores over some hundred names of one score.
import type { Universe } from './universe.ts';

/** Rows of apt's package table (APT::Cache-HashTableSize). */
const tableRows = 196_613;

/** D. J. Bernstein's hash, of the name in small letters. */
function rowOf(name: string): number {
  let hash = 5381;
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    hash = (Math.imul(hash, 33) + (code >= 65 && code <= 90 ? code | 0x20 : code)) >>> 0;
  }
  return hash % tableRows;
}

/** Packages of one name, in the order in which they were first mentioned; -1 is what apt's table has and the universe has not. */
interface Group { readonly name: string; readonly row: number; readonly members: { readonly pkg: number; readonly id: number }[] }

/** Where one of these is offered, apt's table has two packages of its own. */
const kernelImage = /^linux-image-\d.*(?<!-dbg)$/;

/** What apt's table has beside what stanzas mention: `name:any` of what is Multi-Arch: allowed, and of what that provides. */
function namesOfAllowed(universe: Universe): string[] {
  return Array.from({ length: universe.versionCount }, (_, version) => version).filter((version) => universe.multiArchOf(version) === 'allowed')
    .flatMap((version) => [universe.nameOf(universe.ownerOf(version)), ...universe.providedBy(version)].map((name) => `${universe.names.nameOf(name)}:any`));
}

/** Every name of apt's table, row by row; in a row the shorter one first, then by bytes. `name:arch` is a name, and a package of that name where `arch` is none of the target's. */
export function tableGroups(universe: Universe): readonly Group[] {
  const groups = new Map<string, Group>();
  const groupOf = (name: string): Group => {
    const known = groups.get(name) ?? { name, row: rowOf(name), members: [] };
    groups.set(name, known);
    return known;
  };
  for (let name = 0; name < universe.names.size; name += 1) {
    const text = universe.names.nameOf(name);
    const [base = '', arch] = text.split(':');
    const packages = arch === undefined ? universe.architectures.map((_, each) => universe.packageOf(name, each)) : [universe.packageOf(name, 0)];
    const members = packages.map((pkg) => ({ pkg, id: universe.idOf(pkg) })).filter(({ id }) => id >= 0);
    if (members.length > 0) groupOf(text).members.push(...members);
    const [whole] = members;
    if (arch !== undefined && whole !== undefined && arch !== 'any' && !universe.architectures.includes(arch)) groupOf(base).members.push({ pkg: -1, id: whole.id });
  }
  for (const name of namesOfAllowed(universe)) if (!groups.has(name)) groupOf(name).members.push({ pkg: -1, id: 0 });
  const hasKernel = [...groups.values()].some(({ name, members }) => kernelImage.test(name) && members.some(({ pkg }) => pkg >= 0 && universe.versionsOf(pkg).length > 0));
  if (hasKernel) groupOf('$kernel').members.push({ pkg: -1, id: 0 }, { pkg: -1, id: 1 });
  for (const { members } of groups.values()) if (members.length > 1) members.sort((a, b) => a.id - b.id);
  return [...groups.values()].sort((a, b) => a.row - b.row || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
}

const tableOrder = (universe: Universe): number[] => tableGroups(universe).flatMap(({ members }) => members.map(({ pkg }) => pkg));

/** Below this many items are left to the insertion at the end. */
const threshold = 16;

type Before = (a: number, b: number) => boolean;

function swap(items: number[], a: number, b: number): void {
  [items[a], items[b]] = [items[b] as number, items[a] as number];
}

/** Puts the median of the second, the middle and the last item first, and parts the rest by it; where the second part begins. */
function partition(items: number[], first: number, last: number, before: Before): number {
  const at = (index: number): number => items[index] as number;
  const [a, b, c] = [first + 1, first + ((last - first) >> 1), last - 1];
  const median = before(at(a), at(b)) ? (before(at(b), at(c)) ? b : before(at(a), at(c)) ? c : a) : before(at(a), at(c)) ? a : before(at(b), at(c)) ? c : b;
  swap(items, first, median);
  let [low, high] = [first + 1, last];
  for (;;) {
    while (before(at(low), at(first))) low += 1;
    high -= 1;
    while (before(at(first), at(high))) high -= 1;
    if (low >= high) return low;
    swap(items, low, high);
    low += 1;
  }
}

/** Musser's introsort (Software: Practice and Experience 27, 1997) without its heap sort, which equal halves never lead to. */
function introsort(items: number[], before: Before): void {
  const parts: [number, number][] = [[0, items.length]];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const [first, last] = part;
    if (last - first <= threshold) continue;
    const cut = partition(items, first, last, before);
    parts.push([first, cut], [cut, last]);
  }
  for (let index = 1; index < items.length; index += 1) {
    const item = items[index] as number;
    let at = index;
    while (at > 0 && before(item, items[at - 1] as number)) {
      items[at] = items[at - 1] as number;
      at -= 1;
    }
    items[at] = item;
  }
}

/** All packages, those of the higher score first. */
export function inRepairOrder(universe: Universe, scoreOf: (pkg: number) => number): number[] {
  const order = tableOrder(universe);
  introsort(order, (a, b) => scoreOf(a) > scoreOf(b));
  return order;
}
