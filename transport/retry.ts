import { BundleError, checkNotAborted, redactUrl } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import { statusOf } from './http-errors.ts';

export interface RetryPolicy {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Wait before the first retry; doubles each time up to `maxWaitMs`, with jitter. A server's Retry-After goes before it. */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** The longest Retry-After that is waited for; a longer one is the error. */
  readonly maxRetryAfterMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { retries: 6, firstWaitMs: 250, maxWaitMs: 20_000, maxRetryAfterMs: 300_000 };

/** 408, 425, 429 and the 5xx that come and go (RFC 9110, section 15; RFC 6585; RFC 8470). */
export const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whether another attempt may help: cuts, stalls, refused connections, and statuses that pass. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof BundleError)) return false;
  if (error.code === 'TRANSFER_STATUS') return passingStatuses.has(statusOf(error) ?? 0);
  if (error.code === 'TRANSFER_CONNECT') return error.facts.details?.['cause'] !== 'ENOTFOUND';
  return error.code === 'TRANSFER_STALL' || (error.code === 'TRANSFER_CUT' && error.facts.details?.['changed'] !== true);
}

/** Retry-After in milliseconds from now: seconds or an HTTP date (RFC 9110, section 10.2.3). */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** How long a host that could not be reached is given no second chance, so that its mirrors get their turn at once. */
const downMs = 60_000;

/** Hosts that a whole set of attempts could not reach. */
export class DownHosts {
  private readonly until = new Map<string, number>();

  isDown(url: string): boolean {
    return (this.until.get(hostOf(url)) ?? 0) > performance.now();
  }

  mark(url: string): void {
    this.until.set(hostOf(url), performance.now() + downMs);
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Counts attempts and waits between them: the one retry loop of the project is `for (;;) try … catch (e) { await attempts.failed(e) }`. */
export class Attempts {
  private failures = 0;
  private readonly url: string;
  private readonly signal: AbortSignal;
  private readonly policy: RetryPolicy;
  private readonly notify: Notify;
  private readonly down: DownHosts | undefined;

  constructor(url: string, options: { readonly signal: AbortSignal; readonly policy: RetryPolicy; readonly notify: Notify; readonly down?: DownHosts }) {
    this.url = url;
    this.down = options.down;
    this.signal = options.signal;
    this.policy = options.policy;
    this.notify = options.notify;
  }

  /** Forgets earlier failures: there was progress. */
  progressed(): void {
    this.failures = 0;
  }

  /** Waits until another attempt is due; throws `error` when none is, or when it is not one that passes. */
  async failed(error: unknown): Promise<void> {
    checkNotAborted(this.signal, redactUrl(this.url));
    if (!isPassing(error)) throw error;
    const unreachable = (error as BundleError).code === 'TRANSFER_CONNECT';
    if (this.failures >= this.policy.retries || (unreachable && this.down?.isDown(this.url) === true)) {
      if (unreachable) this.down?.mark(this.url);
      throw error;
    }
    const asked = (error as BundleError).facts.details?.['retryAfterMs'];
    if (typeof asked === 'number' && asked > this.policy.maxRetryAfterMs) throw error;
    const backoff = Math.min(this.policy.maxWaitMs, this.policy.firstWaitMs * 2 ** this.failures);
    const waitMs = Math.round(typeof asked === 'number' ? asked + Math.random() * this.policy.firstWaitMs : backoff * (0.5 + Math.random() / 2));
    this.failures += 1;
    this.notify({ kind: 'retry', subject: redactUrl(this.url), attempt: this.failures, waitMs, reason: (error as BundleError).facts.actual });
    await sleep(waitMs, this.signal);
    checkNotAborted(this.signal, redactUrl(this.url));
  }
}

/** Ends after `waitMs`, or at once when `signal` is aborted. */
export function sleep(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, waitMs);
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}
