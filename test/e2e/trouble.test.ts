// A restart, a crash and a full disk, each in the middle of an import, a switch and a collection: the last good generation serves again, whole,
// and the work can be ended. On a small disk of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from '../importer/workbench.ts';
import { noise } from '../support/bytes.ts';
import { longshorePath, must, type Outcome, run, type RunOptions, type Service, startService } from '../support/command.ts';
import { seeded } from '../support/kill.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('trouble');
const disk = join(folder, 'disk');
const bench = new Workbench();
const archives: string[] = [];
const random = seeded(23);
let holder: ChildProcess;

const contentOf = (sequence: number): Record<string, Uint8Array> => ({
  ...Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`own/${number}`, noise(30_000, sequence * 100 + number)])), shared: noise(200_000, 7),
});

beforeAll(async () => {
  for (const sequence of [1, 2, 3]) {
    const sample = sampleOf({ sequence, files: contentOf(sequence) });
    archives.push(...(await bench.export(sample, await bench.store(`from-${sequence}`, sample), `${sequence}.tar`)).paths);
  }
  await mkdir(disk);
  holder = spawn('unshare', ['--mount', '--kill-child', '--fork', 'sh', '-c', `mount -t tmpfs -o size=14m tmpfs ${disk} && echo mounted && exec sleep infinity`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((done, fail) => { holder.stdout?.once('data', () => { done(); }); holder.once('close', () => { fail(new Error('no disk of its own can be had here')); }); });
});
afterAll(async () => {
  holder.kill('SIGKILL');
  await bench.close();
});

let inner = '';
async function onDisk(...command: readonly string[]): Promise<string[]> {
  inner ||= (await must('pgrep', ['-P', String(holder.pid)])).trim();
  return ['-t', inner, '-m', ...command];
}

const longshore = async (args: readonly string[], options: RunOptions = {}): Promise<Outcome> => run('nsenter', await onDisk(process.execPath, longshorePath, ...args), options);

interface Site { readonly store: string; serve: Service }

const start = async (store: string): Promise<Service> => startService('nsenter', await onDisk(process.execPath, longshorePath, 'serve', '--store', store, '--listen', '127.0.0.1:0'), { ready: (output) => /http:\/\/\S+\/\n/.test(output) });

/** Which of the three is served: all of it, and nothing of another. */
async function served({ serve }: Site): Promise<number> {
  const origin = /(http:\/\/\S+)\/\n/.exec(serve.output())?.[1] ?? '';
  const first = digestOf(new Uint8Array(await (await fetch(`${origin}/files/own/0`)).arrayBuffer()));
  const sequence = [1, 2, 3].find((each) => digestOf(contentOf(each)['own/0'] ?? '') === first) ?? 0;
  for (const [name, content] of Object.entries(contentOf(sequence))) {
    const answer = await fetch(`${origin}/files/${name}`);
    expect([name, answer.status, digestOf(new Uint8Array(await answer.arrayBuffer()))]).toEqual([name, 200, digestOf(content)]);
  }
  return sequence;
}

/** While a switch may come between two requests: every file is there, and of a generation. */
async function good({ serve }: Site): Promise<void> {
  const origin = /(http:\/\/\S+)\/\n/.exec(serve.output())?.[1] ?? '';
  for (const name of Object.keys(contentOf(1))) {
    const answer = await fetch(`${origin}/files/${name}`);
    const digest = digestOf(new Uint8Array(await answer.arrayBuffer()));
    expect([name, answer.status, [1, 2, 3].some((each) => digestOf(contentOf(each)[name] ?? '') === digest)]).toEqual([name, 200, true]);
  }
}

const kill = async ({ serve: { child } }: Site): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => { child.once('exit', done); });
  child.kill('SIGKILL');
  await gone;
};

