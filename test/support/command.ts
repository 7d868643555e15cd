import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '../..');
export const longshorePath = join(projectRoot, 'bin/longshore.ts');
/** What users call: it starts the program with the settings of its launcher. */
export const launcherPath = join(projectRoot, 'bin/longshore');

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Called with the process as soon as it runs: to kill it, for one. */
  readonly started?: (child: ChildProcess) => void;
}

/** Runs a program to its end. Never throws for an exit status. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined).end(options.input);
    child.once('error', fail);
    child.once('close', (status, signal) => done({ status, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }));
    options.started?.(child);
  });
}

/** Runs a program and throws with its output unless it exits 0. */
export async function must(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, options);
  if (outcome.status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${outcome.status} ${outcome.signal ?? ''}\n${outcome.stdout.slice(-2000)}\n${outcome.stderr.slice(-4000)}`);
  return outcome.stdout;
}

/** The real bin/longshore under the pinned Node, as a user runs it. */
export function longshore(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(process.execPath, [longshorePath, ...args], options);
}

/** The same, which must succeed; the parsed document of `--json`. */
export async function longshoreJson<T = Record<string, unknown>>(args: readonly string[], options: RunOptions = {}): Promise<T> {
  return JSON.parse(await must(process.execPath, [longshorePath, ...args, '--json'], options)) as T;
}

export interface Service {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts a program that stays, and waits until `ready` finds what it looks for in its output (or in the world). */
export async function startService(program: string, args: readonly string[], options: RunOptions & { readonly ready: (output: string) => boolean | Promise<boolean> }): Promise<Service> {
  const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(hard);
  };
  const deadline = Date.now() + 60_000;
  while (!(await options.ready(output))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${program} ${args.join(' ')} did not get ready:\n${output.slice(-3000)}`);
    }
    await new Promise((done) => setTimeout(done, 30));
  }
  return { child, output: () => output, stop };
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('no port'))));
    });
  });
}
