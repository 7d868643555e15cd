// Names that are one name elsewhere: vfat and exFAT (USB sticks) do not tell upper from lower case, HFS+ and APFS not spellings that are equal after Unicode normalisation either.
import type { FileRequirement } from '../bom/requirement.ts';

type Named = Pick<FileRequirement, 'name' | 'usedBy' | 'at'>;

/** Two files of which a case-insensitive file system keeps one; or a file where it needs a folder. */
export interface Alike<F extends Named> {
  readonly file: F;
  readonly other: F;
}

/** Every file that is alike an earlier one, in order. */
export function alikeNames<F extends Named>(files: readonly F[]): Alike<F>[] {
  const names = new Map<string, F>();
  const folders = new Map<string, F>();
  const found: Alike<F>[] = [];
  for (const file of files) {
    const own = folded(file.name);
    const above = parentsOf(own);
    const other = names.get(own) ?? folders.get(own) ?? above.map((folder) => names.get(folder)).find((each) => each !== undefined);
    if (other !== undefined) found.push({ file, other });
    if (!names.has(own)) names.set(own, file);
    for (const folder of above) if (!folders.has(folder)) folders.set(folder, file);
  }
  return found;
}

function folded(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFD');
}

function parentsOf(name: string): string[] {
  const parts = name.split('/');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
