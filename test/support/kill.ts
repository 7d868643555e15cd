// Kills longshore at random moments of download, export and import, and looks at what is left.
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Outside, startServe } from './site.ts';

export interface KillReport {
  readonly rounds: number;
  /** Rounds in which the process was still running when it was killed. */
  readonly killed: number;
}

type Step = readonly string[];

async function must(outside: Outside, args: Step): Promise<string> {
  const { status, stdout, stderr } = await outside.longshore(args);
  if (status !== 0) throw new Error(`longshore ${args.join(' ')}: ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Runs a step and kills it after `delayMs`; true when it was still running. */
async function killed(outside: Outside, args: Step, delayMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const outcome = await outside.longshore(args, (child: ChildProcess) => { timer = setTimeout(() => child.kill('SIGKILL'), delayMs); });
  clearTimeout(timer);
  if (outcome.signal === null && outcome.status !== 0) throw new Error(`longshore ${args.join(' ')} failed by itself: ${outcome.stderr}`);
  return outcome.signal === 'SIGKILL';
}

/** The same, once the web server has sent `bytes`: before the download can have ended, on a machine of any load. */
async function killedAfter(outside: Outside, args: Step, bytes: number): Promise<boolean> {
  const before = outside.sent.bytes;
  let timer: NodeJS.Timeout | undefined;
  const outcome = await outside.longshore(args, (child: ChildProcess) => { timer = setInterval(() => { if (outside.sent.bytes - before >= bytes) child.kill('SIGKILL'); }, 5); });
  clearInterval(timer);
  if (outcome.signal === null && outcome.status !== 0) throw new Error(`longshore ${args.join(' ')} failed by itself: ${outcome.stderr}`);
  return outcome.signal === 'SIGKILL';
}

/** Bytes of the web server's files that a store has, finished or in part. */
async function keptBytes(outside: Outside, store: string): Promise<number> {
  let bytes = 0;
  const parts = await readdir(join(store, 'partial')).catch(() => []);
  for (const file of Object.values(outside.files)) {
    const hex = createHash('sha256').update(file).digest('hex');
    const whole = await stat(join(store, 'blobs/sha256', hex)).catch(() => undefined);
    const sizes = await Promise.all(parts.filter((name) => name.startsWith(hex)).map(async (name) => (await stat(join(store, 'partial', name))).size));
    bytes += whole?.size ?? Math.max(0, ...sizes);
  }
  return bytes;
}

async function durationMs(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

const sha256 = async (path: string): Promise<string> => createHash('sha256').update(await readFile(path)).digest('hex');

/** name -> inode of every finished blob. */
async function finished(store: string): Promise<Map<string, number>> {
  const folder = join(store, 'blobs/sha256');
  const names = await readdir(folder).catch(() => []);
  return new Map(await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).ino] as const)));
}

/** Each round: an empty store, a download killed somewhere, a rerun that completes; finished blobs stay the same files, no byte range is fetched twice but for what was in flight. */
export async function killDownload(outside: Outside, rounds: number, random: () => number): Promise<KillReport> {
  const store = join(outside.folder, 'kill-store');
  const lockArgs = ['lock', '-f', 'project.yaml', '--store', 'kill-store', '--lock', 'kill.lock.json', '--insecure-registry', outside.registry.host];
  const args = ['download', '--store', 'kill-store', '--lock', 'kill.lock.json', '--insecure-registry', outside.registry.host];
  const total = Object.values(outside.files).reduce((sum, file) => sum + file.length, 0);
  let count = 0;
  for (let round = 0; round < rounds; round += 1) {
    await rm(store, { recursive: true, force: true });
    await must(outside, lockArgs);
    if (await killedAfter(outside, args, random() * 0.9 * total)) count += 1;
    const kept = await finished(store);
    const bytesKept = await keptBytes(outside, store);
    const before = outside.sent.bytes;
    await must(outside, args);
    const after = await finished(store);
    for (const [name, inode] of kept) if (after.get(name) !== inode) throw new Error(`round ${round}: the finished blob ${name} was written again`);
    // The server may say a little more to the connections that died.
    const again = outside.sent.bytes - before - (total - bytesKept);
    if (again > 1_000_000) throw new Error(`round ${round}: ${again} bytes were fetched a second time, of ${bytesKept} that were there`);
    await checkStore(outside, store);
  }
  return { rounds, killed: count };
}

async function checkStore(outside: Outside, store: string): Promise<void> {
  for (const name of (await finished(store)).keys()) {
    if ((await sha256(join(store, 'blobs/sha256', name))) !== name) throw new Error(`${name} is damaged in ${store}`);
  }
  const plan = JSON.parse(await must(outside, ['plan', '--store', store, '--lock', 'kill.lock.json', '--json'])) as { toDownload: { blobs: number } };
  if (plan.toDownload.blobs !== 0) throw new Error(`${plan.toDownload.blobs} blobs are missing after the rerun`);
}

/** Each round: an export killed somewhere, a rerun whose archive is the same, byte for byte; an archive that was there before stays until then. */
export async function killExport(outside: Outside, rounds: number, random: () => number): Promise<KillReport> {
  const args = ['export', '--store', 'kill-store', '--lock', 'kill.lock.json', '-o', 'kill.tar'];
  const output = join(outside.folder, 'kill.tar');
  const wholeMs = await durationMs(() => must(outside, args));
  const expected = await sha256(output);
  let count = 0;
  for (let round = 0; round < rounds; round += 1) {
    await writeFile(output, 'what was here before');
    const wasKilled = await killed(outside, args, 50 + random() * wholeMs);
    if (wasKilled) {
      count += 1;
      const left = await readFile(output);
      if (left.toString('utf8', 0, 30) !== 'what was here before' && createHash('sha256').update(left).digest('hex') !== expected) throw new Error(`round ${round}: a half-written archive has the archive's name`);
    }
    await must(outside, args);
    if ((await sha256(output)) !== expected) throw new Error(`round ${round}: the archive differs`);
    const strays = (await readdir(outside.folder)).filter((name) => name.startsWith('kill.tar') && name !== 'kill.tar');
    if (strays.length > 0) throw new Error(`round ${round}: left behind: ${strays.join(', ')}`);
  }
  return { rounds, killed: count };
}

