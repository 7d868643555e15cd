// What clients pushed: small fsynced files below <state>/registry; the blobs themselves are in the store. A name component never begins with `_`,
// so `_manifests`, `_tags` and `_blobs` cannot meet a repository of that name.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../bom/canonical-json.ts';
import type { Descriptor, Digest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import { commitFile, makeDirectory, storageError, syncDirectory } from '../../store/durable-file.ts';
import { type Address, isAddress, isRepositoryName, isTag } from './grammar.ts';

/** A pushed manifest and what the referrers list says of it. */
export interface PushedManifest extends Descriptor {
  readonly subject?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PushedRepository {
  readonly tags: Map<string, Address>;
  readonly manifests: Map<Address, PushedManifest>;
  readonly blobs: Map<Address, Descriptor>;
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
        if (kind === '_tags' && isTag(file)) repository.tags.set(file, parseAddress(text.trim()));
        if (kind === '_manifests') repository.manifests.set(parseAddress(file.replace('-', ':')), JSON.parse(text) as PushedManifest);
        if (kind === '_blobs') repository.blobs.set(parseAddress(file.replace('-', ':')), JSON.parse(text) as Descriptor);
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
    for (const { manifests, blobs } of this.repositories.values()) for (const { digest } of [...manifests.values(), ...blobs.values()]) all.add(digest);
    return all;
  }

  /** Lets a repository have a blob that is durable in the store. */
  async linkBlob(name: string, address: Address, blob: Descriptor): Promise<void> {
    await this.alone(async () => {
      const repository = this.make(name);
      if (repository.blobs.has(address)) return;
      const { mediaType, digest, size } = blob;
      await this.write(name, '_blobs', fileOf(address), canonicalJson({ mediaType, digest, size }));
      repository.blobs.set(address, { mediaType, digest, size });
    });
  }

  /** Records a manifest that is durable in the store, and then its tags. `check` runs first, when no other write can come between. */
  async putManifest(name: string, put: { readonly address: Address; readonly manifest: PushedManifest; readonly tags: readonly string[] }, check: () => Promise<void>): Promise<void> {
    const { address, manifest, tags } = put;
    await this.alone(async () => {
      await check();
      const repository = this.make(name);
      if (!repository.manifests.has(address)) await this.write(name, '_manifests', fileOf(address), canonicalJson(manifest));
      repository.manifests.set(address, manifest);
      for (const tag of tags) {
        await this.write(name, '_tags', tag, `${address}\n`);
        repository.tags.set(tag, address);
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
  async deleteManifest(name: string, address: Address): Promise<boolean> {
    return this.alone(async () => {
      const repository = this.repositories.get(name);
      if (repository?.manifests.has(address) !== true) return false;
      for (const [tag, target] of repository.tags) {
        if (target !== address) continue;
        await this.remove(name, '_tags', tag);
        repository.tags.delete(tag);
      }
      await this.remove(name, '_manifests', fileOf(address));
      repository.manifests.delete(address);
      return true;
    });
  }

  /** Takes a blob from a repository; its bytes stay in the store until garbage collection. false: there was none. */
  async deleteBlob(name: string, address: Address): Promise<boolean> {
    return this.alone(async () => {
      const repository = this.repositories.get(name);
      if (repository?.blobs.has(address) !== true) return false;
      await this.remove(name, '_blobs', fileOf(address));
      repository.blobs.delete(address);
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

/** A colon is no good in file names everywhere. */
function fileOf(address: Address): string {
  return address.replace(':', '-');
}

function parseAddress(text: string): Address {
  if (isAddress(text)) return text;
  throw new BundleError('INPUT_DIGEST', { subject: 'record', expected: 'a sha256 or sha512 digest', actual: JSON.stringify(text) });
}
