// Image entries -> one requirement per name.
import { isDeepStrictEqual } from 'node:util';
import { type Choice, conflictOf, eitherSide, sortedUnique, uniquePositions, unitedLicence } from './aggregate-conflict.ts';
import { cosignTrust } from './aggregate-cosign.ts';
import type { Entry } from './aggregate-entries.ts';
import { type HostRewrites, rewriteReference } from './aggregate-hosts.ts';
import { type ModuleTargets, normalPlatform, platformsOf } from './aggregate-targets.ts';
import { type Digest, parseDigest } from './digest.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { FoundImage } from './ports.ts';
import { canonicalReference, parseReference } from './reference.ts';
import type { ImageRequirement, Position } from './requirement.ts';

interface Single { readonly entry: Entry<'images'>; readonly requirement: ImageRequirement; readonly digestAt: Position; readonly hasOwnPlatforms: boolean }

const noRole = 'run';

/** One requirement per name, sorted by name: the same image from two modules carries both. Throws `RESOLVE_CONFLICT`, `INPUT_REFERENCE`, `INPUT_DIGEST`. */
export function imageRequirements(entries: readonly Entry<'images'>[], targets: ModuleTargets, rewrites: HostRewrites): ImageRequirement[] {
  const singles = entries.map((entry) => singleOf(entry, targets, rewrites));
  const groups = Map.groupBy(singles, ({ requirement }) => requirement.ref);
  return [...groups.keys()].sort().flatMap((ref) => {
    const [first, ...rest] = groups.get(ref) ?? [];
    return first === undefined ? [] : [rest.reduce(merged, first).requirement];
  });
}

/** `images` with those that charts brought: the same name carries both, a new one is asked for as a document would ask. Throws `INPUT_REFERENCE`. */
export function withFoundImages(images: readonly ImageRequirement[], found: readonly FoundImage[], rewrites: HostRewrites): ImageRequirement[] {
  const byRef = new Map(images.map((image) => [image.ref, image]));
  for (const { ref: written, platforms, by, usedBy, at } of found) {
    const { digest, ...name } = parseReference(written, by);
    const ref = canonicalReference(name.tag === undefined && digest !== undefined ? { ...name, digest } : name);
    const before = byRef.get(ref);
    if (before?.digest !== undefined && digest !== undefined && before.digest !== digest) {
      throw new BundleError('RESOLVE_CONFLICT', { subject: `image ${ref}`, expected: `one digest: ${before.digest} (${before.usedBy.join(', ')})`, actual: `${digest}, by ${by}`, next: 'Name one digest of this image in a document, or leave out the images of the chart (withImages: none).' });
    }
    const pinned = before?.digest ?? digest;
    byRef.set(ref, {
      kind: 'image', artifactKind: 'image', role: noRole, extras: { signatures: false, attestations: false, sboms: false, referrers: false }, sources: [rewriteReference(ref, rewrites)], ...before,
      ref, usedBy: sortedUnique([...(before?.usedBy ?? []), ...usedBy]), at: uniquePositions([...(before?.at ?? []), ...at]), platforms: unitedPlatforms([...(before?.platforms ?? []), ...platforms.map(normalPlatform)]),
      ...(pinned === undefined ? {} : { digest: pinned }),
    });
  }
  return [...byRef.keys()].sort().flatMap((ref) => byRef.get(ref) ?? []);
}

function singleOf(entry: Entry<'images'>, targets: ModuleTargets, rewrites: HostRewrites): Single {
  const { value, module } = entry;
  const at = entry.at('ref');
  const { digest: inRef, ...name } = parseReference(value.ref, formatPosition(at));
  const declared = value.digest === undefined ? undefined : parseDigest(value.digest, formatPosition(entry.at('digest')));
  if (inRef !== undefined && declared !== undefined && inRef !== declared) {
    throw conflictOf(`image ${value.ref}`, 'one digest', [{ module, at, says: inRef }, { module, at: entry.at('digest'), says: declared }], 'Correct the reference or the digest of this entry.');
  }
  const digest = declared ?? inRef;
  const ref = canonicalReference(name.tag === undefined && inRef !== undefined ? { ...name, digest: inRef } : name);
  const { extras, archive } = value;
  const cosign = cosignTrust(entry);
  return {
    entry, digestAt: value.digest === undefined ? at : entry.at('digest'), hasOwnPlatforms: value.platforms !== undefined,
    requirement: {
      kind: 'image', ref, usedBy: [module], at: [at], ...unitedLicence(value.licence),
      ...(digest === undefined ? {} : { digest }),
      platforms: unitedPlatforms(value.platforms?.map(normalPlatform) ?? platformsOf(targets.of(entry.bom))),
      sources: [rewriteReference(ref, rewrites), ...(value.mirrors ?? []).map((mirror, index) => canonicalReference(mirror, formatPosition(entry.at('mirrors', index))))],
      ...(archive === undefined ? {} : { archive: { path: entry.pathOf(archive.path, 'archive', 'path'), written: archive.path, format: archive.format } }),
      ...(value.as === undefined ? {} : { as: value.as }),
      artifactKind: value.kind ?? 'image',
      role: value.role ?? noRole,
      extras: { signatures: extras?.signatures ?? false, attestations: extras?.attestations ?? false, sboms: extras?.sboms ?? false, referrers: extras?.referrers ?? false },
      ...(cosign === undefined ? {} : { cosign: [cosign] }),
      ...(value.mutable === 'pin' || value.mutable === 'follow' ? { mutable: value.mutable } : {}),
      ...(value.evidence === undefined ? {} : { evidence: value.evidence.map(({ kind, value: text, tool, format, allowMismatch }) => ({ kind, value: text, ...(tool === undefined ? {} : { tool }), ...(format === undefined ? {} : { format }), reference: value.ref, allowMismatch: allowMismatch ?? false })) }),
    },
  };
}

