// A store given to the service's user, while archives that it links to stay the operator's own.
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { giveStore } from '../../bin/store-owner.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from '../importer/workbench.ts';
import { longshore, must } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('owner');
const bench = new Workbench();
const store = join(folder, 'store');
const user = 'nobody';
let archive = '';
let uid = 0;
let volumes: string[] = [];

beforeAll(async () => {
  await chmod(folder, 0o755);
  const sample = sampleOf({ files: { one: new Uint8Array(50_000) } });
  const [made = ''] = (await bench.export(sample, await bench.store('from', sample), 'site.tar')).paths;
  await mkdir(join(folder, 'operator'));
  archive = join(folder, 'operator/site.tar');
  await must('cp', [made, archive]);
  await chown(archive, 4711, 4711);
  await chmod(archive, 0o600);
  uid = Number(await must('id', ['-u', user]));
  expect(await longshore(['import', archive, '--allow-unsigned', '--store', store])).toMatchObject({ status: 0 });
  const inode = (await stat(archive)).ino;
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if ((await stat(path)).ino === inode) volumes.push(path);
  }
  expect(volumes).toHaveLength(1);
});
afterAll(() => bench.close());

it('keeps the operator\'s file the operator\'s, and refuses one that the service could not read', async () => {
  await expect(giveStore(store, { user, volumes })).rejects.toMatchObject({ code: 'STORAGE_IO', message: expect.stringContaining(`${volumes[0]}: expected readable by nobody`) as string });
  expect([(await stat(archive)).uid, (await stat(store)).uid]).toEqual([4711, uid]);
  await chmod(archive, 0o644);
  await giveStore(store, { user, volumes });
  expect((await stat(archive)).uid).toBe(4711);
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    expect([path, (await stat(path)).uid]).toEqual([path, volumes.includes(path) ? 4711 : uid]);
  }
});

it('gives what the store alone holds, and names a user that is not', async () => {
  await must('rm', [archive]);
  await giveStore(store, { user, volumes });
  expect((await stat(volumes[0] ?? '')).uid).toBe(uid);
  await giveStore(store, { user, volumes: [...volumes, join(folder, 'away.tar')] });
  await expect(giveStore(store, { user: 'no-such-user', volumes })).rejects.toMatchObject({ code: 'INPUT_FLAG' });
});
