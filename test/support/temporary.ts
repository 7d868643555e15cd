import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder of the test's own, removed after the file's last test. */
export async function temporaryFolder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  afterAll(() => rm(path, { recursive: true, force: true }));
  return path;
}
