import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { Baseline, RepositoryRequirement, Target } from '../../bom/requirement.ts';
import { parseStanzas, type Stanza } from '../../formats/deb/deb822.ts';
import type { ReleaseFacts } from '../../formats/deb/preferences.ts';
import { Keeping } from '../keeping.ts';
import { type Installed, parseInstalled } from '../solver/installed.ts';
import type { Universe } from '../solver/universe.ts';
import { type AptSuite, suitesOf } from './apt-entry.ts';
import { localPath, readLocal } from './apt-fetch.ts';
import { fetchIndexes } from './apt-index.ts';
import { withTls } from './apt-received.ts';
import { type CheckedRelease, fetchRelease, type ReleaseContext } from './apt-release.ts';
import { loadUniverse } from './apt-universe.ts';

/** What the repositories of some sets on one target offer. */
export interface Offer {
  readonly universe: Universe;
  /** By index number of the universe. */
  readonly origins: readonly { readonly checked: CheckedRelease; readonly uri: string }[];
  readonly repositories: readonly LockedRepository[];
  readonly warnings: readonly string[];
  /** What the machines have before, by a file. */
  readonly installed: Installed['packages'];
  readonly held: Installed['held'];
  readonly installedStanzas: readonly Stanza[];
  /** Returns when what the lock names of the repositories' own files is in the store, which the context's own keeping is asked for. Throws what kept it from getting there. */
  kept(): Promise<void>;
  /** Stanzas cannot be read any more then. Nothing is on its way into the store any more when this returns, or the context's own keeping has it. */
  close(): Promise<void>;
}

/** What is installed has the pin 100 (apt_preferences(5)). */
const installedPin = 100;
const maxStatusBytes = 64 << 20;

/** apt's default pin of a release (apt_preferences(5)). */
function pinOf({ suite, release }: CheckedRelease): number {
  if (suite.requirement.priority !== undefined) return suite.requirement.priority;
  if (!release.notAutomatic) return 500;
  return release.butAutomaticUpgrades ? 100 : 1;
}

function factsOf({ suite, release }: CheckedRelease, { component, architecture }: { readonly component: string; readonly architecture: string }): ReleaseFacts {
  const { suite: name, codename, origin, label, version } = release;
  const url = URL.canParse(suite.uri) ? new URL(suite.uri) : undefined;
  const facts = { suite: name, codename, origin, label, version, component: component === '' ? undefined : component, architecture: architecture === '' ? undefined : architecture };
  return {
    ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)),
    named: suite.suite, site: localPath(suite.uri) === undefined ? url?.hostname ?? '' : '',
  };
}

export interface OfferRequest {
  readonly target: Target;
  readonly repositories: readonly RepositoryRequirement[];
  /** What the machines have before; a profile is worked out from the offer. */
  readonly assumeInstalled?: Baseline;
}

export interface OfferContext extends ReleaseContext {
  readonly notify: Notify;
  /** Where universes are kept between runs. */
  readonly cacheFolder?: string;
}

/** The target's architectures, the native one first. */
export const architecturesOf = (target: Target): string[] => [...new Set([target.arch, ...(target.foreignArches ?? [])])];

/** Fetches, verifies and reads every repository, in order. Errors of {@link fetchRelease}, {@link fetchIndexes} and {@link loadUniverse}. */
export async function loadOffer(context: OfferContext, request: OfferRequest, signal: AbortSignal): Promise<Offer> {
  const keeping = context.keeping ?? new Keeping();
  try {
    return await readOffer({ ...context, keeping, isOwn: context.keeping === undefined }, request, signal);
  } catch (error) {
    // What failed first is told.
    await keeping.ended().catch(() => undefined);
    throw error;
  }
}

async function readOffer(context: OfferContext & { readonly keeping: Keeping; readonly isOwn: boolean }, request: OfferRequest, signal: AbortSignal): Promise<Offer> {
  const { target, repositories: wanted, assumeInstalled } = request;
  const architectures = architecturesOf(target);
  const suites = wanted.flatMap((requirement) => suitesOf(requirement, architectures));
  if (suites.length === 0 && wanted.length > 0) {
    throw new BundleError('INPUT_FIELD', { subject: `repository ${wanted.map(({ id }) => id).join(', ')}`, expected: `a repository for ${architectures.join(' or ')}`, actual: 'only such for other architectures' });
  }
  for (const suite of suites) context.notify({ kind: 'step', phase: 'lock', message: `reading ${redactUrl(suite.uri)} ${suite.suite}` });
  const loaded = await loadSuites(context, suites, signal);
  const indexes = loaded.flatMap(({ checked, indexes: own }) => own.map((index) => ({
    digest: index.digest, load: () => index.load(), origin: { checked, uri: checked.suite.uri },
    facts: { subject: `${redactUrl(checked.suite.uri)} ${index.path}`, priority: pinOf(checked), release: factsOf(checked, index) },
  })));
  const { universe, close } = await loadUniverse(context.cacheFolder, architectures, indexes);
  const kept = async (): Promise<void> => { if (context.isOwn) await context.keeping.ended(); };
  const offer = {
    kept, close: async () => { close(); await kept().catch(() => undefined); },
    universe, origins: indexes.map(({ origin }) => origin),
    repositories: loaded.map(({ checked, indexes: own }) => ({
      ...checked.locked, target: target.id, architectures: [...checked.suite.architectures], indexes: own.map(({ path, digest, size }) => ({ path, digest, size })),
    })),
    warnings: loaded.flatMap(({ checked, missing }) => [...checked.warnings, ...missing.map((what) => `${redactUrl(checked.suite.uri)} ${checked.suite.suite} has no index of ${what}`)]),
  };
  if (assumeInstalled === undefined || 'profile' in assumeInstalled) return { ...offer, installed: new Map(), held: new Set(), installedStanzas: [] };
  const { path, written } = assumeInstalled;
  const text = context.readFile === undefined ? await readLocal(path, maxStatusBytes) : await context.readFile(path);
  const installed = parseInstalled(Buffer.from(text).toString('utf8'), written, target.arch);
  universe.add({ bytes: installed.stanzas, subject: written, priority: installedPin, release: { suite: 'now' }, namesOnly: true });
  return { ...offer, installed: installed.packages, held: installed.held, installedStanzas: parseStanzas(installed.stanzas, { subject: written }) };
}

type LoadedSuite = { readonly checked: CheckedRelease } & Awaited<ReturnType<typeof fetchIndexes>>;

/** All at once, in the order asked for. The first that fails stops the others. */
async function loadSuites(context: ReleaseContext, suites: readonly AptSuite[], signal: AbortSignal): Promise<LoadedSuite[]> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  try {
    return await Promise.all(suites.map((suite) => loadSuite(context, suite, both)));
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}

/** A suite whose indexes do not match its Release is read once more from the start: the mirror may have been in the middle of an update. */
async function loadSuite(context: ReleaseContext, suite: AptSuite, signal: AbortSignal): Promise<LoadedSuite> {
  const own = await withTls(context, suite.requirement.tls, `repository ${suite.id}`);
  const once = async (): Promise<LoadedSuite> => {
    const checked = await fetchRelease(own, suite, signal);
    return { checked, ...await fetchIndexes(own, checked, signal) };
  };
  try {
    return await once();
  } catch (error) {
    const stale = error instanceof BundleError && (error.code === 'INTEGRITY_DIGEST' || error.code === 'INTEGRITY_SIZE');
    if (!stale) throw error;
    return once();
  }
}
