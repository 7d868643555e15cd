import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readStages, writeStages } from '../../store/stages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('stages');

it('keeps what is staged and who uses it', async () => {
  expect(await readStages(folder)).toEqual({ stages: [], instances: [] });
  const record = { stages: [{ app: 'spark', version: '2', folder: '/zeta', files: [{ path: 'spark/stage/a', digest: 'sha256:0', size: 3 }] }], instances: [{ app: 'spark', version: '2', name: 'a@b' }] };
  await writeStages(folder, record);
  expect(await readStages(folder)).toEqual(record);
});

it.each(['{', '[]', '{"stages": [{"app": 1}], "instances": []}', '{"stages": [], "instances": 7}'])('refuses %s', async (text) => {
  await writeFile(join(folder, 'stages.json'), text);
  await expect(readStages(folder)).rejects.toMatchObject({ code: 'STORAGE_IO' });
});
