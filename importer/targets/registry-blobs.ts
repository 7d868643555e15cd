// What is sent to a registry is right, whoever looks at it: distribution specification 1.1, "Pushing a blob".
import type { ByteRange, Descriptor } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { type Notify, silent } from '../../bom/events.ts';
import type { BlobReader, Bytes } from '../../bom/ports.ts';
import { verified } from '../../formats/oci/verified.ts';
import { statusOf } from '../../transport/http-errors.ts';
import type { RegistrySession } from '../../transport/registry.ts';
import { isLarge } from '../../transport/registry-parts.ts';
import { digestCheckOf, pushBlob, refusalCodes } from '../../transport/registry-push.ts';

export interface SendBlob {
  readonly path: string;
  readonly blobs: BlobReader;
  /** Upload even where the registry says that it has the blob. */
  readonly force: boolean;
  /** Another repository of this registry that has the blob. */
  readonly mountFrom?: string;
  readonly signal: AbortSignal;
  readonly notify: Notify;
}

/** Hashing this much is sooner done than asking a registry whether it does. */
const smallBytes = 8 << 20;

type DigestCheck = 'verifies' | 'ignores' | 'unclear';
type Place = Omit<SendBlob, 'blobs'>;

/**
 * Sends blobs to one registry. Every byte is hashed by somebody who refuses what is wrong: by the registry, once it has refused a wrong digest in this run,
 * else here, before anything is sent; hashing in both places costs a sixth of the time. What a registry that takes any digest has is read back, too.
 */
export class BlobSender {
  private readonly session: RegistrySession;
  /** Of blobs that go whole, and of those that go in parts. */
  private readonly asked = new Map<boolean, Promise<DigestCheck>>();

  constructor(session: RegistrySession) {
    this.session = session;
  }

  /**
   * Nothing is sent where the registry has the blob. Throws `INTEGRITY_*` naming the blob when the store has it damaged, or the registry after it was sent;
   * `TARGET_REFUSED` when it took it and does not give it. Tells of bytes as they go, each once, unless forced.
   */
  async send(blob: Descriptor, { blobs, ...push }: SendBlob): Promise<'stored' | 'mounted' | 'present'> {
    const sent = new Sent(push.force ? silent : push.notify);
    if (!push.force && await this.has(blob, push)) {
      sent.reached(blob.size, 1);
      return 'present';
    }
    const before = async (): Promise<void> => {
      if (blob.size < smallBytes || await this.check(push, blob) !== 'verifies') await readWhole(blobs.open(blob, undefined, { borrow: true }));
    };
    const outcome = await pushBlob(this.session, { ...push, force: true, blob, before, open: (range) => unhashed(blobs, blob, { range, sent }) })
      .catch((error: unknown) => damageOrElse(error, { blobs, blob }));
    if (outcome === 'stored' && blob.size > 0 && await this.check(push, blob) === 'ignores') await this.readBack(blob, push);
    else if (!await this.gives(blob, push)) throw this.notGiven(blob, push);
    sent.reached(blob.size, 1);
    return outcome;
  }

  /** Whether the repository gives the last byte of a blob as long as this one. */
  async gives(blob: Descriptor, { path, signal }: Pick<Place, 'path' | 'signal'>): Promise<boolean> {
    if (blob.size === 0) return true;
    try {
      return await readWhole(this.session.streamBlob(path, blob, { offset: blob.size - 1, signal })) === 1;
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
  }

  /** What the registry only says that it has is sent; so is what a registry that takes any digest has wrong. */
  private async has(blob: Descriptor, push: Place): Promise<boolean> {
    if (!await this.session.headBlob(push.path, blob.digest, push.signal) || !await this.gives(blob, push)) return false;
    if (blob.size === 0 || await this.check(push, blob) !== 'ignores') return true;
    return this.readBack(blob, push).then(() => true, (error: unknown) => {
      if (isNotThere(error)) return false;
      throw error;
    });
  }

  private check(push: Place, { size }: Descriptor): Promise<DigestCheck> {
    const inParts = isLarge(size);
    const asked = this.asked.get(inParts) ?? digestCheckOf(this.session, push.path, { ...push, inParts }).then((answer) => {
      if (answer === 'ignores') {
        push.notify({ kind: 'warning', subject: this.session.host, message: 'the registry takes content under a wrong digest: what is sent is hashed here first, and what it has is read back' });
      }
      return answer;
    });
    this.asked.set(inParts, asked);
    // Who asked is told of a failure; whoever comes next asks again.
    asked.catch(() => { this.asked.delete(inParts); });
    return asked;
  }

  private async readBack(blob: Descriptor, { path, signal }: Place): Promise<void> {
    await readWhole(verified(this.session.streamBlob(path, blob, { signal }), blob, { subject: `blob ${blob.digest} of ${this.session.host}/${path}` }));
  }

  private notGiven(blob: Descriptor, { path }: Place): BundleError {
    return new BundleError('TARGET_REFUSED', {
      subject: `blob ${blob.digest} of ${this.session.host}/${path}`, expected: `its ${blob.size} bytes, which the registry says it has`, actual: 'another length, or not found, when read back',
      next: 'The registry, or what stands in front of it, answers for content that it does not have.',
    });
  }
}

/** Not found, or another content than the one named: not a failure of the way there. */
function isNotThere(error: unknown): boolean {
  return statusOf(error) === 404 || (error instanceof BundleError && (error.code.startsWith('INTEGRITY_') || error.facts.details?.['changed'] === true));
}

async function readWhole(bytes: Bytes): Promise<number> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.length;
  return length;
}

/** Told of at a time. */
const meterBytes = 4 << 20;

/** How far a blob has been sent, at the furthest: what is sent again was told before. */
class Sent {
  private told = 0;
  private readonly notify: Notify;

  constructor(notify: Notify) {
    this.notify = notify;
  }

  reached(position: number, least = meterBytes): void {
    if (position < this.told + least) return;
    this.notify({ kind: 'bytes', phase: 'publish', bytes: position - this.told });
    this.told = position;
  }
}

/** The bytes as they lie. Throws `INTEGRITY_SIZE` where they are too few. */
async function* unhashed(blobs: BlobReader, blob: Descriptor, { range = { start: 0, end: blob.size }, sent }: { readonly range: ByteRange | undefined; readonly sent: Sent }): Bytes {
  let left = range.end - range.start;
  for await (const chunk of blobs.open(blob, range, { borrow: true })) {
    left -= chunk.length;
    sent.reached(range.end - left);
    yield chunk;
  }
  if (left !== 0) throw new BundleError('INTEGRITY_SIZE', { subject: blob.digest, expected: `${blob.size} bytes`, actual: `${left} bytes fewer`, details: { digest: blob.digest } });
}

const damageCodes = new Set(['DIGEST_INVALID', 'SIZE_INVALID']);

/** What a registry calls another content than was announced is looked at here: throws `INTEGRITY_*` when the blob is damaged, and `error` when it is good. */
async function damageOrElse(error: unknown, { blobs, blob }: { readonly blobs: BlobReader; readonly blob: Descriptor }): Promise<never> {
  if (refusalCodes(error)?.some((code) => damageCodes.has(code)) === true) await readWhole(blobs.open(blob));
  throw error;
}
