// A file without a declared digest, whose lock is killed while it comes.
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { noise } from '../support/bytes.ts';
import { longshore } from '../support/command.ts';
import { type Content, serveContent, startFaultServer } from '../support/fault-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const [before, after] = [noise(6_000_000, 1), noise(6_000_000, 2)];
const received = 4_000_000;
const old = 'Mon, 02 Jan 2023 00:00:00 GMT';

describe('kill -9 in a file whose digest nobody declared', () => {
  it.each<[string, { readonly first: Omit<Content, 'bytes'>; readonly second: Content; readonly resumes: boolean }]>([
    ['goes on under the same ETag', { first: { etag: '"1"' }, second: { bytes: before, etag: '"1"' }, resumes: true }],
    ['goes on under a Last-Modified that is old enough', { first: { lastModified: old }, second: { bytes: before, lastModified: old }, resumes: true }],
    ['starts over under another ETag', { first: { etag: '"1"' }, second: { bytes: after, etag: '"2"' }, resumes: false }],
    ['starts over where the server forgot its ETags', { first: { etag: '"1"' }, second: { bytes: after }, resumes: false }],
    ['starts over without a validator', { first: {}, second: { bytes: after }, resumes: false }],
    ['starts over under a weak ETag', { first: { etag: 'W/"1"' }, second: { bytes: after, etag: 'W/"1"' }, resumes: false }],
    ['starts over under a Last-Modified of this minute', { first: { lastModified: new Date().toUTCString() }, second: { bytes: after, lastModified: new Date().toUTCString() }, resumes: false }],
  ])('%s', async (_, { first, second, resumes }) => {
    const folder = await temporaryFolder('first-use');
    let serving: Content = { ...first, bytes: before, stallAfter: received };
    const server = await startFaultServer((request, response) => serveContent(request, response, serving));
    const partial = join(folder, 'store/partial');
    await mkdir(join(folder, 'store'));
    await writeFile(join(folder, 'app.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: app}\nspec:\n  files: [{urls: ["${server.origin}/tool.bin"]}]\n`);
    const args = ['lock', '-f', 'app.yaml', '--store', 'store', '--lock', 'lock.json'];
    const options = { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } };
    const spools = async (): Promise<string[]> => (await readdir(partial).catch((): string[] => [])).map((name) => join(partial, name, 'content'));
    try {
      const killed = await longshore(args, { ...options, started: (child) => {
        const poll = setInterval(() => void (async () => {
          for (const path of await spools()) if ((await stat(path).catch(() => undefined))?.size === received) { clearInterval(poll); child.kill('SIGKILL'); }
        })(), 20);
      } });
      expect(killed.signal).toBe('SIGKILL');
      expect((await spools()).length).toBe(1);
      // Of another address, and nobody came back for a week; and of yet another, from just now.
      const [stale, recent] = [join(partial, `${'a'.repeat(64)}.4194304.AAAAAA`), join(partial, `${'b'.repeat(64)}.4194304.BBBBBB`)];
      for (const path of [stale, recent]) { await mkdir(path); await writeFile(join(path, 'content'), 'x'); }
      await utimes(join(stale, 'content'), 1, 1);
      const asked = server.seen.length;
      serving = second;
      expect(await longshore(args, options)).toMatchObject({ status: 0 });
      const { spec: { files } } = JSON.parse(await readFile(join(folder, 'lock.json'), 'utf8')) as { readonly spec: { readonly files: readonly { readonly digest: string; readonly trust: string }[] } };
      expect(files).toMatchObject([{ digest: digestOf(second.bytes), trust: 'first-use' }]);
      const requests = server.seen.slice(asked).map(({ headers }) => headers);
      if (resumes) expect(requests.map(({ range, 'if-range': condition }) => [range, condition])).toEqual([[`bytes=${received}-`, first.etag ?? first.lastModified]]);
      else expect(requests.at(-1)?.range).toBeUndefined();
      expect(await readdir(partial)).toEqual([`${'b'.repeat(64)}.4194304.BBBBBB`]);
      expect(await longshore(['store', 'gc', '--store', 'store', '--lock', 'lock.json'], options)).toMatchObject({ status: 0 });
      expect(await readdir(partial)).toEqual([]);
    } finally {
      await server.close();
    }
  });
});
