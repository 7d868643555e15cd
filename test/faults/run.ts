// npm run faults [-- ROUNDS [SEED]]: kill -9 at random moments of download, export and import (default 30 of each).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killDownload, killExport, killImport, seeded } from '../support/kill.ts';
import { startOutside } from '../support/site.ts';

const rounds = Number(process.argv[2] ?? 30);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
console.log(`${rounds} rounds each, seed ${seed}`);
const folder = await mkdtemp(join(tmpdir(), 'longshore-faults-'));
const outside = await startOutside(folder, { packages: ['jq'], fileBytes: 40_000_000, smallFiles: 200, bytesPerSecond: 40_000_000 });
try {
  const random = seeded(seed);
  for (const [name, round] of [['download', killDownload], ['export', killExport], ['import', killImport]] as const) {
    const report = await round(outside, rounds, random);
    console.log(`${name}: ${report.rounds} rounds, ${report.killed} of them killed while running; every rerun completed`);
  }
} finally {
  await outside.stop();
  await rm(folder, { recursive: true, force: true });
}
