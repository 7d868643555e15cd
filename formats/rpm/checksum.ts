import type { RpmChecksum } from './package.ts';

const digits: Readonly<Record<string, number>> = { md5: 32, sha: 40, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 };

/** The checksum that `type` and `text` of a metadata element say (`sha` is an old name of sha1), or undefined when it is none of a known type. */
export function checksumOf(type: string | undefined, text: string): RpmChecksum | undefined {
  const name = type?.toLowerCase() ?? '';
  const value = text.trim().toLowerCase();
  if (!Object.hasOwn(digits, name) || digits[name] !== value.length || !/^[0-9a-f]+$/.test(value)) return undefined;
  return { type: name === 'sha' ? 'sha1' : name, value };
}
