import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDirectory, makeFolders, storageError } from '../../store/durable-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

it('makes missing parents and says the topmost; what is there, also behind a link, stays', async () => {
  const root = await temporaryFolder('folders');
  expect(await makeFolders(join(root, 'a/b/c'))).toBe(join(root, 'a'));
  expect(await makeFolders(join(root, 'a/b/d'))).toBe(join(root, 'a/b/d'));
  expect(await makeFolders(join(root, 'a/b'))).toBeUndefined();
  await mkdir(join(root, 'real'));
  await symlink('real', join(root, 'link'));
  expect(await makeFolders(join(root, 'link'))).toBeUndefined();
  await makeDirectory(`${root}/none/../other`);
  expect(await makeFolders(join(root, 'other'))).toBeUndefined();
  await writeFile(join(root, 'file'), '');
  await expect(makeDirectory(join(root, 'file'))).rejects.toMatchObject({ code: 'STORAGE_IO' });
  await expect(makeDirectory(join(root, 'file/below'))).rejects.toMatchObject({ code: 'STORAGE_IO' });
  await expect(makeFolders(join(root, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

// /proc takes no new folder and says ENOENT, as an automounter's folder does for a name it does not know.
it('ends with an error where a folder that is there cannot hold new ones', async () => {
  await expect(makeDirectory('/proc/longshore-test/store')).rejects.toMatchObject({ code: 'STORAGE_IO', exitCode: 6 });
});

it('says what to do about a disk that is mounted read-only', () => {
  const error = storageError('/store/x', Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' }));
  expect([error.code, error.next]).toEqual(['STORAGE_IO', expect.stringContaining('longshore serve ARCHIVE')]);
});