/** What the work is, and which sequence is served before and after it. */
const works = {
  import: { args: (store: string) => ['import', archives[2] ?? '', '--copy', '--allow-unsigned', '--store', store, '--quiet'], after: 3, full: 6 },
  switch: { args: (store: string) => ['rollback', '1', '--store', store], after: 1, full: undefined },
  gc: { args: (store: string) => ['gc', '--keep', '1', '--compact', '--store', store], after: 2, full: 0 },
} as const;

const troubles = {
  /** The service is stopped and started again while the work goes on. */
  async restart(site: Site, args: readonly string[]): Promise<void> {
    const working = longshore(args);
    await setTimeout(100 + random() * 300);
    await site.serve.stop();
    site.serve = await start(site.store);
    await good(site);
    expect((await working).status).toBe(0);
  },
  /** Both are killed. */
  async crash(site: Site, args: readonly string[]): Promise<void> {
    const moment = new AbortController();
    await longshore(args, { started: (child) => {
      void setTimeout(100 + random() * 400, undefined, moment).then(() => { child.kill('SIGKILL'); site.serve.child.kill('SIGKILL'); }, () => undefined);
    } });
    moment.abort();
    await kill(site);
    site.serve = await start(site.store);
    await served(site);
  },
  /** Not a byte is left, also for the service that starts again. */
  async 'full disk'(site: Site, args: readonly string[], status: number | undefined): Promise<void> {
    await run('nsenter', await onDisk('dd', 'if=/dev/zero', `of=${disk}/fill`, 'bs=4k'));
    const outcome = await longshore(args);
    if (status !== undefined) expect([outcome.status, outcome.stderr]).toEqual([status, expect.anything()]);
    else expect([0, 6]).toContain(outcome.status);
    await served(site);
    await kill(site);
    site.serve = await start(site.store);
    await served(site);
    await must('nsenter', await onDisk('rm', `${disk}/fill`));
  },
} as const;

describe.each(['restart', 'crash', 'full disk'] as const)('a %s', (trouble) => {
  it.each(['import', 'switch', 'gc'] as const)('during %s leaves the last good generation served, and the work is ended by running it again', async (work) => {
    const store = join(disk, `${trouble.slice(0, 4)}-${work}`);
    for (const archive of archives.slice(0, 2)) expect(await longshore(['import', archive, '--copy', '--allow-unsigned', '--store', store, '--quiet'])).toMatchObject({ status: 0 });
    const site: Site = { store, serve: await start(store) };
    try {
      expect(await served(site)).toBe(2);
      const { args, after, full } = works[work];
      await troubles[trouble](site, args(store), full);
      expect([after, 2]).toContain(await served(site));
      expect(await longshore(args(store))).toMatchObject({ status: 0 });
      await expect.poll(() => served(site)).toBe(after);
      expect((await longshore(['store', 'verify', '--store', store])).stdout).toContain('damaged: none');
    } finally {
      await site.serve.stop();
      await must('nsenter', await onDisk('rm', '-rf', store));
    }
  });
});

it('a disk that can only be read any more: what it has is served after a restart, and nothing is said to be written', async () => {
  const store = join(disk, 'read-only');
  expect(await longshore(['import', archives[0] ?? '', '--copy', '--allow-unsigned', '--store', store, '--quiet'])).toMatchObject({ status: 0 });
  const site: Site = { store, serve: await start(store) };
  try {
    expect(await served(site)).toBe(1);
    await site.serve.stop();
    await must('nsenter', await onDisk('mount', '-o', 'remount,ro', disk));
    site.serve = await start(store);
    expect(await served(site)).toBe(1);
    expect(await longshore(['status', '--store', store])).toMatchObject({ status: 0, stdout: expect.stringContaining('serving generation 1') });
    expect(await longshore(['import', archives[1] ?? '', '--copy', '--allow-unsigned', '--store', store])).toMatchObject({ status: 6, stderr: expect.stringContaining('EROFS') });
    expect(await served(site)).toBe(1);
  } finally {
    await site.serve.stop();
    await must('nsenter', await onDisk('mount', '-o', 'remount,rw', disk));
    await must('nsenter', await onDisk('rm', '-rf', store));
  }
});
