import { expect, it } from 'vitest';
import { type Digest, digestOf } from '../../bom/digest.ts';
import type { BundleEvent } from '../../bom/events.ts';
import type { Lock, LockedImage } from '../../bom/lock.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { checkCraneEvidence } from '../../downloader/crane-evidence.ts';
import { craneImages } from '../support/crane-images.ts';
import { config, craneSums, layers, legacySum } from '../support/crane-image.ts';

const mediaType = 'application/vnd.oci.image.manifest.v1+json';
const described = ({ mediaType: type, digest, size }: (typeof layers)[number]): object => ({ mediaType: type, digest, size });
const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: described(config), layers: layers.map(described) }));
const manifest = { mediaType, digest: digestOf(bytes), size: bytes.length };
const contents = new Map<Digest, Uint8Array>([[manifest.digest, bytes], ...[config, ...layers].map((each) => [each.digest, each.bytes] as const)]);
for (const image of craneImages) for (const each of [image.manifest, image.config, ...image.layers]) contents.set(each.digest, each.bytes);
const blobs: BlobReader = {
  has: async (digest) => contents.has(digest),
  open: async function* open({ digest }) { yield contents.get(digest) ?? Buffer.alloc(0); },
};
const [[reference, sum]] = craneSums;
type Evidence = NonNullable<LockedImage['evidence']>[number];

async function check(more: Partial<Evidence>, image: Partial<LockedImage> = {}): Promise<BundleEvent[]> {
  const events: BundleEvent[] = [];
  const locked: LockedImage = {
    ref: reference, ...manifest, sources: [reference], platforms: { 'linux/amd64': manifest.digest }, manifests: [manifest], blobs: [config, ...layers.slice(0, 2)], kind: 'image', role: 'normal', trust: 'first-use', usedBy: ['m'],
    evidence: [{ kind: 'crane-tarball-sha1', value: sum, reference, ...more }], ...image,
  };
  await checkCraneEvidence({ spec: { images: [locked] } } as unknown as Lock, { blobs, notify: (event) => events.push(event), signal: new AbortController().signal });
  return events;
}

it('that matches is told', async () => {
  expect(await check({})).toEqual([{ kind: 'step', phase: 'download', message: `image ${reference}: its crane-tarball-sha1 matches (tarball)` }]);
  for (const format of ['legacy', undefined]) expect(await check({ value: legacySum, ...(format === undefined ? {} : { format }) })).toMatchObject([{ kind: 'step', message: expect.stringContaining('matches (legacy)') }]);
});

it('that differs is refused where the form is named, and told where it is not, or may differ', async () => {
  await expect(check({ value: '0'.repeat(40), format: 'tarball' })).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST', facts: { expected: '0'.repeat(40), actual: `${sum} (tarball)` } });
  await expect(check({ value: sum, format: 'legacy' })).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST', facts: { expected: sum, actual: `${legacySum} (legacy)` } });
  expect(await check({ value: '0'.repeat(40), format: 'tarball', allowMismatch: true })).toMatchObject([{ kind: 'warning', message: expect.stringContaining(sum) }]);
  expect(await check({ value: '0'.repeat(40) })).toMatchObject([{ kind: 'warning', message: expect.stringContaining(`${sum} (tarball), ${legacySum} (legacy)`) }]);
  // The name is part of what crane writes.
  await expect(check({ reference: 'localhost/team/app:1.0', format: 'tarball' })).rejects.toMatchObject({ code: 'INTEGRITY_DIGEST' });
});

it('is not checkable without all layers', async () => {
  expect(await check({ format: 'tarball' }, { blobs: [config] })).toMatchObject([{ kind: 'warning', message: expect.stringContaining('cannot be checked') }]);
});

it('in the legacy form: what crane does not write is told as such, and where its releases differ both are tried', async () => {
  const of = (name: string): Partial<LockedImage> => {
    const image = craneImages.find((each) => each.name === name) ?? expect.fail(name);
    return { manifests: [image.manifest], platforms: { 'linux/amd64': image.manifest.digest }, blobs: [image.config, ...image.layers] };
  };
  const legacy = { value: '0'.repeat(40), format: 'legacy', allowMismatch: true };
  expect(await check({ ...legacy, allowMismatch: false }, of('wrong-history'))).toMatchObject([{ kind: 'warning', message: expect.stringMatching(/cannot be checked: .*a history of its 1 layers; got one of 2 \(legacy\)/) }]);
  for (const name of ['zstd', 'escapes']) expect(await check(legacy, of(name))).toMatchObject([{ kind: 'warning', message: expect.stringMatching(/ is not 0+ but \w{40} \(legacy\), \w{40} \(legacy, newer crane\)/) }]);
});
