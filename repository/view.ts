import { ChartTree, FileTree } from './files/files.ts';
import type { Served } from './content.ts';
import { AptMirrors } from './mirror/apt.ts';
import type { Signer } from './mirror/signer.ts';
import { Library } from './registry/library.ts';

/** All that one content is served as. Made whole, then swapped in: a request keeps the view it began with. */
export class View {
  readonly served: readonly Served[];
  readonly library: Library;
  readonly apt: AptMirrors;
  readonly files: FileTree;
  readonly charts: ChartTree;

  constructor(served: readonly Served[], signer: Signer | undefined) {
    this.served = [...served];
    this.library = new Library(served);
    this.apt = new AptMirrors(served, signer);
    this.files = new FileTree(served);
    this.charts = new ChartTree(served);
  }

  /** Whether this is the view of `served`: the same locks, in the same order. */
  isOf(served: readonly Served[]): boolean {
    return served.length === this.served.length
      && served.every((item, position) => item.lock === this.served[position]?.lock && item.date === this.served[position]?.date);
  }
}
