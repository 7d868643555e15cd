import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const slow = { testTimeout: 300_000, hookTimeout: 600_000 };
// What a test polls for comes at once on a quiet machine; a loaded one may take long, and a second (vitest's default) says nothing of the program.
const patient = { expect: { poll: { timeout: 25_000 } } };

// Where Node keeps what it compiled by default: said from outside it holds for the first file too, which saves each start of the program the stripping of its types.
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') };

export default defineConfig({
  test: {
    projects: [
      // Pure code and loopback fakes: needs nothing but npm packages.
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**', 'test/faults/**/*.long.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, ...patient, maxWorkers: '100%' } },
      // The real bin/longshore against real servers and clients of Debian: they wait for others much of the time, so two at once, on any machine.
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...slow, ...patient, env, maxWorkers: 2, sequence: { groupOrder: 1 } } },
    ],
  },
});
