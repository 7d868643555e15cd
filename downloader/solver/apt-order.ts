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

/** Where one of these is offered, apt's table has two packages of its own. */
const kernelImage = /^linux-image-\d.*(?<!-dbg)$/;

/**
 * What apt's table has and the universe has not, by name: `name:any` of what is Multi-Arch: allowed and of what that provides; where something mentions `name:arch` and `arch` is
 * none of the target's, a package of that name; what comes with kernels. With numbers by which they stand among packages of that name.
 */
function onlyInTable(universe: Universe, texts: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const add = (name: string, id: number): void => { found.set(name, [...(found.get(name) ?? []), id]); };
  for (const [name, text] of texts.entries()) {
    if (text.startsWith('linux-image-') && !found.has('$kernel') && kernelImage.test(text) && universe.architectures.some((_, arch) => universe.versionsOf(universe.packageOf(name, arch)).length > 0)) {
      add('$kernel', 0);
      add('$kernel', 1);
    }
    const end = text.indexOf(':');
    const arch = end < 0 ? undefined : text.slice(end + 1);
    if (arch !== undefined && arch !== 'any' && !universe.architectures.includes(arch)) add(text.slice(0, end), universe.idOf(universe.packageOf(name, 0)));
  }
  for (let version = 0; version < universe.versionCount; version += 1) {
    if (universe.multiArchOf(version) !== 'allowed') continue;
    for (const name of [universe.nameOf(universe.ownerOf(version)), ...universe.providedBy(version)]) {
      const whole = `${texts[name]}:any`;
      if (universe.names.find(whole) < 0 && !found.has(whole)) add(whole, 0);
    }
  }
  return found;
}

/** Numbers of `texts` row by row; in a row the shorter one first, then by bytes. */
function byRow(texts: readonly string[]): number[] {
  const last = new Int32Array(tableRows).fill(-1);
  const before = new Int32Array(texts.length);
  for (const [index, text] of texts.entries()) {
    const row = rowOf(text);
    before[index] = last[row] as number;
    last[row] = index;
  }
  const sorted: number[] = [];
  for (const end of last) {
    const row: number[] = [];
    for (let index = end; index >= 0; index = before[index] as number) row.push(index);
    if (row.length > 1) row.sort((a, b) => (texts[a] ?? '').length - (texts[b] ?? '').length || ((texts[a] ?? '') < (texts[b] ?? '') ? -1 : 1));
    for (const index of row) sorted.push(index);
  }
  return sorted;
}

/** Every package that was ever mentioned, as apt's table has them, those of one name in the order of their mention; -1 for what is none of the universe. */
export function tableOrder(universe: Universe): number[] {
  const texts = Array.from({ length: universe.names.size }, (_, name) => universe.names.nameOf(name));
  const more = onlyInTable(universe, texts);
  texts.push(...[...more.keys()].filter((text) => universe.names.find(text) < 0));
  return byRow(texts).flatMap((name) => {
    const own = name >= universe.names.size ? [] : universe.architectures.map((_, arch) => universe.packageOf(name, arch)).filter((pkg) => universe.idOf(pkg) >= 0);
    const others = more.get(texts[name] ?? '');
    if (own.length < 2 && others === undefined) return own;
    return [...own.map((pkg) => ({ pkg, id: universe.idOf(pkg) })), ...(others ?? []).map((id) => ({ pkg: -1, id }))].sort((a, b) => a.id - b.id).map(({ pkg }) => pkg);
  });
}

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
