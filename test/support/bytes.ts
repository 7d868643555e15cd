import type { Bytes } from '../../bom/ports.ts';

/** `content` in chunks of `size` bytes. */
export async function* chunked(content: Uint8Array, size = 1000): Bytes {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** The first `length` bytes of `content`, then `error`. */
export async function* broken(content: Uint8Array, length: number, error: Error): Bytes {
  yield* chunked(content.subarray(0, length));
  throw error;
}

export async function collect(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that look random and are the same in every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}
