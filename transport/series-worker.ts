// In a thread of FetchThreads: files that are fetched one after another, and told of together.
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { ofSink, SinkError } from './block-writer.ts';
import { contentTaker, Hashed } from './content-taker.ts';
import type { Answering, Direct } from './direct.ts';
import { type BodyTaker, NotDirect } from './direct-connection.ts';
import type { FetchReport, FileAsked, FileTold, SeriesEnd, SeriesOrder } from './fetch-messages.ts';
import { type Head, isPlain } from './http-body.ts';

/** What is whole waits so long to be told of, or for so many more. */
const tellMs = 200;
const tellFiles = 32;

const newFile = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface SeriesTools {
  readonly direct: Direct;
  /** Nobody else uses it between the read of a socket and its end. */
  readonly buffer: Uint8Array;
  readonly contextOf: (origin: string) => SecureContext | Error | undefined;
  readonly report: (report: FetchReport) => void;
}

/** One series until its last report. Files that are told of as whole are the reader's to close; of the others none is open when it ended. */
export class Series {
  private readonly order: SeriesOrder;
  private readonly tools: SeriesTools;
  private told: FileTold[] = [];
  private toldMs = performance.now();
  private bytes = 0;
  private isStopped = false;
  private answering: Answering | undefined;

  constructor(order: SeriesOrder, tools: SeriesTools) {
    this.order = order;
    this.tools = tools;
  }

  stop(): void {
    this.isStopped = true;
    this.answering?.abort(new Error('stopped'));
  }

  async run(): Promise<void> {
    const context = this.tools.contextOf(this.order.origin);
    let end: SeriesEnd | undefined = context instanceof Error ? { why: 'refused' } : undefined;
    for (const [index, file] of this.order.files.entries()) {
      end ??= this.isStopped ? { why: 'stopped' } : undefined;
      if (end !== undefined) break;
      const result = await this.fetch(index, file, context instanceof Error ? undefined : context);
      end = this.isStopped && result !== undefined ? { why: 'stopped' } : result;
      if (this.told.length >= tellFiles || performance.now() - this.toldMs >= tellMs) this.tell();
    }
    this.tell(end ?? { why: 'all', bytes: this.bytes });
  }

  private tell(end?: SeriesEnd): void {
    this.toldMs = performance.now();
    this.tools.report({ kind: 'files', id: this.order.id, files: this.told.splice(0), ...(end === undefined ? {} : { end }) });
  }

  /** Whether, and how, the series ends with it. */
  private async fetch(index: number, file: FileAsked, secureContext: SecureContext | undefined): Promise<SeriesEnd | undefined> {
    const { connectTimeoutMs, stallTimeoutMs } = this.order;
    const receiving = new FileReceiving(file, { buffer: this.tools.buffer, untilMs: performance.now() + connectTimeoutMs + stallTimeoutMs });
    this.answering = this.tools.direct.get(new URL(file.url), file.headers, { tls: secureContext === undefined ? {} : { secureContext }, connectTimeoutMs, stallTimeoutMs }, (head) => receiving.answered(head));
    this.answering.head.catch((error: unknown) => receiving.failed(error));
    const { end, ...result } = await receiving.done;
    this.answering = undefined;
    this.told.push({ index, ...result });
    if ('fd' in result) this.bytes += file.sizeBytes;
    return end;
  }
}

type Outcome = ({ readonly fd: number; readonly tailHex?: string } | { readonly bytes: number }) & { readonly end?: SeriesEnd };

/** One content on its way into a file that is made for it. */
class FileReceiving {
  readonly done: Promise<Outcome>;
  private readonly finishing = Promise.withResolvers<Outcome>();
  private readonly file: FileAsked;
  private readonly buffer: Uint8Array;
  private readonly untilMs: number;
  private readonly hashed: Hashed;
  private fd: number | undefined;

  constructor(file: FileAsked, { buffer, untilMs }: { readonly buffer: Uint8Array; readonly untilMs: number }) {
    this.file = file;
    this.buffer = buffer;
    this.untilMs = untilMs;
    this.hashed = new Hashed(file.tailFrom);
    this.done = this.finishing.promise;
  }

  /** Throws where the answer is not simply the content. */
  answered(head: Head): BodyTaker {
    const { file, hashed, buffer } = this;
    if (head.status !== 200 || head.headers['content-length'] !== String(file.sizeBytes) || !isPlain(head, file.url)) {
      this.leave(endOf(head));
      throw new Error('not simply the content');
    }
    const fd = this.open();
    return contentTaker({
      told: {
        isDue: false, left: () => undefined, stop: () => undefined,
        // A drip would never end: whoever goes on with it knows what to do.
        wrote: () => { if (performance.now() > this.untilMs) throw new NotDirect('too slow', false); },
        end: (digests) => this.ended(fd, digests ?? {}), fail: (error) => this.failed(error),
      },
      hashed, sink: { fd, sizeBytes: file.sizeBytes }, known: 0,
    }, buffer);
  }

  failed(error: unknown): void {
    this.leave({ why: error instanceof NotDirect || error instanceof SinkError ? 'refused' : 'broken' });
  }

  private open(): number {
    try {
      this.fd = ofSink(() => openSync(this.file.path, newFile, 0o644));
      return this.fd;
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  private ended(fd: number, { hex, tailHex }: { readonly hex?: string; readonly tailHex?: string }): void {
    this.fd = undefined;
    if (`sha256:${hex}` === this.file.digest) return this.finishing.resolve({ fd, ...(tailHex === undefined ? {} : { tailHex }) });
    closeSync(fd);
    unlinkSync(this.file.path);
    this.finishing.resolve({ bytes: this.hashed.position });
  }

  private leave(end: SeriesEnd | undefined): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    this.finishing.resolve({ bytes: this.hashed.position, ...(end === undefined ? {} : { end }) });
  }
}

/** What an answer other than the content says of those to come: nothing, where only this one is not there. */
function endOf({ status, headers }: Head): SeriesEnd | undefined {
  const retryAfter = headers['retry-after'];
  if (status === 429 || status === 503) return { why: 'busy', ...(retryAfter === undefined ? {} : { retryAfter }) };
  return status === 404 || status === 410 ? undefined : { why: 'refused' };
}
