/** Places, lengths and memory of reads and writes past the page cache are multiples of this: no smaller than the blocks of any disk. */
export const blockBytes = 4096;

/** Memory that begins where a page does; that of a Buffer begins anywhere. undefined under a limit on addresses, of which it takes many more than bytes. */
export function blockMemory(sizeBytes: number): Uint8Array | undefined {
  const pages = Math.ceil(sizeBytes / 65_536);
  try {
    return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer, 0, sizeBytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}

/** Whether a file system says with this code that it goes no way past the page cache, or not with this memory: on opening, or not before the first read or write. */
export function refusesBlocks(code: string | undefined): boolean {
  return code !== undefined && ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(code);
}
