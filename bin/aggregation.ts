import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Option } from 'commander';
import { aggregate, type Aggregated, defaultProject } from '../bom/aggregate.ts';
import type { ParsedProject } from '../bom/documents/document.ts';
import { defaultRepositories } from '../bom/default-repositories.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { collect } from './context.ts';
import { hostAptSources } from './host-apt-sources.ts';
import { readInputs } from './inputs.ts';
import type { RemoteAccess } from './remote-modules.ts';

export interface FileFlag { readonly file: readonly string[] }

export const fileOption = (): Option =>
  new Option('-f, --file <path>', 'a project or BOMs: files, folders, globs, - for stdin, addresses (oci://, git+https://…@rev#path, https://); repeatable').argParser(collect).makeOptionMandatory();

/** What the documents behind `-f` ask for together. */
export async function aggregateInputs(names: readonly string[], access?: RemoteAccess): Promise<Aggregated & { readonly projectDocument: ParsedProject }> {
  const inputs = await readInputs(names, access);
  const isFolder = inputs.label !== '-' && (await stat(inputs.label).then((info) => info.isDirectory(), () => false));
  const folder = basename(resolve(inputs.label === '-' ? '.' : isFolder ? inputs.label : dirname(inputs.label)));
  const project = inputs.project ?? defaultProject(inputs.boms, folder);
  const fromHost = hostAptSources();
  const aggregated = aggregate({ boms: inputs.boms, project, hostAptSources: (target, at) => fromHost(target, at) ?? defaultRepositories(target, at), compareVersions: { deb: compareVersions } });
  return { ...aggregated, projectDocument: project };
}
