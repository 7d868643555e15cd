import { sleep } from './retry.ts';

/** What one exchange told about its host. `busy`: it answered 429 or 503, or broke the connection; `retryAfterMs` is the pause it asked for. */
export type Outcome =
  | { readonly kind: 'fine'; readonly bytes: number }
  | { readonly kind: 'busy'; readonly retryAfterMs?: number }
  | { readonly kind: 'neutral' };

export interface GateOptions {
  /** Exchanges at once in the beginning, and at most. */
  readonly start: number;
  readonly max: number;
  readonly nowMs: () => number;
}

const windowMs = 1000;
/** A wider gate must bring this much more, or it is taken back. */
const worthwhile = 1.05;
/** How long the width stays as it is after it was taken back. */
const restMs = 20_000;
/** A longer Retry-After is no pause: the request that got it fails. */
const longestPauseMs = 300_000;

/**
 * How many exchanges one host gets at once. It widens by one while that brings more bytes a second, halves when the host says that it is
 * busy (once in a window, since a burst is one sign), and stays shut for as long as Retry-After says. Never below one.
 */
export class HostGate {
  private limit: number;
  private active = 0;
  private readonly queue: (() => void)[] = [];
  private readonly options: GateOptions;
  private windowStartMs: number;
  private windowBytes = 0;
  private saturated = false;
  private lastRate = 0;
  private restUntilMs = 0;
  private halvedMs = -Infinity;
  private shutUntilMs = 0;

  constructor(options: GateOptions) {
    this.options = options;
    this.limit = options.start;
    this.windowStartMs = options.nowMs();
  }

  get width(): number { return this.limit; }

  /** Waits for a place; the caller gives it back with {@link leave}. Ends early, with a place, when `signal` is aborted. */
  async enter(signal: AbortSignal): Promise<void> {
    for (let waitMs = this.shutUntilMs - this.options.nowMs(); waitMs > 0 && !signal.aborted; waitMs = this.shutUntilMs - this.options.nowMs()) {
      await sleep(waitMs, signal);
    }
    if (this.active >= this.limit && !signal.aborted) await this.turn(signal);
    this.active += 1;
    if (this.active >= this.limit) this.saturated = true;
  }

  leave(outcome: Outcome): void {
    this.active -= 1;
    if (outcome.kind === 'busy') this.busy(outcome.retryAfterMs ?? 0);
    else if (outcome.kind === 'fine') this.fine(outcome.bytes);
    for (let free = this.limit - this.active; free > 0 && this.queue.length > 0; free -= 1) this.queue.shift()?.();
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.queue.splice(this.queue.indexOf(go), 1);
        resolve();
      };
      this.queue.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private busy(retryAfterMs: number): void {
    const nowMs = this.options.nowMs();
    if (retryAfterMs <= longestPauseMs) this.shutUntilMs = Math.max(this.shutUntilMs, nowMs + retryAfterMs);
    if (nowMs - this.halvedMs < windowMs) return;
    this.halvedMs = nowMs;
    this.limit = Math.max(1, Math.floor(this.limit / 2));
    this.restUntilMs = nowMs + restMs;
    this.startWindow(nowMs);
    this.lastRate = 0;
  }

  private fine(bytes: number): void {
    this.windowBytes += bytes;
    const nowMs = this.options.nowMs();
    const elapsedMs = nowMs - this.windowStartMs;
    if (elapsedMs < windowMs) return;
    const rate = this.windowBytes / elapsedMs;
    if (this.saturated && nowMs >= this.restUntilMs) {
      if (rate >= this.lastRate * worthwhile) {
        this.limit = Math.min(this.options.max, this.limit + 1);
      } else {
        this.limit = Math.max(this.options.start, this.limit - 1);
        this.restUntilMs = nowMs + restMs;
      }
    }
    this.lastRate = rate;
    this.startWindow(nowMs);
  }

  private startWindow(nowMs: number): void {
    this.windowStartMs = nowMs;
    this.windowBytes = 0;
    this.saturated = this.active >= this.limit;
  }
}

/** The gates of one client. */
export class HostGates {
  private readonly gates = new Map<string, HostGate>();

  of({ host }: URL): HostGate {
    const known = this.gates.get(host) ?? new HostGate({ start: 8, max: 24, nowMs: () => performance.now() });
    this.gates.set(host, known);
    return known;
  }
}
