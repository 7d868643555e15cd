import type { Ora } from 'ora';
import type { BundleError } from '../bom/errors.ts';
import type { BundleEvent, Notify, Phase } from '../bom/events.ts';

export interface RenderOptions {
  readonly quiet: boolean;
  readonly progress: boolean;
  readonly stream: NodeJS.WriteStream;
  /** Milliseconds since any fixed moment. */
  readonly clockMs: () => number;
}

export interface Progress {
  readonly notify: Notify;
  /** Ends the live line. Called once, also after a failure. */
  finish(): void;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1536` -> `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `3723` seconds -> `1h02m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
}

interface Tally { items: number; bytes: number; doneItems: number; doneBytes: number; startedMs: number; startBytes: number }

/** Counts, bytes, rate and time left of a phase, as one line. */
function lineOf(phase: Phase, tally: Tally, nowMs: number): string {
  const seconds = (nowMs - tally.startedMs) / 1000;
  const rate = seconds > 0.5 ? (tally.doneBytes - tally.startBytes) / seconds : 0;
  const left = rate > 0 ? `, ${formatDuration((tally.bytes - tally.doneBytes) / rate)} left` : '';
  const speed = rate > 0 ? `, ${formatBytes(rate)}/s` : '';
  return `${phase}: ${tally.doneItems}/${tally.items} items, ${formatBytes(tally.doneBytes)} of ${formatBytes(tally.bytes)}${speed}${left}`;
}

/** Progress on a terminal is one live line; elsewhere, and where the terminal does not say how wide it is (a serial console), a plain line every few seconds. Warnings and retries always get a line of their own. */
export function createProgress(options: RenderOptions): Progress {
  const tallies = new Map<Phase, Tally>();
  const live = options.progress && !options.quiet && options.stream.isTTY === true && options.stream.columns > 0;
  const plainEveryMs = 5000;
  let spinner: Ora | undefined;
  let pending: string | undefined;
  let ended = false;
  let lastPlainMs = options.clockMs();

  const say = (line: string): void => {
    if (options.quiet) return;
    if (spinner?.isSpinning === true) {
      spinner.clear();
      options.stream.write(`${line}\n`);
      spinner.render();
    } else options.stream.write(`${line}\n`);
  };
  const draw = (line: string): void => {
    if (!options.progress || options.quiet) return;
    if (live) {
      if (spinner !== undefined) spinner.text = line;
      else if (pending === undefined) void startSpinner();
      pending = line;
    } else if (options.clockMs() - lastPlainMs >= plainEveryMs) {
      lastPlainMs = options.clockMs();
      options.stream.write(`${line}\n`);
    }
  };
  /** Loaded only where there is a terminal to draw on. */
  const startSpinner = async (): Promise<void> => {
    const { default: ora } = await import('ora');
    if (!ended) spinner = ora({ stream: options.stream, discardStdin: false, text: pending ?? '' }).start();
  };
  const tallyOf = (phase: Phase): Tally => {
    const tally = tallies.get(phase) ?? { items: 0, bytes: 0, doneItems: 0, doneBytes: 0, startedMs: options.clockMs(), startBytes: 0 };
    tallies.set(phase, tally);
    return tally;
  };

  const notify = (event: BundleEvent): void => {
    switch (event.kind) {
      case 'plan': {
        const tally = tallyOf(event.phase);
        Object.assign(tally, { items: event.items, bytes: event.bytes, doneItems: event.presentItems, doneBytes: event.presentBytes, startBytes: event.presentBytes });
        break;
      }
      case 'bytes': {
        const tally = tallyOf(event.phase);
        tally.doneBytes += event.bytes;
        draw(lineOf(event.phase, tally, options.clockMs()));
        break;
      }
      case 'done': {
        const tally = tallyOf(event.phase);
        tally.doneItems += 1;
        draw(lineOf(event.phase, tally, options.clockMs()));
        break;
      }
      case 'step': if (live) draw(event.message); else if (options.progress) say(event.message); break;
      case 'retry': say(`retry ${event.attempt} of ${event.subject} in ${formatDuration(event.waitMs / 1000)}: ${event.reason}`); break;
      case 'warning': say(`warning: ${event.subject}: ${event.message}`); break;
    }
  };
  return { notify, finish: () => { ended = true; spinner?.stop(); spinner = undefined; } };
}

/** What a person reads about a failure: subject, expected, actual, next action, code. */
export function errorText(error: BundleError): string {
  return [
    `longshore: ${error.facts.subject}`,
    `  expected: ${error.facts.expected}`,
    `  actual:   ${error.facts.actual}`,
    `  next:     ${error.next}`,
    `  code:     ${error.code} (exit ${error.exitCode})`,
  ].join('\n');
}

/** The same for `--json`. */
export function errorJson(error: BundleError): Readonly<Record<string, unknown>> {
  const { subject, expected, actual, details } = error.facts;
  return { error: { code: error.code, family: error.family, exitCode: error.exitCode, subject, expected, actual, next: error.next, ...(details === undefined ? {} : { details }) } };
}

/** Rows as aligned columns, two blanks between; no trailing blanks. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => { widths[column] = Math.max(widths[column] ?? 0, cell.length); });
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** What publishing a tree came to. */
export function treeText(folder: string, { changed, tree, files, linked, cloned, written }: { readonly changed: boolean; readonly tree: number; readonly files: number; readonly linked: number; readonly cloned: number; readonly written: number }): string {
  const first = `${folder}/current: ${changed ? `tree ${tree} is served` : `nothing to do: tree ${tree} is the same`}, ${files} files`;
  return changed ? `${first}\n  ${linked} linked, ${cloned} cloned, ${written} written` : first;
}
