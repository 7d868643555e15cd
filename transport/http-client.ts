import type { Bytes, FileSink } from '../bom/ports.ts';

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Added to the request; never sent on to another host when a redirect leads there. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface GetOptions extends RequestOptions {
  readonly maxBytes: number;
  readonly accept?: readonly number[];
  /** A file, as a server of files has it: asked for without what a general client loads first, and once more with it where the server says no length. */
  readonly isFile?: boolean;
}

/** How a server tells one content of an address from another (RFC 9110, section 8.8), and when it did. */
export interface ContentIdentity {
  /** Strong ones only. */
  readonly etag?: string;
  readonly lastModified?: string;
  readonly date?: string;
  /** Bytes of the whole content; left out when the server does not say it. */
  readonly total?: number;
}

export interface StreamOptions extends RequestOptions {
  readonly offset?: number;
  /** The byte to end before, when not all of it is wanted. */
  readonly end?: number;
  readonly expectedSize?: number;
  /** The reader is done with a chunk before it has asked for three more: the memory of chunks is used again then. For whole downloads. */
  readonly borrow?: boolean;
  /** Where the bytes may be written while they are received, instead of being handed over. */
  readonly into?: FileSink | undefined;
  /** Told once, before the first byte: what the server says the content is. */
  readonly onIdentity?: (identity: ContentIdentity) => void;
  /** What the bytes before `offset` belong to. Every answer has to name the same validator, else `TRANSFER_CUT` is thrown with `details.changed = true`. */
  readonly known?: ContentIdentity;
}

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Where the answer came from after redirects, redacted. */
  readonly url: string;
}

/**
 * HTTP as the sources need it: pools, proxies, CA, redirects, stall timeouts, one retry loop with Retry-After. Errors are `transfer` errors
 * (`TRANSFER_STATUS` carries `details.status`); URLs in them are redacted. Implemented by `createHttpClient` in `http.ts`.
 */
export interface HttpClient {
  /** GET with the whole body in memory. Throws `TRANSFER_PROTOCOL` beyond `maxBytes`. A status outside 200-299 throws, unless `accept` lists it. */
  get(url: string, options: GetOptions): Promise<Answer>;
  /** HEAD; status as it is (no throw below 500). `size` is Content-Length where the server says it. */
  head(url: string, options: RequestOptions): Promise<{ readonly status: number; readonly size?: number; readonly headers: Readonly<Record<string, string>> }>;
  /**
   * How long the content is, by a GET of its first byte: the same way that the content is read later, which an answer to HEAD need not take.
   * undefined where the server does not say it, contradicts itself, or has no such content. Throws as {@link HttpClient.head}.
   */
  size(url: string, options: RequestOptions): Promise<number | undefined>;
  /**
   * The body from byte `offset` to its end. A connection that is cut, stalls or fails with 429 or 5xx is continued by Range with the first
   * answer's validator (strong ETag, else Last-Modified, else the total size); where the server cannot do ranges, what came before is skipped;
   * where the content changed in between, `TRANSFER_CUT` is thrown with `details.changed = true`. Ends only when the server's length is reached.
   * Throws `TRANSFER_PROTOCOL` for a success other than 200 and 206, and for a Content-Encoding: `Accept-Encoding: identity` is sent.
   */
  stream(url: string, options: StreamOptions): Bytes;
  close(): Promise<void>;
}
