// What a tree of files of another system is made of, before anything is written.
import type { Descriptor } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import { isSafePath } from '../../../formats/archive/tar-header.ts';
import type { FilePart } from '../../../formats/oci/docker-archive-writer.ts';

export interface LayoutFile {
  /** Below the folder: relative, with `/`. */
  readonly path: string;
  /** A whole blob, bytes, or both in order. */
  readonly content: Descriptor | Uint8Array | readonly FilePart[];
  /** Octal, as text; "0644" by default. */
  readonly mode?: string;
}

export interface Layout {
  readonly files: readonly LayoutFile[];
  /** What the bundle has and the layout has no place for, and why. */
  readonly skipped: readonly { readonly what: string; readonly because: string }[];
}

/** The files in order of their paths. Throws `RESOLVE_CONFLICT` when two of them have one path and not the same content, or one's path is below the other. */
export function checkedFiles(layout: Layout): readonly LayoutFile[] {
  const byPath = new Map<string, LayoutFile>();
  const conflict = (path: string, actual: string): never => {
    throw new BundleError('RESOLVE_CONFLICT', { subject: path, expected: 'one content under that name', actual, next: 'Give one of them another name (saveAs of a file, as of an image), or leave it out with the project\'s selection.' });
  };
  for (const file of layout.files) {
    if (!isSafePath(file.path)) throw new BundleError('INPUT_FIELD', { subject: file.path, expected: 'a path below the folder, without control characters', actual: JSON.stringify(file.path) });
    const other = byPath.get(file.path);
    if (other !== undefined && identity(other) !== identity(file)) conflict(file.path, `${identity(other)} and ${identity(file)}`);
    byPath.set(file.path, file);
  }
  for (const path of byPath.keys()) {
    for (let parent = path.lastIndexOf('/'); parent > 0; parent = path.lastIndexOf('/', parent - 1)) if (byPath.has(path.slice(0, parent))) conflict(path.slice(0, parent), `a file, and a folder with ${path} in it`);
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function identity({ content }: LayoutFile): string {
  if (content instanceof Uint8Array) return `text ${JSON.stringify(new TextDecoder().decode(content.subarray(0, 200)))}`;
  return 'digest' in content ? content.digest : content.map((part) => (part instanceof Uint8Array ? new TextDecoder('latin1').decode(part.subarray(0, 400)) : part.digest)).join(' ');
}
