import { homedir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { documentText } from '../bom/documents/utf8.ts';
import { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Lock } from '../bom/lock.ts';
import { asciiHost } from '../bom/reference.ts';
import { createProgress } from './render.ts';
import { result } from './result.ts';
import { removeScratch } from './scratch.ts';

/** What a command is given besides its flags. */
export interface CommandContext {
  readonly signal: AbortSignal;
  readonly notify: Notify;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly now: () => Date;
  /** What the run is about, for `--report`. */
  record(lock: Lock): void;
  /** The result: text for a person at once; with `--json` one document on stdout when the command ends, which then has the error too if it fails. */
  print(document: unknown, text: string): void;
  /** The same at once, for a command that goes on after its result; a failure later on is told on stderr alone. */
  printNow(document: unknown, text: string): void;
  /** A line on stderr that is no result: what a person may want to know meanwhile. Silent with `--quiet`. */
  note(text: string): void;
  /** Takes the live progress line away before a command prints or goes on for long. */
  settle(): void;
}

export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress: boolean;
  readonly report?: string;
}

export type Action<O> = (context: CommandContext, options: O, args: readonly string[]) => Promise<void>;

/** `$XDG_CACHE_HOME/longshore`, the store of a downloading machine. */
export function cacheStore(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'longshore');
}

/** The store of a repository machine. */
export const machineStore = '/var/lib/longshore';

export const storeOption = (fallback: string): Option => new Option('--store <dir>', 'blobs by digest').default(fallback);
export const lockOption = (): Option => new Option('--lock <file>', 'the lock').default('longshore.lock.json');
export const concurrencyOption = (): Option => new Option('--concurrency <n>', 'transfers at once').default(8).argParser(positiveInteger);
const insecureOption = (): Option =>
  new Option('--insecure-registry <host>', 'plain http for this registry host only; repeatable').default([]).argParser(collectHost);
const limitRateOption = (): Option => new Option('--limit-rate <size>', 'bytes a second of all transfers together, e.g. 10MiB').argParser(byteRate);
const caOption = (): Option => new Option('--ca-file <file>', 'PEM of a certificate authority to trust beside the system\'s; repeatable').default([]).argParser(collect);
export const keyOption = (what: string): Option => new Option('--key <file>', what).default([]).argParser(collect);

export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

function collectHost(value: string, previous: readonly string[] | undefined): string[] {
  const host = asciiHost(value);
  if (host === undefined) throw new InvalidArgumentError('expected HOST or HOST:PORT.');
  return collect(host, previous);
}

/** Flags of every command that uses the network. */
export interface NetworkFlags {
  readonly insecureRegistry: readonly string[];
  readonly limitRate?: number;
  readonly caFile: readonly string[];
}

export const networkOptions = (): Option[] => [insecureOption(), limitRateOption(), caOption()];

/** The part of an HTTP client's options that they set. */
export function networkOf(flags: NetworkFlags): { readonly insecureRegistry: readonly string[]; readonly limitRateBytesPerS?: number; readonly caFiles: readonly string[] } {
  return { insecureRegistry: flags.insecureRegistry, caFiles: flags.caFile, ...(flags.limitRate === undefined ? {} : { limitRateBytesPerS: flags.limitRate }) };
}

const rateUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 };

function byteRate(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s?([A-Za-z]{0,3})$/.exec(text) ?? [];
  const factor = rateUnits[unit.toLowerCase()];
  if (number === undefined || factor === undefined || Number(number) * factor < 1024) throw new InvalidArgumentError('expected at least 1KiB: a number and B, kB, MB, GB, KiB, MiB or GiB.');
  return Math.floor(Number(number) * factor);
}

export function positiveInteger(text: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1 to 99999.');
  return Number(text);
}

export const aptValidForOption = (): Option =>
  new Option('--apt-valid-for <days>', 'apt mirrors say Valid-Until: so many days after their Date (default: for ever)').argParser(positiveInteger);

/** A command with the flags that every command has, and the frame that every action runs in. */
export function defineCommand<O extends object>(parent: Command, nameAndArgs: string, options: { readonly description: string; readonly flags?: readonly Option[]; readonly action: Action<O> }): Command {
  const command = parent.command(nameAndArgs).description(options.description);
  for (const flag of options.flags ?? []) command.addOption(flag);
  command
    .addOption(new Option('--json', 'one JSON document on stdout, progress on stderr'))
    .addOption(new Option('--quiet', 'only results and errors'))
    .addOption(new Option('--no-progress', 'no progress lines'))
    .addOption(new Option('--report <file>', 'write what was done, from where, how far it is trusted, when, and every error, as JSON'))
    .addOption(new Option('--values <file>', 'unattended settings: flag names and values, as JSON or YAML'));
  command.action(async () => {
    const flags = command.opts<O & CommonOptions>();
    await framed(flags, nameAndArgs.split(' ')[0] ?? '', (context) => options.action(context, flags, command.args));
  });
  return command;
}

async function framed(flags: CommonOptions, name: string, run: (context: CommandContext) => Promise<void>): Promise<void> {
  const report = flags.report === undefined ? undefined : new (await import('./run-report.ts')).RunReport(name, new Date());
  let failure: unknown;
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new BundleError('INTERRUPTED', { subject: 'longshore', expected: 'to run to its end', actual: 'a signal asked it to stop' }));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const progress = createProgress({
    quiet: flags.quiet === true, progress: flags.progress, stream: process.stderr, clockMs: () => performance.now(),
  });
  const write = (text: string): void => { progress.finish(); process.stdout.write(`${text}\n`); };
  const printNow = (document: unknown, text: string): void => {
    report?.recordResult(document);
    write(flags.json === true ? result.now(document) : text);
  };
  try {
    await run({
      signal: stop.signal,
      notify: report?.listening(progress.notify) ?? progress.notify,
      json: flags.json === true,
      quiet: flags.quiet === true,
      now: () => new Date(),
      record: (lock) => report?.recordLock(lock),
      print: (document, text) => {
        report?.recordResult(document);
        if (flags.json === true) result.hold(document);
        else write(text);
      },
      printNow,
      note: (text) => { if (flags.quiet !== true) { progress.finish(); process.stderr.write(`${text}\n`); } },
      settle: () => progress.finish(),
    });
    const document = result.end();
    if (document !== undefined) write(document);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    progress.finish();
    // A failure of the run is the one that is told, also when its report cannot be written.
    if (flags.report !== undefined) await report?.write(flags.report, failure).catch((cause: unknown) => { if (failure === undefined) throw cause; });
    await removeScratch();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** A text file in UTF-8 that a flag names. Throws `INPUT_MISSING_FILE`, `INPUT_SYNTAX`. */
export function readInput(path: string): string {
  return documentText(readInputBytes(path), path);
}

export function readInputBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file that can be read', actual: (cause as NodeJS.ErrnoException).code ?? String(cause) }, { cause });
  }
}
