import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundleOf } from '../../bom/bundle.ts';
import type { Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { deltaBase, holdingsOfLock } from '../../formats/archive/holdings.ts';
import { type Manifest, parseManifest } from '../../formats/archive/manifest.ts';
import { planContent } from '../../formats/archive/plan.ts';
import { requiredBlobs } from '../../importer/archive-lock.ts';
import type { Archive } from '../../importer/archive-file.ts';
import { type Sample, sampleOf } from '../formats/archive/sample-lock.ts';
import { runs } from '../support/runs.ts';

// The decisions of import without its bytes: which archive is taken on top of what a site holds. The bytes are delta.test.ts.

/** Versions of one project; each replaces some files of the one before, and may bring one back. */
const versions: readonly Sample[] = Array.from({ length: 8 }, (_, index) => sampleOf({
  sequence: index + 1, files: Object.fromEntries(Array.from({ length: 6 }, (__, file) => [`f${file}`, `content ${file} ${Math.floor((index + file) / 3) % 4}`])),
}));
const bundles = versions.map((version) => bundleOf(version.lock));
const contents = bundles.map((bundle) => new Set(bundle.content.map((blob) => blob.digest)));

interface Sent { readonly version: number; readonly manifest: Manifest }

const cache = new Map<string, Sent>();
/** The full archive of a version, or its delta on others. */
function archiveOf(version: number, bases: readonly number[]): Sent {
  const key = `${version} ${[...new Set(bases)].sort().join(' ')}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const { lock } = versions[version] as Sample;
  const content = planContent({
    lock, bundle: bundles[version] as ReturnType<typeof bundleOf>, files: [],
    ...(bases.length === 0 ? {} : { delta: deltaBase('site', bases.map((base) => holdingsOfLock((versions[base] as Sample).lock, `lock ${base}`))) }),
  });
  const sent = { version, manifest: parseManifest(content.manifestBytes, key) };
  cache.set(key, sent);
  return sent;
}

interface Site { readonly held: Set<Digest>; served: number | undefined; highest: number }

/** What import decides, in its order: replay, then base; then blobs, then the switch. Returns what was missing when it refuses. */
function take(site: Site, { version, manifest }: Sent): 'taken' | 'replay' | readonly Digest[] {
  if (manifest.sequence < site.highest) return 'replay';
  const bundle = bundles[version] as ReturnType<typeof bundleOf>;
  const generated = new Set(bundle.generated.map((blob) => blob.digest));
  const archive = { manifest, volumes: new Map() } as unknown as Archive;
  const missing = requiredBlobs(archive, bundle).map((blob) => blob.digest).filter((digest) => !generated.has(digest) && !site.held.has(digest));
  if (missing.length > 0) return missing;
  for (const blob of manifest.blobs) site.held.add(blob.digest);
  site.served = version;
  site.highest = manifest.sequence;
  return 'taken';
}

const shipment = fc.record({
  version: fc.nat({ max: versions.length - 1 }), bases: fc.array(fc.nat({ max: versions.length - 1 }), { maxLength: 2 }), lost: fc.boolean(), repeated: fc.boolean(),
});

describe('histories of lost, repeated and reordered deltas', () => {
  it('end in a complete state, or in a refusal that names what is missing', () => {
    let taken = 0;
    let refused = 0;
    fc.assert(fc.property(fc.array(shipment, { minLength: 1, maxLength: 12 }), (shipments) => {
      const site: Site = { held: new Set(), served: undefined, highest: 0 };
      for (const { version, bases, lost, repeated } of shipments) {
        if (lost) continue;
        for (let time = 0; time < (repeated ? 2 : 1); time += 1) {
          const before = site.served;
          const outcome = take(site, archiveOf(version, bases));
          if (outcome === 'taken') taken += 1;
          else {
            expect(site.served).toBe(before);
            if (outcome !== 'replay') {
              refused += 1;
              expect(outcome.every((digest) => contents[version]?.has(digest) === true && !site.held.has(digest))).toBe(true);
            }
          }
        }
        // Whatever is served is whole.
        if (site.served !== undefined) for (const digest of contents[site.served] ?? []) expect(site.held.has(digest)).toBe(true);
      }
    }), { numRuns: runs(10_000) });
    expect(taken).toBeGreaterThan(5000);
    expect(refused).toBeGreaterThan(5000);
  });

  it('never build on another project', () => {
    expect(() => deltaBase('other', [holdingsOfLock((versions[0] as Sample).lock, 'lock')])).toThrow(BundleError);
  });
});
