import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A file that the program was built from: its path below the package, and what changes whenever anybody writes it. */
export type BuiltFrom = readonly [path: string, sizeBytes: number, modifiedMs: number, changedMs: number];

/** dist/built.json, as scripts/build.ts writes it. */
export interface BuildRecord {
  /** The folder in dist/ that holds the program. */
  readonly id: string;
  readonly from: readonly BuiltFrom[];
}

export const recordPath = (root: string): string => join(root, 'dist/built.json');
export const programPath = (root: string, id: string): string => join(root, 'dist', id, 'main.js');

/** Undefined where there is no such file. */
export function builtFrom(root: string, path: string): BuiltFrom | undefined {
  const info = statSync(join(root, path), { throwIfNoEntry: false });
  return info === undefined ? undefined : [path, info.size, info.mtimeMs, info.ctimeMs];
}

/**
 * The address of the program as `npm run build` made it, for the package whose bin/ is `folder`: some files in place of hundreds. Undefined unless every file that
 * it was made from is as it was then, to the nanosecond of its last change: then the sources are what runs. Costs some microseconds for each of them.
 */
export function builtProgram(folder: string): string | undefined {
  const root = dirname(folder);
  const path = recordPath(root);
  if (!existsSync(path)) return undefined;
  const { id, from } = JSON.parse(readFileSync(path, 'utf8')) as BuildRecord;
  const isCurrent = from.every(([name, sizeBytes, modifiedMs, changedMs]) => {
    // Joined by hand: path.join takes longer than the look.
    const info = statSync(`${root}/${name}`, { throwIfNoEntry: false });
    return info !== undefined && info.size === sizeBytes && info.mtimeMs === modifiedMs && info.ctimeMs === changedMs;
  });
  const program = programPath(root, id);
  return isCurrent && existsSync(program) ? pathToFileURL(program).href : undefined;
}
