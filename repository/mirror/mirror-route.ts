// What lies below /apt/ and /yum/.
import type { Answer } from '../answer.ts';
import { clientAddress } from '../client-address.ts';
import type { ServedBlobs } from '../content.ts';
import type { Exchange } from '../exchange.ts';
import type { View } from '../view.ts';
import type { Half, Order, SignedPair, SignedPairs } from './signed-pairs.ts';

export interface MirrorFacts {
  /** What is served at this moment. */
  readonly view: () => View;
  readonly blobs: ServedBlobs;
  readonly pairs: SignedPairs;
  readonly exchange: Exchange;
}

type Manager = 'apt' | 'yum';

/** The texts that are signed by a file beside them. */
const signed = { apt: { text: 'Release', signature: 'Release.gpg', below: 'dists' }, yum: { text: 'repomd.xml', signature: 'repomd.xml.asc', below: 'repodata' } } as const;

/** `segments` follow `/apt/` or `/yum/`. */
export async function mirrorAnswer(manager: Manager, { view, blobs, pairs, exchange }: MirrorFacts, segments: readonly string[]): Promise<Answer | undefined> {
  const fileOf = (at: View, path: readonly string[]): Promise<Answer | undefined> => (manager === 'apt' ? at.aptFile(path, blobs) : at.yumFile(path, blobs));
  const half = halfOf(manager, segments);
  if (half === undefined || exchange.method !== 'GET') return fileOf(view(), segments);
  const { text, signature } = signed[manager];
  const folder = segments.slice(0, -1);
  const { request, signal } = exchange;
  const pairOf = async (at: View): Promise<SignedPair | undefined> => {
    for (;;) {
      const [one, other] = [await fileOf(at, [...folder, text]), await fileOf(at, [...folder, signature])];
      if (one === undefined || other === undefined) return undefined;
      // A Release is dated anew before its Valid-Until comes.
      if ((await fileOf(at, [...folder, text]))?.etag === one.etag) return { text: one, signature: other };
    }
  };
  const path = `${manager}/${[...folder, text].join('/')}`;
  const wanted = { path, half, order: orderOf(request.headers['user-agent']), address: clientAddress(request), connection: request.socket, signal };
  return (await pairs.answer(wanted, { view, pairOf })) ?? fileOf(view(), segments);
}

function halfOf(manager: Manager, segments: readonly string[]): Half | undefined {
  const { text, signature, below } = signed[manager];
  if (!segments.includes(below)) return undefined;
  const name = segments.at(-1);
  return name === text ? 'text' : name === signature ? 'signature' : undefined;
}

function orderOf(userAgent = ''): Order {
  return /^zypp/i.test(userAgent) ? 'signature first' : 'text first';
}
