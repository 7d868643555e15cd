import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, textAnswer } from '../../repository/answer.ts';
import { type Half, type HalfRequest, type Order, type PairSource, SignedPairs } from '../../repository/mirror/signed-pairs.ts';

const pairMs = 5_000;
let pairs: SignedPairs;
let served = 1;
const source: PairSource<number> = {
  view: () => served,
  pairOf: async (view) => ({ text: { ...textAnswer(200, `text ${view}`), etag: `${view}` }, signature: textAnswer(200, `signature ${view}`) }),
};
const living = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
  pairs = new SignedPairs(pairMs);
  served = 1;
});
afterEach(() => {
  pairs.stop();
  vi.useRealTimers();
});

function ask(half: Half, more: Partial<HalfRequest> = {}): Promise<Answer | undefined> {
  return pairs.answer({ path: 'yum/alma-9/repodata/repomd.xml', half, order: 'text first', address: '198.51.100.1', connection: living, signal: living, ...more }, source);
}

const textOf = (answer: Answer | undefined): string => (answer?.body?.kind === 'bytes' ? Buffer.from(answer.body.bytes).toString() : '');
const numberOf = (answer: Answer | undefined): number => Number(textOf(answer).split(' ')[1]);
/** Lets everything that waits for nothing but other promises come to its end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i += 1) await Promise.resolve();
}
/** Whether it has been answered by now. */
async function isAnswered(asked: Promise<unknown>): Promise<boolean> {
  let answered = false;
  void asked.then(() => { answered = true; });
  await settle();
  return answered;
}

/** A client that takes one step each time it is called, once the step before was answered. */
class Client {
  readonly seen: number[] = [];
  private readonly halves: Half[];
  private readonly order: Order;
  private readonly next: () => Partial<HalfRequest>;
  private asked: Promise<void> | undefined;

  /** `next` says where the next request comes from. */
  constructor(order: Order, halves: readonly Half[], next: () => Partial<HalfRequest>) {
    this.halves = [...halves];
    this.order = order;
    this.next = next;
  }

  get steps(): number { return this.halves.length; }
  get isOver(): boolean { return this.halves.length === 0 && this.asked === undefined; }

  async step(): Promise<void> {
    const half = this.asked === undefined ? this.halves.shift() : undefined;
    if (half === undefined) return;
    const atLeast = served;
    this.asked = ask(half, { order: this.order, ...this.next() }).then((answer) => {
      this.seen.push(numberOf(answer));
      // Who begins after a switch gets what is served then, never what was before.
      if (this.seen.length === 1) expect(this.seen[0]).toBeGreaterThanOrEqual(atLeast);
      this.asked = undefined;
    });
    await settle();
  }
}

/** Every order in which actors with so many steps each can take them. */
function* orders(left: readonly number[], taken: readonly number[] = []): Generator<readonly number[]> {
  if (left.every((count) => count === 0)) yield taken;
  for (const [actor, count] of left.entries()) if (count > 0) yield* orders(left.map((each, at) => (at === actor ? each - 1 : each)), [...taken, actor]);
}

async function play(order: readonly number[], clients: readonly Client[]): Promise<void> {
  for (const actor of order) {
    const client = clients[actor];
    if (client === undefined) served += 1;
    else await client.step();
    await settle();
  }
  for (let round = 0; clients.some(({ isOver }) => !isOver); round += 1) {
    expect(round, `${order.join(' ')}: somebody waits for ever`).toBeLessThan(20);
    if (round % 3 === 2) await vi.advanceTimersByTimeAsync(pairMs);
    for (const client of clients) await client.step();
  }
}

const pooled = { x: {}, y: {} };
const dnf = ['text', 'signature'] as const;
const zypper = ['signature', 'text'] as const;
const own = (): (() => Partial<HalfRequest>) => {
  const connection = {};
  return () => ({ connection });
};
/** Each request by another one of `all`. */
const inTurn = (all: readonly Partial<HalfRequest>[]): (() => Partial<HalfRequest>) => {
  let at = 0;
  return () => all[at++ % all.length] ?? {};
};
const crossed = (): (() => Partial<HalfRequest>)[] => [[pooled.x, pooled.y], [pooled.y, pooled.x]].map((connections) => inTurn(connections.map((connection) => ({ connection }))));

