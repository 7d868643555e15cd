import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: Promise<string> | undefined;

/** A private folder of this run, removed when its command ends. */
export function scratchFolder(): Promise<string> {
  return (folder ??= mkdtemp(join(tmpdir(), 'longshore-run-')));
}

export async function removeScratch(): Promise<void> {
  const made = await folder;
  folder = undefined;
  if (made !== undefined) await rm(made, { recursive: true, force: true });
}
