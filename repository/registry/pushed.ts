// What clients pushed: small fsynced files below <state>/registry; the blobs themselves are in the store. A name component never begins with `_`,
// so `_manifests`, `_tags` and `_blobs` cannot meet a repository of that name.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../bom/canonical-json.ts';
import { type Descriptor, type Digest, digestFromHex, hexOf, parseDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { commitFile, makeDirectory, storageError, syncDirectory } from '../../store/durable-file.ts';
import { isRepositoryName, isTag } from './grammar.ts';

/** A pushed manifest and what the referrers list says of it. */
export interface PushedManifest extends Descriptor {
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Digests of manifests, configs and layers that it names: what must stay while it does. */
  readonly needs: readonly Digest[];
}

export interface PushedRepository {
  readonly tags: Map<string, Digest>;
  readonly manifests: Map<Digest, PushedManifest>;
  readonly blobs: Map<Digest, Descriptor>;
}

/**
 * Invariants: a manifest file *must* be written after the blob that it names is durable, a tag after its manifest; what is in memory *must* be on the
 * disk before. Writes are one after the other, so that files and memory agree on who was last.
 */
export class Pushed {
  private readonly folder: string;
  private readonly repositories = new Map<string, PushedRepository>();
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Reads what earlier runs left below `state`. Throws `STORAGE_IO` naming a file that is damaged. */
  static async open(state: string): Promise<Pushed> {
    const pushed = new Pushed(join(state, 'registry'));
    await makeDirectory(pushed.folder);
    await pushed.load('');
    return pushed;
  }

  private async load(name: string): Promise<void> {
    for (const entry of await readdir(join(this.folder, name), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      if (!entry.name.startsWith('_')) await this.load(name === '' ? entry.name : `${name}/${entry.name}`);
      else if (isRepositoryName(name)) await this.loadEntries(name, entry.name);
    }
  }

  private async loadEntries(name: string, kind: string): Promise<void> {
    const folder = join(this.folder, name, kind);
    const repository = this.make(name);
    for (const file of await readdir(folder)) {
      if (file.endsWith('.tmp')) continue;
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      try {
        if (kind === '_tags' && isTag(file)) repository.tags.set(file, parseDigest(text.trim(), path));
        if (kind === '_manifests') repository.manifests.set(digestFromHex(file, path), JSON.parse(text) as PushedManifest);
        if (kind === '_blobs') repository.blobs.set(digestFromHex(file, path), JSON.parse(text) as Descriptor);
      } catch (cause) {
        throw new BundleError('STORAGE_IO', { subject: path, expected: 'a record of a push', actual: (cause as Error).message, next: 'Remove the file and push the image again.' }, { cause });
      }
    }
  }

  get(name: string): PushedRepository | undefined {
    return this.repositories.get(name);
  }

  names(): readonly string[] {
    return [...this.repositories].filter(([, repository]) => repository.manifests.size + repository.blobs.size > 0).map(([name]) => name);
  }

  /** Every digest that a push made needed: roots for the store's garbage collection. */
  digests(): Set<Digest> {
    const all = new Set<Digest>();
    for (const { manifests, blobs } of this.repositories.values()) for (const digest of [...manifests.keys(), ...blobs.keys()]) all.add(digest);
    return all;
  }

  /** Lets a repository have a blob that is durable in the store. */
  async linkBlob(name: string, blob: Descriptor): Promise<void> {
    await this.alone(async () => {
      const repository = this.make(name);
      if (repository.blobs.has(blob.digest)) return;
      const { mediaType, digest, size } = blob;
      await this.write(name, '_blobs', hexOf(digest), canonicalJson({ mediaType, digest, size }));
      repository.blobs.set(digest, { mediaType, digest, size });
    });
  }

  /** Records a manifest that is durable in the store, and then its tags. `check` runs first, when no other write can come between. */
  async putManifest(name: string, manifest: PushedManifest, tags: readonly string[], check: () => Promise<void>): Promise<void> {
    await this.alone(async () => {
      await check();
      const repository = this.make(name);
      if (!repository.manifests.has(manifest.digest)) await this.write(name, '_manifests', hexOf(manifest.digest), canonicalJson(manifest));
      repository.manifests.set(manifest.digest, manifest);
      for (const tag of tags) {
        await this.write(name, '_tags', tag, `${manifest.digest}\n`);
        repository.tags.set(tag, manifest.digest);
      }
    });
  }

  /** false: there was no such tag. */
  async deleteTag(name: string, tag: string): Promise<boolean> {
    return this.alone(async () => {
      const repository = this.repositories.get(name);
      if (repository?.tags.has(tag) !== true) return false;
      await this.remove(name, '_tags', tag);
      repository.tags.delete(tag);
      return true;
    });
  }

  /** Removes a manifest and, before it, every tag that names it. false: there was none. */
  async deleteManifest(name: string, digest: Digest): Promise<boolean> {
    return this.alone(async () => {
      const repository = this.repositories.get(name);
      if (repository?.manifests.has(digest) !== true) return false;
      for (const [tag, target] of repository.tags) {
        if (target !== digest) continue;
        await this.remove(name, '_tags', tag);
        repository.tags.delete(tag);
      }
      await this.remove(name, '_manifests', hexOf(digest));
      repository.manifests.delete(digest);
      return true;
    });
  }

  /** Takes a blob from a repository; its bytes stay in the store until garbage collection. false: there was none. */
  async deleteBlob(name: string, digest: Digest): Promise<boolean> {
    return this.alone(async () => {
      const repository = this.repositories.get(name);
      if (repository?.blobs.has(digest) !== true) return false;
      await this.remove(name, '_blobs', hexOf(digest));
      repository.blobs.delete(digest);
      return true;
    });
  }

  private make(name: string): PushedRepository {
    const repository = this.repositories.get(name) ?? { tags: new Map(), manifests: new Map(), blobs: new Map() };
    this.repositories.set(name, repository);
    return repository;
  }

  private async write(name: string, kind: string, file: string, content: string): Promise<void> {
    await makeDirectory(join(this.folder, name, kind));
    await commitFile(join(this.folder, name, kind, file), content);
  }

  private async remove(name: string, kind: string, file: string): Promise<void> {
    const folder = join(this.folder, name, kind);
    try {
      await rm(join(folder, file), { force: true });
    } catch (cause) {
      throw storageError(join(folder, file), cause);
    }
    await syncDirectory(folder);
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => undefined);
    return turn;
  }
}
