// Character data of XML 1.0 (fifth edition): section 2.2 (characters), 4.1 (references), 4.6 (predefined entities).

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const hex = /^[0-9a-fA-F]{1,6}$/;
const decimal = /^[0-9]{1,7}$/;

/** Production [2] Char. */
function isChar(code: number): boolean {
  return code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

function referenced(name: string): string | undefined {
  if (Object.hasOwn(named, name)) return named[name];
  const code = name.startsWith('#x') ? (hex.test(name.slice(2)) ? Number.parseInt(name.slice(2), 16) : -1) : name.startsWith('#') && decimal.test(name.slice(1)) ? Number(name.slice(1)) : -1;
  return isChar(code) ? String.fromCodePoint(code) : undefined;
}

/**
 * `text` with its references replaced, or undefined when one of them is neither predefined nor a character: entities that a document declares
 * itself are not known here, so that none can be a bomb.
 */
export function decodeReferences(text: string): string | undefined {
  let result = '';
  let from = 0;
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', from)) {
    const end = text.indexOf(';', at);
    const value = end === -1 || end - at > 10 ? undefined : referenced(text.slice(at + 1, end));
    if (value === undefined) return undefined;
    result += text.slice(from, at) + value;
    from = end + 1;
  }
  return result + text.slice(from);
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\t': '&#9;', '\n': '&#10;', '\r': '&#13;' };

/** For element content: `&`, `<` and `>` replaced as libxml2 does, and a carriage return, which a parser would turn into a line feed. */
export function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (character) => escapes[character] ?? character) : text;
}

/** For an attribute value in double quotes; white space that a parser would turn into a space becomes a reference. */
export function escapeAttribute(text: string): string {
  return /[&<>"\t\n\r]/.test(text) ? text.replace(/[&<>"\t\n\r]/g, (character) => escapes[character] ?? character) : text;
}
