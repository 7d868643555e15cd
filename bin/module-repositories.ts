// Lists of modules on offer: ModuleRepository documents, and the Repository v1 lists of LambdaStack.
import { dirname, resolve } from 'node:path';
import { type Documents, type ParsedBom, type ParsedModuleRepository, type ParsedProject, parseDocuments } from '../bom/documents/document.ts';
import { BundleError } from '../bom/errors.ts';
import { candidatesOf, type Offer, offersOf } from '../bom/offers.ts';
import { unmetWeak, type RelationOptions } from '../bom/relations.ts';
import { compareSemver } from '../bom/relations-versions.ts';
import { readInput } from './context.ts';
import { inputFiles, readModule } from './inputs.ts';
import { isModuleAddress, type RemoteAccess, RemoteModules } from './remote-modules.ts';

export interface Offered {
  readonly offers: readonly Offer[];
  /** The same as modules of which only name, version and labels are known, in the same order. */
  readonly candidates: readonly ParsedBom[];
  /** Where the BOM of an offer is: an address, or an absolute path; undefined when the list does not say. */
  readonly bomOf: (offer: Offer) => string | undefined;
}

/** What the lists at `names` (files, folders, addresses; paths count from `folder`) offer. Throws on the first that cannot be read. */
export async function readOffers(names: readonly string[], folder: string, access?: RemoteAccess): Promise<Offered> {
  const remote = new RemoteModules(access);
  const repositories: ParsedModuleRepository[] = [];
  const boms: ParsedBom[] = [];
  const places = new Map<string, string>();
  for (const name of names) {
    const listed = isModuleAddress(name) ? await remoteList(name, remote) : await localList(resolve(folder, name));
    for (const repository of listed.repositories) places.set(repository.value.metadata.name, isModuleAddress(name) ? name : dirname(repository.file));
    repositories.push(...listed.repositories);
    boms.push(...listed.boms);
  }
  const offers = offersOf(repositories, boms);
  return { offers, candidates: candidatesOf(offers), bomOf: (offer) => bomPlace(offer, places.get(offer.from)) };
}

async function localList(path: string): Promise<Documents> {
  const read: Documents[] = [];
  const files = await inputFiles([path]);
  if (files.length === 0) throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a module repository: a file, or a folder with .yaml or .json files', actual: 'a folder without any' });
  for (const file of files) read.push(await listIn(readInput(file), file, { folder: dirname(file) }));
  return joined(read);
}

async function remoteList(address: string, remote: RemoteModules): Promise<Documents> {
  const found = await remote.read(address, { asFiles: true });
  if (found.kind === 'documents') return found.documents;
  const read: Documents[] = [];
  for (const file of await inputFiles([found.place])) read.push(await listIn(readInput(file), file, { origin: found.origin }));
  return joined(read);
}

const joined = (read: readonly Documents[]): Documents => ({ boms: read.flatMap(({ boms }) => boms), projects: [], repositories: read.flatMap(({ repositories }) => repositories) });

/** Documents of ours as they are; everything else is read as a list of LambdaStack. Throws `INPUT_FIELD` for what is neither. */
async function listIn(text: string, file: string, options: Parameters<typeof parseDocuments>[2]): Promise<Documents> {
  if (/^["']?apiVersion["']?\s*:/m.test(text) || /^\s*\{/.test(text)) return parseDocuments(text, file, options);
  const { eModules } = await import('../bom/adapters/e-modules/e-modules.ts');
  const { boms } = eModules.convert([{ path: file, text }], {});
  if (boms.length === 0) throw new BundleError('INPUT_FIELD', { subject: file, expected: 'a ModuleRepository, or a Repository v1 list', actual: 'neither' });
  return { boms, projects: [], repositories: [] };
}

function bomPlace({ bom, image }: Offer, from: string | undefined): string | undefined {
  if (bom === undefined) return image === undefined || !image.includes('/') ? undefined : `oci://${image}`;
  if (isModuleAddress(bom)) return bom;
  return from === undefined || isModuleAddress(from) ? undefined : resolve(from, bom);
}

export interface Adding { readonly project: ParsedProject; readonly options: RelationOptions; readonly access?: RemoteAccess; readonly note: (text: string) => void }

/**
 * `boms` with modules that meet weak requirements, from the project's module repositories: the newest version where one module is on offer, and
 * nothing (but a word) where several are. Again, until nothing more is missing that is on offer.
 */
export async function withWeakModules(boms: readonly ParsedBom[], offered: Offered, { options, access, note }: Adding): Promise<ParsedBom[]> {
  const all = [...boms];
  const tried = new Set<string>();
  for (;;) {
    const [open] = unmetWeak(all, options).filter(({ module, text }) => !tried.has(`${module} ${text}`));
    if (open === undefined) return all;
    tried.add(`${open.module} ${open.text}`);
    const fitting = offered.offers.filter((offer, index) => { const candidate = offered.candidates[index]; return candidate !== undefined && open.isMetBy(candidate) && offered.bomOf(offer) !== undefined; });
    const names = [...new Set(fitting.map(({ name }) => name))];
    if (names.length > 1) note(`${open.module} would like ${open.text}; several modules on offer have it: ${names.join(', ')}. Name the one that is meant under spec.modules.`);
    const [chosen] = names.length === 1 ? fitting.toSorted((a, b) => compareSemver(b.version, a.version)) : [];
    if (chosen === undefined) continue;
    const place = offered.bomOf(chosen) ?? '';
    const found = (await readModule(place, access)).filter((bom) => open.isMetBy(bom) && !all.some((known) => known.value.metadata.name === bom.value.metadata.name));
    if (found.length === 0) throw new BundleError('RESOLVE_UNMET', { subject: `module ${open.module}`, expected: `${open.text}, as ${chosen.from} says of ${chosen.name} ${chosen.version}`, actual: `another module at ${place}`, next: 'Correct the list, or leave withWeak out.' });
    note(`added ${found.map((bom) => `${bom.value.metadata.name} ${bom.value.metadata.version ?? ''}`.trim()).join(', ')}, because ${open.module} would like ${open.text}`);
    all.push(...found);
  }
}
