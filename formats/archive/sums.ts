// SHA256SUMS: GNU coreutils manual, "md5sum invocation" (the form that `sha256sum -c` reads). FORMAT.md, section 7.
import { type Digest, hexOf } from '../../bom/digest.ts';

export interface Sum {
  readonly path: string;
  readonly digest: Digest;
}

/** One line; paths of this format need no escaping (no newline, no backslash). */
export function sumLine({ path, digest }: Sum): string {
  return `${hexOf(digest)}  ${path}\n`;
}

/** Lines in code unit order of their paths, each path once. */
export function sumText(sums: Iterable<Sum>): string {
  return [...sums].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)).map(sumLine).join('');
}
