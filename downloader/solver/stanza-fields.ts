// Which field of a binary package's stanza is which, by bytes: Debian Policy 4.7, section 5.3; Multi-Arch from deb-control(5).

export const relationFields = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Recommends', 'Suggests', 'Replaces', 'Enhances'] as const;
export type RelationField = (typeof relationFields)[number];
export type MultiArch = 'no' | 'same' | 'foreign' | 'allowed';

const names = ['package', 'version', 'architecture', 'priority', 'essential', 'important', 'protected', 'multi-arch', 'provides', 'size', 'installed-size', ...relationFields.map((field) => field.toLowerCase())];

/** Numbers of the fields that solving reads. */
export const slots = { package: 0, version: 1, architecture: 2, priority: 3, essential: 4, important: 5, protected: 6, multiArch: 7, provides: 8, size: 9, installedSize: 10, relations: 11 } as const;
export const slotCount = names.length;

/** Slots whose text is kept for solving, in the order in which it is kept; everything else becomes a number. */
export const keptSlots: readonly number[] = [slots.version, slots.provides, ...relationFields.map((_, index) => slots.relations + index)];
export const kept = { version: 0, provides: 1, relations: 2 } as const;

const byLength = Array.from({ length: 16 }, (_, length) => names.map((name, slot) => ({ codes: Buffer.from(name), slot })).filter(({ codes }) => codes.length === length));

/** The slot of the field name in `bytes`, whatever its case; -1 for a field that solving does not read. */
export function slotOf(bytes: Buffer, start: number, end: number): number {
  const candidates = byLength[end - start];
  if (candidates === undefined) return -1;
  for (const { codes, slot } of candidates) {
    let at = 0;
    while (at < codes.length && ((bytes[start + at] as number) | 0x20) === ((codes[at] as number) | 0x20)) at += 1;
    if (at === codes.length) return slot;
  }
  return -1;
}

const multiArchKinds: readonly MultiArch[] = ['no', 'same', 'foreign', 'allowed'];
const essentialBit = 1;
const importantBit = 2;
const allBit = 256;

/** Whether a stanza says `Multi-Arch: foreign`; `at` is where the value of a slot begins, or -1. */
export const saysForeign = (bytes: Buffer, at: (slot: number) => number): boolean => at(slots.multiArch) >= 0 && multiArchKinds[kindOf(bytes[at(slots.multiArch)] as number)] === 'foreign';

/** What a stanza without the field has: it comes before all others. */
export const noPriority = 6;

/** required, important, standard, optional, extra by their first letters; 5 for anything else. */
function priorityOf(code: number): number {
  switch (code | 0x20) {
    case 0x20: return noPriority;
    case 114: return 0;
    case 105: return 1;
    case 115: return 2;
    case 111: return 3;
    case 101: return 4;
    default: return 5;
  }
}

function kindOf(code: number): number {
  switch (code | 0x20) {
    case 115: return 1;
    case 102: return 2;
    case 97: return 3;
    default: return 0;
  }
}

/** By these apt tells builds of one version apart, whatever else is alike (by experiment with apt 2.6). */
const contentSlots: readonly number[] = [
  slots.size, slots.installedSize, slots.multiArch, ...(['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Replaces'] as const).map((field) => slots.relations + relationFields.indexOf(field)),
];

/** A number that two stanzas share when apt takes them for one build (FNV-1a; blanks do not count). `at` and `endOf` are the bounds of a slot's value, or -1. */
export function contentOf(bytes: Buffer, at: (slot: number) => number, endOf: (slot: number) => number): number {
  let hash = 0x811c9dc5;
  for (const slot of contentSlots) {
    hash = Math.imul(hash ^ slot, 0x01000193);
    if (at(slot) < 0) continue;
    for (let index = at(slot); index < endOf(slot); index += 1) {
      const code = bytes[index] as number;
      if (code > 32) hash = Math.imul(hash ^ code, 0x01000193);
    }
  }
  return hash | 0;
}

/** A few fields in one number. `at` is where the value of a slot begins, or -1. */
export function packFlags(bytes: Buffer, at: (slot: number) => number, isAll: boolean): number {
  const code = (slot: number): number => (at(slot) < 0 ? 0 : bytes[at(slot)] as number);
  const yes = (slot: number): boolean => (code(slot) | 0x20) === 121;
  return (yes(slots.essential) ? essentialBit : 0) | (yes(slots.important) || yes(slots.protected) ? importantBit : 0)
    | (priorityOf(code(slots.priority)) << 2) | (kindOf(code(slots.multiArch)) << 6) | (isAll ? allBit : 0);
}

export const flagged = {
  essential: (flags: number): boolean => (flags & essentialBit) !== 0,
  important: (flags: number): boolean => (flags & importantBit) !== 0,
  all: (flags: number): boolean => (flags & allBit) !== 0,
  priority: (flags: number): number => (flags >> 2) & 7,
  multiArch: (flags: number): MultiArch => multiArchKinds[(flags >> 6) & 3] ?? 'no',
} as const;

const colon = 58;
const isNameEnd = (code: number): boolean => code <= 32 || code === 40 || code === 44 || code === 124 || code === colon || code === 91 || code === 60;

/** Calls `visit` with the bounds of every package name in a relation field, in order, and where its `:architecture` ends. */
export function eachName(bytes: Buffer, start: number, end: number, visit: (from: number, to: number, whole: number) => void): void {
  let at = start;
  while (at < end) {
    let code = bytes[at] as number;
    while (at < end && (code <= 32 || code === 44 || code === 124)) code = bytes[at += 1] as number;
    const from = at;
    while (at < end && !isNameEnd(bytes[at] as number)) at += 1;
    const to = at;
    if (bytes[at] === colon) while (at < end && (at === to || !isNameEnd(bytes[at] as number))) at += 1;
    if (to > from) visit(from, to, at);
    while (at < end && bytes[at] !== 44 && bytes[at] !== 124) at += 1;
  }
}
