// Members of tars as Go's archive/tar writes them where only name, mode and size are set: ustar, POSIX.1-1988.
import type { Bytes } from '../../bom/ports.ts';
import { blockBytes, paddedSize } from './tar-header.ts';

/** Sizes from here on go into tar headers in a way of Go's own. */
export const maxGoTarBytes = 2 ** 33 - 1;

/** One file of mode 0644, no times, no owners. `path`: ASCII, under 100; `content` has `size` bytes, at most {@link maxGoTarBytes}. */
export async function* goTarMember(path: string, size: number, content: Bytes | readonly Uint8Array[]): Bytes {
  yield headerOf(path, size);
  yield* content;
  yield Buffer.alloc(paddedSize(size) - size);
}

export const goTarEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** Octal digits to the end of a field, one NUL; the checksum six digits, NUL, space. */
function headerOf(path: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, width: number): void => { block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1'); };
  block.write(path, 0, 'latin1');
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write('        0', 148, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(0, 329, 8);
  octal(0, 337, 8);
  octal(block.reduce((sum, byte) => sum + byte, 0), 148, 7);
  return block;
}
