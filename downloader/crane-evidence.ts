// Sums that other systems took of `crane pull` tarballs, held against the same tars made from what was downloaded: evidence, never identity.
import { createHash } from 'node:crypto';
import type { Descriptor } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Lock, LockedImage } from '../bom/lock.ts';
import type { BlobReader } from '../bom/ports.ts';
import { craneTarball, maxCraneBlobBytes } from '../formats/oci/crane-tarball.ts';
import { type Manifest, parseManifest } from '../formats/oci/manifest.ts';

export interface Checking { readonly blobs: BlobReader; readonly notify: Notify; readonly signal: AbortSignal }

type ImageManifest = Extract<Manifest, { readonly kind: 'manifest' }>;

const most = 4 << 20;

/**
 * Reads each image of `lock` that has such evidence from the store, once per platform and sum, and tells whether it matches on one of its platforms. A
 * difference is `INTEGRITY_DIGEST` where the document names the form (`format: tarball`) and does not allow it, else a warning.
 */
export async function checkCraneEvidence(lock: Lock, checking: Checking): Promise<void> {
  for (const image of lock.spec.images) for (const evidence of image.evidence ?? []) await checkOne(image, evidence, checking);
}

async function checkOne(image: LockedImage, evidence: NonNullable<LockedImage['evidence']>[number], checking: Checking): Promise<void> {
  const subject = `image ${image.ref}`;
  const found: string[] = [];
  for (const manifest of image.manifests.filter(({ digest }) => Object.values(image.platforms).includes(digest))) {
    const parsed = parseManifest(await small(manifest, checking.blobs), manifest.mediaType, subject);
    if (parsed.kind !== 'manifest' || !isWhole(parsed, image)) continue;
    const sum = await sumOf(parsed, evidence.reference, checking);
    if (sum === evidence.value) {
      checking.notify({ kind: 'step', phase: 'download', message: `${subject}: its ${evidence.kind} matches` });
      return;
    }
    found.push(sum);
  }
  const facts = { subject: `${subject}, evidence ${evidence.kind}`, expected: evidence.value, actual: found.join(', ') };
  const isForm = evidence.format === 'tarball';
  if (found.length > 0 && isForm && evidence.allowMismatch !== true) throw new BundleError('INTEGRITY_DIGEST', { ...facts, next: 'Correct the evidence or the reference; allowMismatch: true lets it pass with a warning.' });
  const why = found.length === 0 ? `its ${evidence.kind} cannot be checked: not all of its layers are carried, or one is too large` : `its ${evidence.kind} is not ${evidence.value} but ${facts.actual}${isForm ? '' : '; it may have been taken in crane\'s legacy format, which is not made here'}`;
  checking.notify({ kind: 'warning', subject, message: why });
}

function isWhole({ config, layers }: ImageManifest, { blobs }: LockedImage): boolean {
  const carried = new Set(blobs.map(({ digest }) => digest));
  return [config, ...layers].every(({ digest, size }) => carried.has(digest) && size <= maxCraneBlobBytes);
}

async function sumOf(image: ImageManifest, reference: string, { blobs, signal }: Checking): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of craneTarball(image, reference, (blob) => blobs.open(blob))) {
    checkNotAborted(signal, 'download');
    hash.update(chunk);
  }
  return hash.digest('hex');
}

async function small(blob: Descriptor, blobs: BlobReader): Promise<Uint8Array> {
  if (blob.size > most) throw new BundleError('INTEGRITY_METADATA', { subject: `manifest ${blob.digest}`, expected: `at most ${most} bytes`, actual: `${blob.size} bytes` });
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(blob)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
