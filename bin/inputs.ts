import { glob, readdir, stat } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { checkedDocuments, type Documents, type ParsedBom, type ParsedProject, parseDocuments } from '../bom/documents/document.ts';
import { BundleError, redactUrl } from '../bom/errors.ts';
import { type Notify, silent } from '../bom/events.ts';
import { readInput } from './context.ts';
import { isModuleAddress, type RemoteAccess, RemoteModules } from './remote-modules.ts';

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
 * Addresses stay as they are. Throws `INPUT_MISSING_FILE`.
 */
export async function inputFiles(names: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const name of names) {
    if (name === '-' || isModuleAddress(name)) { files.add(name); continue; }
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

/** `files`, and the files of the BOMs that projects among them name on this disk. Throws `INPUT_MISSING_FILE`. */
export async function withLocalModules(files: readonly string[]): Promise<string[]> {
  const all = new Map(files.map((file) => [isModuleAddress(file) || file === '-' ? file : resolve(file), file]));
  for (const file of files) {
    if (isModuleAddress(file) || file === '-') continue;
    const { text, name } = await readDocumentText(file);
    const places = checkedDocuments(text, name).documents.projects.flatMap(({ value }) => (value.spec?.modules ?? []).flatMap(({ bom }) => (bom === undefined || isModuleAddress(bom) ? [] : [bom])));
    for (const place of places) for (const found of await inputFiles([resolve(dirname(file), place)])) if (!all.has(found)) all.set(found, relative(process.cwd(), found));
  }
  return [...all.values()];
}

/** Every document that `-f` and the project's own `modules` name. Throws on the first bad one. */
export async function readInputs(names: readonly string[], access?: RemoteAccess): Promise<Inputs> {
  const remote = new RemoteModules(access);
  const files = await inputFiles(names);
  const read: Documents[] = [];
  for (const file of files) read.push(isModuleAddress(file) ? await remoteDocuments(file, remote) : await readDocuments(file));
  const projects = read.flatMap((documents) => documents.projects);
  const [project, second] = projects;
  if (second !== undefined) {
    throw new BundleError('INPUT_FIELD', { subject: second.file, expected: 'one Project among the inputs', actual: `a second one beside ${project?.file ?? ''}` });
  }
  const boms = read.flatMap((documents) => documents.boms);
  if (project !== undefined) boms.push(...(await moduleBoms(project, new Set(files.map((file) => (isModuleAddress(file) ? file : resolve(file)))), { remote, notify: access?.notify ?? silent })));
  if (boms.length === 0) {
    throw new BundleError('INPUT_FIELD', { subject: names.join(' '), expected: 'at least one ModuleBOM, named directly or by a project', actual: 'none', next: 'Write one with `longshore template`, or name it with -f.' });
  }
  return { boms, ...(project === undefined ? {} : { project }), label: names[0] ?? 'project' };
}

/** BOMs at an address or path. */
export async function readModule(place: string, access?: RemoteAccess): Promise<readonly ParsedBom[]> {
  if (isModuleAddress(place)) return (await remoteDocuments(place, new RemoteModules(access))).boms;
  const read: Documents[] = [];
  for (const file of await inputFiles([place])) read.push(await readDocuments(file));
  return read.flatMap(({ boms }) => boms);
}

/** Documents at an address: what is there itself, or the files of a revision. */
async function remoteDocuments(address: string, remote: RemoteModules, options: Parameters<RemoteModules['read']>[1] = {}): Promise<Documents> {
  const found = await remote.read(address, options);
  if (found.kind === 'documents') return found.documents;
  const { place, root, origin } = found;
  const read: Documents[] = [];
  for (const file of await inputFiles([place])) read.push(parseDocuments(readInput(file), `${address.replace(/#.*$/s, '')}#${relative(root, file)}`, { folder: dirname(file), root, origin }));
  return { boms: read.flatMap(({ boms }) => boms), projects: read.flatMap(({ projects }) => projects), repositories: read.flatMap(({ repositories }) => repositories) };
}

/** The text behind one name of `-f`, and what messages call it. */
export async function readDocumentText(file: string, access?: RemoteAccess): Promise<{ readonly text: string; readonly name: string }> {
  if (isModuleAddress(file)) {
    const found = await new RemoteModules(access).read(file, { asFiles: true });
    return { text: found.kind === 'place' ? readInput(found.place) : '', name: file };
  }
  return file === '-' ? { text: await textOf(process.stdin), name: 'stdin' } : { text: readInput(file), name: file };
}

async function readDocuments(file: string): Promise<Documents> {
  const { text, name } = await readDocumentText(file);
  return parseDocuments(text, name, { folder: file === '-' ? process.cwd() : dirname(resolve(file)) });
}

async function moduleBoms(project: ParsedProject, seen: ReadonlySet<string>, { remote, notify }: { readonly remote: RemoteModules; readonly notify: Notify }): Promise<ParsedBom[]> {
  const folder = project.folder ?? process.cwd();
  const found: ParsedBom[] = [];
  const read = new Set(seen);
  for (const [number, module] of (project.value.spec?.modules ?? []).entries()) {
    const { credentials } = project.value.spec ?? {};
    const reading = { headersFrom: module.headersFrom ?? [], ...(credentials === undefined ? {} : { credentials }) };
    checkMayRead(project, module.bom ?? module.from ?? '', number);
    if (module.bom !== undefined && isModuleAddress(module.bom)) {
      if (read.has(module.bom)) continue;
      read.add(module.bom);
      found.push(...(await remoteDocuments(module.bom, remote, reading)).boms);
      continue;
    }
    if (module.bom !== undefined) {
      for (const name of await inputFiles([resolve(folder, module.bom)])) {
        if (read.has(name)) continue;
        read.add(name);
        found.push(...(await readDocuments(relative(process.cwd(), name))).boms);
      }
      continue;
    }
    const from = module.from ?? '';
    const { convertPath } = await import('./adapter-files.ts');
    const options = {
      ...(module.adapter === undefined ? {} : { from: module.adapter }), ...(module.select === undefined ? {} : { select: module.select }), ...(project.value.spec?.values === undefined ? {} : { values: project.value.spec.values }),
    };
    const converted = async (place: string): Promise<readonly ParsedBom[]> => {
      const { boms, warnings, adapter } = await convertPath(place, options);
      for (const message of warnings) notify({ kind: 'warning', subject: `adapter ${adapter.name}, ${redactUrl(from)}`, message });
      return boms;
    };
    if (!isModuleAddress(from)) { found.push(...(await converted(resolve(folder, from)))); continue; }
    const there = await remote.read(from, { ...reading, asFiles: true });
    if (there.kind === 'documents') continue;
    const { place, root, origin } = there;
    found.push(...(await converted(place)).map((bom) => ({ ...bom, root, origin })));
  }
  return found;
}

/** A project that came from somewhere else may name addresses and files beside it, no others. Throws `INPUT_FIELD`. */
function checkMayRead(project: ParsedProject, name: string, number: number): void {
  if (project.origin === undefined || isModuleAddress(name)) return;
  const { folder, root } = project;
  const path = folder === undefined ? undefined : resolve(folder, name);
  if (path !== undefined && root !== undefined && (path === root || path.startsWith(root + sep))) return;
  const { file, line, column } = project.positionOf(['spec', 'modules', number]);
  throw new BundleError('INPUT_FIELD', { subject: `${file}:${line}:${column}`, expected: 'an address, or a file beside this project, which came from somewhere else', actual: name });
}
