// Keys that the text of a .sources file names by paths: sources.list(5), "Signed-By".
const signedBy = /^signed-by:[^\n]*(?:\n[ \t#][^\n]*)*/gim;

/** Paths among the values of Signed-By as they are written; fingerprints and keys that stand there themselves are none. */
export function keyPathsOf(text: string): string[] {
  return [...text.matchAll(signedBy)].flatMap(([field]) => {
    if (field.includes('-----BEGIN PGP')) return [];
    const value = field.slice('signed-by:'.length).replace(/\n#[^\n]*/g, '');
    return value.split(/[\s,]+/).filter((item) => /[/.]/.test(item) && item !== '.');
  });
}

/** `text` with each of these paths replaced; line numbers stay. */
export function withKeyPaths(text: string, pathOf: (written: string) => string): string {
  return text.replace(signedBy, (field) => {
    const paths = new Set(keyPathsOf(field));
    if (paths.size === 0) return field;
    return field.split('\n').map((line, index) => (line.startsWith('#') ? line : line.slice(0, index === 0 ? 10 : 0) + line.slice(index === 0 ? 10 : 0).replace(/[^\s,]+/g, (item) => (paths.has(item) ? pathOf(item) : item)))).join('\n');
  });
}

const escapes = 'file:';

/** A path that has blanks or commas, as one word of Signed-By: paths are told from it by {@link plainPath} only. */
export const escapedPath = (path: string): string => `${escapes}${path.replace(/[%\s,]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}`;

/** The path of a word of Signed-By. */
export const plainPath = (word: string): string => (word.startsWith(`${escapes}/`) ? decodeURIComponent(word.slice(escapes.length).replace(/[^%\x21-\x7e]+/g, encodeURIComponent)) : word);
