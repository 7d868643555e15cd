// What of this machine's content was staged for Zeta, and which instances somebody said use it: one small file beside the store's blobs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BundleError } from '../bom/errors.ts';
import { commitFile, storageError } from './durable-file.ts';

const stageSchema = z.strictObject({
  app: z.string(),
  version: z.string(),
  /** The folder that stands for /zeta/shared. */
  folder: z.string(),
  files: z.array(z.strictObject({ path: z.string(), digest: z.string(), size: z.int().min(0) })),
});
const instanceSchema = z.strictObject({
  app: z.string(),
  version: z.string(),
  /** `name@role`, as its owner calls it: a label, nothing is looked up. */
  name: z.string(),
});
const fileSchema = z.strictObject({ stages: z.array(stageSchema), instances: z.array(instanceSchema) });

export type Stage = z.infer<typeof stageSchema>;
export type Instance = z.infer<typeof instanceSchema>;
export type StageRecord = z.infer<typeof fileSchema>;

const pathOf = (root: string): string => join(root, 'stages.json');

/** The record of the store at `root`; empty where nothing was staged. Throws `STORAGE_IO` for a file that is no such record. */
export async function readStages(root: string): Promise<StageRecord> {
  const path = pathOf(root);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
  if (text === undefined) return { stages: [], instances: [] };
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BundleError('STORAGE_IO', { subject: path, expected: 'the record of what is staged', actual: (cause as Error).message.slice(0, 300), next: 'Restore the file, or remove it and stage again.' }, { cause });
  }
}

/** Replaces the record as a whole. */
export async function writeStages(root: string, record: StageRecord): Promise<void> {
  const byName = (a: { app: string; version: string }, b: { app: string; version: string }): number => (`${a.app} ${a.version}` < `${b.app} ${b.version}` ? -1 : 1);
  await commitFile(pathOf(root), `${JSON.stringify({ stages: record.stages.toSorted(byName), instances: record.instances.toSorted(byName) }, null, 2)}\n`);
}
