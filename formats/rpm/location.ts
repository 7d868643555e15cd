import type { XmlScanner } from './xml-scanner.ts';

/**
 * Whether `path` stays below the folder it is relative to, however a server or a client reads it: a file name, no scheme, no root, no `..`, also
 * not percent-encoded, and no backslash or control character.
 */
export function isInside(path: string): boolean {
  if (path === '' || path.length > 4096 || /[\p{Cc}\\]|%(?:2f|5c|00)/iu.test(path) || /^[a-z][a-z0-9+.-]*:/i.test(path)) return false;
  const segments = path.split('/');
  return segments[0] !== '' && segments.at(-1) !== '' && !segments.some((segment) => /^(?:\.|%2e){2}$/i.test(segment)) && segments.at(-1) !== '.';
}

/** `href` of the `<location>` just opened. Throws `INTEGRITY_METADATA` when it leaves the repository. */
export function readLocation(scanner: XmlScanner): { readonly location: string; readonly base?: string } {
  const location = scanner.attribute('href');
  if (location === undefined || !isInside(location)) throw scanner.fail('a location inside the repository', JSON.stringify(location?.slice(0, 200)));
  const base = scanner.attribute('xml:base');
  return { location, ...(base === undefined ? {} : { base }) };
}
