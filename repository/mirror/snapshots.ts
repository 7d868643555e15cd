// Apt mirrors of kept generations by number: /apt/<project>/<target>/@<generation>/… README, "Snapshots".
import type { Answer } from '../answer.ts';
import type { Served, ServedBlobs } from '../content.ts';
import { AptMirrors } from './apt.ts';
import type { Signer } from './signer.ts';

/** Generations whose indexes stay rendered. */
const keptMirrors = 4;

/** The number that the path segment means; undefined when it means none. */
export function snapshotNumber(segment: string | undefined): number | undefined {
  const [, digits] = /^@([1-9]\d{0,8})$/.exec(segment ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Answers for generations that are kept, rendered when they are first asked for; each says the time at which it was imported, always. */
export class AptSnapshots {
  private readonly served: readonly Served[];
  private readonly signer: Signer | undefined;
  private readonly mirrors = new Map<string, AptMirrors>();

  constructor(served: readonly Served[], signer: Signer | undefined) {
    this.served = served;
    this.signer = signer;
  }

  /** `segments` follow `/apt/`: project, target, `@number`, path. Undefined when no such generation is kept, or it has no such file. */
  async answer([project = '', target = '', number, ...path]: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    const generation = snapshotNumber(number);
    const snapshot = this.served.find(({ lock }) => lock.metadata.name === project)?.snapshot;
    const content = generation === undefined ? undefined : await snapshot?.(generation);
    if (content === undefined) return undefined;
    const key = `${project} ${generation}`;
    const mirrors = this.mirrors.get(key) ?? new AptMirrors([content], this.signer);
    this.mirrors.delete(key);
    this.mirrors.set(key, mirrors);
    for (const [oldest] of this.mirrors) if (this.mirrors.size > keptMirrors) this.mirrors.delete(oldest);
    return mirrors.answer([project, target, ...path], blobs);
  }
}
