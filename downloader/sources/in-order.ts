import { BundleError } from '../../bom/errors.ts';
import type { Bytes } from '../../bom/ports.ts';

/** Sources of the same content, best first. */
export interface Choice<S> {
  readonly subject: string;
  readonly sources: readonly S[];
  /** How a source is called in an error; redacted. */
  readonly nameOf: (source: S) => string;
}

/** What `attempt` gives for the first source that it does not throw for. Throws one error that names every source tried. */
export async function firstGood<S, T>(choice: Choice<S>, attempt: (source: S) => Promise<T>): Promise<T> {
  const failures: Failure[] = [];
  for (const source of choice.sources) {
    try {
      return await attempt(source);
    } catch (error) {
      failures.push({ name: choice.nameOf(source), error: worthTryingOn(error) });
    }
  }
  throw summary(choice.subject, failures);
}

/**
 * Bytes from `offset` on: of the source at `first`, and where it fails in the middle, of the next one from there on. All sources are
 * believed to hold the same content; the writer's check says whether they did.
 */
export async function* streamInOrder<S>(
  choice: Choice<S>, place: { readonly offset: number; readonly first: number }, open: (source: S, offset: number) => Bytes,
): Bytes {
  const failures: Failure[] = [];
  let at = place.offset;
  for (let turn = 0; turn < choice.sources.length; turn += 1) {
    const source = choice.sources[(place.first + turn) % choice.sources.length] as S;
    try {
      for await (const chunk of open(source, at)) {
        at += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      failures.push({ name: choice.nameOf(source), error: worthTryingOn(error) });
    }
  }
  throw summary(choice.subject, failures);
}

/**
 * Which source comes first, for content that is asked for again: what a source delivered and the writer refused is taken from the next one.
 */
export class Turns {
  private readonly next = new Map<string, number>();

  /** Wraps `stream(first)`: when it was read, to its end or until the reader had enough, the next call for `key` starts one source later. */
  async *take(key: string, stream: (first: number) => Bytes): Bytes {
    const first = this.next.get(key) ?? 0;
    let failed = false;
    try {
      yield* stream(first);
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      if (!failed) this.next.set(key, first + 1);
    }
  }
}

interface Failure { readonly name: string; readonly error: BundleError }

/** `error` when another source may do better; a stop, a full disk and a defect are thrown at once. */
function worthTryingOn(error: unknown): BundleError {
  if (error instanceof BundleError && (error.family === 'transfer' || error.family === 'integrity' || error.family === 'resolve')) return error;
  throw error;
}

/** The one error of several sources: integrity before transfer before not found, since the worst news should be heard. */
function summary(subject: string, failures: readonly Failure[]): BundleError {
  const [only] = failures;
  if (only === undefined) return new BundleError('RESOLVE_NOT_FOUND', { subject, expected: 'a source to fetch it from', actual: 'none' });
  if (failures.length === 1) return only.error;
  const rank = ({ error }: Failure): number => ['integrity', 'transfer', 'resolve'].indexOf(error.family);
  const worst = failures.toSorted((a, b) => rank(a) - rank(b))[0]?.error ?? only.error;
  return new BundleError(worst.code, {
    subject,
    expected: `one good source of ${failures.length}`,
    actual: failures.map(({ name, error }) => `${name}: ${error.facts.actual}`).join('; '),
    next: worst.next,
    details: { ...worst.facts.details, tried: failures.map(({ name, error }) => ({ source: name, code: error.code, actual: error.facts.actual })) },
  }, { cause: new AggregateError(failures.map(({ error }) => error)) });
}
