import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ReceivingSink } from '../../store/file-sink.ts';
import type { Http } from '../../transport/http.ts';

export interface Received { readonly bytes: number; readonly handed: number; readonly file: Buffer; readonly hex: string | undefined; readonly tail: ReceivingSink['tail']; readonly error: unknown }

export interface Receiving {
  readonly sizeBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly there?: Uint8Array;
  readonly stop?: AbortSignal;
  readonly flags?: string;
  /** Written through the page cache. */
  readonly isCached?: boolean;
  /** What is opened for writes past the page cache; the file itself when left out. */
  readonly unbuffered?: string;
  readonly onChunk?: (bytes: number) => void | Promise<void>;
}

let count = 0;

/** Streams `url` into a file in `folder` that begins with `there`; `handed`: bytes that came as chunks and not through the file. */
export async function receive(http: Http, url: string, { folder, ...options }: Receiving & { readonly folder: string }): Promise<Received> {
  const { sizeBytes, headers, there = new Uint8Array(0), stop = new AbortController().signal, flags = 'r+', isCached = flags !== 'r+', onChunk } = options;
  const path = join(folder, String((count += 1)));
  writeFileSync(path, there);
  const fd = openSync(path, flags);
  const unbufferedFd = isCached ? undefined : options.unbuffered === undefined ? openSync(path, constants.O_WRONLY | constants.O_DIRECT) : openSync(options.unbuffered, 'w');
  const sink = new ReceivingSink(fd, sizeBytes, () => unbufferedFd);
  sink.wantTail(Math.floor(sizeBytes / 3));
  let [bytes, handed] = [there.length, 0];
  let error: unknown;
  try {
    for await (const chunk of http.stream(url, { signal: stop, offset: there.length, expectedSize: sizeBytes, borrow: true, into: sink, ...(headers === undefined ? {} : { headers }) })) {
      bytes += chunk.length;
      if (!sink.owns(chunk)) handed += chunk.length;
      await onChunk?.(bytes);
    }
  } catch (cause) {
    error = cause;
  }
  await sink.release();
  closeSync(fd);
  if (unbufferedFd !== undefined) closeSync(unbufferedFd);
  return { bytes, handed, file: readFileSync(path), hex: sink.hex, tail: sink.tail, error };
}

/** All of `content` came through a thread, and that is what it and its tail hashed to. */
export function expectWhole({ bytes, handed, file, hex, tail, error }: Received, content: Uint8Array): void {
  expect(error).toBeUndefined();
  const sha256 = (part: Uint8Array): string => createHash('sha256').update(part).digest('hex');
  const from = Math.floor(content.length / 3);
  expect({ bytes, handed, hex, tail }).toEqual({ bytes: content.length, handed: 0, hex: sha256(content), tail: { from, hex: sha256(content.subarray(from)) } });
  expect(file.equals(content)).toBe(true);
}