describe('clients that cannot be told apart, in every order around switches', () => {
  it.each<[string, number, () => Client[]]>([
    ['three with connections of their own behind one address', 1, () => [1, 2, 3].map(() => new Client('text first', dnf, own()))],
    ['two with connections of their own behind one address', 2, () => [1, 2].map(() => new Client('text first', dnf, own()))],
    ['two by a proxy that mixes them in its connections', 2, () => crossed().map((next) => new Client('text first', dnf, next))],
    ['two that come from another address each time', 2, () => ['one', 'two'].map((name) => new Client('text first', dnf, inTurn([{ address: name }, { address: 'three' }])))],
    ['one that tries again, and one that only looks', 1, () => [new Client('text first', ['text', 'text', 'signature'], own()), new Client('text first', dnf, own()), new Client('text first', ['text'], own())]],
    ['zypper, which begins with the signature, beside dnf', 2, () => [new Client('signature first', zypper, own()), new Client('text first', dnf, own())]],
    ['two zyppers behind one address', 2, () => [1, 2].map(() => new Client('signature first', zypper, own()))],
    ['two zyppers by a proxy that mixes them in its connections', 2, () => crossed().map((next) => new Client('signature first', zypper, next))],
  ])('%s', async (_, switches, makeClients) => {
    let count = 0;
    for (const order of orders([...makeClients().map(({ steps }) => steps), switches])) {
      pairs = new SignedPairs(pairMs);
      served = 1;
      const clients = makeClients();
      await play(order, clients);
      for (const { seen } of clients) expect(seen.at(-1), `${order.join(' ')}: ${clients.map((each) => each.seen.join('+')).join(', ')}`).toBe(seen.at(-2) ?? seen.at(-1));
      pairs.stop();
      count += 1;
    }
    expect(count).toBeGreaterThanOrEqual(90);
  });
});

describe('a first half of what came after', () => {
  it('waits until nobody is without the second half of what was before, and is then of what is served then', async () => {
    await ask('text');
    await ask('text', { address: '198.51.100.2' });
    served = 2;
    const next = ask('text');
    expect(numberOf(await ask('signature'))).toBe(1);
    expect(await isAnswered(next)).toBe(false);
    served = 3;
    expect(numberOf(await ask('signature', { address: '198.51.100.2' }))).toBe(1);
    expect([numberOf(await next), numberOf(await ask('signature'))]).toEqual([3, 3]);
  });

  it('waits for those who never come no longer than the time that is set, counted from the last of them', async () => {
    await ask('text');
    await vi.advanceTimersByTimeAsync(pairMs - 1);
    await ask('text');
    served = 2;
    const next = ask('text');
    await vi.advanceTimersByTimeAsync(pairMs - 1);
    expect(await isAnswered(next)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(numberOf(await next)).toBe(2);
  });

  it('does not wait where nothing changed, after the time, or for what was asked for from elsewhere', async () => {
    await ask('text');
    expect(numberOf(await ask('text'))).toBe(1);
    served = 2;
    expect(numberOf(await ask('text', { path: 'yum/alma-8/repodata/repomd.xml' }))).toBe(2);
    await vi.advanceTimersByTimeAsync(pairMs);
    expect(numberOf(await ask('text'))).toBe(2);
  });

  it('is let go when its client leaves or the service stops', async () => {
    await ask('text');
    served = 2;
    const gone = new AbortController();
    const [left, stays] = [ask('text', { signal: gone.signal }), ask('text')];
    await settle();
    gone.abort();
    expect((await left)?.status).toBe(499);
    expect(await isAnswered(stays)).toBe(false);
    pairs.stop();
    expect(numberOf(await stays)).toBe(2);
    served = 3;
    expect(numberOf(await ask('text'))).toBe(3);
  });

  it('is refused when thousands wait already', async () => {
    await ask('text');
    served = 2;
    const waiting = Array.from({ length: 4096 }, () => ask('text'));
    await settle();
    const refused = await ask('text');
    expect([refused?.status, refused?.headers?.['retry-after']]).toEqual([503, '5']);
    await ask('signature');
    expect(new Set((await Promise.all(waiting)).map(numberOf))).toEqual(new Set([2]));
  });
});

describe('a second half', () => {
  it('is the one that fits for a minute when nobody began anew, and what is served after that', async () => {
    await ask('text');
    served = 2;
    await vi.advanceTimersByTimeAsync(59_000);
    expect(numberOf(await ask('signature'))).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(numberOf(await ask('signature'))).toBe(2);
  });

  it('does not stand for that of another address', async () => {
    await ask('text');
    await ask('signature', { address: '198.51.100.2' });
    served = 2;
    const next = ask('text');
    expect(await isAnswered(next)).toBe(false);
    await ask('signature');
    expect(numberOf(await next)).toBe(2);
  });

  it('counts for clients from more addresses than are counted by the time alone', async () => {
    for (let at = 0; at <= 4096; at += 1) await ask('text', { address: `client ${at}` });
    for (let at = 0; at <= 4096; at += 1) await ask('signature', { address: `client ${at}` });
    served = 2;
    const next = ask('text');
    expect(await isAnswered(next)).toBe(false);
    await vi.advanceTimersByTimeAsync(pairMs);
    expect(numberOf(await next)).toBe(2);
  });

  it('is not what zypper asks for to see whether anything changed: that is always what is served', async () => {
    const [first, other] = [{ order: 'signature first', connection: pooled.x }, { order: 'signature first', connection: pooled.y, address: '198.51.100.2' }] as const;
    await ask('signature', first);
    served = 2;
    expect(numberOf(await ask('text', other))).toBe(2);
    expect(numberOf(await ask('text', first))).toBe(1);
    expect(numberOf(await ask('text', first))).toBe(2);
  });
});
