// Each bad input: its code, its exit, its message in four parts, and store and repository as they were.
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { clearsign } from '../../formats/pgp/signature.ts';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { makeRepository } from '../../scripts/quickstart/deb-repository.ts';
import { longshore, longshorePath, must, type Outcome, run } from '../support/command.ts';
import { noise } from '../support/bytes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('bad-input');
const content = noise(30_000_000, 7);
let server: Server;
let web = '';
/** path -> content; what the web server gives. */
const files = new Map<string, Buffer>([['/app.bin', content]]);

beforeAll(async () => {
  server = createServer((request, response) => {
    const found = files.get((request.url ?? '').split('?')[0] ?? '');
    if (found === undefined) { response.writeHead(404).end(); return; }
    response.writeHead(200, { 'content-length': found.length });
    response.end(request.method === 'HEAD' ? undefined : found);
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  web = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  await writeBom('good.yaml', `  files: [{urls: ["${web}/app.bin"], digest: "${digestOf(content)}", saveAs: earlier.bin}]`);
  for (const args of [['prepare', '-f', 'good.yaml', '--store', 'store', '-o', 'earlier.tar'], ['import', 'earlier.tar', '--allow-unsigned', '--store', 'machine']]) {
    const { status, stderr } = await cli(args);
    if (status !== 0) throw new Error(stderr);
  }
  await writeBom('good.yaml', `  files: [{urls: ["${web}/app.bin"], digest: "${digestOf(content)}", saveAs: app.bin}]`);
  const { status, stderr } = await cli(['prepare', '-f', 'good.yaml', '--store', 'store', '-o', 'good.tar']);
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => { server.closeAllConnections(); server.close(); });

const cli = (args: readonly string[]): Promise<Outcome> => longshore(args, { cwd: folder });

async function writeBom(name: string, spec: string): Promise<void> {
  await writeFile(join(folder, name), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: ${name.replace('.yaml', '')}, version: "1"}\nspec:\n${spec}\n`);
}

/** name -> size and time of everything in a folder that counts as content. */
async function stateOf(name: string): Promise<Map<string, string>> {
  const state = new Map<string, string>();
  for (const part of ['blobs', 'generations', 'packs', 'index.json', 'oci-layout']) {
    const path = join(folder, name, part);
    const info = await stat(path).catch(() => undefined);
    const entries = info?.isDirectory() === true ? (await readdir(path, { recursive: true })).map((entry) => join(part, entry)) : info === undefined ? [] : [part];
    for (const entry of entries) {
      const { size, mtimeMs } = await stat(join(folder, name, entry));
      state.set(entry, `${size} ${mtimeMs}`);
    }
  }
  return state;
}

async function expectRefusal(args: readonly string[], expected: { readonly code: string; readonly exit: number; readonly says?: string | RegExp }): Promise<void> {
  const before = [await stateOf('store'), await stateOf('machine')];
  const { status, stderr, stdout } = await cli(args);
  expect(`${stderr}${stdout}`).toContain(expected.code);
  expect(status).toBe(expected.exit);
  for (const part of ['expected:', 'actual:', 'next:']) expect(stderr).toContain(part);
  if (expected.says !== undefined) expect(stderr).toMatch(expected.says);
  expect([await stateOf('store'), await stateOf('machine')]).toEqual(before);
}

describe('documents', () => {
  it('an unknown key: file, line and column, and the key that was meant', async () => {
    await writeBom('typo.yaml', '  imagse: []');
    await expectRefusal(['lock', '-f', 'typo.yaml', '--store', 'store', '--lock', 'typo.json'], { code: 'INPUT_UNKNOWN_KEY', exit: 2, says: /typo\.yaml:5:3[\s\S]*images/ });
    await expect(stat(join(folder, 'typo.json'))).rejects.toThrow();
  });

  it('broken YAML', async () => {
    await writeFile(join(folder, 'broken.yaml'), 'apiVersion: [unclosed\n');
    await expectRefusal(['lock', '-f', 'broken.yaml', '--store', 'store'], { code: 'INPUT_SYNTAX', exit: 2, says: /broken\.yaml:\d+:\d+/ });
  });

  it('a file that is not there', async () => {
    await expectRefusal(['lock', '-f', 'nowhere.yaml', '--store', 'store'], { code: 'INPUT_MISSING_FILE', exit: 2, says: /nowhere\.yaml/ });
  });

  it('in a BOM that a project names: checked with the project, and said when it is missing', async () => {
    await writeBom('outside.yaml', '  files: [{urls: ["https://example.org/x"], saveAs: "../x"}]');
    await writeFile(join(folder, 'project-of.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: p}\nspec: {modules: [{bom: outside.yaml}]}\n');
    await expectRefusal(['bom', 'check', '-f', 'project-of.yaml'], { code: 'INPUT_FIELD', exit: 2, says: /outside\.yaml:5:\d+/ });
    await writeFile(join(folder, 'project-of.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: p}\nspec: {modules: [{bom: absent.yaml}]}\n');
    await expectRefusal(['bom', 'check', '-f', 'project-of.yaml'], { code: 'INPUT_MISSING_FILE', exit: 2, says: /absent\.yaml/ });
  });

  it('two digests for one name: both places, and how to settle it', async () => {
    const image = (digit: string): string => `  images: [{ref: "quay.io/acme/kafka:2.8", digest: "sha256:${digit.repeat(64)}"}]`;
    await writeBom('one.yaml', image('1'));
    await writeBom('two.yaml', image('2'));
    await expectRefusal(['lock', '-f', 'one.yaml', '-f', 'two.yaml', '--store', 'store'], { code: 'RESOLVE_CONFLICT', exit: 3, says: /one\.yaml:\d+:\d+[\s\S]*two\.yaml:\d+:\d+|two\.yaml:\d+:\d+[\s\S]*one\.yaml:\d+:\d+/ });
  });
});

describe('downloads', () => {
  it('a wrong sha256', async () => {
    await writeBom('wrong.yaml', `  files: [{urls: ["${web}/app.bin"], digest: "sha256:${'0'.repeat(64)}", size: ${content.length}, saveAs: wrong.bin}]`);
    expect((await cli(['lock', '-f', 'wrong.yaml', '--store', 'wrong-store', '--lock', 'wrong.json'])).status).toBe(0);
    await expectRefusal(['download', '--store', 'wrong-store', '--lock', 'wrong.json'], { code: 'INTEGRITY_DIGEST', exit: 5, says: /wrong\.bin/ });
    const left = await readdir(join(folder, 'wrong-store/blobs/sha256'));
    expect(left).not.toContain('0'.repeat(64));
    expect(await readdir(join(folder, 'wrong-store/partial'))).toEqual([]);
  });

  it('an address that is gone: every mirror that was tried', async () => {
    await writeBom('gone.yaml', `  files: [{urls: ["${web}/gone-1", "${web}/gone-2"], saveAs: gone.bin}]`);
    await expectRefusal(['lock', '-f', 'gone.yaml', '--store', 'store', '--lock', 'gone.json'], { code: 'RESOLVE_NOT_FOUND', exit: 3, says: /gone-1[\s\S]*gone-2/ });
  });

  it('a full disk: refused before the first byte, or stopped in the middle with what was finished kept', async () => {
    const small = await run('unshare', ['-m', 'sh', '-c', `mkdir -p small && mount -t tmpfs -o size=20m tmpfs small && cp -r store small/store 2>/dev/null; rm -f small/store/blobs/sha256/${digestOf(content).slice(7)}; "${process.execPath}" "${longshorePath}" download --store small/store --lock longshore.lock.json; echo "status $?"; ls small/store/blobs/sha256 | wc -l`], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'no-cache') } });
    expect(small.stdout).toContain('status 6');
    expect(small.stderr).toContain('STORAGE_SPACE');
    const filled = await run('unshare', ['-m', 'sh', '-c', [
      `mkdir -p full && mount -t tmpfs -o size=80m tmpfs full && cp -r store full/store && rm full/store/blobs/sha256/${digestOf(content).slice(7)}`,
      // The room is there when the space is checked and gone when the blob is written.
      `"${process.execPath}" --import ./fill-later.mjs "${longshorePath}" download --store full/store --lock longshore.lock.json; echo "status $?"`,
      'ls full/store/blobs/sha256 | wc -l; rm full/filler',
      `"${process.execPath}" "${longshorePath}" download --store full/store --lock longshore.lock.json; echo "again $?"`,
    ].join('; ')], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'no-cache') } });
    expect(filled.stdout).toContain('status 6');
    expect(filled.stderr).toContain('STORAGE_SPACE');
    expect(filled.stdout).toContain('again 0');
  });
});

describe('apt metadata', () => {
  it('a tampered InRelease', async () => {
    const key = await makeSigningKey({ name: 'archive', date: new Date() });
    const signer = await parseSigningKey(Buffer.from(key.privateKey), 'key');
    const repository = join(folder, 'apt');
    await makeRepository(repository, [{ name: 'tool', version: '1', description: 'a tool' }], (text) => clearsign(text, signer, new Date()));
    await writeFile(join(folder, 'archive.asc'), key.publicKey);
    const publish = async (): Promise<void> => {
      for (const name of await readdir(repository, { recursive: true })) {
        if ((await stat(join(repository, name))).isFile()) files.set(`/apt/${name}`, await readFile(join(repository, name)));
      }
    };
    await publish();
    await writeBom('apt.yaml', `  targets: [{id: t, family: debian, os: debian, release: "12", arch: amd64}]
  packageRepositories: [{id: r, manager: deb, targets: [t], line: "deb ${web}/apt stable main", gpgKeys: [{path: archive.asc}]}]
  packages: [{id: p, manager: deb, target: t, dependencies: closure, include: [{name: tool}]}]`);
    expect((await cli(['lock', '-f', 'apt.yaml', '--store', 'apt-store', '--lock', 'apt.json'])).status).toBe(0);
    const path = join(repository, 'dists/stable/InRelease');
    await writeFile(path, (await readFile(path, 'utf8')).replace('Components: main', 'Components: evil'));
    await publish();
    await expectRefusal(['lock', '-f', 'apt.yaml', '--store', 'store', '--lock', 'apt2.json'], { code: 'INTEGRITY_SIGNATURE', exit: 5, says: /InRelease/ });
  });
});

describe('archives', () => {
  const damaged = join(folder, 'damaged.tar');
  const commands = [['verify', 'damaged.tar', '--allow-unsigned'], ['import', 'damaged.tar', '--allow-unsigned', '--store', 'machine'], ['import', 'damaged.tar', '--allow-unsigned', '--copy', '--store', 'machine']];

  it.each(commands)('cut short: %s', async (...args) => {
    await copyFile(join(folder, 'good.tar'), damaged);
    await truncate(damaged, (await stat(damaged)).size - 20_000_000);
    await expectRefusal(args, { code: 'INTEGRITY_ARCHIVE', exit: 5 });
  });

  it.each(commands)('one flipped byte, named with its blob: %s', async (...args) => {
    await copyFile(join(folder, 'good.tar'), damaged);
    const handle = await open(damaged, 'r+');
    const at = Math.floor((await handle.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, at);
    await handle.close();
    await expectRefusal(args, { code: 'INTEGRITY', exit: 5, says: new RegExp(digestOf(content).slice(7)) });
  });

  it('unsigned, when nobody said that this is fine', async () => {
    await expectRefusal(['import', 'good.tar', '--store', 'machine'], { code: 'INPUT_UNSIGNED', exit: 2 });
  });

  it('something else than an archive', async () => {
    await writeFile(damaged, noise(100_000));
    await expectRefusal(['import', 'damaged.tar', '--allow-unsigned', '--store', 'machine'], { code: 'INPUT_ARCHIVE_FORMAT', exit: 2 });
  });

  it('an archive that cannot be opened leaves no store behind', async () => {
    await writeFile(join(folder, 'text.tar'), 'no archive');
    await expectRefusal(['import', 'nofile.tar', '--allow-unsigned', '--store', 'new'], { code: 'INPUT_MISSING_FILE', exit: 2, says: /nofile\.tar/ });
    await expectRefusal(['import', 'text.tar', '--allow-unsigned', '--store', 'new'], { code: 'INPUT_ARCHIVE_FORMAT', exit: 2, says: /text\.tar/ });
    await expect(stat(join(folder, 'new'))).rejects.toThrow();
  });

  it('an archive that is refused leaves no store behind either, from stdin too; one that was there stays', async () => {
    await expectRefusal(['import', 'good.tar', '--store', 'new'], { code: 'INPUT_UNSIGNED', exit: 2 });
    await expect(stat(join(folder, 'new'))).rejects.toThrow();
    const piped = await run('sh', ['-c', `"${process.execPath}" "${longshorePath}" import - --store new < good.tar`], { cwd: folder });
    expect([piped.status, piped.stderr]).toEqual([2, expect.stringContaining('INPUT_UNSIGNED')]);
    await expect(stat(join(folder, 'new'))).rejects.toThrow();
    await copyFile(join(folder, 'good.tar'), damaged);
    await truncate(damaged, (await stat(damaged)).size - 20_000_000);
    await expectRefusal(['import', 'damaged.tar', '--allow-unsigned', '--store', 'new'], { code: 'INTEGRITY_ARCHIVE', exit: 5 });
    await expect(stat(join(folder, 'new'))).rejects.toThrow();
    await mkdir(join(folder, 'mine'));
    await expectRefusal(['import', 'good.tar', '--store', 'mine'], { code: 'INPUT_UNSIGNED', exit: 2 });
    expect((await stat(join(folder, 'mine'))).isDirectory()).toBe(true);
  });

  it('volumes that come one drive at a time are kept in a store that was made for them, until the last one completes it', async () => {
    await must(process.execPath, [longshorePath, 'export', '--store', 'store', '-o', 'drives.tar', '--split', '12MB', '--quiet'], { cwd: folder });
    const volumes = (await readdir(folder)).filter((name) => name.startsWith('drives.tar.')).sort();
    expect(volumes.length).toBeGreaterThan(2);
    const last = volumes.pop() ?? '';
    for (const volume of volumes) {
      await mkdir(join(folder, 'drive'));
      await rename(join(folder, volume), join(folder, 'drive', volume));
      const { status, stderr } = await cli(['import', `drive/${volume}`, '--allow-unsigned', '--copy', '--store', 'drives']);
      expect([status, stderr]).toEqual([5, expect.stringMatching(/Volumes? [\d, ]+ (is|are) kept: run again/)]);
      await rm(join(folder, 'drive'), { recursive: true });
    }
    await must(process.execPath, [longshorePath, 'import', last, '--allow-unsigned', '--copy', '--store', 'drives', '--quiet'], { cwd: folder });
    await must(process.execPath, [longshorePath, 'store', 'verify', '--store', 'drives', '--quiet'], { cwd: folder });
  });
});

describe('exports', () => {
  it('of content that is not in the store', async () => {
    await mkdir(join(folder, 'empty-store'), { recursive: true });
    await must('cp', ['-r', `${folder}/store/.`, join(folder, 'empty-store')]);
    for (const name of await readdir(join(folder, 'empty-store/blobs/sha256'))) if (name === digestOf(content).slice(7)) await rm(join(folder, 'empty-store/blobs/sha256', name));
    await expectRefusal(['export', '--store', 'empty-store', '-o', 'never.tar'], { code: 'INTEGRITY_MISSING', exit: 5, says: /app\.bin/ });
    await expect(stat(join(folder, 'never.tar'))).rejects.toThrow();
  });

  it('onto a disk without room', async () => {
    const outcome = await run('unshare', ['-m', 'sh', '-c', `mkdir -p out && mount -t tmpfs -o size=20m tmpfs out && "${process.execPath}" "${longshorePath}" export --store store -o out/x.tar; echo "status $?"; ls -A out | wc -l`], { cwd: folder });
    expect(outcome.stdout).toMatch(/status 6\n0\n/);
    expect(outcome.stderr).toContain('STORAGE_SPACE');
  });

  it('onto a disk that others fill meanwhile: refused, nothing under the final name, and the same command goes on once there is room', async () => {
    // The filler leaves next to nothing as soon as the export has begun its file.
    await writeFile(join(folder, 'fill-out.mjs'), `import { closeSync, openSync, watch, writeSync } from 'node:fs';
const watcher = watch('slow-out', () => {
  watcher.close();
  const fd = openSync('slow-out/filler', 'w');
  try { for (;;) writeSync(fd, Buffer.alloc(1_000_000)); } catch { closeSync(fd); }
});
watcher.unref();
`);
    const command = `"${longshorePath}" export --store store -o slow-out/x.tar`;
    const outcome = await run('unshare', ['-m', 'sh', '-c', [
      'mkdir -p slow-out && mount -t tmpfs -o size=150m tmpfs slow-out',
      `"${process.execPath}" --import ./fill-out.mjs ${command}; echo "status $?"; ls slow-out/x.tar; rm slow-out/filler`,
      `"${process.execPath}" ${command} > /dev/null; echo "status $?"; cmp slow-out/x.tar good.tar && echo same; ls -A slow-out`,
    ].join('; ')], { cwd: folder });
    expect(outcome.stdout).toMatch(/status 6\nstatus 0\nsame\nx\.tar\n$/);
    expect(outcome.stderr).toContain('STORAGE_SPACE');
  });
});

beforeAll(async () => {
  // Fills the disk at the first write into the store's partial folder.
  await writeFile(join(folder, 'fill-later.mjs'), `import { writeFileSync, watch, mkdirSync } from 'node:fs';
mkdirSync('full/store/partial', { recursive: true });
const watcher = watch('full/store/partial', () => {
  watcher.close();
  try { writeFileSync('full/filler', Buffer.alloc(75_000_000)); } catch {}
});
watcher.unref();
`);
});

describe('things of the wrong kind', () => {
  it('a folder, or a folder without documents, where a file is meant', async () => {
    await mkdir(join(folder, 'no-documents'), { recursive: true });
    await expectRefusal(['bom', 'convert', 'no-documents', '--from', 'dcos-installer', '--explode', '--out', 'exploded.yaml'], { code: 'INPUT_MISSING_FILE', exit: 2, says: /EISDIR/ });
    await expectRefusal(['modules', 'list', '-f', 'no-documents'], { code: 'INPUT_MISSING_FILE', exit: 2 });
  });

  it('a file where a folder would have to be made', async () => {
    await mkdir(join(folder, 'installer'), { recursive: true });
    await writeFile(join(folder, 'installer/dcos'), '');
    await writeFile(join(folder, 'installer/setup.sh'), '#!/bin/sh\n#EOF#\nrest');
    await expectRefusal(['bom', 'convert', 'installer/setup.sh', '--from', 'dcos-installer', '--explode', '--out', 'installer/bom.yaml'], { code: 'STORAGE_IO', exit: 6 });
    expect((await readdir(join(folder, 'installer'))).sort()).toEqual(['dcos', 'setup.sh']);
  });

  it.each([['{not json', 'JSON object'], ['[]', 'something else']])('a Universe package whose kept file is %s', async (text, says) => {
    await writeFile(join(folder, 'universe.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: uni, version: "1", annotations: {dcos-universe: {package.json: "${text}"}}}\nspec:\n  files: [{path: universe.yaml}]\n`);
    expect(await cli(['prepare', '-f', 'universe.yaml', '--store', 'universe-store', '--lock', 'universe.json', '-o', 'universe.tar'])).toMatchObject({ status: 0 });
    await expectRefusal(['publish', 'universe.tar', '--allow-unsigned', '--layout', 'dcos-universe', '--base-url', 'http://repo01:5000', '--to', 'universe-out'], { code: 'INPUT_FIELD', exit: 2, says });
    await expect(stat(join(folder, 'universe-out'))).rejects.toThrow('ENOENT');
  });

  it('two targets at once', async () => {
    await expectRefusal(['publish', '--store', 'machine'], { code: 'INPUT_FLAG', exit: 2, says: /--registry HOST, --tree DIR, or --layout NAME with --to DIR/ });
    await expectRefusal(['publish', '--tree', 'www', '--bundle', 'x', '--store', 'machine'], { code: 'INPUT_FLAG', exit: 2 });
    await expectRefusal(['publish', '--layout', 'epirepo', '--to', 'x', '--registry', 'h', '--bundle', 'x', '--store', 'machine'], { code: 'INPUT_FLAG', exit: 2 });
  });
});
