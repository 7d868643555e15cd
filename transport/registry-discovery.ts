// Distribution specification 1.1: "Content Discovery" (tags, referrers and the referrers tag schema).
import type { Digest } from '../bom/digest.ts';
import { hexOf } from '../bom/digest.ts';
import { type ContentDescriptor, parseManifest } from '../formats/oci/manifest.ts';
import { statusError, statusOf } from './http-errors.ts';
import { protocolError } from './http-send.ts';
import type { FetchedManifest, RegistrySession } from './registry.ts';

const pageBytes = 8 << 20;
const maxPages = 1000;

/** Tags of a repository, all pages of them. */
export async function listTags(session: RegistrySession, path: string, signal: AbortSignal): Promise<string[]> {
  const tags: string[] = [];
  for await (const { body, url } of pages(session, { path, url: `${session.origin}/v2/${path}/tags/list?n=1000`, signal })) {
    const page: unknown = JSON.parse(new TextDecoder().decode(body));
    const list = typeof page === 'object' && page !== null && 'tags' in page ? page.tags : undefined;
    if (list !== null && !Array.isArray(list)) throw protocolError(url, 'a list of tags', 'another document');
    for (const tag of list ?? []) if (typeof tag === 'string') tags.push(tag);
  }
  return tags;
}

/**
 * What refers to `digest`: from the referrers API, else from the tag that stands in for it (`tag` is set then). A registry that does not
 * know the question, or answers 401 or 403 to it, has none.
 */
export async function listReferrers(
  session: RegistrySession, path: string, { digest, signal }: { readonly digest: Digest; readonly signal: AbortSignal },
): Promise<{ readonly referrers: readonly ContentDescriptor[]; readonly tag?: string }> {
  const subject = `referrers of ${session.host}/${path}@${digest}`;
  try {
    const referrers: ContentDescriptor[] = [];
    for await (const { body, url, mediaType } of pages(session, { path, url: `${session.origin}/v2/${path}/referrers/${digest}`, signal })) {
      // A page for people, as servers give it for every path that they do not know.
      if (/^text\/html\b/i.test(mediaType)) throw statusError(404, url);
      const index = parseManifest(body, '', subject);
      if (index.kind === 'index') referrers.push(...index.manifests);
    }
    return { referrers };
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  const tag = `sha256-${hexOf(digest)}`;
  const fallback = await findManifest(session, path, { reference: tag, signal });
  if (fallback === undefined) return { referrers: [] };
  const index = parseManifest(fallback.bytes, fallback.mediaType, subject);
  return index.kind === 'index' ? { referrers: index.manifests, tag } : { referrers: [] };
}

/** A manifest that need not be there: undefined where the registry has none, or will not say so to us. */
export async function findManifest(
  session: RegistrySession, path: string, { reference, signal }: { readonly reference: string; readonly signal: AbortSignal },
): Promise<FetchedManifest | undefined> {
  try {
    return await session.getManifest(path, reference, signal);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Statuses that registries give for optional content and questions that they do not know. */
const absent: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 501]);

function isAbsent(error: unknown): boolean {
  return absent.has(statusOf(error) ?? 0);
}

async function* pages(
  session: RegistrySession, { path, url: first, signal }: { readonly path: string; readonly url: string; readonly signal: AbortSignal },
): AsyncGenerator<{ readonly body: Uint8Array; readonly url: string; readonly mediaType: string }> {
  const visited = new Set<string>();
  for (let url: string | undefined = first; url !== undefined;) {
    if (visited.has(url) || visited.size >= maxPages) throw protocolError(first, 'pages that come to an end', `${visited.size} pages and more`);
    visited.add(url);
    const { body, headers }: { body: Uint8Array; headers: Readonly<Record<string, string>> } = await session.client(path).get(url, { signal, maxBytes: pageBytes });
    yield { body, url, mediaType: headers['content-type'] ?? '' };
    url = nextPage(headers['link'], url);
  }
}

/** The address in a Link header with rel="next" (RFC 8288), on the same origin only. */
export function nextPage(link: string | undefined, from: string): string | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = new URL(target, from);
  if (url.origin !== new URL(from).origin) throw protocolError(from, 'the next page on the same host', url.origin);
  return url.href;
}
