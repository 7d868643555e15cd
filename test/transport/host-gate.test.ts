import { describe, expect, it } from 'vitest';
import { HostGate } from '../../transport/host-gate.ts';

const signal = new AbortController().signal;

function gate(): { gate: HostGate; pass(ms: number): void } {
  let nowMs = 0;
  return { gate: new HostGate({ start: 4, max: 6, nowMs: () => nowMs }), pass: (ms) => { nowMs += ms; } };
}

/** Fills every place for a second, with `bytes` in all. */
async function second(ready: ReturnType<typeof gate>, bytes: number): Promise<void> {
  const places = ready.gate.width;
  for (let at = 0; at < places; at += 1) await ready.gate.enter(signal);
  ready.pass(1000);
  for (let at = 0; at < places; at += 1) ready.gate.leave({ kind: 'fine', bytes: at === 0 ? bytes : 0 });
}

describe('the gate of a host', () => {
  it('lets in as many as its width, the next when one leaves', async () => {
    const { gate: one } = gate();
    for (let at = 0; at < 4; at += 1) await one.enter(signal);
    let entered = false;
    const fifth = one.enter(signal).then(() => { entered = true; });
    await Promise.resolve();
    expect(entered).toBe(false);
    one.leave({ kind: 'neutral' });
    await fifth;
    expect(entered).toBe(true);
  });

  it('widens while that brings more, and takes back what does not', async () => {
    const ready = gate();
    await second(ready, 1000);
    expect(ready.gate.width).toBe(5);
    await second(ready, 1250);
    expect(ready.gate.width).toBe(6);
    await second(ready, 1500);
    expect(ready.gate.width).toBe(6);
    await second(ready, 1500);
    expect(ready.gate.width).toBe(5);
    await second(ready, 3000);
    expect(ready.gate.width).toBe(5);
  });

  it('halves once for a burst of refusals, never below one', async () => {
    const ready = gate();
    for (let at = 0; at < 4; at += 1) await ready.gate.enter(signal);
    for (let at = 0; at < 4; at += 1) ready.gate.leave({ kind: 'busy' });
    expect(ready.gate.width).toBe(2);
    for (const width of [1, 1]) {
      ready.pass(1500);
      await ready.gate.enter(signal);
      ready.gate.leave({ kind: 'busy' });
      expect(ready.gate.width).toBe(width);
    }
  });

  it('is shut for as long as the host asked, and opens at once for a stop', async () => {
    const one = new HostGate({ start: 1, max: 1, nowMs: () => performance.now() });
    await one.enter(signal);
    one.leave({ kind: 'busy', retryAfterMs: 150 });
    const started = performance.now();
    await one.enter(signal);
    expect(performance.now() - started).toBeGreaterThan(140);
    const stop = new AbortController();
    const waiting = one.enter(stop.signal);
    stop.abort();
    await waiting;
  });
});
