import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { GenerationContents } from '../../bin/generation-contents.ts';
import { serveLock } from '../../importer/serve-lock.ts';
import { Generations } from '../../store/generations.ts';
import { Store } from '../../store/store.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeLock } from '../repository/support.ts';

it('a switch to what is still held for clients of before reads no lock again', async () => {
  const store = await Store.open(join(await temporaryFolder('contents'), 'store'), { create: true });
  for (const sequence of [1, 2]) await serveLock(makeLock('site', {}, sequence), { store, now: new Date(), allowDowngrade: false, allowUpgradePath: false, notify: () => {} });
  const contents = await GenerationContents.open(store, Date.now);
  try {
    const [second] = contents.served();
    const [first] = second?.older ?? [];
    expect([second?.generation, first?.metadata.sequence]).toEqual([2, 1]);
    const read = vi.spyOn(store, 'open');
    const told: (number | undefined)[] = [];
    contents.onChange(() => { told.push(contents.served()[0]?.generation); });
    for (const [number, lock] of [[1, first], [2, second?.lock]] as const) {
      await new Generations(store.root).switchTo('site', number);
      await vi.waitFor(() => { expect(contents.served()[0]?.generation).toBe(number); }, { timeout: 20_000, interval: 20 });
      expect(contents.served()[0]?.lock).toBe(lock);
    }
    expect(read).not.toHaveBeenCalled();
    expect(told).toEqual([1, 2]);
  } finally {
    await contents.close();
    store.close();
  }
});
