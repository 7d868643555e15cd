import { BundleError } from '../bom/errors.ts';

/** Bytes that fit on one medium, file system included. */
const media: Readonly<Record<string, number>> = {
  cd: 700_000_000,
  dvd: 4_690_000_000,
  'dvd-dl': 8_530_000_000,
  bd: 25_000_000_000,
  /** The largest file that FAT32 can hold. */
  fat32: 2 ** 32 - 1,
};

const units: Readonly<Record<string, number>> = {
  '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
};

/** Bytes of a volume: `700MB`, `4GiB`, `4G` (binary), plain bytes, or a medium: cd, dvd, dvd-dl, bd, fat32. Throws `INPUT_FLAG`. */
export function parseVolumeSize(text: string): number {
  const medium = media[text.toLowerCase()];
  if (medium !== undefined) return medium;
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)\s?([A-Za-z]{0,3})$/.exec(text) ?? [];
  const factor = units[unit];
  const bytes = number === undefined || factor === undefined ? Number.NaN : Math.floor(Number(number) * factor);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new BundleError('INPUT_FLAG', { subject: '--split', expected: `a size such as 4GiB or 700MB, or one of ${Object.keys(media).join(', ')}`, actual: JSON.stringify(text) });
}
