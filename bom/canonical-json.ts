// JSON Canonicalization Scheme, RFC 8785: keys sorted by UTF-16 code units, ECMAScript number form, no white space.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The one text form of `value` (RFC 8785, section 3.2). Properties that are `undefined` are left out, as JSON.stringify does.
 * Throws `TypeError` for NaN and infinities (section 3.2.2.3) and lone surrogates (section 3.2.2.2).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`no JSON number: ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    let text = '[';
    for (const [index, item] of value.entries()) text += `${index === 0 ? '' : ','}${canonicalJson(item ?? null)}`;
    return `${text}]`;
  }
  if (typeof value === 'object') {
    const record = value as { readonly [key: string]: unknown };
    let text = '';
    for (const key of Object.keys(record).sort()) {
      const item = record[key];
      if (item !== undefined) text += `${text === '' ? '{' : ','}${canonicalJson(key)}:${canonicalJson(item)}`;
    }
    return text === '' ? '{}' : `${text}}`;
  }
  throw new TypeError(`no JSON value: ${typeof value}`);
}

/** UTF-8 bytes of {@link canonicalJson}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}
