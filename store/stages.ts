// What of this machine's content was staged for Zeta, and which instances somebody said use it: one small file beside the store's blobs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from '../bom/errors.ts';
import { commitFile, storageError } from './durable-file.ts';

export interface Stage {
  readonly app: string;
  readonly version: string;
  /** The folder that stands for /zeta/shared. */
  readonly folder: string;
  readonly files: readonly { readonly path: string; readonly digest: string; readonly size: number }[];
}

export interface Instance {
  readonly app: string;
  readonly version: string;
  /** `name@role`, as its owner calls it: a label, nothing is looked up. */
  readonly name: string;
}

export interface StageRecord {
  readonly stages: readonly Stage[];
  readonly instances: readonly Instance[];
}

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
    return recordOf(JSON.parse(text));
  } catch (cause) {
    throw new BundleError('STORAGE_IO', { subject: path, expected: 'the record of what is staged', actual: (cause as Error).message.slice(0, 300), next: 'Restore the file, or remove it and stage again.' }, { cause });
  }
}

/** Replaces the record as a whole. */
export async function writeStages(root: string, record: StageRecord): Promise<void> {
  const byName = (a: { app: string; version: string }, b: { app: string; version: string }): number => (`${a.app} ${a.version}` < `${b.app} ${b.version}` ? -1 : 1);
  await commitFile(pathOf(root), `${JSON.stringify({ stages: record.stages.toSorted(byName), instances: record.instances.toSorted(byName) }, null, 2)}\n`);
}

/** Throws for anything that {@link writeStages} did not write. */
function recordOf(value: unknown): StageRecord {
  const fields = (each: unknown, names: readonly string[]): Record<string, unknown> => {
    const found = Object.fromEntries(Object.entries(each ?? {}));
    const wrong = names.find((name) => typeof found[name] !== 'string');
    if (wrong !== undefined) throw new Error(`${wrong} is no text`);
    return found;
  };
  const list = (each: unknown, name: string): readonly unknown[] => {
    const found: unknown = Object.fromEntries(Object.entries(each ?? {}))[name];
    if (!Array.isArray(found)) throw new Error(`${name} is no list`);
    return found;
  };
  const stages = list(value, 'stages').map((stage): Stage => {
    const { app, version, folder } = fields(stage, ['app', 'version', 'folder']);
    const files = list(stage, 'files').map((file) => {
      const { path, digest, size } = fields(file, ['path', 'digest']);
      return { path: String(path), digest: String(digest), size: Number(size) };
    });
    return { app: String(app), version: String(version), folder: String(folder), files };
  });
  const instances = list(value, 'instances').map((instance): Instance => {
    const { app, version, name } = fields(instance, ['app', 'version', 'name']);
    return { app: String(app), version: String(version), name: String(name) };
  });
  return { stages, instances };
}
