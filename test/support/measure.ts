// Whole processes, in turn (A B A B …), medians and ratios; peak memory as the kernel counts it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Contestant {
  readonly name: string;
  /** Run with sh -c; must exit 0. */
  readonly command: string;
  /** Run before every round, not measured. */
  readonly prepare?: string;
}

export interface Figures {
  readonly name: string;
  readonly seconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  /** Of the largest process: VmHWM, sampled until it ends. */
  readonly peakMiB: number;
}

interface Sample { readonly seconds: number; readonly peakKiB: number }

async function shell(command: string, cwd: string): Promise<Sample> {
  const started = performance.now();
  const child = spawn('sh', ['-c', command], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  let peakKiB = 0;
  const sample = setInterval(() => { peakKiB = Math.max(peakKiB, ...familyOf(child.pid ?? 0).map(highWater)); }, 15);
  const status = await new Promise<number | null>((done) => child.once('close', done));
  clearInterval(sample);
  if (status !== 0) throw new Error(`${command}: status ${status}\n${err.slice(-2000)}`);
  return { seconds: (performance.now() - started) / 1000, peakKiB };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process ended between two looks.
  }
}

function familyOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter((each) => each !== '').map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

function highWater(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Every contestant in turn, `rounds` times after one that does not count. */
export async function compare(contestants: readonly Contestant[], options: { readonly cwd: string; readonly rounds: number }): Promise<Figures[]> {
  const samples = contestants.map((): Sample[] => []);
  for (let round = -1; round < options.rounds; round += 1) {
    for (const [number, contestant] of contestants.entries()) {
      if (contestant.prepare !== undefined) await shell(contestant.prepare, options.cwd);
      const sample = await shell(contestant.command, options.cwd);
      if (round >= 0) samples[number]?.push(sample);
    }
  }
  return contestants.map(({ name }, number) => {
    const own = samples[number] ?? [];
    const seconds = own.map((each) => each.seconds);
    return { name, seconds: median(seconds), minSeconds: Math.min(...seconds), maxSeconds: Math.max(...seconds), peakMiB: Math.max(...own.map((each) => each.peakKiB)) / 1024 };
  });
}

/** A table of them, with ratios to the figures named by `against` (the first when left out). */
export function report(title: string, figures: readonly Figures[], against = figures[0]?.name): string {
  const base = figures.find((each) => each.name === against)?.seconds ?? 1;
  return [
    title,
    ...figures.map((each) => `  ${each.name.padEnd(34)} ${each.seconds.toFixed(2).padStart(7)} s (${each.minSeconds.toFixed(2)}-${each.maxSeconds.toFixed(2)})  ${(each.seconds / base).toFixed(2).padStart(5)}x  ${each.peakMiB.toFixed(0).padStart(5)} MiB peak`),
  ].join('\n');
}

/**
 * Moved away, not removed: for minutes after a removal ext4 looks at every inode that was freed before it gives a new one, which costs whoever makes many files next. And what
 * others left in memory is written before: a command that flushes would pay for it.
 */
export const clear = (names: string): string => `gone=$(mktemp -d gone.XXXXXX) && for each in ${names}; do if [ -e $each ]; then mv $each $gone/; fi; done && sync`;
