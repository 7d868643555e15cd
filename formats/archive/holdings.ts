// What a site holds, as a delta's base: FORMAT.md, section 8 ("Delta").
import { bundleOf } from '../../bom/bundle.ts';
import { type Digest, isDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Lock } from '../../bom/lock.ts';
import type { DeltaBase } from './plan.ts';
import type { Receipt } from './receipt.ts';

/** Blobs of one site, or of one archive that a site has. */
export interface Holdings {
  /** Where this was read, for messages. */
  readonly subject: string;
  readonly project: string;
  readonly sequence: number;
  readonly bundle: Digest;
  readonly blobs: ReadonlySet<Digest>;
}

/** What a site holds once it has everything of `lock`. */
export function holdingsOfLock(lock: Lock, subject: string): Holdings {
  const bundle = bundleOf(lock);
  return {
    subject, project: lock.metadata.name, sequence: lock.metadata.sequence, bundle: bundle.index.digest,
    blobs: new Set([...bundle.generated, ...bundle.content].map((blob) => blob.digest)),
  };
}

export function holdingsOfReceipt(receipt: Receipt, subject: string): Holdings {
  return { subject, project: receipt.project, sequence: receipt.sequence, bundle: receipt.bundle, blobs: new Set(receipt.blobs) };
}

/** The base that serves every site: only what all of them hold is left out. Throws `INPUT_FIELD` for holdings of another project. */
export function deltaBase(project: string, holdings: readonly Holdings[]): DeltaBase {
  const foreign = holdings.find((each) => each.project !== project);
  if (foreign !== undefined) {
    throw new BundleError('INPUT_FIELD', { subject: foreign.subject, expected: `a base of project ${project}`, actual: `project ${foreign.project}` });
  }
  const base = holdings.map(({ project: name, sequence, bundle }) => ({ project: name, sequence, bundle }));
  const unique = [...new Map(base.map((each) => [`${each.sequence} ${each.bundle}`, each])).values()];
  unique.sort((a, b) => a.sequence - b.sequence || (a.bundle < b.bundle ? -1 : 1));
  return { holds: (digest) => holdings.every((each) => each.blobs.has(digest)), base: unique };
}

/** For a site that lacks `missing`: an archive of these blobs alone. */
export function repairBase(missing: ReadonlySet<Digest>): DeltaBase {
  return { holds: (digest) => !missing.has(digest), base: [], repair: true };
}

/** Digests in a list of missing blobs, as `import` prints it (`details.missing` of its error, or the list alone). Throws `INPUT_FIELD`. */
export function parseMissing(text: string, subject: string): ReadonlySet<Digest> {
  const fail = (actual: string, cause?: unknown): never => {
    throw new BundleError('INPUT_FIELD', { subject, expected: 'the blobs that an import found missing: {"missing":[{"digest":"sha256:…"}]}', actual }, { cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return fail((cause as Error).message, cause);
  }
  const list = listIn(value);
  if (list === undefined) return fail('no such list');
  return new Set(list.map((item: unknown) => {
    const digest = typeof item === 'object' && item !== null && 'digest' in item ? item.digest : item;
    return typeof digest === 'string' && isDigest(digest) ? digest : fail(JSON.stringify(digest) ?? 'nothing');
  }));
}

/** The list itself, or below `missing`, `details` or `error`, as the JSON of a failed import has it. */
function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) if (['missing', 'details', 'error'].includes(key)) return listIn(inner);
  return undefined;
}
