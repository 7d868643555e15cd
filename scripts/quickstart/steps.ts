// How the quickstart runs and shows its steps.
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'bin/longshore.ts');

/** Prints a heading with the seconds since the start. */
export function heading(text: string): void {
  console.log(`\n[${(performance.now() / 1000).toFixed(1).padStart(5)} s] ${text}`);
}

export function fact(text: string): void {
  console.log(`          ${text}`);
}

/** Runs `longshore …` as a user would, shows the command and its output, and throws unless it exits 0. */
export async function longshore(args: readonly string[], cwd: string, shown: readonly string[] = args): Promise<string> {
  console.log(`          $ longshore ${shown.join(' ')}`);
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const status = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  const text = Buffer.concat(out).toString().trimEnd();
  for (const line of text.split('\n')) console.log(`            ${line}`);
  if (status !== 0) throw new Error(`longshore ${args.join(' ')} exited ${status}:\n${Buffer.concat(err).toString()}`);
  fact(`(${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return text;
}

/** Servers that were started; all of them end with {@link stopAll}. */
export class Services {
  private readonly running: ChildProcess[] = [];

  /** `longshore serve …` on a free port; returns its address. */
  async serve(args: readonly string[], cwd: string): Promise<string> {
    console.log(`          $ longshore serve ${args.join(' ')} &`);
    const child = spawn(process.execPath, [program, 'serve', ...args, '--json'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.running.push(child);
    let out = '';
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    return new Promise((done, fail) => {
      child.once('close', (status) => fail(new Error(`longshore serve ended with ${status}:\n${err}`)));
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        const address = /"(https?:\/\/[^"]+)"/.exec(out)?.[1];
        if (address !== undefined) done(address);
      });
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.running.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((done) => child.once('close', done));
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(hard);
    }));
  }
}
