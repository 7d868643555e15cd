// One HTTP request as the parts of the service see it. RFC 9110 (HTTP semantics), RFC 3986 (URI).
import type { IncomingMessage } from 'node:http';

/** Who asks: `user` after a good password, undefined for an anonymous client. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** GET, HEAD, PUT, … as sent. */
  readonly method: string;
  /** The path as sent, still percent-encoded, without the query. */
  readonly rawPath: string;
  /** Decoded segments of the path: none is empty (but the last, after a final slash), `.` or `..`, and none holds `/`, `\` or a control character. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** `http://host:port` as the client named this server; undefined when its Host header is no host. */
  readonly origin: string | undefined;
  readonly user: string | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

const hostPattern = /^(?:[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
/** Characters that no served name holds. */
const forbidden = /[/\\\u0000-\u001f\u007f]/;

export function isHost(text: string): boolean {
  return text.length <= 255 && hostPattern.test(text);
}

/** The decoded segments of an absolute path, or undefined when it tries anything. */
export function segmentsOf(rawPath: string): string[] | undefined {
  if (!rawPath.startsWith('/')) return undefined;
  const segments: string[] = [];
  const parts = rawPath.slice(1).split('/');
  for (const [position, part] of parts.entries()) {
    const segment = decodeSegment(part);
    const last = position === parts.length - 1;
    if (segment === undefined || segment === '.' || segment === '..' || forbidden.test(segment) || (segment === '' && !last)) return undefined;
    segments.push(segment);
  }
  return segments;
}

function decodeSegment(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    if (cause instanceof URIError) return undefined;
    throw cause;
  }
}
