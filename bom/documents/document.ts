// Text of a document file -> documents with positions, or every problem at once.
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { canonicalBytes } from '../canonical-json.ts';
import { type Digest, digestOf } from '../digest.ts';
import type { Position } from '../requirement.ts';
import { withoutCode } from '../schema-parse.ts';
import { apiVersion } from './fields.ts';
import { type ModuleBom, moduleBomSchema } from './module-bom.ts';
import { type ModuleRepository, moduleRepositorySchema } from './module-repository.ts';
import { type Project, projectSchema } from './project.ts';
import { credentialProblems } from '../url-credential.ts';
import { KeysAside } from './keys-aside.ts';
import { withShownKeys } from './proto-key.ts';
import { actualText, schemaProblems, valueAt } from './schema-problems.ts';
import { didYouMean } from './suggest.ts';
import { withoutProblems } from './without-problems.ts';
import { errorOf, type Problem, problemAt, readTrees, type Tree, type TreeDocument, type TreePath, treeOf } from './yaml-tree.ts';

/** A document that passed its schema. */
export interface Parsed<T> {
  /** As the user named it. */
  readonly file: string;
  readonly value: T;
  /** RFC 8785 bytes of the document: fields as written, without defaults, own x- keys included. */
  readonly canonical: Uint8Array;
  readonly digest: Digest;
  /** Where the value (or key) at `path` stands; the nearest parent that is there, when it is not. */
  positionOf(path: TreePath, part?: 'key' | 'value'): Position;
  /** Where its relative paths count from: an absolute folder. Absent: it came from somewhere else, and may not name local files. */
  readonly folder?: string;
  /** Its relative paths may not leave this folder, and absolute ones name nothing: it came with its files from somewhere else. */
  readonly root?: string;
  /** Where it was read, when that was not a file of this machine. */
  readonly origin?: DocumentOrigin;
}

export interface DocumentOrigin {
  readonly url: string;
  readonly digest?: Digest;
  readonly commit?: string;
  /** Which part of an image had it. */
  readonly found?: string;
  /** The address says by digest or commit what has to be there. */
  readonly pinned: boolean;
}
export type ParsedBom = Parsed<ModuleBom>;
export type ParsedProject = Parsed<Project>;
export type ParsedModuleRepository = Parsed<ModuleRepository>;

export interface Documents {
  readonly boms: readonly ParsedBom[];
  readonly projects: readonly ParsedProject[];
  readonly repositories: readonly ParsedModuleRepository[];
}

export interface ReadOptions {
  /** The absolute folder of `file`; give it only for files of this machine. */
  readonly folder?: string;
  readonly root?: string;
  readonly origin?: DocumentOrigin;
}

const schemas = { ModuleBOM: moduleBomSchema, Project: projectSchema, ModuleRepository: moduleRepositorySchema } as const;
type DocumentKind = keyof typeof schemas;

/** The folder of `file`, counted from the absolute folder `workingDirectory`. */
export function folderOf(file: string, workingDirectory: string): string {
  return dirname(resolve(workingDirectory, file));
}

/** Every problem of every document in `text`, in order of lines; an empty list when it is good. `file` is what subjects name. */
export function checkDocument(text: string, file: string): readonly Problem[] {
  return readAll(text, file, { lenient: true }).problems;
}

/** What {@link checkDocument} says, and the documents, of those with problems what remains without the keys and entries at fault: for further checks, never for use. */
export function checkedDocuments(text: string, file: string): { readonly problems: readonly Problem[]; readonly documents: Documents; readonly partial: ReadonlySet<unknown> } {
  return readAll(text, file, { lenient: true });
}

/** Every document in `text`. Throws the first problem as `INPUT_SYNTAX`, `INPUT_UNKNOWN_KEY`, `INPUT_FIELD` or `INPUT_CREDENTIAL`. */
export function parseDocuments(text: string, file: string, options: ReadOptions = {}): Documents {
  const { documents, problems } = readAll(text, file, options);
  throwFirst(problems);
  return documents;
}

/** The one ModuleBOM in `text`. Throws as {@link parseDocuments}. */
export function parseModuleBom(text: string, file: string, options: ReadOptions = {}): ParsedBom {
  return only(parseDocuments(text, file, options).boms, 'ModuleBOM', file);
}

/** The one Project in `text`. Throws as {@link parseDocuments}. */
export function parseProject(text: string, file: string, options: ReadOptions = {}): ParsedProject {
  return only(parseDocuments(text, file, options).projects, 'Project', file);
}

/** A ModuleBOM built in memory (by an adapter, or as a default); checked like a file. Positions are those that `origin.where` says, else `file` 1:1. */
export function moduleBomFrom(value: unknown, file: string, options: ReadOptions = {}): ParsedBom {
  return fromValue(value, moduleBomSchema, file, options);
}

/** A Project built in memory. */
export function projectFrom(value: unknown, file: string, options: ReadOptions = {}): ParsedProject {
  return fromValue(value, projectSchema, file, options);
}

function fromValue<S extends z.ZodType>(value: unknown, schema: S, file: string, options: ReadOptions): Parsed<z.output<S>> {
  const tree = treeOf(value);
  const result = read({ file, tree, positionOf: (path) => originOf(tree, path) ?? { file, line: 1, column: 1 } }, schema, options);
  throwFirst(result.problems);
  return result.parsed as Parsed<z.output<S>>;
}

