import { Command, CommanderError } from 'commander';
import { BundleError } from '../bom/errors.ts';
import { registerCommands } from './commands/all.ts';
import { errorJson, errorText } from './render.ts';
import { result } from './result.ts';
import { withRepoVerbs } from './repo-verbs.ts';
import { inSources } from './source-positions.ts';
import { version } from './version.ts';

/** Runs one command line (without node and script) and returns its exit code. Output goes to stdout and stderr of the process. */
export async function main(given: readonly string[]): Promise<number> {
  result.begin();
  const args = withRepoVerbs(given);
  const program = new Command('longshore')
    .description('Carries everything a cluster needs across an air gap: images, files, charts and OS packages, locked by digest, in one archive.')
    .version(version)
    .exitOverride()
    .configureOutput(quietErrors)
    .showSuggestionAfterError(true)
    .enablePositionalOptions();
  try {
    await registerCommands(program, args);
    for (const command of allBelow(program)) command.exitOverride().configureOutput(quietErrors);
    const complete = args.some((arg) => /^--values(?:=|$)/.test(arg)) ? (await import('./values.ts')).withValues(program, args) : args;
    await program.parseAsync(complete, { from: 'user' });
    return 0;
  } catch (cause) {
    return report(cause, args.includes('--json'));
  }
}

/** Errors are told once, by `report`; help that was not asked for is shown. */
const quietErrors = { writeErr: (text: string): void => { if (!text.startsWith('error:') && !text.startsWith('\n(Did')) process.stderr.write(text); } };

function* allBelow(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* allBelow(child);
  }
}

/** Tells an error on stderr, with `json` on stdout too; returns its exit code. */
export function report(cause: unknown, json: boolean): number {
  if (cause instanceof CommanderError) {
    if (cause.exitCode === 0) return 0;
    if (cause.code === 'commander.help') return 2;
    cause = new BundleError('INPUT_FLAG', { subject: 'command line', expected: 'known commands, flags and values', actual: cause.message.replace(/^error: /, '').replaceAll('\n', ' ') }, { cause });
  }
  if ((cause as Partial<NodeJS.ErrnoException> | undefined)?.syscall === 'uv_cwd') {
    cause = new BundleError('INPUT_MISSING_FILE', { subject: 'the working directory', expected: 'a folder that is there', actual: 'one that was removed' }, { cause });
  }
  if (cause instanceof BundleError) {
    if (json) tellResult(errorJson(cause));
    process.stderr.write(`${errorText(cause)}\n`);
    return cause.exitCode;
  }
  const text = cause instanceof Error ? inSources(cause.stack ?? cause.message) : String(cause);
  if (json) tellResult({ error: { code: 'DEFECT', family: 'defect', exitCode: 1, actual: cause instanceof Error ? cause.message : String(cause) } });
  process.stderr.write(`longshore: this is a defect in longshore, please report it\n${text}\n`);
  return 1;
}

function tellResult(error: Readonly<Record<string, unknown>>): void {
  const text = result.failed(error);
  if (text !== undefined) process.stdout.write(`${text}\n`);
}
