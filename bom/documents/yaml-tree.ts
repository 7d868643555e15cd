// YAML 1.2.2 (JSON is a part of it) as a tree of text: every scalar keeps its source text, so that 1.10, 020 and hex digits stay what they are.
import type { ParsedNode, YAMLMap } from 'yaml';
import { BundleError } from '../errors.ts';
import type { Position } from '../requirement.ts';
import { type JsonTree, readJson, type Tree } from './json-tree.ts';
import { readSimpleYaml } from './simple-yaml.ts';
import { yamlLibrary } from './yaml-library.ts';

export type { Tree };
export type TreePath = readonly (string | number)[];

export interface Problem {
  readonly code: 'INPUT_SYNTAX' | 'INPUT_FIELD' | 'INPUT_UNKNOWN_KEY' | 'INPUT_DIGEST' | 'INPUT_REFERENCE' | 'INPUT_CREDENTIAL';
  readonly position: Position;
  /** `file:line:column`. */
  readonly subject: string;
  readonly expected: string;
  readonly actual: string;
  readonly next?: string;
}

export interface TreeDocument {
  readonly file: string;
  readonly tree: Tree | undefined;
  /** Where the value at `path` stands; the nearest parent that is there, when it is not. `key` asks for its key instead. */
  positionOf(path: TreePath, part?: 'key' | 'value'): Position;
}

export interface TreeResult {
  readonly documents: readonly TreeDocument[];
  readonly problems: readonly Problem[];
  /** What a lenient reading let through: duplicate keys. */
  readonly lint: readonly Problem[];
}

export interface TreeOptions {
  /** Documents of our own refuse a key that comes twice; other formats keep the last one, or join lists and mappings. */
  readonly duplicates?: 'refuse' | 'last' | 'join';
  /** Tags are passed over instead of refused; a scalar with a tag of its application (`!Ref x`) keeps it in its text, since it is not what it looks like. */
  readonly ignoreTags?: boolean;
  /** `<<` takes in other mappings, as YAML 1.1 does. */
  readonly mergeKeys?: boolean;
  /** Documents with broken syntax are kept, as far as they could be read. */
  readonly keepBroken?: boolean;
}

/** Bounds against documents made to exhaust memory or stack. */
export const treeLimits = { textLength: 32 * 1024 * 1024, depth: 64, nodes: 1_000_000 } as const;

