import { describe, expect, it } from 'vitest';
import { missingOutput, parsePage } from './pages.ts';

const fence = '```';

describe('pages', () => {
  it('reads commands with their machine, their exit code and what they print', () => {
    const { steps } = parsePage(`text\n\n${fence}console run\nrepo01$ longshore status\nstored: … blobs\n$ longshore lock \\\n    -f x.yaml # exits 3\n$ longshore serve &\n${fence}\n`);
    expect(steps).toEqual([
      { kind: 'command', line: 4, on: 'repo01', text: 'longshore status', output: ['stored: … blobs'], status: 0, background: false },
      { kind: 'command', line: 6, text: 'longshore lock -f x.yaml', output: [], status: 3, background: false },
      { kind: 'command', line: 8, text: 'longshore serve', output: [], status: 0, background: true },
    ]);
  });

  it('reads scripts and files', () => {
    const { steps } = parsePage(`${fence}sh run on=m1\na\nb\n${fence}\n${fence}yaml file=x.yaml\nkey: 1\n${fence}\n`);
    expect(steps.map(({ kind, on, path, text }) => ({ kind, on, path, text }))).toEqual([{ kind: 'script', on: 'm1', path: undefined, text: 'a\nb' }, { kind: 'file', on: undefined, path: 'x.yaml', text: 'key: 1\n' }]);
  });

  it('finds blocks of commands that nobody decided about', () => {
    expect(parsePage(`${fence}sh\na\n${fence}\n\n<!-- not run: it asks a person -->\n${fence}console\n$ b\n${fence}\n${fence}\nc\n${fence}\n`).unmarked).toEqual([1]);
  });

  it('finds what a page shows and the command does not print', () => {
    expect(missingOutput(['one …', '…', 'three'], 'one two\n  three  \n')).toEqual([]);
    expect(missingOutput(['three', 'one …'], 'one two\nthree\n')).toEqual(['one …']);
    expect(missingOutput(['one'], 'one two\n')).toEqual(['one']);
  });
});
