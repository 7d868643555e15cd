import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Option } from 'commander';
import { aggregate, type Aggregated, defaultProject } from '../bom/aggregate.ts';
import type { ParsedBom, ParsedProject } from '../bom/documents/document.ts';
import { BundleError } from '../bom/errors.ts';
import { defaultRepositories } from '../bom/default-repositories.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { compareEvr, parseEvr } from '../formats/rpm/evr.ts';
import { collect } from './context.ts';
import { hostAptSources } from './host-apt-sources.ts';
import { readInputs } from './inputs.ts';
import type { Offered } from './module-repositories.ts';
import type { RemoteAccess } from './remote-modules.ts';

export const compareRpm = (a: string, b: string): number => compareEvr(parseEvr(a), parseEvr(b));

export interface FileFlag { readonly file: readonly string[] }

export const fileOption = (): Option =>
  new Option('-f, --file <path>', 'a project or BOMs: files, folders, globs, - for stdin, addresses (oci://, git+https://…@rev#path, https://); repeatable').argParser(collect).makeOptionMandatory();

export type Inputs = Aggregated & { readonly projectDocument: ParsedProject };

/** What the documents behind `-f` ask for together. */
export async function aggregateInputs(names: readonly string[], access?: RemoteAccess, options: { readonly withWeak?: boolean; readonly note?: (text: string) => void } = {}): Promise<Inputs> {
  const inputs = await readInputs(names, access);
  const isFolder = inputs.label !== '-' && (await stat(inputs.label).then((info) => info.isDirectory(), () => false));
  const folder = basename(resolve(inputs.label === '-' ? '.' : isFolder ? inputs.label : dirname(inputs.label)));
  const project = inputs.project ?? defaultProject(inputs.boms, folder);
  const spec = project.value.spec ?? {};
  const offers = lazyOffers(project, access);
  const relations = { comparators: { deb: compareVersions, rpm: compareRpm }, ...(spec.cluster === undefined ? {} : { cluster: spec.cluster }) };
  const isWeakWanted = (spec.select?.withWeak === true || options.withWeak === true) && (spec.moduleRepositories ?? []).length > 0;
  const boms = isWeakWanted ? await (await import('./module-repositories.ts')).withWeakModules(inputs.boms, await offers(), { project, options: relations, note: options.note ?? (() => undefined), ...(access === undefined ? {} : { access }) }) : inputs.boms;
  const fromHost = hostAptSources();
  const run = (known: readonly ParsedBom[]): Aggregated =>
    aggregate({ boms, project, known, hostAptSources: (target, at) => fromHost(target, at) ?? defaultRepositories(target, at), compareVersions: { deb: compareVersions, rpm: compareRpm } });
  let aggregated: Aggregated;
  try {
    aggregated = run([]);
  } catch (error) {
    // Only then is it worth to ask what is on offer elsewhere.
    if (!(error instanceof BundleError) || error.code !== 'RESOLVE_UNMET' || (spec.moduleRepositories ?? []).length === 0) throw error;
    aggregated = run((await offers()).candidates);
  }
  return { ...aggregated, projectDocument: project };
}

/** What the project's module repositories offer, read once when it is first needed. */
function lazyOffers(project: ParsedProject, access: RemoteAccess | undefined): () => Promise<Offered> {
  let reading: Promise<Offered> | undefined;
  return () => (reading ??= import('./module-repositories.ts').then(({ readOffers }) => readOffers(project.value.spec?.moduleRepositories ?? [], project.folder ?? process.cwd(), access)));
}
