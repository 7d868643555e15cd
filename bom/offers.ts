// What module repositories offer: for `modules list` and `search`, and as candidates when a requirement is unmet.
import { moduleNameOf } from './adapters/draft.ts';
import { moduleBomFrom, type ParsedBom, type ParsedModuleRepository } from './documents/document.ts';
import { apiVersion } from './documents/fields.ts';

export interface Offer {
  readonly name: string;
  readonly version: string;
  readonly latest: boolean;
  /** Image reference, or id of an image in its BOM. */
  readonly image?: string;
  /** Where its BOM is, when the list says. */
  readonly bom?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The repository or BOM that offers it. */
  readonly from: string;
}

/** Every module version of repositories and of BOMs with modules[] (which is what LambdaStack lists become), sorted by name, as listed within it. */
export function offersOf(repositories: readonly ParsedModuleRepository[], boms: readonly ParsedBom[]): Offer[] {
  const listed = repositories.flatMap(({ value: { metadata, spec } }) => (spec.modules ?? []).map((module): Offer => ({
    ...common(module), labels: module.labels ?? {}, from: metadata.name, ...(module.bom === undefined ? {} : { bom: module.bom }), ...(module.image === undefined ? {} : { image: module.image }),
  })));
  const carried = boms.flatMap(({ value: { metadata, spec } }) => (spec?.modules ?? []).map((module): Offer => {
    const ref = spec?.images?.find(({ id }) => id === module.image)?.ref;
    return { ...common(module), labels: metadata.labels ?? {}, from: metadata.name, ...(ref === undefined ? {} : { image: ref }) };
  }));
  return [...listed, ...carried].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function common({ name, version, latest }: { readonly name: string; readonly version: string; readonly latest?: boolean | undefined }): Pick<Offer, 'name' | 'version' | 'latest'> {
  return { name, version, latest: latest ?? false };
}

/** Offers with every word of `query` in their name, image or labels; case does not count. */
export function searchOffers(offers: readonly Offer[], query: string): Offer[] {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return offers.filter(({ name, image = '', labels }) => {
    const text = [name, image, ...Object.entries(labels).flat()].join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Offers as modules of which only name, version and labels are known: what {@link import('./relations.ts').relate} names as candidates. */
export function candidatesOf(offers: readonly Offer[]): ParsedBom[] {
  return offers.map(({ name, version, labels, from }) => moduleBomFrom({ apiVersion, kind: 'ModuleBOM', metadata: { name: moduleNameOf(name), version, labels } }, from));
}
