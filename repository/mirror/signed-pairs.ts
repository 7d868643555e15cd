// Texts whose signature is a file of its own: repomd.xml and repomd.xml.asc, Release and Release.gpg. A switch may come between the requests for the two.
import { type Answer, textAnswer } from '../answer.ts';

export interface SignedPair {
  readonly text: Answer;
  readonly signature: Answer;
}

export type Half = keyof SignedPair;

/** dnf, yum and apt ask for the text first, zypper for the signature. zypper also asks for the text alone, to see whether it changed. */
export type Order = 'text first' | 'signature first';

export interface HalfRequest {
  /** Of the text, as asked. */
  readonly path: string;
  readonly half: Half;
  readonly order: Order;
  readonly address: string;
  /** What stays the same for requests of one connection. */
  readonly connection: object;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** Where pairs come from: `view` is what is served at this moment; the pair of one view may change with time, and is then another from there on. */
export interface PairSource<V> {
  readonly view: () => V;
  readonly pairOf: (view: V) => Promise<SignedPair | undefined>;
}

/** The pair that clients are given in one order from one path, and those of them who had no second half yet. */
interface Run {
  readonly pair: SignedPair;
  /** By address; the sum may be less than `open`. */
  readonly openAt: Map<string, number>;
  openOn: WeakMap<object, number>;
  open: number;
  readonly waiting: Set<() => void>;
  readonly quiet: NodeJS.Timeout;
  readonly forget: NodeJS.Timeout;
}

export const defaultPairMs = 5_000;
const rememberedMs = 60_000;
const countedAddresses = 4_096;
const waitingLimit = 4_096;

/**
 * Keeps pairs together whoever asks from wherever: many clients behind one address, pooled connections, one client with several addresses. While anybody who was
 * given a first half in the last `pairMs` may still come for its second one, no first half of another pair is given: who asks for it waits, and gets what is served
 * then. Who never comes for the second half costs others that time, once for each switch.
 */
export class SignedPairs {
  private readonly pairMs: number;
  private readonly runs = new Map<string, Run>();
  private waiting = 0;
  private stopped = false;

  constructor(pairMs: number = defaultPairMs) {
    this.pairMs = pairMs;
  }

  /** Answers one half; undefined when what is served has no such pair. */
  async answer<V>(request: HalfRequest, source: PairSource<V>): Promise<Answer | undefined> {
    const { path, half, order } = request;
    const key = `${order} ${path}`;
    const isFirst = half === (order === 'text first' ? 'text' : 'signature');
    const known = isFirst ? undefined : this.second(key, request);
    if (known !== undefined) return known;
    for (;;) {
      const view = source.view();
      const pair = await source.pairOf(view);
      if (view !== source.view()) continue;
      if (pair === undefined || !isFirst) return pair?.[half];
      const run = this.runs.get(key);
      if (run === undefined || isSame(run.pair, pair) || run.open === 0 || this.stopped) {
        this.first(key, pair, request);
        return pair[half];
      }
      if (request.signal.aborted) return textAnswer(499, 'the client has gone\n');
      if (this.waiting >= waitingLimit) return textAnswer(503, 'too many clients wait for the end of a switch\n', { 'retry-after': String(Math.ceil(this.pairMs / 1000)) });
      await this.turn(run, request.signal);
    }
  }

  /** From here on nobody waits. */
  stop(): void {
    this.stopped = true;
    for (const run of this.runs.values()) {
      close(run);
      clearTimeout(run.quiet);
      clearTimeout(run.forget);
    }
  }

  private first(key: string, pair: SignedPair, { address, connection }: HalfRequest): void {
    const before = this.runs.get(key);
    const run = before !== undefined && isSame(before.pair, pair) ? before : this.begin(key, pair, before);
    run.open += 1;
    const at = run.openAt.get(address);
    if (at !== undefined || run.openAt.size < countedAddresses) run.openAt.set(address, (at ?? 0) + 1);
    run.openOn.set(connection, (run.openOn.get(connection) ?? 0) + 1);
    run.quiet.refresh();
    run.forget.refresh();
  }

  private begin(key: string, pair: SignedPair, before: Run | undefined): Run {
    if (before !== undefined) {
      close(before);
      clearTimeout(before.quiet);
      clearTimeout(before.forget);
    }
    const run: Run = {
      pair, openAt: new Map(), openOn: new WeakMap(), open: 0, waiting: new Set(),
      quiet: setTimeout(() => { close(run); }, this.pairMs).unref(),
      forget: setTimeout(() => { if (this.runs.get(key) === run) this.runs.delete(key); }, rememberedMs).unref(),
    };
    this.runs.set(key, run);
    return run;
  }

  /** The second half that belongs to the first halves that are out; undefined where what is served now is right. */
  private second(key: string, { half, order, address, connection }: HalfRequest): Answer | undefined {
    const run = this.runs.get(key);
    if (run === undefined) return undefined;
    const at = run.openAt.get(address) ?? 0;
    const on = run.openOn.get(connection) ?? 0;
    // A text that zypper asks for may be one for itself: it counts as a second half where its connection gave the first one.
    if (order === 'signature first' && at === 0) return undefined;
    if (at > 0 && (order === 'text first' || on > 0)) {
      run.openAt.set(address, at - 1);
      run.openOn.set(connection, Math.max(0, on - 1));
      run.open -= 1;
      if (run.open === 0) close(run);
    }
    return run.pair[half];
  }

  private async turn(run: Run, signal: AbortSignal): Promise<void> {
    this.waiting += 1;
    await new Promise<void>((done) => {
      const over = (): void => {
        signal.removeEventListener('abort', over);
        run.waiting.delete(over);
        done();
      };
      signal.addEventListener('abort', over);
      run.waiting.add(over);
    });
    this.waiting -= 1;
  }
}

/** Nobody is without a second half any more, or waited for. */
function close(run: Run): void {
  run.open = 0;
  run.openAt.clear();
  run.openOn = new WeakMap();
  for (const over of [...run.waiting]) over();
}

function isSame(one: SignedPair, other: SignedPair): boolean {
  return one.text.etag === other.text.etag;
}
