// Which of upstream's module documents and advisories concern the packages of a mirror.
import { compareEvr, type Evr } from './evr.ts';
import { type ModuleDocument, type ModuleStream, parseModules } from './modules.ts';
import { type Advisory, readUpdateinfo } from './updateinfo.ts';

export interface CarriedPackage {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
}

/** As artifacts of modules are written: the epoch always stands there. */
const artifactName = ({ name, evr, arch }: CarriedPackage): string => `${name}-${evr.epoch}:${evr.version}-${evr.release}.${arch}`;

function meets(stream: ModuleStream, wanted: readonly string[]): boolean {
  const positive = wanted.filter((each) => !each.startsWith('-'));
  return positive.length === 0 ? !wanted.includes(`-${stream.stream}`) : positive.includes(stream.stream);
}

/** `chosen` and every stream that one of them may require, since a client cannot enable the one without the other. */
function withRequired(chosen: readonly ModuleStream[], streams: readonly ModuleStream[]): Set<ModuleDocument> {
  const found = new Set<ModuleDocument>(chosen);
  const queue = [...chosen];
  for (let stream = queue.pop(); stream !== undefined; stream = queue.pop()) {
    for (const [name, wanted] of stream.requires.flatMap((alternative) => Object.entries(alternative))) {
      for (const required of streams) {
        if (required.name !== name || found.has(required) || !meets(required, wanted)) continue;
        found.add(required);
        queue.push(required);
      }
    }
  }
  return found;
}

/**
 * Module documents for a client of the mirror, in upstream's order: streams with a package here and what they require, and of the modules of these
 * all that is no stream. A module of which nothing is here is left out: it would hide packages of the same name from elsewhere.
 */
export function carriedModules(documents: readonly Uint8Array[], carried: readonly CarriedPackage[], subject: string): readonly ModuleDocument[] {
  const all = documents.flatMap((bytes, index) => parseModules(bytes, `${subject}, modules ${index + 1}`));
  const here = new Set(carried.map(artifactName));
  const streams = all.filter((document) => document.kind === 'stream');
  const kept = withRequired(streams.filter(({ artifacts }) => artifacts.some((artifact) => here.has(artifact))), streams);
  const names = new Set([...kept].map(({ name }) => name));
  const texts = new Set<string>();
  return all.filter((document) => {
    const wanted = kept.has(document) || (document.kind !== 'stream' && document.name !== undefined && names.has(document.name));
    if (!wanted || texts.has(document.text)) return false;
    texts.add(document.text);
    return true;
  });
}

/**
 * Advisories for a client of the mirror, in upstream's order: those that name a package of it in the version that is here or in an older one, since what is here fixes what an older
 * one fixed, and a machine that has neither has to be told. Repositories may say of one advisory each what concerns its packages: what differs stays.
 */
export async function carriedAdvisories(documents: readonly Uint8Array[], carried: readonly CarriedPackage[], subject: string): Promise<readonly Advisory[]> {
  const newest = new Map<string, Evr>();
  const keyOf = ({ name, arch }: Pick<CarriedPackage, 'name' | 'arch'>): string => `${name}.${arch}`;
  for (const item of carried) {
    const known = newest.get(keyOf(item));
    if (known === undefined || compareEvr(known, item.evr) < 0) newest.set(keyOf(item), item.evr);
  }
  const isHere = (item: CarriedPackage): boolean => {
    const own = newest.get(keyOf(item));
    return own !== undefined && compareEvr(item.evr, own) <= 0;
  };
  const found = new Map<string, Advisory>();
  for (const [index, bytes] of documents.entries()) {
    await readUpdateinfo([bytes], { subject: `${subject}, updateinfo ${index + 1}` }, (advisory) => {
      if (advisory.packages.some(isHere)) found.set(advisory.text, advisory);
    });
  }
  return [...found.values()];
}
