// What the modules of a lock say they can replace, against what the site has: README "Upgrades".
import { BundleError } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import { bomMediaType, type Lock } from '../bom/lock.ts';
import type { BlobReader } from '../bom/ports.ts';
import { type Upgrading, upgradeWarnings } from '../bom/upgrades.ts';
import { versionScheme } from '../bom/documents/module-bom.ts';
import { compareVersions } from '../formats/deb/version.ts';

/** Bounds a BOM that travels; the largest known has 200 KB. */
const maxBomBytes = 32 << 20;

export interface UpgradeOptions {
  readonly blobs: BlobReader;
  /** What is served now; absent at the first import. */
  readonly present: Lock | undefined;
  /** Passes with a warning instead. */
  readonly allow: boolean;
  readonly notify: Notify;
}

/** Throws `TARGET_UPGRADE` when a module of `lock` replaces a version that it does not say it can replace. Says so and passes when that is allowed. */
export async function checkUpgrades(lock: Lock, { blobs, present, allow, notify }: UpgradeOptions): Promise<void> {
  if (present === undefined) return;
  const changed = lock.spec.boms.filter(({ name, version }) => present.spec.boms.some((old) => old.name === name && old.version !== version));
  const upgrading: Upgrading[] = [];
  for (const bom of changed) if (bom.size <= maxBomBytes) upgrading.push(await upgradingOf(bom, blobs));
  const problems = upgradeWarnings(upgrading, present.spec.boms, { deb: compareVersions }).map((text) => text.replace('the last lock has', 'this machine has'));
  if (problems.length === 0) return;
  if (!allow) {
    throw new BundleError('TARGET_UPGRADE', {
      subject: `${lock.metadata.name}, sequence ${lock.metadata.sequence}`, expected: 'modules that can replace what is here', actual: problems.join('; '), details: { problems },
    });
  }
  for (const message of problems) notify({ kind: 'warning', subject: 'upgrades', message });
}

async function upgradingOf({ name, version, digest, size }: Lock['spec']['boms'][number], blobs: BlobReader): Promise<Upgrading> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open({ mediaType: bomMediaType, digest, size })) chunks.push(chunk);
  const document: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const scheme = versionScheme.safeParse(textsAt(document, 'metadata', 'versionScheme')[0]);
  return { name, version, versionScheme: scheme.success ? scheme.data : 'semver', from: textsAt(document, 'spec', 'upgrades', 'from'), via: textsAt(document, 'spec', 'upgrades', 'via') };
}

/** The text, or list of texts, at a path of a JSON document; empty where there is none. */
function textsAt(document: unknown, ...path: readonly string[]): string[] {
  const value = path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null && key in at ? (at as Readonly<Record<string, unknown>>)[key] : undefined), document);
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string');
}
