/** Names come from a small vocabulary; whatever goes beyond is made anew each time. */
const maxNames = 512;

interface CachedName { readonly bytes: Uint8Array; readonly text: string; readonly next: CachedName | undefined }

/** Gives the same string object for the same bytes, so that comparing is cheap and nothing is made anew. */
export class XmlNames {
  private readonly held = new Map<number, CachedName>();
  private count = 0;

  /** The text of `bytes` from `from` to `to`. */
  at(bytes: Buffer, from: number, to: number): string {
    let hash = 0;
    for (let index = from; index < to; index += 1) hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
    const first = this.held.get(hash);
    for (let entry = first; entry !== undefined; entry = entry.next) if (sameBytes(entry.bytes, bytes, from, to)) return entry.text;
    const text = bytes.toString('utf8', from, to);
    if (this.count < maxNames) {
      this.held.set(hash, { bytes: Uint8Array.from(bytes.subarray(from, to)), text, next: first });
      this.count += 1;
    }
    return text;
  }
}

function sameBytes(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let index = 0; index < name.length; index += 1) if (name[index] !== bytes[from + index]) return false;
  return true;
}
