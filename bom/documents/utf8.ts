import { BundleError } from '../errors.ts';

/** The text of a document. Throws `INPUT_SYNTAX` with line and column for bytes that are no UTF-8: what stood there must not be carried on as something else. */
export function documentText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const before = new TextDecoder().decode(bytes).split('\uFFFD', 1)[0]?.split('\n') ?? [];
    const place = `${file}:${Math.max(1, before.length)}:${(before.at(-1)?.length ?? 0) + 1}`;
    throw new BundleError('INPUT_SYNTAX', { subject: place, expected: 'text in UTF-8', actual: 'bytes that are none', next: 'Save the document as UTF-8.' }, { cause });
  }
}
