// The universe that ours reads: the same files as dnf.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { readPrimary } from '../../../formats/rpm/primary.ts';
import type { SolvRepository } from '../../../downloader/solver/solv-universe.ts';
import { RpmUniverse } from '../../../downloader/solver/solv-universe.ts';

export interface RepositoryFiles extends SolvRepository { readonly primary: string }

/** Repositories in the order in which dnf takes them: priority, cost, then as given. */
export async function loadUniverse(repositories: readonly RepositoryFiles[]): Promise<RpmUniverse> {
  const universe = new RpmUniverse();
  const order = [...repositories].sort((a, b) => (a.priority ?? 99) - (b.priority ?? 99) || (a.cost ?? 1000) - (b.cost ?? 1000));
  for (const repository of order) {
    const add = universe.open(repository);
    await readPrimary(createReadStream(repository.primary).pipe(createGunzip()), { subject: repository.primary, maxBytes: 2 ** 32 }, (item) => { add(item); });
  }
  return universe;
}
