// npm run fuzz [-- FACTOR]: every property of the tests, FACTOR (default 20) times as often.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const factor = process.argv[2] ?? '20';
const files = globSync('test/**/*.test.ts', { cwd: root }).filter((file) => readFileSync(join(root, file), 'utf8').includes('runs('));
console.log(`${files.length} files, every property ${factor} times as often`);
const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', '--testTimeout', String(60_000 * Number(factor)), ...files], {
  cwd: root, stdio: 'inherit', env: { ...process.env, FUZZ_FACTOR: factor },
});
process.exitCode = status ?? 1;
