// Sums that other systems took of `crane pull` tarballs, held against the same tars made from what was downloaded: evidence, never identity.
import { createHash } from 'node:crypto';
import type { Descriptor } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import type { Lock, LockedImage } from '../bom/lock.ts';
import type { BlobReader, Bytes } from '../bom/ports.ts';
import { maxGoTarBytes } from '../formats/archive/go-tar.ts';
import { craneLegacy, type CraneRelease, newerCrane, olderCrane } from '../formats/oci/crane-legacy.ts';
import { craneTarball } from '../formats/oci/crane-tarball.ts';
import { type Manifest, parseManifest } from '../formats/oci/manifest.ts';

export interface Checking { readonly blobs: BlobReader; readonly notify: Notify; readonly signal: AbortSignal }

type ImageManifest = Extract<Manifest, { readonly kind: 'manifest' }>;
type Evidence = NonNullable<LockedImage['evidence']>[number];
interface Attempt { readonly form: string; readonly sum?: string; readonly why?: string }

const most = 4 << 20;

/**
 * Reads each image of `lock` that has such evidence from the store, once per platform, form and sum, and tells whether it matches on one of its platforms. Where the document does not
 * name the form (`format: tarball`, `legacy`), each is tried. A difference is `INTEGRITY_DIGEST` where it names one and does not allow it, else a warning.
 */
export async function checkCraneEvidence(lock: Lock, checking: Checking): Promise<void> {
  for (const image of lock.spec.images) for (const evidence of image.evidence ?? []) await checkOne(image, evidence, checking);
}

async function checkOne(image: LockedImage, evidence: Evidence, checking: Checking): Promise<void> {
  const subject = `image ${image.ref}`;
  const tried: Attempt[] = [];
  for (const manifest of image.manifests.filter(({ digest }) => Object.values(image.platforms).includes(digest))) {
    const parsed = parseManifest(await small(manifest, checking.blobs), manifest.mediaType, subject);
    if (parsed.kind !== 'manifest' || !isWhole(parsed, image)) continue;
    for await (const attempt of attempts(parsed, evidence, { ...checking, subject })) {
      tried.push(attempt);
      if (attempt.sum !== evidence.value) continue;
      checking.notify({ kind: 'step', phase: 'download', message: `${subject}: its ${evidence.kind} matches (${attempt.form})` });
      return;
    }
  }
  const made = tried.filter(({ sum }) => sum !== undefined);
  const actual = tried.map(({ form, sum, why }) => `${sum ?? why} (${form})`).join(', ');
  if (made.length > 0 && evidence.format !== undefined && evidence.allowMismatch !== true) {
    throw new BundleError('INTEGRITY_DIGEST', { subject: `${subject}, evidence ${evidence.kind}`, expected: evidence.value, actual, next: 'Correct the evidence or the reference; allowMismatch: true lets it pass with a warning.' });
  }
  const why = tried.length === 0 ? 'not all of its layers are carried, or one is too large' : actual;
  checking.notify({ kind: 'warning', subject, message: made.length === 0 ? `its ${evidence.kind} cannot be checked: ${why}` : `its ${evidence.kind} is not ${evidence.value} but ${actual}` });
}

function isWhole({ config, layers }: ImageManifest, { blobs }: LockedImage): boolean {
  const carried = new Set(blobs.map(({ digest }) => digest));
  return [config, ...layers].every(({ digest, size }) => carried.has(digest) && size <= maxGoTarBytes);
}

/** The sums of the forms that `evidence` may speak of, one after the other: the cheap one first. Newer releases of crane count where they write something else. */
async function* attempts(image: ImageManifest, { format, reference }: Evidence, checking: Checking & { readonly subject: string }): AsyncGenerator<Attempt> {
  const open = (blob: Descriptor): Bytes => checking.blobs.open(blob);
  if (format !== 'legacy') yield { form: 'tarball', sum: await sumOf(craneTarball(image, reference, open), checking.signal) };
  if (format === 'tarball') return;
  if (image.config.size > most) {
    yield { form: 'legacy', why: `its configuration has more than ${most} bytes` };
    return;
  }
  const configBytes = await small(image.config, checking.blobs);
  const legacy = async (release: CraneRelease): Promise<Attempt> => {
    const form = release === newerCrane ? 'legacy, newer crane' : 'legacy';
    try {
      return { form, sum: await sumOf(craneLegacy({ ...image, configBytes, subject: checking.subject }, reference, { open, release }), checking.signal) };
    } catch (error) {
      // Crane writes no such tar of this image either: told as the reason why there is no sum.
      if (error instanceof BundleError && error.code === 'INTEGRITY_METADATA') return { form, why: error.message };
      throw error;
    }
  };
  yield await legacy(olderCrane);
  if (image.layers.some(({ mediaType }) => mediaType.endsWith('zstd')) || /\\(?:[bf]|u000[8cC])/.test(Buffer.from(configBytes).toString('latin1'))) yield await legacy(newerCrane);
}

async function sumOf(tar: Bytes, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of tar) {
    checkNotAborted(signal, 'download');
    hash.update(chunk);
  }
  return hash.digest('hex');
}

async function small(blob: Descriptor, blobs: BlobReader): Promise<Uint8Array> {
  if (blob.size > most) throw new BundleError('INTEGRITY_METADATA', { subject: `${blob.mediaType} ${blob.digest}`, expected: `at most ${most} bytes`, actual: `${blob.size} bytes` });
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(blob)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
