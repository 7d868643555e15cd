// kill -9 in the middle of a package: the next download goes on there, and checks the whole.
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../bom/digest.ts';
import { noise } from '../support/bytes.ts';
import { longshore, type Outcome, type RunOptions } from '../support/command.ts';
import { type FaultServer, serveContent, startFaultServer } from '../support/fault-server.ts';
import { makeKey } from '../support/rpm-signing.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeYumRepository, testRpm } from '../support/yum-repository.ts';

const half = 3 << 20;

describe('a package that is killed in the middle', () => {
  let folder: string;
  let server: FaultServer;
  let rpm: Buffer;
  let isStalling = false;
  const ls = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> => longshore([...args, '--no-progress'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') }, ...options });

  beforeAll(async () => {
    folder = await temporaryFolder('rpm-kill');
    const key = await makeKey('vendor', { type: 'ecc' });
    const files = new Map<string, Uint8Array>([['/key.asc', Buffer.from(key.toPublic().armor())]]);
    server = await startFaultServer((request, response) => {
      const bytes = files.get(request.url ?? '');
      if (bytes === undefined) { response.writeHead(404).end(); return; }
      serveContent(request, response, { bytes, etag: '"one"', ...(isStalling && bytes === rpm ? { stallAfter: half } : {}) });
    });
    const large = await testRpm('large', { key, payload: noise(6 << 20, 3) });
    for (const [url, bytes] of await makeYumRepository([large], { base: `${server.origin}/os/` })) files.set(url.slice(server.origin.length), bytes);
    rpm = large.bytes;
    await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: rpms, version: "1"}
spec:
  targets: [{id: el9, family: rhel, os: almalinux, release: "9", arch: amd64}]
  packageRepositories: [{id: upstream, manager: rpm, targets: [el9], baseurl: "${server.origin}/os/", gpgKeys: [{url: "${server.origin}/key.asc"}]}]
  packages: [{id: main, manager: rpm, target: el9, include: [{name: large}]}]
`);
  });
  afterAll(() => server?.close());

  it('is continued from there, and whole', async () => {
    expect(await ls(['lock', '-f', 'bom.yaml', '--store', 'store'])).toMatchObject({ status: 0 });
    const hex = hexOf(digestOf(rpm));
    const partial = async (): Promise<number> => {
      const names = await readdir(join(folder, 'store/partial')).catch(() => []);
      const sizes = await Promise.all(names.filter((name) => name.startsWith(hex)).map(async (name) => (await stat(join(folder, 'store/partial', name))).size));
      return Math.max(0, ...sizes);
    };
    isStalling = true;
    let timer: NodeJS.Timeout | undefined;
    const killed = await ls(['download', '--store', 'store'], { started: (child) => { timer = setInterval(() => { void partial().then((size) => { if (size >= half) child.kill('SIGKILL'); }); }, 20); } });
    clearInterval(timer);
    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    expect(await readdir(join(folder, 'store/blobs/sha256'))).not.toContain(hex);
    isStalling = false;
    const before = server.seen.length;
    expect(await ls(['download', '--store', 'store'])).toMatchObject({ status: 0 });
    const asked = server.seen.slice(before).filter(({ url }) => url.endsWith('.rpm')).map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.range ?? 'bytes=0-')?.[1]));
    expect(asked.length).toBeGreaterThan(0);
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(half);
    expect((await readFile(join(folder, 'store/blobs/sha256', hex))).equals(rpm)).toBe(true);
  });
});
