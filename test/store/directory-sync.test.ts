import { expect, it } from 'vitest';
import { DirectorySync } from '../../store/durable-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

it('a sync that runs is not shared, the next one is; a failure reaches those who waited for it, and no later one', async () => {
  const sync = new DirectorySync(await temporaryFolder('sync'));
  const first = sync.sync();
  expect(sync.sync()).toBe(first);
  await Promise.resolve();
  await Promise.resolve();
  const [second, third] = [sync.sync(), sync.sync()];
  expect([second === first, third === second]).toEqual([false, true]);
  await Promise.all([first, second]);
  expect(sync.sync()).not.toBe(second);
  const gone = new DirectorySync('/nonexistent/folder');
  await expect(gone.sync()).rejects.toThrow();
  await expect(gone.sync()).rejects.toThrow();
});
