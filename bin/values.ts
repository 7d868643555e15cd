import type { Command, Option } from 'commander';
import { readTrees, errorOf, formatPosition, type Tree, type TreeDocument } from '../bom/documents/yaml-tree.ts';
import { didYouMean } from '../bom/documents/suggest.ts';
import { BundleError } from '../bom/errors.ts';
import { readInput } from './context.ts';

/**
 * The command line with what its `--values FILE` adds: a mapping of flag names (without dashes) to values, or of command names to such mappings.
 * A flag on the command line wins. Throws `INPUT_FLAG` for a name that no command has, with file, line and column.
 */
export function withValues(program: Command, args: readonly string[]): readonly string[] {
  const path = valuesPath(args);
  if (path === undefined) return args;
  const { command, depth } = commandOf(program, args);
  const { documents, problems } = readTrees(readInput(path), path);
  const [problem] = problems;
  if (problem !== undefined) throw errorOf(problem);
  const [document] = documents;
  const tree = document?.tree;
  if (document === undefined || tree === undefined) return args;
  if (typeof tree === 'string' || Array.isArray(tree)) throw wrong(document, [], 'a mapping of flag names to values', 'something else');
  const added: string[] = [];
  const mapping = tree as Readonly<Record<string, Tree>>;
  for (const [name, value] of Object.entries(mapping)) {
    if (typeof value === 'object' && !Array.isArray(value)) {
      const section = below(program).find((each) => each.name() === name);
      if (section === undefined) throw wrong(document, [name], 'the name of a command', name, didYouMean(name, below(program).map((each) => each.name())));
      if (section === command) for (const [flag, inner] of Object.entries(value as Readonly<Record<string, Tree>>)) added.push(...argsOf(document, { path: [name, flag], flag, value: inner, command, args, all: [command] }));
    } else added.push(...argsOf(document, { path: [name], flag: name, value, command, args, all: below(program) }));
  }
  return [...args.slice(0, depth), ...added, ...args.slice(depth)];
}

function valuesPath(args: readonly string[]): string | undefined {
  const at = args.indexOf('--values');
  if (at >= 0) return args[at + 1];
  return args.find((each) => each.startsWith('--values='))?.slice('--values='.length);
}

function below(command: Command): Command[] {
  return command.commands.flatMap((each) => [each, ...below(each)]);
}

function commandOf(program: Command, args: readonly string[]): { readonly command: Command; readonly depth: number } {
  let command = program;
  let depth = 0;
  for (const arg of args) {
    const child = command.commands.find((each) => each.name() === arg);
    if (child === undefined) break;
    command = child;
    depth += 1;
  }
  return { command, depth };
}

interface Setting {
  readonly path: readonly string[]; readonly flag: string; readonly value: Tree; readonly command: Command; readonly args: readonly string[]; readonly all: readonly Command[];
}

function argsOf(document: TreeDocument, { path, flag, value, command, args, all }: Setting): string[] {
  const named = (option: Option): boolean => option.long === `--${flag}` || option.long === `--no-${flag}`;
  if (!all.some((each) => each.options.some(named))) {
    const known = all.flatMap((each) => each.options.map((option) => option.long?.slice(2) ?? ''));
    throw wrong(document, path, 'the name of a flag, without dashes', flag, didYouMean(flag, known));
  }
  const option = command.options.find(named);
  if (option?.long === undefined || flag === 'values') return [];
  const given = args.some((arg) => arg === option.long || arg.startsWith(`${option.long}=`) || (option.short !== undefined && arg.startsWith(option.short) && !arg.startsWith('--')));
  if (given) return [];
  const values = Array.isArray(value) ? (value as readonly Tree[]) : [value];
  if (values.some((each) => typeof each !== 'string')) throw wrong(document, path, 'a value or a list of values', 'something else');
  const { long } = option;
  if (!option.required && !option.optional) {
    const wanted = option.negate ? 'false' : 'true';
    if (value !== 'true' && value !== 'false') throw wrong(document, path, 'true or false', String(value));
    return value === wanted ? [long] : [];
  }
  return values.flatMap((each) => [`${long}=${each as string}`]);
}

function wrong(document: TreeDocument, path: readonly string[], expected: string, actual: string, next?: string): BundleError {
  return new BundleError('INPUT_FLAG', { subject: formatPosition(document.positionOf(path, 'key')), expected, actual, ...(next === undefined ? {} : { next }) });
}
