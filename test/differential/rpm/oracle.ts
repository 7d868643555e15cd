// libsolv itself, over its Python binding, and ours beside it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseEvr } from '../../../formats/rpm/evr.ts';
import type { RpmOperator, RpmRelation } from '../../../formats/rpm/relation.ts';
import { archPolicy } from '../../../downloader/solver/solv-arch.ts';
import { solveJob } from '../../../downloader/solver/solv-engine.ts';
import { dependencyKinds } from '../../../downloader/solver/solv-tables.ts';
import { RpmUniverse, type SolvPackage } from '../../../downloader/solver/solv-universe.ts';
import { SolvView } from '../../../downloader/solver/solv-view.ts';

export interface OraclePackage {
  readonly n: string;
  readonly e: string;
  readonly a: string;
  /** Number of the repository. */
  readonly r: number;
  readonly deps: Readonly<Record<string, readonly string[]>>;
  readonly files: readonly string[];
}
export interface OracleJob { readonly install: readonly (readonly number[])[]; readonly weak: boolean; readonly best: boolean; readonly multiversion?: readonly string[]; readonly isLoose?: boolean; readonly notWeak?: readonly number[] }
export interface OracleDocument {
  readonly arch: string;
  readonly twins: boolean;
  readonly repositories: readonly { readonly priority?: number; readonly cost?: number; readonly installed?: boolean }[];
  /** Grouped by repository, in its order. */
  readonly packages: readonly OraclePackage[];
  readonly jobs: readonly OracleJob[];
  /** Numbers of packages that are excluded. */
  readonly disabled?: readonly number[];
}
/** By job the numbers of the packages taken; null when it cannot be met. */
export type OracleAnswer = readonly (readonly number[] | null)[];

/** `name`, `name >= 1-2` or a rich relation. */
export function relationOf(text: string): RpmRelation {
  if (text.startsWith('(')) return { name: text };
  const [name = '', op, evr] = text.split(' ');
  return op === undefined || evr === undefined ? { name } : { name, op: op as RpmOperator, evr: parseEvr(evr) };
}

export function packageOf({ n, e, a, deps, files }: OraclePackage): SolvPackage {
  const [provides = [], requires = [], conflicts = [], obsoletes = [], recommends = [], suggests = [], supplements = [], enhances = []] =
    dependencyKinds.map((kind) => (deps[kind] ?? []).map(relationOf));
  return { name: n, evr: parseEvr(e), arch: a, provides, requires, conflicts, obsoletes, recommends, suggests, supplements, enhances, files: files.map((path) => ({ path })) };
}

/** Repositories are read in the order of the document. */
export function viewOf(document: OracleDocument): SolvView {
  const universe = new RpmUniverse();
  for (const [index, facts] of document.repositories.entries()) {
    const add = universe.open({ id: `r${index}`, ...facts });
    for (const item of document.packages) if (item.r === index) add(packageOf(item));
  }
  const considered = new Uint8Array(universe.count).fill(1);
  for (const index of document.disabled ?? []) considered[index + 1] = 0;
  return new SolvView(universe, archPolicy(document.arch), { considered });
}

/** Ours. */
export function ourAnswer(document: OracleDocument): OracleAnswer {
  const view = viewOf(document);
  const { universe } = view;
  return document.jobs.map(({ install, weak, best, multiversion = [], isLoose = false, notWeak = [] }) => {
    const names = new Set(multiversion.flatMap((name) => universe.findName(name) ?? []));
    const isMultiversion = (id: number): boolean => universe.dependenciesOf(id, 'provides').some((relation) => names.has(universe.relationName(relation)));
    const candidates = install.map((ids) => ids.map((id) => id + 1).filter((id) => view.isUsable(id)));
    if (candidates.some((ids) => ids.length === 0)) return null;
    const { isSolved, taken } = solveJob(view, { install: candidates, weak, best, twins: document.twins, isMultiversion, isLoose, notWeak: new Set(notWeak.map((index) => index + 1)) });
    return isSolved ? taken.filter((id) => universe.repositoryOf(id).installed !== true).map((id) => id - 1).sort((a, b) => a - b) : null;
  });
}

/** Asks libsolv about every document, in one process. */
export async function* askLibsolv(documents: Iterable<OracleDocument>): AsyncGenerator<{ readonly document: OracleDocument; readonly answer: OracleAnswer }> {
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'libsolv-oracle.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    for (const document of documents) {
      child.stdin.write(`${JSON.stringify(document)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('libsolv ended early');
      yield { document, answer: JSON.parse(value) as OracleAnswer };
    }
  } finally {
    child.stdin.end();
    child.kill();
  }
}
