// JSON Canonicalization Scheme, RFC 8785: keys sorted by UTF-16 code units, ECMAScript number form, no white space.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The one text form of `value` (RFC 8785, section 3.2). Properties that are `undefined` are left out, as JSON.stringify does.
 * Throws `TypeError` for NaN and infinities (section 3.2.2.3) and lone surrogates (section 3.2.2.2).
 */
export function canonicalJson(value: unknown): string {
  const ordered = inOrder(value);
  return ordered === undefined ? textOf(value) : JSON.stringify(ordered);
}

function checkPrimitive(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`no JSON number: ${value}`);
  if (typeof value === 'string' && !value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form');
  if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean' && value !== null) throw new TypeError(`no JSON value: ${typeof value}`);
}

/** Objects keep their properties in another order than they were set in when these look like an index, and one name is not set at all. */
const ownOrder = /^(?:\d+|__proto__)$/;

/** A copy whose objects have their properties in canonical order: then the engine's own writer, which is several times as fast, gives that text. Undefined where objects cannot have that order. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    checkPrimitive(value);
    return value;
  }
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      const ordered = inOrder(item ?? null);
      if (ordered === undefined) return undefined;
      items.push(ordered);
    }
    return items;
  }
  const record = value as { readonly [key: string]: unknown };
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(record).sort()) {
    const item = record[key];
    if (item === undefined) continue;
    const ordered = ownOrder.test(key) || !key.isWellFormed() ? undefined : inOrder(item);
    if (ordered === undefined) return undefined;
    result[key] = ordered;
  }
  return result;
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    checkPrimitive(value);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${[...(value as readonly unknown[])].map((item) => textOf(item ?? null)).join(',')}]`;
  const record = value as { readonly [key: string]: unknown };
  const texts = Object.keys(record).sort().flatMap((key) => (record[key] === undefined ? [] : [`${textOf(key)}:${textOf(record[key])}`]));
  return `{${texts.join(',')}}`;
}

/** UTF-8 bytes of {@link canonicalJson}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}
