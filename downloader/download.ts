import type { Descriptor, Digest } from '../bom/digest.ts';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import type { Notify } from '../bom/events.ts';
import { contentOf, type Lock } from '../bom/lock.ts';
import type { ArtifactOf, BlobReader, BlobWriter, Bytes, FileSink, Kind, PlainFetch, Source } from '../bom/ports.ts';
import { firstOf } from './failures.ts';
import { type LeftJob, Together, type TogetherOptions } from './together.ts';

export interface DownloadOptions {
  /** Only `fetch` is used. A kind without a source can only be present already. */
  readonly sources: { readonly [K in Kind]?: Pick<Source<K>, 'fetch'> };
  readonly blobs: BlobReader & BlobWriter;
  /** What of the lock's content was just found not to be there; looked for when left out. */
  readonly missing?: readonly Descriptor[];
  /** Blobs at the same time. */
  readonly concurrency: number;
  readonly notify: Notify;
  readonly signal: AbortSignal;
  /** For many small contents at once; each by itself when left out. */
  readonly together?: TogetherOptions & { readonly plain: { readonly [K in Kind]?: (artifact: ArtifactOf[K]) => Promise<PlainFetch | undefined> } };
  /** Called once nothing is fetched any more, and what came is yet to become durable. What it throws is the download's error. */
  readonly onReceived?: () => void;
}

export interface DownloadResult {
  readonly fetched: number;
  /** Bytes that came over the line: less than the blobs' sizes where an earlier run was continued. */
  readonly fetchedBytes: number;
  readonly present: number;
  readonly presentBytes: number;
}

type Fetch = (options: { readonly offset: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal }) => Bytes;

interface Job {
  readonly blob: Descriptor & { readonly what: string };
  /** Where the content can come from, in words that group what shares a server. */
  readonly origin: string;
  readonly fetch: Fetch;
  readonly plain?: () => Promise<PlainFetch | undefined>;
}

/**
 * Brings everything that {@link contentOf} lists into the store, each blob once however many artifacts share it. Returns only when all of it
 * is there. What only the store can have (BOMs, keys, local files) and is missing is named before anything is fetched, as
 * `INTEGRITY_MISSING`. The first failure stops the rest, which keeps what it received; it is thrown with the others in its details. Content
 * that turns out wrong is fetched once more, from the next mirror where there is one.
 */
export async function download(lock: Lock, options: DownloadOptions): Promise<DownloadResult> {
  const { notify } = options;
  const content = [...contentOf(lock).values()];
  const fetches = fetchesOf(lock, options);
  const missing = await missingAmong(content, options);
  const presentBytes = sizeOf(content) - sizeOf(missing);
  notify({ kind: 'plan', phase: 'download', items: content.length, bytes: sizeOf(content), presentItems: content.length - missing.length, presentBytes });
  const jobs = missing.flatMap((blob) => {
    const way = fetches.get(blob.digest);
    return way === undefined ? [] : [{ blob, ...way }];
  });
  if (jobs.length < missing.length) throw lost(missing.filter(({ digest }) => !fetches.has(digest)));
  const fetchedBytes = await run(inTurns(jobs), options);
  if (lock.spec.images.some(({ evidence = [] }) => evidence.length > 0)) await (await import('./crane-evidence.ts')).checkCraneEvidence(lock, options);
  return { fetched: jobs.length, fetchedBytes, present: content.length - jobs.length, presentBytes };
}

async function missingAmong<B extends Descriptor>(content: readonly B[], { blobs, missing: known, signal }: DownloadOptions): Promise<B[]> {
  const digests = known === undefined ? undefined : new Set(known.map(({ digest }) => digest));
  const missing: B[] = [];
  for (const blob of content) {
    checkNotAborted(signal, 'download');
    if (digests === undefined ? !(await blobs.has(blob.digest)) : digests.has(blob.digest)) missing.push(blob);
  }
  return missing;
}

