// What the threads of FetchThreads are told, and tell.
import type { Head } from './http-body.ts';

export interface FetchOrder {
  readonly kind: 'get';
  readonly id: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The file, and how much of the content lies in it already. */
  readonly sink: { readonly id: number; readonly fd: number; readonly unbufferedFd?: number; readonly sizeBytes: number; readonly tailFrom?: number };
  readonly at: number;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

/** A content that is to come into a new file. */
export interface FileAsked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: string;
  readonly tailFrom?: number;
}

/** Contents of one origin, one after another. */
export interface SeriesOrder {
  readonly kind: 'series';
  readonly id: number;
  readonly origin: string;
  readonly files: readonly FileAsked[];
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

export type FetchMessage =
  | FetchOrder
  | SeriesOrder
  | { readonly kind: 'abort'; readonly id: number }
  /** How an origin is spoken to; comes before the first order for it. */
  | { readonly kind: 'tls'; readonly origin: string; readonly options: object }
  /** The sink is given up; one that is complete needs no word. */
  | { readonly kind: 'drop'; readonly sink: number };

export interface FetchFailure {
  readonly message: string;
  readonly code?: string;
  /** Why the answer is not one for this reader. */
  readonly notDirect?: 'once' | 'always';
  /** The file could not be written, or not be read back. */
  readonly ofSink?: true;
}

/** A file of a series: open and whole, or neither; see `FileResult` in `bom/ports.ts`. */
export type FileTold = { readonly index: number } & ({ readonly fd: number; readonly tailHex?: string } | { readonly bytes: number });

/** How a series ended; what was not told of until then was not asked for. `refused`: an answer or a server that is not for this way. */
export type SeriesEnd =
  | { readonly why: 'all'; readonly bytes: number }
  | { readonly why: 'busy'; readonly retryAfter?: string }
  | { readonly why: 'broken' | 'refused' | 'stopped' };

/** `bytes` were written since the last report. After `end` and `failed` nothing more is written for that order. */
export type FetchReport =
  | { readonly kind: 'files'; readonly id: number; readonly files: readonly FileTold[]; readonly end?: SeriesEnd }
  | { readonly kind: 'head'; readonly id: number; readonly head: Head }
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly id: number; readonly bytes: number; readonly hex?: string; readonly tailHex?: string }
  | { readonly kind: 'failed'; readonly id: number; readonly bytes: number; readonly error: FetchFailure };
