import type { Answer } from '../answer.ts';

/** A client asks for both within moments; a switch in between is as short. */
const rememberedMs = 60_000;
const rememberedPairs = 1000;

/**
 * repomd.xml and its signature are two files, and a switch may come between the two requests for them. Whoever got the one gets the other that belongs to it
 * for a minute, by address: apt needs nothing like it, since its InRelease is one file.
 */
export class RepomdPairs {
  private readonly now: () => number;
  private readonly given = new Map<string, { readonly signature: Answer; readonly until: number }>();

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** The client at `address` got the repomd.xml at `path` (as asked), to which `signature` belongs. */
  remember(address: string, path: string, signature: Answer): void {
    const key = `${address} ${path}`;
    this.given.delete(key);
    this.given.set(key, { signature, until: this.now() + rememberedMs });
    if (this.given.size <= rememberedPairs) return;
    for (const oldest of this.given.keys()) {
      this.given.delete(oldest);
      break;
    }
  }

  /** The signature that belongs to the repomd.xml that this client got from `path` last. */
  signatureFor(address: string, path: string): Answer | undefined {
    const pair = this.given.get(`${address} ${path}`);
    return pair === undefined || pair.until <= this.now() ? undefined : pair.signature;
  }
}
