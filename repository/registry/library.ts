// The repositories that the served locks make: names, tags, manifests, blobs. README "Repository machine": image names.
import { layoutName } from '../../bom/bundle.ts';
import type { Descriptor, Digest } from '../../bom/digest.ts';
import type { Lock, LockedImage, LockedReferrer } from '../../bom/lock.ts';
import { hostComponent } from '../../bom/reference.ts';
import type { Served } from '../content.ts';

export interface Repository {
  readonly name: string;
  readonly tags: Map<string, Digest>;
  readonly manifests: Map<Digest, Descriptor>;
  readonly blobs: Map<Digest, Descriptor>;
  /** Subject -> what refers to it. */
  readonly referrers: Map<Digest, LockedReferrer[]>;
  /** Projects whose lock put something here. */
  readonly projects: Set<string>;
}

/** A reference in parts. `reference` is a tag or a digest. */
export interface NameParts {
  readonly host: string;
  readonly path: string;
  readonly tag: string | undefined;
}

export function partsOf(ref: string): NameParts {
  const bare = ref.split('@', 1)[0] ?? ref;
  const slash = bare.indexOf('/');
  const colon = bare.lastIndexOf(':');
  const tagged = colon > slash;
  return { host: bare.slice(0, Math.max(slash, 0)), path: bare.slice(slash + 1, tagged ? colon : undefined), tag: tagged ? bare.slice(colon + 1) : undefined };
}

/** What the image is called here: `as` of its requirement, and always `<upstream host>/<path>`. */
export function namesOf(image: LockedImage): readonly { readonly name: string; readonly tag: string | undefined }[] {
  const { host, path, tag } = partsOf(layoutName(image.ref));
  const upstream = { name: host === '' ? path : `${hostComponent(host)}/${path}`, tag };
  if (image.as === undefined) return [upstream];
  const as = partsOf(`/${image.as}`);
  return [upstream, { name: as.path, tag: as.tag ?? tag }];
}

/** `name:tag` that stands for several digests. */
function sharedTags(locks: readonly Lock[]): ReadonlySet<string> {
  const digests = new Map<string, Digest>();
  const shared = new Set<string>();
  for (const image of locks.flatMap(({ spec }) => spec.images)) {
    for (const { name, tag } of namesOf(image)) {
      const key = `${name}:${tag}`;
      if (tag !== undefined && (digests.get(key) ?? image.digest) !== image.digest) shared.add(key);
      digests.set(key, digests.get(key) ?? image.digest);
    }
  }
  return shared;
}

/**
 * All that the locks serve as images. Made once for each content and never changed, so that a reader in flight keeps what it began with. Where two
 * projects give one tag different digests, the plain name serves that of the project whose name sorts first, and each is at
 * `projects/<project>/<name>` too: nothing changes with the order of imports, and nothing is out of reach.
 */
export class Library {
  private readonly repositories = new Map<string, Repository>();
  /** Bare path -> full names that end in it. */
  private readonly bare = new Map<string, Set<string>>();

  constructor(served: readonly Served[]) {
    const locks = served.map(({ lock }) => lock).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const shared = sharedTags(locks);
    for (const lock of locks) {
      for (const image of lock.spec.images) {
        for (const { name, tag } of namesOf(image)) {
          this.add(name, tag, image).projects.add(lock.metadata.name);
          if (shared.has(`${name}:${tag}`)) this.add(`projects/${lock.metadata.name}/${name}`, tag, image).projects.add(lock.metadata.name);
        }
        const { host, path } = partsOf(image.ref);
        if (host === '') continue;
        const full = this.bare.get(path) ?? new Set();
        this.bare.set(path, full.add(`${hostComponent(host)}/${path}`));
      }
    }
  }

  private add(name: string, tag: string | undefined, image: LockedImage): Repository {
    const repository = this.repositories.get(name)
      ?? { name, tags: new Map(), manifests: new Map(), blobs: new Map(), referrers: new Map(), projects: new Set() };
    this.repositories.set(name, repository);
    const root = { mediaType: image.mediaType, digest: image.digest, size: image.size };
    repository.manifests.set(root.digest, root);
    for (const { mediaType, digest, size } of image.manifests) repository.manifests.set(digest, { mediaType, digest, size });
    for (const blob of image.blobs) repository.blobs.set(blob.digest, blob);
    if (tag !== undefined && !repository.tags.has(tag)) repository.tags.set(tag, image.digest);
    for (const referrer of image.referrers ?? []) {
      const { mediaType, digest, size } = referrer;
      repository.manifests.set(digest, { mediaType, digest, size });
      // The tag that stands in for the referrers API names a list, not the referrer: who asks here has the API.
      if (referrer.tag?.includes('.') === true) repository.tags.set(referrer.tag, digest);
      const known = repository.referrers.get(referrer.subject) ?? [];
      if (!known.some((other: LockedReferrer) => other.digest === digest)) known.push(referrer);
      repository.referrers.set(referrer.subject, known);
    }
    return repository;
  }

  get(name: string): Repository | undefined {
    return this.repositories.get(name);
  }

  /** Full names for which `path` could stand. One: it is an alias. Several: it is ambiguous and stands for none. */
  fullNames(path: string): readonly string[] {
    return [...(this.bare.get(path) ?? [])].sort();
  }

  list(): readonly Repository[] {
    return [...this.repositories.values()];
  }
}
