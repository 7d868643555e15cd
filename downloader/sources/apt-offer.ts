import { BundleError, redactUrl } from '../../bom/errors.ts';
import type { Notify } from '../../bom/events.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import type { RepositoryRequirement, Target } from '../../bom/requirement.ts';
import { parseStanzas, type Stanza } from '../../formats/deb/deb822.ts';
import { type Installed, parseInstalled } from '../solver/installed.ts';
import { Universe } from '../solver/universe.ts';
import { type AptSuite, suitesOf } from './apt-entry.ts';
import { readLocal } from './apt-fetch.ts';
import { fetchIndexes } from './apt-index.ts';
import { type CheckedRelease, fetchRelease, type ReleaseContext } from './apt-release.ts';

/** What the repositories of some sets on one target offer. */
export interface Offer {
  readonly universe: Universe;
  /** By index number of the universe. */
  readonly origins: readonly { readonly checked: CheckedRelease; readonly uri: string }[];
  readonly repositories: readonly LockedRepository[];
  readonly warnings: readonly string[];
  /** What the machines have before. */
  readonly installed: Installed['packages'];
  readonly installedStanzas: readonly Stanza[];
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

export interface OfferRequest {
  readonly target: Target;
  readonly repositories: readonly RepositoryRequirement[];
  /** Path of what the machines have before: see `parseInstalled`. */
  readonly assumeInstalled?: { readonly path: string; readonly written: string };
}

/** The target's architectures, the native one first. */
export const architecturesOf = (target: Target): string[] => [...new Set([target.arch, ...(target.foreignArches ?? [])])];

/** Fetches, verifies and reads every repository, in order. Errors of {@link fetchRelease} and {@link fetchIndexes}. */
export async function loadOffer(context: ReleaseContext & { readonly notify: Notify }, request: OfferRequest, signal: AbortSignal): Promise<Offer> {
  const { target, repositories: wanted, assumeInstalled } = request;
  const architectures = architecturesOf(target);
  const universe = new Universe(architectures);
  const origins: { checked: CheckedRelease; uri: string }[] = [];
  const repositories: LockedRepository[] = [];
  const warnings: string[] = [];
  const suites = wanted.flatMap((requirement) => suitesOf(requirement, architectures));
  for (const suite of suites) context.notify({ kind: 'step', phase: 'lock', message: `reading ${redactUrl(suite.uri)} ${suite.suite}` });
  for (const { checked, indexes, missing } of await loadSuites(context, suites, signal)) {
    const { suite } = checked;
    warnings.push(...checked.warnings, ...missing.map((what) => `${redactUrl(suite.uri)} ${suite.suite} has no index of ${what}`));
    for (const index of indexes) {
      const names = [suite.suite, checked.release.suite, checked.release.codename].filter((name) => name !== undefined);
      universe.add({ bytes: index.bytes, subject: `${redactUrl(suite.uri)} ${index.path}`, priority: pinOf(checked), suites: names });
      origins.push({ checked, uri: suite.uri });
    }
    repositories.push({ ...checked.locked, target: target.id, architectures: [...suite.architectures], indexes: indexes.map(({ path, digest, size }) => ({ path, digest, size })) });
  }
  if (assumeInstalled === undefined) return { universe, origins, repositories, warnings, installed: new Map(), installedStanzas: [] };
  const { path, written } = assumeInstalled;
  const text = context.readFile === undefined ? await readLocal(path, maxStatusBytes) : await context.readFile(path);
  const installed = parseInstalled(Buffer.from(text).toString('utf8'), written, target.arch);
  universe.add({ bytes: installed.stanzas, subject: written, priority: installedPin });
  return { universe, origins, repositories, warnings, installed: installed.packages, installedStanzas: parseStanzas(installed.stanzas, { subject: written }) };
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
  const once = async (): Promise<LoadedSuite> => {
    const checked = await fetchRelease(context, suite, signal);
    return { checked, ...await fetchIndexes(context, checked, signal) };
  };
  try {
    return await once();
  } catch (error) {
    const stale = error instanceof BundleError && (error.code === 'INTEGRITY_DIGEST' || error.code === 'INTEGRITY_SIZE');
    if (!stale) throw error;
    return once();
  }
}
