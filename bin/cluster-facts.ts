import { join } from 'node:path';
import { Option } from 'commander';
import { readTrees, errorOf, type Tree } from '../bom/documents/yaml-tree.ts';
import { BundleError } from '../bom/errors.ts';
import { collect, readInput } from './context.ts';
import { exists } from './files.ts';

/** What the destination has, as modules may demand it (`cluster.<name>`). */
export interface FactFlags {
  readonly fact?: readonly string[];
  readonly facts?: string;
}

/** In the store of a repository machine, where nothing else is said. */
const factsFile = 'cluster.yaml';

export const factOptions = (): Option[] => [
  new Option('--fact <name=value>', 'what this destination has, for modules that demand it (shared-storage=nfs); repeatable').argParser(collect),
  new Option('--facts <file>', `the same as YAML or JSON: a mapping of names to values (default: ${factsFile} in the store, where it is)`),
];

/** Facts of flags over those of the file; undefined when nobody said any. Throws `INPUT_*`. */
export async function factsOf(flags: FactFlags, storeRoot: string): Promise<Readonly<Record<string, string>> | undefined> {
  const fallback = join(storeRoot, factsFile);
  const file = flags.facts ?? ((await exists(fallback)) ? fallback : undefined);
  if (file === undefined && flags.fact === undefined) return undefined;
  return { ...(file === undefined ? {} : fromFile(file)), ...Object.fromEntries((flags.fact ?? []).map(fromFlag)) };
}

function fromFlag(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new BundleError('INPUT_FLAG', { subject: `--fact ${text}`, expected: 'name=value', actual: 'no =' });
}

function fromFile(path: string): Readonly<Record<string, string>> {
  const { documents: [document], problems: [problem] } = readTrees(readInput(path), path);
  if (problem !== undefined) throw errorOf(problem);
  const tree: Tree = document?.tree ?? {};
  const entries = typeof tree === 'string' || Array.isArray(tree) ? undefined : Object.entries(tree as Readonly<Record<string, Tree>>);
  if (entries === undefined || entries.some(([, value]) => typeof value !== 'string')) throw new BundleError('INPUT_FIELD', { subject: path, expected: 'a mapping of names to values', actual: 'something else' });
  return Object.fromEntries(entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}
