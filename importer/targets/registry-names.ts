import { layoutName } from '../../bom/bundle.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { hostComponent, parseReference } from '../../bom/reference.ts';

export interface TargetName {
  readonly path: string;
  /** Left out for an image that is known by its digest alone. */
  readonly tag?: string;
}

/** `{host}`, `{path}` and `{name}` (the last part of the path) are filled in; this keeps upstream's names apart. */
export const defaultNameTemplate = '{host}/{path}';

/**
 * What each image is called in the target registry, by its `ref`. An image's own `as` goes before the template. Throws `INPUT_FLAG` for a
 * template that gives no valid name, and `RESOLVE_CONFLICT` when two images would get the same name for different content.
 */
export function targetNames(images: readonly LockedImage[], template: string = defaultNameTemplate): Map<string, TargetName> {
  // Also when no image needs it: a mistake is told where it is made.
  validPath(filled(template, { host: 'registry.example.org', path: 'library/name' }), template);
  const names = new Map<string, TargetName>();
  const taken = new Map<string, LockedImage>();
  for (const image of images) {
    const name = nameOf(image, template);
    const key = `${name.path}:${name.tag ?? image.digest}`;
    const other = taken.get(key);
    if (other !== undefined && other.digest !== image.digest) {
      throw new BundleError('RESOLVE_CONFLICT', {
        subject: `${name.path}:${name.tag ?? ''}`,
        expected: 'one image under that name',
        actual: `${other.ref} (${other.digest}) and ${image.ref} (${image.digest})`,
        next: 'Keep {host} in --name-template, or give one of the images another name with `as`.',
      });
    }
    taken.set(key, image);
    names.set(image.ref, name);
  }
  return names;
}

function nameOf(image: LockedImage, template: string): TargetName {
  const upstream = parseReference(layoutName(image.ref));
  if (image.as !== undefined) {
    const own = parseReference(`example.org/${image.as}`, `name of ${image.ref}`);
    const tag = image.as.includes(':') ? own.tag : upstream.tag ?? own.tag;
    return { path: own.path, ...(tag === undefined ? {} : { tag }) };
  }
  const host = hostComponent(upstream.host);
  return { path: validPath(filled(template, { host, path: upstream.path }), template), ...(upstream.tag === undefined ? {} : { tag: upstream.tag }) };
}

function filled(template: string, { host, path }: { readonly host: string; readonly path: string }): string {
  const values: Readonly<Record<string, string>> = { host, path, name: path.slice(path.lastIndexOf('/') + 1) };
  return template.replace(/\{([a-z]+)\}/g, (whole, key: string) => values[key] ?? whole);
}

function validPath(path: string, template: string): string {
  try {
    return parseReference(`example.org/${path}`).path;
  } catch (cause) {
    throw new BundleError('INPUT_FLAG', {
      subject: `--name-template ${template}`, expected: 'a template of {host}, {path}, {name} and lower-case text that gives a repository name', actual: JSON.stringify(path),
    }, { cause });
  }
}