function sizeOf(blobs: readonly Descriptor[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

function lost(blobs: readonly (Descriptor & { readonly what: string })[]): BundleError {
  return new BundleError('INTEGRITY_MISSING', {
    subject: blobs[0]?.what ?? 'content',
    expected: 'content that was stored while locking',
    actual: `nothing for ${blobs[0]?.digest}${blobs.length > 1 ? ` and ${blobs.length - 1} more` : ''}, and no address to fetch it from`,
    next: 'Name the documents that the lock was made from with -f: BOMs, local files and keys under their paths are taken from them. What they do not have anymore, or have at an address: run `longshore lock` again with this store.',
    details: { missing: blobs.map(({ digest, what }) => ({ digest, what })) },
  });
}

/** Blobs that were received and are not durable yet: so many are open at most. */
const mostCommitting = 128;

/**
 * A lane goes on to its next blob as soon as one was received; that it becomes durable, together with others, is waited for at the end.
 */
async function run(jobs: readonly Job[], options: DownloadOptions): Promise<number> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const errors: unknown[] = [];
  const onFailed = (error: unknown): void => { errors.push(error); stop.abort(); };
  const committing = new Set<Promise<void>>();
  let fetchedBytes = 0;
  let finished = 0;
  const { together, others } = await Together.of(jobs, { ...options, signal, onFailed });
  const left = others.map((job): LeftJob<Job> => ({ job, receivedBytes: 0 }));
  const one = async (next: LeftJob<Job>): Promise<void> => {
    const received = Promise.withResolvers<void>();
    const done: Promise<void> = fetchBlob(next, { ...options, signal }, received.resolve)
      .then((bytes) => { fetchedBytes += bytes; finished += 1; }, onFailed)
      .finally(() => { committing.delete(done); received.resolve(); });
    committing.add(done);
    await received.promise;
    if (committing.size >= mostCommitting) await Promise.race(committing);
  };
  // Large blobs keep a thread busy, small ones this one: half the lanes begin at the other end.
  const lane = async (number: number): Promise<void> => {
    for (const isOdd = number % 2 === 1; errors.length === 0;) {
      const series = together?.isEmpty === false ? together : undefined;
      const next = isOdd && series !== undefined ? undefined : isOdd ? left.pop() : left.shift();
      if (next !== undefined) await one(next);
      else if (series === undefined) return;
      else left.push(...await series.next());
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.concurrency) }, (_, number) => lane(number)));
  await Promise.all([together?.ended(), received(errors, options), ...committing]);
  if (errors.length > 0) throw firstOf(errors);
  checkNotAborted(options.signal, 'download');
  finished += together?.fetched ?? 0;
  if (finished !== jobs.length) throw new Error(`${jobs.length - finished} blobs were neither fetched nor failed`);
  return fetchedBytes + (together?.fetchedBytes ?? 0);
}

async function received(errors: unknown[], { onReceived, signal }: DownloadOptions): Promise<void> {
  if (errors.length > 0 || signal.aborted) return;
  try {
    onReceived?.();
  } catch (error) {
    errors.push(error);
  }
}

/**
 * So often, a blob may be another one for a server (ETag, Last-Modified) in the middle of it, as several behind one name have it: it goes on where it is, and the
 * digest decides; where that is wrong, it begins anew.
 */
const mostChanges = 20;

/** Bytes that came over the line for one blob. `received` is called when its bytes are here. */
async function fetchBlob({ job: { blob, fetch }, receivedBytes }: LeftJob<Job>, { blobs, notify, signal }: DownloadOptions, received: () => void): Promise<number> {
  const meter = new Meter(notify, received);
  meter.transferred = receivedBytes;
  const attempt = (): Promise<'stored' | 'present'> =>
    blobs.fill(blob, (offset, into) => { meter.startAt(offset); return meter.count(fetch({ offset, into, signal })); }, signal);
  for (let changes = 0, wrong = 0; ;) {
    try {
      await attempt();
      break;
    } catch (error) {
      const changed = error instanceof BundleError && error.facts.details?.['changed'] === true && changes < mostChanges;
      const again = changed || (error instanceof BundleError && error.family === 'integrity' && wrong === 0);
      if (!again || signal.aborted) throw named(error, blob.what);
      if (changed) changes += 1;
      else wrong += 1;
      notify({ kind: 'retry', subject: blob.what, attempt: changes + wrong, waitMs: 0, reason: error.message });
    }
  }
  meter.flush();
  notify({ kind: 'done', phase: 'download', item: blob.what, bytes: blob.size });
  return meter.transferred;
}

