// Image references: distribution/reference grammar (distribution specification 1.1, "Pulling manifests"; Docker's short names).
import { type Digest, isDigest } from './digest.ts';
import { BundleError } from './errors.ts';

export interface Reference {
  /** Host and port as written, lower case, IDN in its ASCII form, IPv6 in brackets; `docker.io` for short names. */
  readonly host: string;
  /** Repository below the host: `library/nginx`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const pathPart = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const maxNameLength = 255;

/**
 * The reference in `text`: `[host[:port]/]path[:tag][@sha256:…]`. Without a host it is Docker Hub's, where one-part names are under
 * `library/`; with neither tag nor digest the tag is `latest`. Throws `INPUT_REFERENCE`; `subject` says where the text stands.
 */
export function parseReference(text: string, subject = 'image reference'): Reference {
  const fail = (expected: string): never => {
    throw new BundleError('INPUT_REFERENCE', { subject, expected, actual: JSON.stringify(text.replace(/^[^/@]*@(?=[^@]*\/)/, 'REDACTED@').slice(0, 300)) });
  };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return fail('a reference without a scheme such as https:// or docker://');
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) return fail('sha256: and 64 lower-case hex digits after @');
  const slash = name.lastIndexOf('/');
  const colon = name.indexOf(':', slash + 1);
  const tag = colon < 0 ? undefined : name.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) return fail('a tag of at most 128 letters, digits, _, . and -');
  const { host, path } = splitHost(colon < 0 ? name : name.slice(0, colon), fail);
  if (!path.split('/').every((part) => pathPart.test(part))) return fail('a path of lower-case letters and digits, separated by one of . _ __ - or /');
  if (host.length + 1 + path.length > maxNameLength) return fail(`a name of at most ${maxNameLength} characters`);
  if (digest !== undefined) return { host, path, ...(tag === undefined ? {} : { tag }), digest };
  return { host, path, tag: tag ?? 'latest' };
}

/** The one spelling of a reference: host/path[:tag][@digest], nothing implied. */
export function canonicalReference(reference: Reference | string, subject?: string): string {
  const { host, path, tag, digest } = typeof reference === 'string' ? parseReference(reference, subject) : reference;
  return `${host}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function splitHost(name: string, fail: (expected: string) => never): { host: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = first !== '' && (/[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase() || /[^\x00-\x7f]/.test(first));
  if (!isHost) return { host: 'docker.io', path: slash < 0 ? `library/${name}` : name };
  const host = asciiHost(first) ?? fail('a host name or address with an optional port before the first /');
  // In lower case it would read as the first part of a Docker Hub path.
  if (!/[.:[]/.test(host) && host !== 'localhost') return fail('a host with a dot or a port before the first /, or a path in lower case');
  const path = name.slice(slash + 1);
  if (host !== 'docker.io' && host !== 'index.docker.io') return { host, path };
  return { host: 'docker.io', path: path.includes('/') ? path : `library/${path}` };
}

/** A host with an optional port, as references have it: lower case, punycode, compressed IPv6; the port stays as written (80 and 443 too, because they are part of the name). Undefined for anything else. */
export function asciiHost(text: string): string | undefined {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\\[\]%]+)(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, bare = '', port] = match;
  if (port !== undefined && (Number(port) > 65_535 || Number(port) === 0)) return undefined;
  if (!URL.canParse(`http://${bare}/`)) return undefined;
  const { hostname } = new URL(`http://${bare}/`);
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)$/.test(hostname)) return undefined;
  return port === undefined ? hostname : `${hostname}:${port}`;
}

/** A host as the first part of a repository name: the colon of a port, which names cannot hold, becomes `_`, which hosts cannot hold. */
export function hostComponent(host: string): string {
  return host.toLowerCase().replaceAll(/[[\]]/g, '').replaceAll(/:+/g, '_').replace(/^_/, '');
}
