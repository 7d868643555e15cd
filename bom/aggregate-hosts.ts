// Addresses: host rewrites of the project, and what a URL in a document may be.
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError, redactUrl } from './errors.ts';
import { canonicalReference, parseReference } from './reference.ts';
import type { Position } from './requirement.ts';
import { checkNoCredential } from './url-credential.ts';

export type HostRewrites = Readonly<Record<string, string>>;

/** A canonical reference with the longest `host` or `host/path` of `rewrites` that it begins with replaced. */
export function rewriteReference(ref: string, rewrites: HostRewrites): string {
  const { host, path, ...rest } = parseReference(ref);
  const name = `${host}/${path}`;
  const found = longest(Object.keys(rewrites), (prefix) => name === prefix || name.startsWith(`${prefix}/`));
  if (found === undefined) return canonicalReference(ref);
  const rewritten = parseReference(`${rewrites[found]}${name.slice(found.length)}`);
  return canonicalReference({ host: rewritten.host, path: rewritten.path, ...rest });
}

/**
 * `written` as an http(s) URL, its host rewritten. Throws `INPUT_URL` for anything else and `INPUT_CREDENTIAL` for a URL with a credential.
 */
export function urlOf(written: string, rewrites: HostRewrites, at: Position): string {
  if (!URL.canParse(written) || !/^https?:$/.test(new URL(written).protocol)) {
    throw new BundleError('INPUT_URL', { subject: formatPosition(at), expected: 'an http:// or https:// URL', actual: JSON.stringify(redactUrl(written).slice(0, 200)), next: 'Name a file of this machine in path instead.' });
  }
  const url = new URL(written);
  checkNoCredential(written, formatPosition(at));
  const replacement = rewrites[url.host] ?? rewrites[url.hostname];
  if (replacement === undefined) return written;
  return written.replace(/^(https?:\/\/)[^/?#]*/i, (_, scheme: string) => `${scheme}${replacement}`);
}

function longest(words: readonly string[], fits: (word: string) => boolean): string | undefined {
  return words.filter(fits).sort((a, b) => b.length - a.length)[0];
}
