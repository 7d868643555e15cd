import type { Bytes } from '../bom/ports.ts';
import type { Head } from './http-body.ts';
import { DirectConnection, type DirectOptions, type DirectRequest, NotDirect } from './direct-connection.ts';

/** One answer, however it is read. */
export interface Answering {
  readonly head: Promise<Head>;
  body(): Bytes;
  /** Gives the body up; `length` is what the head said of it. */
  discard(length: number | undefined): void;
  abort(reason: Error): void;
}

/**
 * GET over connections of our own that read into memory used over and over: a third less processor time and half the memory of a general
 * client, for the bodies that make up a download. Only plain answers with a Content-Length; for all else `head` rejects with
 * {@link NotDirect}, and a host whose content comes otherwise is not asked this way again.
 */
export class Direct {
  private readonly idle = new Map<string, DirectConnection[]>();
  private readonly all = new Set<DirectConnection>();
  private readonly notDirect = new Set<string>();

  /** Content of this origin comes in a way that is not spoken here. */
  avoid(url: URL): void {
    this.notDirect.add(url.origin);
  }

  speaksWith(url: URL): boolean {
    return !this.notDirect.has(url.origin);
  }

  /** With `takerFor`, the body of the answer is not to be read. */
  get(url: URL, headers: Readonly<Record<string, string>>, options: DirectOptions, takerFor?: DirectRequest['takerFor']): Answering {
    const exchange = new DirectExchange();
    exchange.head = this.run(exchange, url, { headers, options, takerFor }).catch((error: unknown) => {
      if (error instanceof NotDirect && error.always) this.notDirect.add(url.origin);
      throw error;
    });
    exchange.head.catch(() => undefined);
    return exchange;
  }

  close(): void {
    for (const connection of this.all) connection.destroy(new Error('the client was closed'));
    this.idle.clear();
  }

  private async run(exchange: DirectExchange, url: URL, { headers, options, takerFor }: Asking): Promise<Head> {
    for (;;) {
      const kept = this.take(url.origin);
      const connection: DirectConnection = kept ?? new DirectConnection(url, options, () => this.all.delete(connection));
      this.all.add(connection);
      exchange.connection = connection;
      try {
        return await connection.request(url, { headers, takerFor, onIdle: () => this.give(url.origin, connection) });
      } catch (error) {
        // A connection that was kept may have been closed by the server at the very moment.
        if (kept !== undefined && connection.silent && !exchange.aborted) continue;
        connection.destroy(error as Error);
        throw error;
      }
    }
  }

  private take(origin: string): DirectConnection | undefined {
    const list = this.idle.get(origin) ?? [];
    for (let connection = list.pop(); connection !== undefined; connection = list.pop()) {
      if (connection.usable) return connection;
    }
    return undefined;
  }

  private give(origin: string, connection: DirectConnection): void {
    const list = this.idle.get(origin) ?? [];
    list.push(connection);
    this.idle.set(origin, list);
  }
}

interface Asking extends Pick<DirectRequest, 'headers' | 'takerFor'> { readonly options: DirectOptions }

/** A body this short is read to its end when nobody wants it, so that the connection can be used again. */
const drainBytes = 64 * 1024;

class DirectExchange implements Answering {
  head: Promise<Head> = Promise.reject(new Error('not begun'));
  connection: DirectConnection | undefined;
  aborted = false;

  constructor() {
    this.head.catch(() => undefined);
  }

  body(): Bytes {
    if (this.connection === undefined) throw new Error('no answer yet');
    return this.connection.body();
  }

  discard(length: number | undefined): void {
    if (length === undefined || length > drainBytes) this.abort(new Error('the rest of the body is not wanted'));
    else void drain(this.body());
  }

  abort(reason: Error): void {
    this.aborted = true;
    this.connection?.destroy(reason);
  }
}

async function drain(bytes: Bytes): Promise<void> {
  try {
    for await (const chunk of bytes) if (chunk.length === 0) break;
  } catch {
    // Nobody wants these bytes, nor to know that they broke off.
  }
}
