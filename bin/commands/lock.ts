import { type Command, Option } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { contentOf, type Lock, lockBytes } from '../../bom/lock.ts';
import { movesBetween, moveText } from '../../bom/lock-moves.ts';
import { canonicalReference } from '../../bom/reference.ts';
import { Keeping } from '../../downloader/keeping.ts';
import { createLock } from '../../downloader/lock.ts';
import { compareVersions } from '../../formats/deb/version.ts';
import { commitFile } from '../../store/durable-file.ts';
import type { Store } from '../../store/store.ts';
import { aggregateInputs, compareRpm, fileOption, type FileFlag, type Inputs } from '../aggregation.ts';
import { cacheStore, collect, type CommandContext, concurrencyOption, defineCommand, lockOption, networkOf, type NetworkFlags, networkOptions, storeOption } from '../context.ts';
import { kindsOf, readLock } from '../documents.ts';
import { exists } from '../files.ts';
import { usingStore } from '../held-store.ts';
import { accessOf } from '../remote-modules.ts';
import { formatBytes } from '../render.ts';
import { runtimeOption, runtimesFor } from '../runtimes.ts';
import { SignatureThread } from '../signature-thread.ts';
import { createConfigs, createSources } from '../wiring.ts';

export interface LockFlags extends FileFlag, NetworkFlags {
  readonly lock: string;
  readonly store: string;
  readonly concurrency: number;
  readonly strict?: boolean;
  readonly withWeak?: boolean;
  /** `true` without names. */
  readonly update?: true | readonly string[];
  readonly image?: readonly string[];
  readonly runtime?: readonly string[];
  readonly trustRoot?: string;
}

export const lockFlags = (): Option[] => [
  fileOption(), lockOption(), storeOption(cacheStore()), concurrencyOption(), ...networkOptions(),
  new Option('--with-weak', 'add modules that meet weak requirements, from the project\'s module repositories'),
  new Option('--strict', 'refuse what is not pinned or signed, guessed or unresolved'),
  new Option('--update [name]', 'look again what tags and addresses without a digest give now: all of them, or those of an image, file or module; repeatable').argParser(collectUpdate),
  new Option('--image <ref>', 'with --update: this image, as --update REF; repeatable').argParser(collect),
  new Option('--trust-root <file>', 'sigstore trust root (trusted_root.json) for images whose verify.cosign names an identity and no trustRoot of its own'),
  runtimeOption(),
];

export interface Locked {
  readonly lock: Lock;
  readonly changed: boolean;
  /** What stood in the file before. */
  readonly previous?: Lock;
  /** What was read for it. */
  readonly inputs: Inputs;
  /** Takes what the lock names and is still on its way into the store. */
  readonly keeping: Keeping;
}

/** What a lock is made from, before anything is written. */
export interface LockBasis {
  readonly update: 'all' | readonly string[];
  readonly aggregated: Inputs;
  readonly previous: Lock | undefined;
  /** To be closed by whoever read this. */
  readonly signatures: SignatureThread;
}

export async function readBasis(context: CommandContext, flags: LockFlags): Promise<LockBasis> {
  const update = updateOf(flags);
  const signatures = new SignatureThread();
  try {
    const aggregated = await aggregateInputs(flags.file, accessOf(context, flags), { withWeak: flags.withWeak === true, note: context.note });
    return { update, aggregated, previous: (await exists(flags.lock)) ? readLock(flags.lock) : undefined, signatures };
  } catch (error) {
    signatures.close();
    throw error;
  }
}

/** Resolves the documents and writes the lock; an unchanged lock is left untouched. */
export async function runLock(context: CommandContext, flags: LockFlags): Promise<Locked> {
  const basis = await readBasis(context, flags);
  try {
    return await usingStore(context, flags.store, async (store) => {
      const locked = await lockBasis(context, flags, { ...basis, store });
      basis.signatures.close();
      await writeLock(locked, flags.lock);
      return locked;
    });
  } finally {
    basis.signatures.close();
  }
}

/** Once all that locking kept is in the store. The previous lock itself comes back when nothing changed: then nothing is written. */
export async function writeLock({ lock, changed, keeping }: Pick<Locked, 'lock' | 'changed' | 'keeping'>, path: string): Promise<void> {
  await keeping.ended();
  if (changed) await commitFile(path, lockBytes(lock));
}

