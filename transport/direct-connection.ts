// HTTP/1.1 messages with a known length: RFC 9112, sections 2.2, 4, 5, 6.3.
import { connect, type Socket } from 'node:net';
import type { Bytes } from '../bom/ports.ts';
import type { Head } from './http-body.ts';
import { Slabs } from './slabs.ts';

/** Bytes that wait for their reader before the socket is paused. */
const highWaterBytes = 512 * 1024;
const maxHeadBytes = 64 * 1024;
const headReadBytes = 16 * 1024;
const idleMs = 4000;

export interface DirectOptions {
  /** Of `tls.connect`, which is loaded where it is needed: a fifth of the start of a thread. */
  readonly tls: object;
  readonly connectTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

/** What this reader does not speak: the caller asks again in another way; `always`: for everything from that server. */
export class NotDirect extends Error {
  readonly always: boolean;

  constructor(message: string, always: boolean) {
    super(message);
    this.always = always;
  }
}

/** Takes a body at the moment it comes, in place of a reader of {@link DirectConnection.body}. An error thrown here ends the exchange. */
export interface BodyTaker {
  /** Where the next bytes are put; what stood there before is done with, at the latest when more is wanted. */
  room(): Uint8Array;
  /** Whether more is wanted at once; else the connection is told later. */
  received(count: number): boolean;
  /** The whole body came. */
  ended(): void;
  /** It broke off: nothing more is received. */
  failed(error: Error): void;
}

export interface DirectRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Called when the connection can be used again. */
  readonly onIdle: () => void;
  /** Who takes the body, as the head says; a reader when left out. `resume`: more is wanted again. */
  readonly takerFor?: ((head: Head, resume: () => void) => BodyTaker) | undefined;
}

/** `ended`: everything was received, not all of it read. */
type State = 'idle' | 'head' | 'body' | 'ended' | 'closed';

/** One connection that is read straight into {@link Slabs}; one exchange at a time. */
export class DirectConnection {
  private readonly socket: Socket;
  private slabs = new Slabs(0);
  /** Heads are read here; what of the body comes with one is moved. */
  private readonly headRegion = Buffer.allocUnsafeSlow(headReadBytes);
  /** Where the socket reads to: it was told last time it read. */
  private region: Uint8Array = this.headRegion;
  private readonly options: DirectOptions;
  private state: State = 'idle';
  private answered = Promise.withResolvers<Head>();
  private headText = '';
  private interims = 0;
  private left = 0;
  private keepAlive = false;
  private paused = false;
  /** What the taker said last. */
  private wantsMore = true;
  private error: Error | undefined;
  private wake: (() => void) | undefined;
  private quietWhilePaused = false;
  private asked: DirectRequest = { headers: {}, onIdle: () => undefined };
  private taker: BodyTaker | undefined;
  private readonly onClose: () => void;
  /** Nothing of an answer has come since the request was sent. */
  silent = true;

