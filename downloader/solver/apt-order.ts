// In which order apt's repair step looks at packages of the same score: that of its package table (rows by a hash of the name), put in order by
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

/** Every package that apt's table has, row by row. */
function tableOrder(universe: Universe): number[] {
  const rows: { readonly name: number; readonly row: number }[] = [];
  for (let name = 0; name < universe.names.size; name += 1) rows.push({ name, row: rowOf(universe.names.nameOf(name)) });
  rows.sort((a, b) => a.row - b.row);
  return rows.flatMap(({ name }) => universe.architectures.map((_, arch) => universe.packageOf(name, arch)).filter((pkg, arch) => arch === 0 || universe.versionsOf(pkg).length > 0));
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
