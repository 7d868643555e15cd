import { constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ReceivedFile } from '../../store/received-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

const flags = constants.O_RDWR | constants.O_CREAT;
const folder = await temporaryFolder('received-file');

it('is brought to the disk while it grows, one flush at a time, and is closed after the last one', async () => {
  const flushes: PromiseWithResolvers<void>[] = [];
  const file = new ReceivedFile(join(folder, 'a'), flags, () => { flushes.push(Promise.withResolvers<void>()); return flushes.at(-1)!.promise; });
  file.grew(60 << 20);
  expect(flushes.length).toBe(0);
  for (const mebibytes of [70, 140, 400]) file.grew(mebibytes << 20);
  expect(flushes.length).toBe(1);
  flushes[0]!.resolve();
  await file.sync();
  file.grew(401 << 20);
  expect(flushes.length).toBe(2);
  await file.write(Buffer.from('still open'), 0);
  let closed = false;
  const closing = file.close().then(() => { closed = true; });
  await file.write(Buffer.from('STILL OPEN'), 0);
  expect([closed, await readFile(join(folder, 'a'), 'utf8')]).toEqual([false, 'STILL OPEN']);
  flushes[1]!.resolve();
  await closing;
});

it('tells of a flush that failed when it is synced, every time, although the system says it once', async () => {
  const file = new ReceivedFile(join(folder, 'b'), flags, async () => { throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' }); });
  file.grew(64 << 20);
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
  await file.close();
});
