import { execFileSync } from 'node:child_process';

/** `bytes` as one bzip2 stream, by bzip2(1). */
export function bzip2(bytes: Uint8Array, level = 9): Uint8Array {
  return execFileSync('bzip2', [`-${level}`, '-c'], { input: bytes, maxBuffer: 1 << 28 });
}