/** Each round: a machine that serves a first archive imports a second one and is killed somewhere; what it serves is the first or the second, whole; the rerun completes. */
export async function killImport(outside: Outside, rounds: number, random: () => number): Promise<KillReport> {
  const machine = join(outside.folder, 'kill-machine');
  await must(outside, ['export', '--store', 'kill-store', '--lock', 'kill.lock.json', '-o', 'first.tar']);
  await makeSecond(outside);
  const args = ['import', 'second.tar', '--allow-unsigned', '--store', 'kill-machine'];
  let count = 0;
  let wholeMs = 0;
  for (let round = -1; round < rounds; round += 1) {
    const how = round % 2 === 0 ? ['--copy'] : [];
    await rm(machine, { recursive: true, force: true });
    await must(outside, ['import', 'first.tar', '--allow-unsigned', '--store', 'kill-machine']);
    if (round < 0) { wholeMs = await durationMs(() => must(outside, args)); continue; }
    const service = await startServe(['--store', 'kill-machine'], outside.folder);
    try {
      if (await killed(outside, [...args, ...how], 100 + random() * wholeMs)) count += 1;
      await checkServed(service.url, outside, ['small file\n', 'second file\n']);
      await must(outside, [...args, ...how]);
      await waitFor(async () => (await text(`${service.url}/files/small.txt`)).includes('second file'), 5000);
      await checkServed(service.url, outside, ['second file\n']);
    } finally {
      await service.stop();
    }
  }
  return { rounds, killed: count };
}

/** A second lock and archive, whose small file is another one. */
async function makeSecond(outside: Outside): Promise<void> {
  const content = 'a second file\n';
  await writeFile(join(outside.folder, 'second.txt'), content);
  const bom = await readFile(join(outside.folder, 'app.yaml'), 'utf8');
  await writeFile(join(outside.folder, 'app2.yaml'), bom.replace(/- \{urls: \["[^"]*small\.txt"\], digest: "[^"]*"/, `- {path: second.txt, digest: "sha256:${createHash('sha256').update(content).digest('hex')}"`));
  await writeFile(join(outside.folder, 'project2.yaml'), (await readFile(join(outside.folder, 'project.yaml'), 'utf8')).replace('app.yaml', 'app2.yaml'));
  const flags = ['--store', 'kill-store', '--lock', 'kill2.lock.json'];
  await writeFile(join(outside.folder, 'kill2.lock.json'), await readFile(join(outside.folder, 'kill.lock.json')));
  await must(outside, ['lock', '-f', 'project2.yaml', ...flags, '--insecure-registry', outside.registry.host]);
  await must(outside, ['download', ...flags, '--insecure-registry', outside.registry.host]);
  await must(outside, ['export', ...flags, '-o', 'second.tar']);
}

const text = async (url: string): Promise<string> => (await fetch(url)).text();

async function checkServed(url: string, outside: Outside, smallFiles: readonly string[]): Promise<void> {
  const small = await text(`${url}/files/small.txt`);
  if (!smallFiles.some((each) => small.endsWith(each))) throw new Error(`files/small.txt is ${JSON.stringify(small.slice(0, 80))}`);
  const big = Buffer.from(await (await fetch(`${url}/files/app/big.bin`)).arrayBuffer());
  if (!big.equals(outside.files['big.bin'] ?? Buffer.alloc(0))) throw new Error('files/app/big.bin is not what it was');
  const manifest = await fetch(`${url}/v2/team/tool/manifests/1.0`, { headers: { accept: 'application/vnd.oci.image.index.v1+json' } });
  if (manifest.headers.get('docker-content-digest') !== outside.image.index) throw new Error('the image is not what it was');
  const release = await fetch(`${url}/apt/site/${outside.target}/dists/${outside.target}/InRelease`);
  if (release.status !== 200) throw new Error(`InRelease: status ${release.status}`);
}

async function waitFor(condition: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('what was waited for did not come');
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
