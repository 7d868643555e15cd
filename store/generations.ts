// Generations: what the repository machine serves after one import. ARCHITECTURE.md, "Repository machine".
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../bom/canonical-json.ts';
import { type Digest, parseDigest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import { commitFile, commitNewFile, commitRename, makeDirectory, storageError } from './durable-file.ts';

export interface Generation {
  /** 1, 2, … per project, in order of import. */
  readonly id: number;
  readonly project: string;
  /** The lock's. */
  readonly sequence: number;
  readonly bundle: Digest;
  readonly lock: Digest;
  readonly lockSize: number;
  /** ISO 8601, UTC. */
  readonly importedAt: string;
  /** Digest of the archive's manifest; absent when it came without one (jump host). */
  readonly archive?: Digest;
  /** Fingerprint of the key that signed the archive. */
  readonly signedBy?: string;
  /** Its content was taken away by garbage collection: it is history only. Told by the record's name, not its text. */
  readonly collected?: true;
}

const recordName = /^\d+(\.collected)?\.json$/;
const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * `<root>/generations/<project>/<id>.json`, and `current`, a file that holds the id served. Each is written by `commitFile`: a switch is one
 * rename, so a reader sees the one generation or the other. `highest` keeps the highest sequence ever imported, against replays. A generation whose
 * content is given up becomes `<id>.collected.json` before anything of it goes: a rename, which a full disk allows.
 */
export class Generations {
  private readonly folder: string;

  constructor(root: string) {
    this.folder = join(root, 'generations');
  }

  /** Projects that have a generation, sorted. */
  async projects(): Promise<string[]> {
    return (await listFolder(this.folder)).filter((name) => namePattern.test(name)).sort();
  }

  /** Every generation of a project, oldest first. */
  async list(project: string): Promise<Generation[]> {
    const names = (await listFolder(this.projectFolder(project))).filter((name) => recordName.test(name));
    const generations = await Promise.all(names.map((name) => this.read(project, Number.parseInt(name, 10))));
    return generations.sort((a, b) => a.id - b.id);
  }

  /** Makes a generation history only, which it stays: it can be listed, and not be served any more. Nothing when it is that already. */
  async collect(project: string, id: number): Promise<void> {
    const path = join(this.projectFolder(project), `${id}.json`);
    if ((await readOptional(path)) === undefined) return;
    await commitRename(path, join(this.projectFolder(project), `${id}.collected.json`));
  }

  /** The generation served; `undefined` before the first switch. */
  async current(project: string): Promise<Generation | undefined> {
    const text = await readOptional(join(this.projectFolder(project), 'current'));
    return text === undefined ? undefined : this.read(project, Number.parseInt(text, 10));
  }

  /** Writes the next generation without serving it yet. */
  async add(generation: Omit<Generation, 'id'>): Promise<Generation> {
    await makeDirectory(this.projectFolder(generation.project));
    let next: Generation;
    do {
      const last = (await this.list(generation.project)).at(-1)?.id ?? 0;
      next = { ...generation, id: last + 1 };
      // Two imports at once: the number goes to the one whose file is there first.
    } while (!(await commitNewFile(join(this.projectFolder(next.project), `${next.id}.json`), `${canonicalJson(next)}\n`)));
    const highest = await this.highestSequence(next.project);
    if (next.sequence > highest) await commitFile(join(this.projectFolder(next.project), 'highest'), `${next.sequence}\n`);
    return next;
  }

  /** Makes a generation the one served: one rename. */
  async switchTo(project: string, id: number): Promise<Generation> {
    const generation = await this.read(project, id);
    if (generation.collected === true) {
      throw new BundleError('INPUT_FLAG', {
        subject: `project ${project}`, expected: 'a generation whose content is here', actual: `generation ${id}, which was given up by \`longshore gc\``,
        next: 'See `longshore history`; to serve it again, import its archive with --allow-downgrade.',
      });
    }
    await commitFile(join(this.projectFolder(project), 'current'), `${id}\n`);
    return generation;
  }

  /** The highest lock sequence ever imported for a project; 0 before the first. */
  async highestSequence(project: string): Promise<number> {
    const text = await readOptional(join(this.projectFolder(project), 'highest'));
    const listed = (await this.list(project)).map((generation) => generation.sequence);
    return Math.max(0, text === undefined ? 0 : Number.parseInt(text, 10), ...listed);
  }

  /** Changes whenever any project's current generation does: what a running server watches. */
  async stamp(): Promise<string> {
    const parts = await Promise.all((await this.projects()).map(async (project) => {
      const path = join(this.projectFolder(project), 'current');
      const { ino, mtimeMs } = await stat(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return { ino: 0, mtimeMs: 0 };
        throw storageError(path, cause);
      });
      return `${project}:${ino}:${mtimeMs}`;
    }));
    return parts.join(' ');
  }

  private async read(project: string, id: number): Promise<Generation> {
    const path = join(this.projectFolder(project), `${id}.json`);
    const servable = await readOptional(path);
    const text = servable ?? (await readOptional(join(this.projectFolder(project), `${id}.collected.json`)));
    if (text === undefined) {
      const known = (await listFolder(this.projectFolder(project))).filter((name) => recordName.test(name)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
      throw new BundleError('INPUT_FLAG', { subject: `project ${project}`, expected: `one of generations ${known.join(', ') || '(none)'}`, actual: `generation ${id}` });
    }
    try {
      const raw = JSON.parse(text) as Generation;
      return { ...raw, bundle: parseDigest(raw.bundle, path), lock: parseDigest(raw.lock, path), ...(servable === undefined ? { collected: true } : {}) };
    } catch (cause) {
      throw new BundleError('STORAGE_IO', { subject: path, expected: 'a generation record', actual: (cause as Error).message, next: 'Restore the file, or import the archive again.' }, { cause });
    }
  }

  private projectFolder(project: string): string {
    if (!namePattern.test(project)) {
      throw new BundleError('INPUT_FIELD', { subject: `project ${JSON.stringify(project)}`, expected: 'a name of a-z, 0-9 and - (at most 63 characters)', actual: JSON.stringify(project) });
    }
    return join(this.folder, project);
  }
}

async function listFolder(path: string): Promise<string[]> {
  return readdir(path).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw storageError(path, cause);
  });
}

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw storageError(path, cause);
  });
}
