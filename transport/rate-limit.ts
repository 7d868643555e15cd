import { sleep } from './retry.ts';

/** A rate that all bodies of one client share. */
export interface RateLimit {
  /** Counts `bytes`; where they came too early, the promise to wait for. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined;
}

export const unlimited: RateLimit = { take: () => undefined };

/** At most `bytesPerSecond` on average, with a burst of a quarter of a second. */
export function rateLimit(bytesPerSecond: number): RateLimit {
  let paidUntilMs = 0;
  return {
    take(bytes, signal) {
      const nowMs = performance.now();
      paidUntilMs = Math.max(paidUntilMs, nowMs - 250) + (bytes / bytesPerSecond) * 1000;
      const aheadMs = paidUntilMs - nowMs;
      return aheadMs <= 0 ? undefined : sleep(aheadMs, signal);
    },
  };
}