const plainTags = new Set(['tag:yaml.org,2002:str', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq', '!']);
/** Tags of Compose and Ansible that leave the value as it is. */
const valueTags = new Set(['!reset', '!override', '!unsafe']);
const plainNull = /^(?:|~|null|Null|NULL)$/;

export function problemAt(code: Problem['code'], position: Position, facts: { expected: string; actual: string; next?: string }): Problem {
  return { code, position, subject: formatPosition(position), ...facts };
}

export function formatPosition({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`;
}

export function errorOf(problem: Problem): BundleError {
  const { subject, expected, actual, next } = problem;
  return new BundleError(problem.code, { subject, expected, actual, ...(next === undefined ? {} : { next }) });
}

/**
 * Every document of a YAML stream. Duplicate keys, unknown tags, broken syntax and aliases that blow up are problems; a document with
 * broken syntax is not among the documents, the others are. Never throws.
 */
export function readTrees(text: string, file: string, options: TreeOptions = {}): TreeResult {
  const lint: Problem[] = [];
  const start = { file, line: 1, column: 1 };
  if (text.length > treeLimits.textLength) {
    return { documents: [], problems: [problemAt('INPUT_SYNTAX', start, { expected: `at most ${treeLimits.textLength} characters`, actual: String(text.length) })], lint };
  }
  const plain = text.replace(/^\uFEFF/, '');
  const quick = readJson(plain, treeLimits) ?? readSimpleYaml(plain, treeLimits);
  if (quick !== undefined) return { documents: [placedDocument(quick, plain, file)], problems: [], lint };
  const yaml = yamlLibrary();
  const lines = new yaml.LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: Problem[] = [];
  try {
    const parsed = yaml.parseAllDocuments(plain, {
      version: '1.2', schema: 'failsafe', uniqueKeys: false, prettyErrors: false, logLevel: 'silent', lineCounter: lines, strict: true,
    });
    if (!Array.isArray(parsed)) return { documents: [], problems, lint };
    const budget = { nodes: treeLimits.nodes };
    const documents = parsed.map((document) => {
      for (const error of firstOfEachPlace(document.errors)) problems.push(problemAt('INPUT_SYNTAX', at(error.pos[0]), { expected: 'YAML', actual: error.message }));
      const built = new TreeBuilder({ yaml, file, at, problems, lint, budget, options }).build(document.contents);
      return document.errors.length === 0 || options.keepBroken === true ? built : { ...built, tree: undefined };
    });
    return { documents: documents.filter((document) => document.tree !== undefined), problems, lint };
  } catch (cause) {
    if (!(cause instanceof RangeError) && !(cause instanceof SyntaxError) && (cause as Error).name !== 'YAMLParseError') throw cause;
    return { documents: [], problems: [...problems, problemAt('INPUT_SYNTAX', start, { expected: `YAML nested at most ${treeLimits.depth} deep`, actual: (cause as Error).message })], lint };
  }
}

function placedDocument({ tree, place }: JsonTree, text: string, file: string): TreeDocument {
  let starts: readonly number[] | undefined;
  const at = (offset: number): Position => {
    starts ??= lineStarts(text);
    const line = lineAt(starts, offset);
    return { file, line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
  return {
    file, tree,
    positionOf: (path, part = 'value') => {
      let nearest = place;
      for (const [index, name] of path.entries()) {
        const child = nearest.children?.get(name);
        if (child === undefined) return at(nearest.value);
        if (index === path.length - 1 && part === 'key') return at(child.key);
        nearest = child;
      }
      return at(nearest.value);
    },
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

/** Index of the last line that starts at `offset` or before. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  for (let high = starts.length; high - low > 1;) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** One damage gives many errors at one place; the first says what it is. */
function firstOfEachPlace<E extends { readonly pos: readonly [number, number] }>(errors: readonly E[]): E[] {
  const places = new Set<number>();
  return errors.filter((error) => !places.has(error.pos[0]) && places.add(error.pos[0])).slice(0, 50);
}

interface Place { readonly key: number; readonly value: number }

interface Build {
  readonly yaml: ReturnType<typeof yamlLibrary>;
  readonly file: string;
  readonly at: (offset: number) => Position;
  readonly problems: Problem[];
  readonly lint: Problem[];
  readonly budget: { nodes: number };
  readonly options: TreeOptions;
}

class TreeBuilder {
  private readonly places = new Map<string, Place>();
  private readonly anchors = new Map<string, ParsedNode>();
  private readonly open = new Set<ParsedNode>();
  private readonly run: Build;

  constructor(run: Build) {
    this.run = run;
  }

  build(root: ParsedNode | null): TreeDocument {
    const tree = root === null ? undefined : this.convert(root, '', root.range[0], 0);
    const { places, run: { at, file } } = this;
    return {
      file,
      tree,
      positionOf: (path, part = 'value') => {
        for (let length = path.length; length >= 0; length--) {
          const place = places.get(pointer(path.slice(0, length)));
          if (place !== undefined) return at(part === 'key' && length === path.length ? place.key : place.value);
        }
        return at(0);
      },
    };
  }

  private problem(offset: number, expected: string, actual: string): undefined {
    this.run.problems.push(problemAt('INPUT_SYNTAX', this.run.at(offset), { expected, actual }));
    return undefined;
  }

  /** undefined: null, or something that became a problem. `key` is where the key of this value stands. */
  private convert(node: ParsedNode, path: string, key: number, depth: number): Tree | undefined {
    const offset = node.range[0];
    const { budget, options } = this.run;
    if (budget.nodes <= 0) return undefined;
    if (--budget.nodes <= 0) return this.problem(offset, `at most ${treeLimits.nodes} values, aliases counted where they are used`, 'more');
    if (depth > treeLimits.depth) return this.problem(offset, `nesting at most ${treeLimits.depth} deep`, 'deeper');
    this.places.set(path, { key, value: offset });
    if (this.run.yaml.isAlias(node)) return this.alias(node.source, path, key, depth, offset);
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
    if (options.ignoreTags !== true && node.tag !== undefined && !plainTags.has(node.tag)) return this.problem(offset, 'no YAML tag', node.tag);
    this.open.add(node);
    const tree = this.content(node, path, depth);
    this.open.delete(node);
    return tree;
  }

  private alias(name: string, path: string, key: number, depth: number, offset: number): Tree | undefined {
    const target = this.anchors.get(name);
    if (target === undefined) return this.problem(offset, `an anchor &${name} before its alias`, `*${name}`);
    if (this.open.has(target)) return this.problem(offset, 'an alias to something finished', `*${name} inside &${name}`);
    return this.convert(target, path, key, depth + 1);
  }

  private content(node: ParsedNode, path: string, depth: number): Tree | undefined {
    const { isMap, isScalar, isSeq } = this.run.yaml;
    if (isScalar(node)) {
      const text = String(node.value ?? '');
      if (!text.isWellFormed()) return this.problem(node.range[0], 'well-formed Unicode', 'half a surrogate pair');
      if (node.type === 'PLAIN' && plainNull.test(text)) return undefined;
      return node.tag !== undefined && /^![A-Za-z]/.test(node.tag) && !valueTags.has(node.tag) ? `${node.tag} ${text}` : text;
    }
    if (isSeq(node)) {
      return node.items.flatMap((item, index) => {
        const child = this.convert(item, `${path}/${index}`, item.range[0], depth + 1);
        return [child ?? ''];
      });
    }
    if (!isMap(node)) return undefined;
    return this.mapping(node, path, depth);
  }

  private mapping(node: YAMLMap.Parsed, path: string, depth: number): Tree {
    const { options: { duplicates = 'refuse', mergeKeys }, at, lint, yaml: { isScalar } } = this.run;
    const result = new Map<string, Tree>();
    const seen = new Map<string, number>();
    const inherited: Tree[] = [];
    for (const { key, value } of node.items) {
      if (!isScalar(key)) { this.problem(node.range[0], 'text as a key', 'a list, mapping or alias'); continue; }
      const name = String(key.value ?? '');
      if (!name.isWellFormed()) { this.problem(key.range[0], 'well-formed Unicode', 'half a surrogate pair'); continue; }
      const first = seen.get(name);
      const facts = { expected: `the key ${name} once`, actual: `it stands in line ${first === undefined ? 0 : at(first).line} already` };
      if (first !== undefined && duplicates === 'refuse') { this.problem(key.range[0], facts.expected, facts.actual); continue; }
      if (first !== undefined) lint.push(problemAt('INPUT_SYNTAX', at(key.range[0]), facts));
      seen.set(name, key.range[0]);
      const child = value === null ? undefined : this.convert(value, `${path}/${escapeKey(name)}`, key.range[0], depth + 1);
      if (child === undefined) continue;
      if (name === '<<' && mergeKeys === true) inherited.push(child);
      else result.set(name, first !== undefined && duplicates === 'join' ? joined(result.get(name), child) : child);
    }
    for (const [name, value] of inherited.flatMap((item) => (Array.isArray(item) ? item as readonly Tree[] : [item])).flatMap((item) => (typeof item === 'string' ? [] : Object.entries(item)))) {
      if (!result.has(name)) result.set(name, value as Tree);
    }
    return Object.fromEntries(result);
  }
}

function joined(before: Tree | undefined, after: Tree): Tree {
  if (Array.isArray(before) && Array.isArray(after)) return [...before as readonly Tree[], ...after as readonly Tree[]];
  if (before === undefined || typeof before === 'string' || typeof after === 'string' || Array.isArray(before) || Array.isArray(after)) return after;
  return { ...before, ...after };
}

function escapeKey(key: string | number): string {
  const text = String(key);
  return /[~/]/.test(text) ? text.replaceAll('~', '~0').replaceAll('/', '~1') : text;
}

function pointer(path: TreePath): string {
  return path.map((part) => `/${escapeKey(part)}`).join('');
}

/** A value with numbers and booleans (JSON, or what an adapter built) as a tree of text; null and undefined entries are left out, half surrogate pairs replaced. */
export function treeOf(value: unknown): Tree {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.filter((item) => item !== undefined && item !== null).map(treeOf);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined && item !== null).map(([key, item]) => [key.toWellFormed(), treeOf(item)]));
  }
  throw new TypeError(`no document value: ${typeof value}`);
}
