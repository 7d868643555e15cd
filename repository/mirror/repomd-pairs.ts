import type { Answer } from '../answer.ts';

/** Who asks: by address, and, where no proxy stands between, by the connection as well, which tells clients behind one address apart. */
export interface PairClient {
  readonly address: string;
  readonly connection: object | undefined;
}

/** A client asks for both within moments; a switch in between is as short. */
const rememberedMs = 60_000;
const rememberedPairs = 1000;

/**
 * repomd.xml and its signature are two files, and a switch may come between the two requests for them. Whoever got the one gets the other that belongs to it:
 * over the same connection, else for a minute by address. apt needs nothing like it, since its InRelease is one file.
 */
export class RepomdPairs {
  private readonly now: () => number;
  private readonly connections = new WeakMap<object, Map<string, Answer>>();
  private readonly given = new Map<string, { readonly signature: Answer; readonly until: number }>();

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** The client got the repomd.xml at `path` (as asked), to which `signature` belongs. */
  remember({ address, connection }: PairClient, path: string, signature: Answer): void {
    if (connection !== undefined) this.connections.set(connection, (this.connections.get(connection) ?? new Map<string, Answer>()).set(path, signature));
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
  signatureFor({ address, connection }: PairClient, path: string): Answer | undefined {
    const own = connection === undefined ? undefined : this.connections.get(connection)?.get(path);
    if (own !== undefined) return own;
    const pair = this.given.get(`${address} ${path}`);
    return pair === undefined || pair.until <= this.now() ? undefined : pair.signature;
  }
}