function unitedPlatforms(platforms: readonly string[]): readonly string[] {
  return platforms.includes('all') ? ['all'] : sortedUnique(platforms);
}

/** More urgent first. */
const roles = ['bootstrap', 'module', 'toolchain', 'base', noRole];

function merged(a: Single, b: Single): Single {
  const [left, right] = [a.requirement, b.requirement];
  const { ref } = left;
  if (left.digest !== undefined && right.digest !== undefined && left.digest !== right.digest) throw digestConflict(a, b, left.digest, right.digest);
  if (left.as !== undefined && right.as !== undefined && left.as !== right.as) {
    throw conflictOf(`image ${ref}`, 'one name in the registry inside (as)', [side(a, left.as, 'as'), side(b, right.as, 'as')], eitherSide('image', [choice(a, `as: "${left.as}"`), choice(b, `as: "${right.as}"`)]));
  }
  if (left.artifactKind !== right.artifactKind) {
    throw conflictOf(`image ${ref}`, 'one kind', [side(a, left.artifactKind, 'kind'), side(b, right.artifactKind, 'kind')], eitherSide('image', [choice(a, `kind: ${left.artifactKind}`), choice(b, `kind: ${right.artifactKind}`)]));
  }
  const digest = left.digest ?? right.digest;
  const as = left.as ?? right.as;
  const archive = left.archive ?? right.archive;
  const cosign = [...left.cosign ?? [], ...right.cosign ?? []].filter((each, at, all) => all.findIndex((other) => isDeepStrictEqual(other, each)) === at);
  return {
    ...a, digestAt: left.digest === undefined ? b.digestAt : a.digestAt,
    requirement: {
      kind: 'image', ref, usedBy: sortedUnique([...left.usedBy, ...right.usedBy]), at: uniquePositions([...left.at, ...right.at]), ...unitedLicence(left.licence, right.licence),
      ...(digest === undefined ? {} : { digest }),
      platforms: unitedPlatforms([...left.platforms, ...right.platforms]),
      sources: [...new Set([...left.sources, ...right.sources])],
      ...(archive === undefined ? {} : { archive }),
      ...(as === undefined ? {} : { as }),
      artifactKind: left.artifactKind,
      role: roles.find((role) => left.role === role || right.role === role) ?? left.role,
      extras: {
        signatures: left.extras.signatures || right.extras.signatures, attestations: left.extras.attestations || right.extras.attestations,
        sboms: left.extras.sboms || right.extras.sboms, referrers: left.extras.referrers || right.extras.referrers,
      },
      ...(cosign.length === 0 ? {} : { cosign }),
      ...(left.mutable === 'pin' || right.mutable === 'pin' ? { mutable: 'pin' as const } : left.mutable === undefined && right.mutable === undefined ? {} : { mutable: 'follow' as const }),
      ...(left.evidence === undefined && right.evidence === undefined ? {} : { evidence: [...left.evidence ?? [], ...right.evidence ?? []].filter((each, at, all) => all.findIndex((other) => isDeepStrictEqual(other, each)) === at) }),
    },
  };
}

function side({ entry }: Single, says: string, field: string): { module: string; at: Position; says: string } {
  return { module: entry.module, at: entry.at(field), says };
}

function choice({ entry: { module, value }, requirement: { ref } }: Single, set: string): Choice {
  return { module, name: value.id ?? ref, set };
}

function digestConflict(a: Single, b: Single, left: Digest, right: Digest): Error {
  const { ref } = a.requirement;
  // A digest inside the reference of the other is replaced with it.
  const says = (digest: Digest, other: Single): string => `${other.entry.value.ref.includes('@') ? `ref: "${ref}@${digest}", ` : ''}digest: "${digest}"`;
  return conflictOf(`image ${ref}`, 'one digest for one name',
    [{ module: a.entry.module, at: a.digestAt, says: left }, { module: b.entry.module, at: b.digestAt, says: right }],
    `${eitherSide('image', [choice(a, says(left, b)), choice(b, says(right, a))])} To carry both, give one of them another tag.`);
}
