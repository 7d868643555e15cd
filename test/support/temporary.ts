import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

// Here, and not where a folder is made: a hook cannot be added from inside a test.
afterAll(async () => { for (const path of made) await rm(path, { recursive: true, force: true }); });

/** A folder of the test file's own, removed after its last test. */
export async function temporaryFolder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  made.push(path);
  return path;
}