/** The place in another format's file that the nearest `origin.where` around `path` names. */
function originOf(tree: Tree, path: TreePath): Position | undefined {
  for (let length = path.length; length >= 0; length--) {
    const where = valueAt(tree, [...path.slice(0, length), 'origin', 'where']);
    const [, file, line] = typeof where === 'string' ? /^(.+):(\d{1,9})$/.exec(where) ?? [] : [];
    if (file !== undefined) return { file, line: Number(line), column: 1 };
  }
  return undefined;
}

function throwFirst(problems: readonly Problem[]): void {
  const [first] = problems;
  if (first !== undefined) throw errorOf(first);
}

function only<T>(found: readonly T[], kind: DocumentKind, file: string): T {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  throw errorOf(problemAt('INPUT_FIELD', { file, line: 1, column: 1 }, { expected: `one document of kind ${kind}`, actual: `${found.length}` }));
}

function readAll(text: string, file: string, options: ReadOptions & { readonly lenient?: boolean }): { documents: Documents; problems: readonly Problem[]; partial: ReadonlySet<unknown> } {
  const { documents, problems: syntax } = readTrees(text, file);
  const problems: Problem[] = [...syntax];
  const boms: ParsedBom[] = [];
  const projects: ParsedProject[] = [];
  const repositories: ParsedModuleRepository[] = [];
  const partial = new Set<unknown>();
  if (documents.length === 0 && problems.length === 0) {
    problems.push(problemAt('INPUT_SYNTAX', { file, line: 1, column: 1 }, { expected: `a document of ${apiVersion}`, actual: 'an empty file' }));
  }
  for (const document of documents) {
    const kind = kindOf(document, problems);
    if (kind === undefined) continue;
    const result = options.lenient === true ? readInPart(document, schemas[kind], options) : read(document, schemas[kind], options);
    problems.push(...result.problems);
    if (result.parsed === undefined) continue;
    if (result.problems.length > 0) partial.add(result.parsed);
    if (kind === 'ModuleBOM') boms.push(result.parsed as ParsedBom);
    else if (kind === 'Project') projects.push(result.parsed as ParsedProject);
    else repositories.push(result.parsed as ParsedModuleRepository);
  }
  const order = (a: Problem, b: Problem): number => a.position.line - b.position.line || a.position.column - b.position.column;
  return { documents: { boms, projects, repositories }, problems: problems.sort(order), partial };
}

function kindOf(document: TreeDocument, problems: Problem[]): DocumentKind | undefined {
  const version = valueAt(document.tree, ['apiVersion']);
  const kind = valueAt(document.tree, ['kind']);
  const kinds = Object.keys(schemas) as DocumentKind[];
  const isOurs = version === apiVersion;
  if (isOurs && kinds.includes(kind as DocumentKind)) return kind as DocumentKind;
  if (problems.some((problem) => problem.code === 'INPUT_SYNTAX')) return undefined;
  const path = isOurs ? ['kind'] : ['apiVersion'];
  const next = isOurs ? (typeof kind === 'string' ? didYouMean(kind, kinds) : undefined)
    : 'Other formats are read by an adapter: longshore bom convert --from FORMAT.';
  problems.push(problemAt('INPUT_FIELD', document.positionOf(path), {
    expected: isOurs ? `one of ${kinds.join(', ')} in kind` : `${apiVersion} in apiVersion`,
    actual: actualText(isOurs ? kind : version), ...(next === undefined ? {} : { next }),
  }));
  return undefined;
}

/** So often something else comes to light behind what was left out: fields behind a refused mapping, conditions between fields behind those. */
const maxRounds = 5;

/** Every problem, also those behind others, and what is left without them. */
function readInPart(whole: TreeDocument, schema: z.ZodType, options: ReadOptions): { parsed?: Parsed<unknown>; problems: readonly Problem[] } {
  const result = read(whole, schema, options);
  const problems = [...result.problems];
  let { issues, parsed } = result;
  let document = whole;
  let inWhole = (path: TreePath): TreePath => path;
  for (let round = 0; round < maxRounds && issues !== undefined; round++) {
    const rest = withoutProblems(document, issues);
    if (rest === undefined) break;
    document = rest.document;
    const earlier = inWhole;
    inWhole = (path) => earlier(rest.before(path));
    const next = read(document, schema, options);
    const found = (next.issues ?? []).filter(rest.isReal).map((issue) => ({ ...issue, path: [...inWhole(issue.path as TreePath)] }));
    problems.push(...schemaProblems(found, whole, schema));
    ({ issues, parsed } = next);
  }
  return { problems, ...(parsed === undefined ? {} : { parsed }) };
}

function read(document: TreeDocument, schema: z.ZodType, options: ReadOptions): { parsed?: Parsed<unknown>; problems: readonly Problem[]; issues?: readonly z.core.$ZodIssue[] } {
  const credentials = credentialProblems(document.tree ?? {}, (path) => document.positionOf(path));
  const aside = new KeysAside();
  const result = schema.safeParse(aside.without(document.tree ?? {}), withoutCode);
  if (!result.success) return { problems: [...schemaProblems(result.error.issues, document, schema), ...credentials], issues: result.error.issues };
  if (credentials.length > 0) return { problems: credentials };
  const value = aside.hasHidden ? withShownKeys(result.data) : result.data;
  const canonical = canonicalBytes(aside.restored(value));
  return {
    problems: [],
    parsed: {
      file: document.file, value, canonical, digest: digestOf(canonical), positionOf: document.positionOf,
      ...(options.folder === undefined ? {} : { folder: options.folder }), ...(options.root === undefined ? {} : { root: options.root }), ...(options.origin === undefined ? {} : { origin: options.origin }),
    },
  };
}
