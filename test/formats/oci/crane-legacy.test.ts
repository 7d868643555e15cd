// What crane itself wrote of these images stands in crane-sums.json (test/conformance/crane-sums.ts).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../bom/errors.ts';
import type { Bytes } from '../../../bom/ports.ts';
import { craneLegacy, type CraneRelease, newerCrane, olderCrane } from '../../../formats/oci/crane-legacy.ts';
import { craneTarball } from '../../../formats/oci/crane-tarball.ts';
import { type CraneImage, craneImages } from '../../support/crane-images.ts';

interface Sums { readonly legacy: string | null; readonly tarball: string | null }
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, '../../support/crane-sums.json'), 'utf8')) as Readonly<Record<string, Readonly<Record<'0.4.1' | '0.11.0' | '0.20.2', Sums>>>>;
const sumsOf = (name: string): Readonly<Record<'0.4.1' | '0.11.0' | '0.20.2', Sums>> => recorded[name] ?? expect.fail(`nothing recorded of ${name}`);

/** In pieces that do not fall together with anything. */
const openIn = ({ config, layers }: CraneImage) => async function* open({ digest }: { readonly digest: string }): Bytes {
  const bytes = [config, ...layers].find((each) => each.digest === digest)?.bytes ?? Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += at < 10 ? 3 : 100_003) yield bytes.subarray(at, at < 10 ? at + 3 : at + 100_003);
};

async function sha1(tar: Bytes): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of tar) hash.update(chunk);
  return hash.digest('hex');
}

async function legacySum(image: CraneImage, release: CraneRelease): Promise<string | null> {
  try {
    return await sha1(craneLegacy({ ...image, configBytes: image.config.bytes, subject: 'image x' }, image.reference, { open: openIn(image), release }));
  } catch (error) {
    if (error instanceof BundleError && error.code === 'INTEGRITY_METADATA') return null;
    throw error;
  }
}

describe.each(craneImages)('$name', (image) => {
  it('is what crane wrote', async () => {
    const sums = sumsOf(image.name);
    const older = await legacySum(image, olderCrane);
    expect(older).toBe(sums['0.11.0'].legacy);
    // 0.4.1 refuses layers that are not gzip.
    if (sums['0.4.1'].legacy !== null) expect(older).toBe(sums['0.4.1'].legacy);
    expect(await legacySum(image, newerCrane)).toBe(sums['0.20.2'].legacy);
    if (sums['0.11.0'].tarball !== null) expect(await sha1(craneTarball(image, image.reference, openIn(image)))).toBe(sums['0.11.0'].tarball);
  });
});