/** `error`, saying which artifact it is about when it only says which digest. */
function named(error: unknown, what: string): unknown {
  if (!(error instanceof BundleError) || !error.facts.subject.startsWith('sha256:')) return error;
  return new BundleError(error.code, { ...error.facts, subject: `${what}, ${error.facts.subject}` }, { cause: error });
}

const meterBytes = 1 << 20;

/** Tells of bytes in portions. Bytes that a second attempt repeats are told once. */
class Meter {
  transferred = 0;
  private at = 0;
  private told = 0;
  private readonly notify: Notify;
  private readonly ended: () => void;

  constructor(notify: Notify, ended: () => void) {
    this.notify = notify;
    this.ended = ended;
  }

  startAt(offset: number): void {
    this.at = offset;
    this.flush();
  }

  async *count(bytes: Bytes): Bytes {
    for await (const chunk of bytes) {
      this.at += chunk.length;
      this.transferred += chunk.length;
      if (this.at - this.told >= meterBytes) this.flush();
      yield chunk;
    }
    this.ended();
  }

  flush(): void {
    if (this.at <= this.told) return;
    this.notify({ kind: 'bytes', phase: 'download', bytes: this.at - this.told });
    this.told = this.at;
  }
}

/** Largest first, taking turns between origins: the long ones start early, and no server has to serve everything at once. */
function inTurns(jobs: readonly Job[]): Job[] {
  const groups = [...Map.groupBy(jobs, (job) => job.origin).values()];
  for (const group of groups) group.sort((a, b) => b.blob.size - a.blob.size || (a.blob.digest < b.blob.digest ? -1 : 1));
  groups.sort((a, b) => (b[0]?.blob.size ?? 0) - (a[0]?.blob.size ?? 0));
  const result: Job[] = [];
  for (let round = 0; result.length < jobs.length; round += 1) {
    for (const group of groups) if (round < group.length) result.push(group[round] as Job);
  }
  return result;
}

type Way = Pick<Job, 'origin' | 'fetch' | 'plain'>;

/** How each blob can be fetched. Where several artifacts share one, the first that has a source says how. */
function fetchesOf(lock: Lock, { sources, together }: DownloadOptions): Map<Digest, Way> {
  const ways = new Map<Digest, Way>();
  const add = <K extends Kind>(source: Pick<Source<K>, 'fetch'> | undefined, artifact: ArtifactOf[K], item: { readonly from: readonly string[]; readonly blobs: readonly Descriptor[]; readonly looksAtAll?: boolean; readonly plain?: Job['plain'] | undefined }): void => {
    const [first] = item.from;
    if (source === undefined || first === undefined) return;
    const origin = originOf(first);
    const way = item.plain === undefined ? { origin } : { origin, plain: item.plain };
    for (const blob of item.blobs) if (!ways.has(blob.digest)) ways.set(blob.digest, { ...way, fetch: (options) => (options.offset === blob.size && item.looksAtAll !== true ? none() : source.fetch(artifact, blob, options)) });
  };
  const { images, files, packages, charts, git } = lock.spec;
  for (const image of images) add(sources.image, image, { from: image.sources, blobs: [...image.manifests, ...image.blobs] });
  const plainFile = together?.plain.file;
  for (const file of files) add(sources.file, file, { from: file.urls, blobs: [file], plain: plainFile === undefined ? undefined : () => plainFile(file) });
  const content = contentOf(lock);
  for (const item of packages) {
    const blob = content.get(item.digest);
    const plain = together?.plain[item.manager];
    if (blob !== undefined) add<'deb' | 'rpm'>(sources[item.manager], item, { from: item.urls, blobs: [blob], looksAtAll: item.manager === 'rpm', plain: plain === undefined ? undefined : () => plain(item) });
  }
  for (const chart of charts) {
    const parts = [content.get(chart.digest), chart.provenance].filter((part) => part !== undefined);
    add(sources.chart, chart, { from: chart.urls, blobs: parts });
  }
  for (const item of git) {
    const blob = content.get(item.digest);
    if (blob !== undefined) add(sources.git, item, { from: [item.url], blobs: [blob] });
  }
  return ways;
}

/** What an earlier run received whole, and did not name any more, is asked for nowhere. */
async function* none(): Bytes { /* everything is there */ }

/** The server that an address or an image reference names. */
function originOf(place: string): string {
  return URL.canParse(place) && place.includes('://') ? new URL(place).host : place.slice(0, place.indexOf('/'));
}