/** Resolves the documents; the lock is not written yet. While this throws, nothing is on its way into the store any more. */
export async function lockBasis(context: CommandContext, flags: LockFlags, { update, aggregated, previous, signatures, store }: LockBasis & { readonly store: Store }): Promise<Locked> {
  const keeping = new Keeping();
  const credentials = aggregated.projectDocument.value.spec?.credentials;
  const wiring = createSources({
    blobs: store, keeping, verifier: signatures, notify: context.notify, concurrency: flags.concurrency, now: context.now,
    spoolFolder: store.spoolFolder, cacheFolder: store.cacheFolder, previousRepositories: previous?.spec.repositories ?? [], previousGit: previous?.spec.git ?? [], previousPackages: previous?.spec.packages ?? [], ...networkOf(flags), ...(flags.trustRoot === undefined ? {} : { trustRoot: flags.trustRoot }), ...(credentials === undefined ? {} : { credentials }),
  });
  const runtimes = flags.runtime ?? aggregated.projectDocument.value.spec?.export?.runtime ?? [];
  try {
    const lock = await createLock({
      aggregated, sources: wiring.sources, configs: createConfigs({ blobs: store, notify: context.notify, spoolFolder: store.spoolFolder }), blobs: store, keeping, notify: context.notify, signal: context.signal,
      compareVersions: { deb: compareVersions, rpm: compareRpm },
      update,
      runtimes: await runtimesFor(runtimes, store, context.signal),
      ...(flags.strict === true ? { strict: true } : {}), ...(previous === undefined ? {} : { previous }),
    });
    context.record(lock);
    return { lock, changed: lock !== previous, inputs: aggregated, keeping, ...(previous === undefined ? {} : { previous }) };
  } catch (error) {
    // What failed first is told.
    await keeping.ended().catch(() => undefined);
    throw error;
  } finally {
    await wiring.close();
  }
}

/** What is looked up again. Throws `INPUT_FLAG` for --image without --update, `INPUT_REFERENCE` for what is no image. */
export function updateOf({ update, image = [] }: Pick<LockFlags, 'update' | 'image'>): 'all' | readonly string[] {
  if (image.length > 0 && update === undefined) throw new BundleError('INPUT_FLAG', { subject: '--image', expected: '--update with it', actual: 'none', next: 'Write lock --update --image REF.' });
  if (update === true && image.length === 0) return 'all';
  return [...(update === true ? [] : update ?? []), ...image.map((ref) => canonicalReference(ref, '--image'))];
}

function collectUpdate(value: string, previous: true | readonly string[] | undefined): readonly string[] {
  return [...(Array.isArray(previous) ? (previous as readonly string[]) : []), value];
}

/** So many names in a line on the screen. */
const maxNamed = 20;
/** So many lines of what moved. */
const maxMoves = 50;

export function lockSummary({ lock, changed, previous }: Pick<Locked, 'lock' | 'changed' | 'previous'>, path: string): { readonly document: Readonly<Record<string, unknown>>; readonly text: string } {
  const kinds = kindsOf(lock).filter((kind) => kind.count > 0);
  const { images, files, charts, git } = lock.spec;
  const firstUse = [...images.map(({ ref, trust }) => ({ name: ref, trust })), ...files, ...charts.map(({ path, trust }) => ({ name: path, trust })), ...git].filter(({ trust }) => trust === 'first-use').map(({ name }) => name);
  const bytes = [...contentOf(lock).values()].reduce((total, blob) => total + blob.size, 0);
  const { dropped, unresolved, warnings, influences } = lock.spec;
  const moves = previous === undefined || !changed ? [] : movesBetween(previous, lock);
  return {
    document: {
      project: lock.metadata.name, sequence: lock.metadata.sequence, lock: path, changed, order: lock.spec.order, kinds, bytes, moved: moves, firstUse, dropped, unresolved, warnings, influences,
      packageSets: lock.spec.packageSets.map(({ id, target, engine, mode, exact, notes }) => ({ id, target, engine, mode, exact, notes })),
    },
    text: [
      `${lock.metadata.name}: ${lock.spec.order.join(' -> ')}`,
      `  ${kinds.map((kind) => `${kind.count} ${kind.kind}`).join(', ') || 'nothing'}: ${formatBytes(bytes)} to carry`,
      ...lock.spec.packageSets.map((set) => `  ${set.id}: ${set.requested.length} packages asked for, ${lock.spec.packages.filter((item) => item.sets.includes(set.id)).length} with what they need (${set.mode}${set.exact ? '' : '; not guaranteed to be what the target itself would choose'})`),
      ...(firstUse.length === 0 ? [] : [`  trusted on first use: ${firstUse.slice(0, maxNamed).join(', ')}${firstUse.length > maxNamed ? ` and ${firstUse.length - maxNamed} more (--json names all)` : ''}`]),
      ...dropped.map((item) => `  left out: ${item.what}: ${item.because}`),
      ...unresolved.map((item) => `  unresolved: ${item.module}: ${item.where}: ${item.what} (${item.reason})`),
      ...warnings.map((warning) => `  warning: ${warning}`),
      ...influences.map((item) => `  ${item.module} influences ${item.influences}: look at it again after the import`),
      ...moves.slice(0, maxMoves).map((move) => `  moved: ${moveText(move)}`), ...(moves.length > maxMoves ? [`  moved: ${moves.length - maxMoves} more (--json names all)`] : []),
      changed ? `  wrote ${path}, sequence ${lock.metadata.sequence}` : `  ${path} is up to date, sequence ${lock.metadata.sequence}`,
    ].join('\n'),
  };
}

export function registerLock(program: Command): void {
  defineCommand<LockFlags>(program, 'lock', {
    description: 'resolve a project or BOMs: every artifact by digest, before anything else is downloaded',
    flags: lockFlags(),
    action: async (context, flags) => {
      const { document, text } = lockSummary(await runLock(context, flags), flags.lock);
      context.print(document, text);
    },
  });
}
