import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { createProgress, errorJson, errorText, formatBytes, formatDuration, table } from '../../bin/render.ts';

describe('figures', () => {
  it.each([[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [200 * 1024, '200 KiB'], [5 * 1024 ** 3, '5.0 GiB']])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([[0.4, '1s'], [59, '59s'], [61, '1m01s'], [3723, '1h02m']])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('stand in columns', () => {
    expect(table([['a', 'long one', ''], ['bbb', 'c', 'd']])).toBe('a    long one\nbbb  c         d');
  });
});

function plainProgress(options: { readonly quiet?: boolean; readonly progress?: boolean; readonly terminal?: { readonly columns: number } } = {}): { readonly notify: ReturnType<typeof createProgress>['notify']; readonly text: () => string; readonly clock: { ms: number } } {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  if (options.terminal !== undefined) Object.assign(stream, { isTTY: true, ...options.terminal });
  const clock = { ms: 0 };
  const { notify } = createProgress({ quiet: options.quiet === true, progress: options.progress !== false, stream: stream as unknown as NodeJS.WriteStream, clockMs: () => clock.ms });
  return { notify, text: () => text, clock };
}

describe('progress away from a terminal', () => {
  const run = (progress: ReturnType<typeof plainProgress>): void => {
    progress.notify({ kind: 'plan', phase: 'download', items: 4, bytes: 400 * 1024 * 1024, presentItems: 1, presentBytes: 100 * 1024 * 1024 });
    progress.clock.ms = 10_000;
    progress.notify({ kind: 'bytes', phase: 'download', bytes: 100 * 1024 * 1024 });
    progress.notify({ kind: 'warning', subject: 'mirror', message: 'is slow' });
  };

  it('is a plain line now and then: counts, bytes, rate and time left', () => {
    const progress = plainProgress();
    run(progress);
    expect(progress.text()).toBe('download: 1/4 items, 200 MiB of 400 MiB, 10.0 MiB/s, 20s left\nwarning: mirror: is slow\n');
  });

  it('is that on a terminal of no width, too, as a serial console is one', async () => {
    const progress = plainProgress({ terminal: { columns: 0 } });
    run(progress);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    progress.notify({ kind: 'bytes', phase: 'download', bytes: 1 });
    expect(progress.text()).toBe('download: 1/4 items, 200 MiB of 400 MiB, 10.0 MiB/s, 20s left\nwarning: mirror: is slow\n');
  });

  it('is silent when asked to be', () => {
    const quiet = plainProgress({ quiet: true });
    run(quiet);
    expect(quiet.text()).toBe('');
    const without = plainProgress({ progress: false });
    run(without);
    expect(without.text()).toBe('warning: mirror: is slow\n');
  });
});

it('tells an error in four parts, and the same as JSON', () => {
  const error = new BundleError('INTEGRITY_DIGEST', { subject: 'file a', expected: 'sha256:1', actual: 'sha256:2', details: { offset: 5 } });
  expect(errorText(error)).toMatch(/^longshore: file a\n {2}expected: sha256:1\n {2}actual: {3}sha256:2\n {2}next: {5}\S.*\n {2}code: {5}INTEGRITY_DIGEST \(exit 5\)$/);
  expect(errorJson(error)).toMatchObject({ error: { code: 'INTEGRITY_DIGEST', family: 'integrity', exitCode: 5, subject: 'file a', details: { offset: 5 } } });
});
