// The key __proto__. Written into an object it sets its prototype, and zod leaves it out of records without a word: while a document is checked,
// the key goes by a name that no document can have.

const written = '__proto__';
/** Half a surrogate pair: readTrees refuses it, treeOf replaces it. */
const hidden = `\uD800${written}`;

export function hiddenKey(key: string): string {
  return key === written ? hidden : key;
}

export function shownKey<K extends PropertyKey>(key: K): K | string {
  return key === hidden ? written : key;
}

/** `value` with the key under the name that a schema passes on. */
export function withHiddenKeys(value: unknown): unknown {
  return renamed(value, hiddenKey);
}

/** `value` with the key under its own name again, as a property like any other; the same object where there was none. */
export function withShownKeys(value: unknown): unknown {
  return renamed(value, shownKey);
}

function renamed(value: unknown, name: (key: string) => string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => renamed(item, name));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const after = entries.map(([key, item]) => [name(key), renamed(item, name)] as const);
  return after.some(([key, item], index) => key !== entries[index]?.[0] || item !== entries[index]?.[1]) ? Object.fromEntries(after) : value;
}
