import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../bom/canonical-json.ts';
import type { Digest } from '../bom/digest.ts';
import { BundleError } from '../bom/errors.ts';
import type { Lock } from '../bom/lock.ts';
import type { Served } from '../repository/content.ts';
import { commitFile, storageError } from '../store/durable-file.ts';
import { type Generation, Generations } from '../store/generations.ts';
import type { Store } from '../store/store.ts';
import { lockOf } from './generation-lock.ts';

/** project -> the generation that was served last and the date (seconds) it was given. */
export type Dates = Readonly<Record<string, { readonly generation: number; readonly date: number }>>;

const pollMs = 100;
const olderKept = 4;

/**
 * The current generations of a store as the service wants them, looked at again whenever a switch was made. Every switch gets a date
 * of its own, max(now, last + 1 s), kept in `<root>/release-dates.json`: apt silently ignores a Release that is older than the last.
 */
export class GenerationContents {
  private readonly store: Store;
  private readonly generations: Generations;
  private readonly nowMs: () => number;
  private current: readonly Served[] = [];
  private stamp = '';
  private timer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> = Promise.resolve();
  private readonly warned = new Set<string>();
  private tell: (() => void) | undefined;
  /** What was read and is still in use somewhere, such as for clients of the generation before: going back reads nothing. */
  private readonly read = new Map<Digest, WeakRef<Lock>>();

  private constructor(store: Store, nowMs: () => number) {
    this.store = store;
    this.generations = new Generations(store.root);
    this.nowMs = nowMs;
  }

  static async open(store: Store, nowMs: () => number): Promise<GenerationContents> {
    const contents = new GenerationContents(store, nowMs);
    await contents.refresh();
    contents.schedule();
    return contents;
  }

  served(): readonly Served[] {
    return this.current;
  }

  /** `listener` is called whenever `served` gives something else. */
  onChange(listener: () => void): void {
    this.tell = listener;
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.refreshing;
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.refreshing = this.refresh()
        // The last good content stays until the next one can be read.
        .catch((cause: unknown) => { process.stderr.write(`longshore: cannot read the new generation: ${cause instanceof Error ? cause.message : String(cause)}\n`); })
        .finally(() => this.schedule());
    }, pollMs);
    this.timer.unref();
  }

  private async lockOf(generation: Generation): Promise<Lock> {
    const known = this.read.get(generation.lock)?.deref();
    if (known !== undefined) return known;
    for (const [digest, lock] of this.read) if (lock.deref() === undefined) this.read.delete(digest);
    const lock = await lockOf(this.store, generation);
    this.read.set(generation.lock, new WeakRef(lock));
    return lock;
  }

  /** Locks of the generations before, newest first: clients that began with one of them finish on it. */
  private async older(project: string, id: number): Promise<Lock[]> {
    const before = (await this.generations.list(project)).filter((each) => each.id < id && each.collected !== true).toReversed();
    const locks: Lock[] = [];
    for (const generation of before) {
      if (locks.length === olderKept) break;
      // A generation whose blobs were collected is history only.
      if (await this.store.has(generation.lock)) locks.push(await this.lockOf(generation));
    }
    return locks;
  }

  private async snapshot(project: string, id: number): Promise<Served | undefined> {
    const generation = (await this.generations.list(project)).find((each) => each.id === id && each.collected !== true);
    if (generation === undefined || !(await this.store.has(generation.lock))) return undefined;
    return { lock: await this.lockOf(generation), generation: id, date: Math.floor(Date.parse(generation.importedAt) / 1000) };
  }

  /** Once for each text, not at every look. */
  private warn(text: string): void {
    if (this.warned.has(text)) return;
    this.warned.add(text);
    process.stderr.write(`warning: ${text}\n`);
  }

  /** A full disk must not keep a machine from serving: the next start dates the switch anew, and later. */
  private async keepDates(path: string, dates: Dates): Promise<void> {
    try {
      await commitFile(path, `${canonicalJson(dates)}\n`);
    } catch (cause) {
      if (!(cause instanceof BundleError) || cause.code !== 'STORAGE_SPACE') throw cause;
      this.warn(`${path} cannot be written: ${cause.facts.actual}. \`longshore gc\` makes room`);
    }
  }

  private async refresh(): Promise<void> {
    const stamp = await this.generations.stamp();
    if (stamp === this.stamp) return;
    const path = join(this.store.root, 'release-dates.json');
    const before = await readDates(path);
    const after: Record<string, { generation: number; date: number }> = { ...before };
    const served: Served[] = [];
    const unreadable: string[] = [];
    for (const project of await this.generations.projects()) {
      const generation = await this.generations.current(project);
      if (generation === undefined) continue;
      const last = before[project];
      const date = last?.generation === generation.id ? last.date : Math.max(Math.floor(this.nowMs() / 1000), (last?.date ?? 0) + 1);
      after[project] = { generation: generation.id, date };
      const known = this.current.find((each) => each.lock.metadata.name === project && each.generation === generation.id);
      try {
        served.push(known?.date === date ? known : { lock: await this.lockOf(generation), generation: generation.id, date, older: await this.older(project, generation.id), snapshot: (id) => this.snapshot(project, id) });
      } catch (error) {
        // One project whose medium is gone must not take the others down; it is tried again until it is back.
        if (!(error instanceof BundleError) || error.family !== 'integrity') throw error;
        unreadable.push(project);
        this.warn(`project ${project} cannot be served: ${error.message}. ${error.next}`);
      }
    }
    if (canonicalJson(before) !== canonicalJson(after)) await this.keepDates(path, after);
    const isChanged = served.length !== this.current.length || served.some((each, index) => each !== this.current[index]);
    this.current = served;
    if (unreadable.length === 0) this.warned.clear();
    this.stamp = unreadable.length === 0 ? stamp : '';
    if (isChanged) this.tell?.();
  }
}

export async function readDates(path: string): Promise<Dates> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Dates;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw storageError(path, cause);
  }
}