  constructor(url: URL, options: DirectOptions, onClose: () => void) {
    this.options = options;
    this.onClose = onClose;
    const secure = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const common = {
      host, port: Number(url.port || (secure ? 443 : 80)), autoSelectFamily: true,
      onread: { buffer: () => (this.region = this.state === 'body' ? this.roomForBody() : this.headRegion), callback: (count: number) => this.received(count) },
    };
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    this.socket = secure ? process.getBuiltinModule('node:tls').connect({ ...common, ...servername, ...options.tls, ALPNProtocols: ['http/1.1'] }) : connect(common);
    this.socket.setNoDelay(true);
    this.socket.setTimeout(options.connectTimeoutMs);
    this.socket.once(secure ? 'secureConnect' : 'connect', () => this.socket.setTimeout(options.stallTimeoutMs));
    this.socket.on('timeout', () => this.timedOut());
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('other side closed')));
    this.socket.on('end', () => this.fail(new Error('other side closed')));
    this.answered.promise.catch(() => undefined);
  }

  get usable(): boolean { return this.state === 'idle'; }

  private roomForBody(): Uint8Array {
    return this.taker === undefined ? this.slabs.room() : this.taker.room();
  }

  /** Sends a GET; its head comes when the server answers. */
  request(url: URL, asked: DirectRequest): Promise<Head> {
    const { headers } = asked;
    if (this.state !== 'idle') throw new Error(`a request on a connection that is ${this.state}`);
    this.state = 'head';
    this.silent = true;
    this.socket.ref();
    this.headText = '';
    this.interims = 0;
    this.asked = asked;
    this.taker = undefined;
    this.wantsMore = true;
    this.answered = Promise.withResolvers<Head>();
    this.answered.promise.catch(() => undefined);
    this.socket.setTimeout(this.socket.connecting ? this.options.connectTimeoutMs : this.options.stallTimeoutMs);
    const lines = Object.entries({ host: url.host, connection: 'keep-alive', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
    if (lines.some((line) => /[\r\n\0]/.test(line.slice(0, -2)))) throw new Error('a line break in a header');
    this.socket.write(text, 'latin1');
    return this.answered.promise;
  }

  /** The body, once. A chunk stays untouched until three more were taken. */
  async *body(): Bytes {
    try {
      for (;;) {
        const chunk = this.slabs.take();
        if (this.paused && this.slabs.waitingBytes < highWaterBytes) this.resume();
        if (chunk !== undefined) yield chunk;
        else if (this.state !== 'body') break;
        else await new Promise<void>((resolve) => { this.wake = resolve; });
      }
      if (this.left > 0) throw this.error ?? new Error('other side closed');
      if (this.state === 'ended') this.becomeIdle();
    } finally {
      if (this.left > 0 || this.slabs.waitingBytes > 0) this.destroy(new Error('the rest of the body is not wanted'));
    }
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    // A socket tells of its silence once; what was silence of ours starts again.
    if (this.quietWhilePaused) this.socket.setTimeout(this.options.stallTimeoutMs);
    this.quietWhilePaused = false;
    this.socket.resume();
  }

  destroy(error: Error): void {
    this.fail(error);
  }

  private received(count: number): boolean {
    this.silent = false;
    if (this.state === 'head') this.readHead(count);
    else if (this.state === 'body') this.readBody(count);
    else this.fail(new Error('bytes that nobody asked for'));
    this.paused = this.state === 'body' && (!this.wantsMore || this.slabs.waitingBytes >= highWaterBytes);
    return !this.paused;
  }

  private readHead(count: number): void {
    const chunk = this.region.subarray(0, count);
    const before = this.headText.length;
    this.headText += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const end = this.headText.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (!this.headText.startsWith(versionText.slice(0, this.headText.length))) return this.fail(new NotDirect('another status line', true));
    if (end < 0) {
      if (this.headText.length > maxHeadBytes) this.fail(new NotDirect('a head that is too long', true));
      return;
    }
    const bodyStart = end + 4 - before;
    if (interim.test(this.headText)) return this.skipInterim(bodyStart, count);
    const head = parseHead(this.headText.slice(0, end));
    if (head instanceof NotDirect) return this.fail(head);
    if (count - bodyStart > head.length) return this.fail(new Error('more bytes than the answer said'));
    this.state = 'body';
    this.left = head.length;
    this.keepAlive = head.keepAlive;
    this.headText = '';
    this.answered.resolve({ status: head.status, headers: head.headers });
    try {
      const taker: BodyTaker | undefined = this.asked.takerFor?.(head, () => { if (this.taker === taker) this.resume(); });
      this.taker = taker;
    } catch (error) {
      return this.fail(error as Error);
    }
    if (this.taker === undefined) this.slabs = new Slabs(head.length, this.slabs);
    this.roomForBody().set(chunk.subarray(bodyStart));
    this.readBody(count - bodyStart);
  }

  /** An answer before the answer: there may be several, asked for or not (RFC 9110, section 15.2). */
  private skipInterim(end: number, count: number): void {
    this.headText = '';
    this.interims += 1;
    if (this.interims > mostInterims) return this.fail(new NotDirect('too many answers before the answer', true));
    this.region.copyWithin(0, end, count);
    if (count > end) this.readHead(count - end);
  }

  private readBody(count: number): void {
    if (count > this.left) return this.fail(new Error('more bytes than the answer said'));
    try {
      if (this.taker === undefined) this.slabs.received(count);
      else this.wantsMore = this.taker.received(count);
    } catch (error) {
      return this.fail(error as Error);
    }
    this.left -= count;
    if (this.left === 0) this.finish();
    this.wakeReader();
  }

  private finish(): void {
    if (this.keepAlive) this.state = 'ended';
    else this.close();
    const { taker } = this;
    if (taker === undefined) return;
    this.taker = undefined;
    if (this.state === 'ended') this.becomeIdle();
    taker.ended();
  }

  private becomeIdle(): void {
    this.state = 'idle';
    this.socket.setTimeout(idleMs);
    this.socket.unref();
    this.asked.onIdle();
  }

  private timedOut(): void {
    if (this.state === 'idle') return this.close();
    if (this.paused || this.state === 'ended') {
      this.quietWhilePaused = true;
      return;
    }
    const code = this.socket.connecting ? 'UND_ERR_CONNECT_TIMEOUT' : 'UND_ERR_BODY_TIMEOUT';
    this.fail(Object.assign(new Error('timeout'), { code }));
  }

  private fail(error: Error): void {
    if (this.state === 'closed') return;
    this.error = error;
    this.answered.reject(error);
    this.close();
    this.taker?.failed(error);
    this.taker = undefined;
  }

  private close(): void {
    this.state = 'closed';
    this.socket.destroy();
    this.onClose();
    this.wakeReader();
  }

  private wakeReader(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}

interface ParsedHead extends Head { readonly length: number; readonly keepAlive: boolean }

const versionText = 'HTTP/1.1 ';
/** 101 changes the protocol, and is not asked for. */
const interim = /^HTTP\/1\.1 1(?!01)\d\d(?: |\r)/;
const mostInterims = 16;

/** A head, or why it is none that this reader speaks. */
function parseHead(text: string): ParsedHead | NotDirect {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first)?.[1];
  if (status === undefined) return new NotDirect('another status line', false);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) return new NotDirect('another header line', true);
    const key = name.toLowerCase();
    headers[key] = Object.hasOwn(headers, key) ? `${headers[key]}, ${value}` : value;
  }
  const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')?.[0];
  if (length === undefined || headers['transfer-encoding'] !== undefined) return new NotDirect('a body of unknown length', /^[23]/.test(status));
  return { status: Number(status), headers, length: Number(length), keepAlive: !/\bclose\b/i.test(headers['connection'] ?? '') };
}
