import { glob, readdir, stat } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { dirname, join, relative, resolve } from 'node:path';
import { type Documents, type ParsedBom, type ParsedProject, parseDocuments } from '../bom/documents/document.ts';
import { BundleError } from '../bom/errors.ts';
import { readInput } from './context.ts';

/** What `-f` led to: BOMs, and at most one project. */
export interface Inputs {
  readonly boms: readonly ParsedBom[];
  readonly project?: ParsedProject;
  /** Names the inputs when there is no project: the one BOM's file or folder. */
  readonly label: string;
}

const documentFile = /\.(ya?ml|json)$/;

/**
 * The files that `-f` arguments name: files, folders (their .yaml, .yml and .json files), globs, and `-` for stdin; sorted, each once.
 * Throws `INPUT_MISSING_FILE`, and `RESOLVE_UNSUPPORTED` for addresses that this version cannot read BOMs from.
 */
export async function inputFiles(names: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const name of names) {
    if (name === '-') { files.add(name); continue; }
    if (/^(oci|git\+\w+|https?):/.test(name)) {
      throw new BundleError('RESOLVE_UNSUPPORTED', { subject: `-f ${name}`, expected: 'a file, a folder, a glob or - for stdin', actual: 'an address', next: 'Fetch the document first and name the file.' });
    }
    const kind = await stat(name).catch(() => undefined);
    if (kind?.isDirectory() === true) for (const entry of (await readdir(name)).filter((each) => documentFile.test(each) && !each.endsWith('.lock.json')).sort()) files.add(join(name, entry));
    else if (kind !== undefined) files.add(name);
    else {
      const found: string[] = [];
      for await (const match of glob(name)) found.push(match);
      if (found.length === 0) throw new BundleError('INPUT_MISSING_FILE', { subject: `-f ${name}`, expected: 'a file, a folder with .yaml or .json files, or a glob that matches', actual: 'nothing there' });
      for (const match of found.sort()) files.add(match);
    }
  }
  return [...files];
}

/** Every document that `-f` and the project's own `modules` name. Throws on the first bad one. */
export async function readInputs(names: readonly string[]): Promise<Inputs> {
  const files = await inputFiles(names);
  const read: Documents[] = [];
  for (const file of files) read.push(await readDocuments(file));
  const projects = read.flatMap((documents) => documents.projects);
  const [project, second] = projects;
  if (second !== undefined) {
    throw new BundleError('INPUT_FIELD', { subject: second.file, expected: 'one Project among the inputs', actual: `a second one beside ${project?.file ?? ''}` });
  }
  const boms = read.flatMap((documents) => documents.boms);
  if (project !== undefined) boms.push(...(await moduleBoms(project, new Set(files.map((file) => resolve(file))))));
  if (boms.length === 0) {
    throw new BundleError('INPUT_FIELD', { subject: names.join(' '), expected: 'at least one ModuleBOM, named directly or by a project', actual: 'none', next: 'Write one with `longshore template`, or name it with -f.' });
  }
  return { boms, ...(project === undefined ? {} : { project }), label: names[0] ?? 'project' };
}

/** The text behind one name of `-f`, and what messages call it. */
export async function readDocumentText(file: string): Promise<{ readonly text: string; readonly name: string }> {
  return file === '-' ? { text: await textOf(process.stdin), name: 'stdin' } : { text: readInput(file), name: file };
}

async function readDocuments(file: string): Promise<Documents> {
  const { text, name } = await readDocumentText(file);
  return parseDocuments(text, name, { folder: file === '-' ? process.cwd() : dirname(resolve(file)) });
}

async function moduleBoms(project: ParsedProject, seen: ReadonlySet<string>): Promise<ParsedBom[]> {
  const folder = project.folder ?? process.cwd();
  const found: ParsedBom[] = [];
  const read = new Set(seen);
  for (const [number, module] of (project.value.spec?.modules ?? []).entries()) {
    const { file, line, column } = project.positionOf(['spec', 'modules', number]);
    if (module.bom !== undefined) {
      for (const name of await inputFiles([resolve(folder, module.bom)])) {
        if (read.has(name)) continue;
        read.add(name);
        found.push(...(await readDocuments(relative(process.cwd(), name))).boms);
      }
      continue;
    }
    const from = module.from ?? '';
    if (/^(oci|git\+\w+|https?):/.test(from)) {
      throw new BundleError('RESOLVE_UNSUPPORTED', { subject: `${file}:${line}:${column}`, expected: 'from: a file or a folder', actual: from, next: 'Fetch it first and name the folder.' });
    }
    const { convertPath } = await import('./adapter-files.ts');
    const options = {
      ...(module.adapter === undefined ? {} : { from: module.adapter }), ...(module.select === undefined ? {} : { select: module.select }), ...(project.value.spec?.values === undefined ? {} : { values: project.value.spec.values }),
    };
    found.push(...(await convertPath(resolve(folder, from), options)).boms);
  }
  return found;
}
