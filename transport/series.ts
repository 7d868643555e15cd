import { BundleError } from '../bom/errors.ts';
import type { FetchFiles, FileOrder, FileResult } from '../bom/ports.ts';
import type { SendOptions } from './http-send.ts';
import { authorizationIn, standingHeaders } from './http-send.ts';
import type { Outcome } from './host-gate.ts';
import { unlimited } from './rate-limit.ts';
import type { FileAsked, SeriesEnd } from './fetch-messages.ts';
import { retryAfterMs } from './retry.ts';

/** After so many that did not come, what a server has is fetched one by one, with all that makes up for its faults. */
const mostLeft = 32;

/**
 * Contents that threads fetch with nobody looking on: a thread asks, writes and verifies one after another, and tells of many at once. That is for what comes as
 * it should; all else (other statuses, redirects, encodings, lengths, faults, proxies, a rate to be kept) is left to whoever gave the orders.
 */
export function createFetchFiles(options: SendOptions): FetchFiles {
  const leftOf = new Map<string, number>();
  const count = (host: string, results: readonly FileResult[]): void => {
    const left = results.filter(({ kind }) => kind === 'left').length;
    if (left > 0) leftOf.set(host, (leftOf.get(host) ?? 0) + left);
  };
  return async (orders, { signal, onResults }) => {
    const leave = (): void => onResults(orders.map((order) => ({ kind: 'left', order, bytes: 0 })));
    const url = commonUrl(orders);
    const tls = url === undefined || (leftOf.get(url.host) ?? 0) >= mostLeft ? undefined : wayTo(url, options);
    if (url === undefined || tls === undefined) return leave();
    const gate = options.gates.of(url);
    await gate.enter(signal);
    const lane = signal.aborted ? undefined : options.threads.series(orders, {
      origin: url.origin, files: orders.map((order) => asked(order, options.userAgent)), onResults: (results) => { count(url.host, results); onResults(results); },
      tls: url.protocol === 'https:' ? () => tls : undefined, connectTimeoutMs: options.connectTimeoutMs, stallTimeoutMs: options.stallTimeoutMs,
    });
    if (lane === undefined) {
      gate.leave({ kind: 'neutral' });
      return leave();
    }
    const stop = (): void => lane.stop();
    signal.addEventListener('abort', stop);
    const end = await lane.ended;
    signal.removeEventListener('abort', stop);
    gate.leave(outcomeOf(end));
    // Whatever went wrong with no content in particular.
    if (end.why !== 'all' && end.why !== 'stopped') leftOf.set(url.host, (leftOf.get(url.host) ?? 0) + 1);
  };
}

/** How connections to `url` are made; undefined where threads make none, and where it cannot be said: whoever asks one by one tells why. */
function wayTo(url: URL, { agents, direct, rate }: SendOptions): object | undefined {
  if (rate !== unlimited || !direct.speaksWith(url)) return undefined;
  try {
    return agents.directTls(url);
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return undefined;
  }
}

/** The address of the first, where all are of one origin. */
function commonUrl(orders: readonly FileOrder[]): URL | undefined {
  const [first] = orders;
  if (first === undefined || !orders.every(({ url }) => URL.canParse(url))) return undefined;
  const url = new URL(first.url);
  return /^https?:$/.test(url.protocol) && orders.every((order) => new URL(order.url).origin === url.origin) ? url : undefined;
}

function asked({ url, headers, path, blob, tailFrom }: FileOrder, userAgent: string): FileAsked {
  const parsed = new URL(url);
  return { url, headers: { ...authorizationIn(parsed), ...standingHeaders(userAgent, headers) }, path, sizeBytes: blob.size, digest: blob.digest, ...(tailFrom === undefined ? {} : { tailFrom }) };
}

function outcomeOf(end: SeriesEnd): Outcome {
  if (end.why === 'all') return { kind: 'fine', bytes: end.bytes };
  if (end.why !== 'busy' && end.why !== 'broken') return { kind: 'neutral' };
  const waitMs = end.why === 'busy' ? retryAfterMs(end.retryAfter, Date.now()) : undefined;
  return { kind: 'busy', ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
}
