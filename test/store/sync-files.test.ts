import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OpenFile, syncDirectories, syncFiles } from '../../store/sync-files.ts';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'longshore-sync-')); });
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function written(count: number): Promise<OpenFile[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => {
    const path = join(folder, String(index));
    const handle = await open(path, 'w');
    await handle.write('content');
    return { path, handle };
  }));
}

describe('folders that are made durable together', () => {
  const made = async (count: number): Promise<string[]> => Promise.all(Array.from({ length: count }, async (_, index) => {
    const path = join(folder, String(index));
    await mkdir(path);
    return path;
  }));

  it('are flushed, or synced one by one where nothing can flush a file system', async () => {
    const paths = await made(40);
    await syncDirectories(paths, folder);
    vi.stubEnv('PATH', folder);
    const elsewhere = await mkdtemp(join(tmpdir(), 'longshore-sync-'));
    try {
      await syncDirectories(paths, elsewhere);
      // Whoever syncs each looks at each.
      await expect(syncDirectories([...paths, join(folder, 'gone')], elsewhere)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });
});

describe('files that are made durable together', () => {
  it('serves several batches of one folder at once', async () => {
    const batches = await Promise.all(Array.from({ length: 5 }, () => written(20)));
    const failures = await Promise.all(batches.map((files) => syncFiles(files, folder)));
    expect(failures.map(({ size }) => size)).toEqual([0, 0, 0, 0, 0]);
    await Promise.all(batches.flat().map(({ handle }) => handle.close()));
  });

  it('tells of the file that failed, by the sync of that file', async () => {
    const files = await written(20);
    await files[7]?.handle.close();
    const failures = await syncFiles(files, folder);
    expect([...failures.keys()]).toEqual([files[7]]);
    expect(failures.get(files[7] as OpenFile)).toMatchObject({ code: 'STORAGE_IO' });
    await Promise.all(files.filter((file) => file !== files[7]).map(({ handle }) => handle.close()));
  });

  it('syncs each file where nothing can flush a file system', async () => {
    vi.stubEnv('PATH', folder);
    const files = await written(20);
    expect((await syncFiles(files, folder)).size).toBe(0);
    expect((await syncFiles(files, folder)).size).toBe(0);
    await Promise.all(files.map(({ handle }) => handle.close()));
  });

  it('holds no process open', async () => {
    const script = `import { open } from 'node:fs/promises'; import { syncFiles } from ${JSON.stringify(new URL('../../store/sync-files.ts', import.meta.url).href)};
      const files = await Promise.all(Array.from({ length: 20 }, async (_, index) => { const path = ${JSON.stringify(folder)} + '/' + index; return { path, handle: await open(path, 'w') }; }));
      const failures = await syncFiles(files, ${JSON.stringify(folder)}); await Promise.all(files.map(({ handle }) => handle.close())); console.log(failures.size);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout).toBe('0\n');
  });
});
