import type { FileOrder, FileResult } from '../bom/ports.ts';
import type { FetchReport, FileTold, SeriesEnd } from './fetch-messages.ts';

/** A series of files that a thread fetches, one after another. */
export class SeriesLane {
  /** How it ended; told once every order was. */
  readonly ended: Promise<SeriesEnd>;
  private readonly ending = Promise.withResolvers<SeriesEnd>();
  private readonly orders: readonly FileOrder[];
  private readonly onResults: (results: readonly FileResult[]) => void;
  private readonly untold: Set<FileOrder>;

  constructor(orders: readonly FileOrder[], onResults: (results: readonly FileResult[]) => void) {
    this.orders = orders;
    this.untold = new Set(orders);
    this.onResults = onResults;
    this.ended = this.ending.promise;
  }

  /** What is still to come, at most. */
  get leftBytes(): number {
    return this.untold.values().reduce((sum, { blob }) => sum + blob.size, 0);
  }

  take(report: FetchReport): void {
    if (report.kind !== 'files') return;
    this.tell(report.files);
    if (report.end !== undefined) this.end(report.end);
  }

  lost(): void {
    this.end({ why: 'broken' });
  }

  private tell(files: readonly FileTold[]): void {
    const results = files.flatMap((file): FileResult[] => {
      const order = this.orders[file.index];
      if (order === undefined || !this.untold.delete(order)) return [];
      if ('fd' in file) return [{ kind: 'whole', order, fd: file.fd, ...(file.tailHex === undefined ? {} : { tailHex: file.tailHex }) }];
      return [{ kind: 'left', order, bytes: file.bytes }];
    });
    if (results.length > 0) this.onResults(results);
  }

  private end(end: SeriesEnd): void {
    const left = [...this.untold];
    this.untold.clear();
    if (left.length > 0) this.onResults(left.map((order): FileResult => (end.why === 'stopped' ? { kind: 'left', order, bytes: 0 } : { kind: 'untried', order })));
    this.ending.resolve(end);
  }
}
