import { readdirSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../bom/digest.ts';
import { BlobIndex } from '../../store/blob-index.ts';
import { Commits } from '../../store/commits.ts';
import { LooseBlobs } from '../../store/loose-blobs.ts';
import { noise } from '../support/bytes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('commits');
let count = 0;

interface Site { readonly root: string; readonly commits: Commits; readonly loose: LooseBlobs; readonly index: BlobIndex }

async function site(): Promise<Site> {
  const root = join(folder, String((count += 1)));
  await mkdir(join(root, 'blobs/sha256'), { recursive: true });
  const index = new BlobIndex(join(root, 'index.db'));
  const loose = new LooseBlobs(root, () => index);
  return { root, loose, index, commits: new Commits(loose, root) };
}

async function file({ root }: Site, seed: number): Promise<{ readonly path: string; readonly handle: FileHandle; readonly digest: Digest }> {
  const content = noise(1000, seed);
  const path = join(root, `${seed}.part`);
  const handle = await open(path, 'w+');
  await handle.write(content);
  return { path, handle, digest: digestOf(content) };
}

const failing = (code: string, syscall: string): (() => Promise<never>) => () => Promise.reject(Object.assign(new Error(`${code}: ${syscall}`), { code, syscall }));
const openFiles = (root: string): number => readdirSync(root).filter((name) => name.endsWith('.part')).length;

describe('blobs made durable together', () => {
  it.each([['EIO', 'STORAGE_IO'], ['ENOSPC', 'STORAGE_SPACE']])('a sync that says %s fails that blob alone, and its file is not continued later', async (code, expected) => {
    const here = await site();
    const files = await Promise.all(Array.from({ length: 12 }, (_, at) => file(here, at + 1)));
    const [bad] = files;
    if (bad === undefined) throw new Error('no files');
    bad.handle.sync = failing(code, 'fsync');
    const outcomes = await Promise.allSettled(files.map((each) => here.commits.add(each)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', ...Array.from({ length: 11 }, () => 'fulfilled')]);
    expect(outcomes[0]).toMatchObject({ reason: { code: expected } });
    expect([openFiles(here.root), here.index.get(bad.digest)]).toEqual([0, undefined]);
    expect(files.map(({ handle }) => handle.fd)).toEqual(files.map(() => -1));
    expect(await here.loose.locate(bad.digest, here.index.get(bad.digest))).toBeUndefined();
  });

  it('a file that cannot be closed fails alone, and others come after it', async () => {
    const here = await site();
    const [bad, good, later] = [await file(here, 1), await file(here, 2), await file(here, 3)];
    const close = bad.handle.close.bind(bad.handle);
    bad.handle.close = async () => { await close(); await failing('EIO', 'close')(); };
    const outcomes = await Promise.allSettled([here.commits.add(bad), here.commits.add(good)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(outcomes[0]).toMatchObject({ reason: { code: 'STORAGE_IO' } });
    await here.commits.add(later);
    expect(await here.loose.locate(later.digest, here.index.get(later.digest))).toBeDefined();
  });

  it('a batch that fails as a whole closes all of its files, and the next one is tried', async () => {
    const here = await site();
    const files = [await file(here, 1), await file(here, 2)];
    here.index.setAll = () => { throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' }); };
    const outcomes = await Promise.allSettled(files.map((each) => here.commits.add(each)));
    expect(outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : 'stored'))).toEqual(['STORAGE_IO', 'STORAGE_IO']);
    expect(files.map(({ handle }) => handle.fd)).toEqual([-1, -1]);
    Reflect.deleteProperty(here.index, 'setAll');
    await here.commits.add(await file(here, 3));
    // What got its name before is found by hashing it.
    expect(await here.loose.locate(files[0]?.digest ?? digestOf(''), undefined)).toBeDefined();
  });
});
