// npm run bench -- NAME [ROUNDS]: figures as ratios, ours and the peers in turn on the same content.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.bench.ts')).map((name) => name.replace('.bench.ts', '')).sort();
const [name = '', rounds = '5'] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`npm run bench -- ${names.join('|')} [ROUNDS]`);
  process.exit(2);
}
const folder = await mkdtemp(join(process.env.BENCH_DIR ?? tmpdir(), 'longshore-bench-'));
try {
  const { bench } = (await import(`./${name}.bench.ts`)) as { bench: (folder: string, rounds: number) => Promise<void> };
  await bench(folder, Number(rounds));
} finally {
  await rm(folder, { recursive: true, force: true });
}
