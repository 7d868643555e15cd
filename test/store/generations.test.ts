import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { Generations } from '../../store/generations.ts';
import { temporaryFolder } from '../support/temporary.ts';

const root = await temporaryFolder('generations');
const record = { project: 'site', sequence: 3, bundle: digestOf('bundle'), lock: digestOf('lock'), lockSize: 4, importedAt: '2026-01-02T03:04:05Z' };

it('numbers generations, switches by one rename, and remembers the highest sequence', async () => {
  const generations = new Generations(root);
  expect(await generations.current('site')).toBeUndefined();
  const first = await generations.add(record);
  expect(first.id).toBe(1);
  expect(await generations.current('site')).toBeUndefined();
  await generations.switchTo('site', 1);
  const before = await generations.stamp();
  const second = await generations.add({ ...record, sequence: 2 });
  expect(await generations.current('site')).toEqual(first);
  await generations.switchTo('site', second.id);
  expect(await generations.stamp()).not.toBe(before);
  expect((await generations.current('site'))?.id).toBe(2);
  expect((await generations.list('site')).map((each) => each.id)).toEqual([1, 2]);
  expect(await generations.highestSequence('site')).toBe(3);
  expect(await generations.projects()).toEqual(['site']);
});

it('gives every one of several imports at once a number of its own', async () => {
  const generations = new Generations(root);
  const made = await Promise.all(Array.from({ length: 8 }, () => generations.add({ ...record, project: 'busy' })));
  expect(made.map((each) => each.id).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

it('refuses names that leave its folder, generations that are not there, and damaged records', async () => {
  const generations = new Generations(root);
  await expect(generations.list('../etc')).rejects.toMatchObject({ code: 'INPUT_FIELD' });
  await expect(generations.switchTo('site', 9)).rejects.toMatchObject({ code: 'INPUT_FLAG', message: expect.stringContaining('1, 2') });
  await writeFile(join(root, 'generations/site/2.json'), '{"bundle":"no"}');
  await expect(generations.list('site')).rejects.toMatchObject({ code: 'STORAGE_IO' });
});
