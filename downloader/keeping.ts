import type { Digest } from '../bom/digest.ts';

/** Small blobs on their way into the store, which makes those that come together durable together. */
export class Keeping {
  private readonly running: Promise<unknown>[] = [];
  private readonly added = new Set<Digest>();

  /** Of what was added. */
  get digests(): ReadonlySet<Digest> { return this.added; }

  add(digest: Digest, put: Promise<unknown>): void {
    this.added.add(digest);
    put.catch(() => undefined);
    this.running.push(put);
  }

  /** Returns when everything is there. Throws what the first that failed threw, when all have ended. */
  async ended(): Promise<void> {
    for (const result of await Promise.allSettled(this.running)) if (result.status === 'rejected') throw result.reason;
  }
}
