import type { Answer } from './answer.ts';
import type { Served, ServedBlobs } from './content.ts';
import { ChartTree, FileTree, gitFiles } from './files/files.ts';
import { AptMirrors } from './mirror/apt.ts';
import type { Signer } from './mirror/signer.ts';
import { AptSnapshots, snapshotNumber } from './mirror/snapshots.ts';
import { YumMirrors } from './mirror/yum.ts';
import { Library } from './registry/library.ts';

/** Earlier views that stay readable by digest, for clients that began before a switch. */
const olderLimit = 4;

/** All that one content is served as. Made whole, then swapped in: a request keeps the view it began with. */
export class View {
  readonly served: readonly Served[];
  readonly library: Library;
  readonly apt: AptMirrors;
  readonly snapshots: AptSnapshots;
  readonly yum: YumMirrors;
  readonly files: FileTree;
  readonly charts: ChartTree;
  readonly git: FileTree;
  private older: readonly View[];

  constructor(served: readonly Served[], signer: Signer | undefined, before?: View) {
    this.served = [...served];
    this.library = new Library(served);
    this.apt = new AptMirrors(served, signer);
    this.snapshots = new AptSnapshots(served, signer);
    this.yum = new YumMirrors(served, signer);
    this.files = new FileTree(served);
    this.charts = new ChartTree(served);
    this.git = new FileTree(served, 'Git bundles', gitFiles);
    this.older = before === undefined || before.served.length === 0 ? olderViews(served) : [before, ...before.older].slice(0, olderLimit);
  }

  /** Renders every index, so that a switch to this view shows finished ones only. */
  async prepare(blobs: ServedBlobs): Promise<void> {
    await this.apt.prepare();
    await this.yum.prepare(blobs);
  }

  /** Whether this is the view of `served`: the same locks, in the same order. */
  isOf(served: readonly Served[]): boolean {
    return served.length === this.served.length
      && served.every((item, position) => item.lock === this.served[position]?.lock && item.date === this.served[position]?.date);
  }

  /** Libraries to read digests from, the current one first. */
  get libraries(): readonly Library[] {
    return [this.library, ...this.older.map(({ library }) => library)];
  }

  /** A file of an apt mirror. What a Release of an earlier generation leads to (by-hash indexes, packages) is found too; `@<number>` behind the target is a kept generation. */
  async aptFile(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    if (snapshotNumber(segments[2]) !== undefined) return this.snapshots.answer(segments, blobs);
    const answer = await this.apt.answer(segments, blobs);
    if (answer !== undefined || !(segments.includes('by-hash') || segments.includes('pool'))) return answer;
    for (const view of this.older) {
      const earlier = await view.apt.answer(segments, blobs);
      if (earlier !== undefined) return earlier;
    }
    return undefined;
  }

  /** A file of a yum mirror. What a repomd.xml of an earlier generation leads to (indexes, packages) is found too. */
  async yumFile(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    const isRoot = ['repomd.xml', 'repomd.xml.asc'].includes(segments.at(-1) ?? '');
    for (const { yum } of isRoot ? [this] : [this, ...this.older]) {
      const answer = await yum.answer(segments, blobs);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** The chart index, or a chart; one that an index of before a switch names is found too. */
  async chartFile(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    for (const { charts } of segments[0] === 'index.yaml' ? [this] : [this, ...this.older]) {
      const answer = await charts.answer(segments, blobs);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** Lets go of the views before, when another view holds them now. */
  retire(): void {
    this.older = [];
  }
}

/** Views of what the locks bring along from before this process began. */
function olderViews(served: readonly Served[]): View[] {
  const views: View[] = [];
  for (let age = 0; age < olderLimit; age += 1) {
    const locks = served.flatMap(({ older, date }): Served[] => {
      const lock = older?.[age];
      return lock === undefined ? [] : [{ lock, date }];
    });
    if (locks.length === 0) break;
    views.push(new View(locks, undefined));
  }
  return views;
}
