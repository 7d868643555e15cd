import { join } from 'node:path';
import { bundleOf } from '../bom/bundle.ts';
import { canonicalJson } from '../bom/canonical-json.ts';
import type { Lock } from '../bom/lock.ts';
import { checkTreeFolder, publishTree, type TreeResult } from '../importer/targets/tree.ts';
import type { Served } from '../repository/content.ts';
import { commitFile, makeDirectory } from '../store/durable-file.ts';
import { type Generation, Generations } from '../store/generations.ts';
import { holding } from '../store/store-lock.ts';
import type { Store } from '../store/store.ts';
import type { CommandContext } from './context.ts';
import { type Dates, readDates } from './generation-contents.ts';
import { lockOf } from './generation-lock.ts';
import { machineSigner } from './machine-key.ts';
import type { SignatureThread } from './signature-thread.ts';
import { outlives, treeFiles } from './tree-files.ts';

export interface PublishTreeOptions {
  readonly folder: string;
  readonly keep: number;
  readonly project?: string;
  /** A lock that need not be read again. */
  readonly known?: Lock;
  /** Signs, where there is one, and is closed then. */
  readonly signatures?: SignatureThread;
}

/** What is served now, or one project of it, as a tree for another web server; one at a time in one folder. */
export async function publishStoreTree(context: CommandContext, store: Store, options: PublishTreeOptions): Promise<TreeResult> {
  await checkTreeFolder(options.folder);
  const trees = join(options.folder, '.trees');
  await makeDirectory(trees);
  return holding(trees, { role: 'collect', signal: context.signal, onWait: () => context.note(`waiting for another longshore that publishes to ${options.folder}`) }, () => publishCurrent(context, store, options));
}

/** Dates of Release files never go back in one folder: apt ignores an older one. */
async function publishCurrent(context: CommandContext, store: Store, { folder, keep, project, known, signatures }: PublishTreeOptions): Promise<TreeResult> {
  const generations = new Generations(store.root);
  const projects = project === undefined ? await generations.projects() : [project];
  const current = (await Promise.all(projects.map((name) => generations.current(name)))).filter((each): each is Generation => each !== undefined);
  const path = join(folder, '.trees/release-dates.json');
  const before = await readDates(path);
  const after: Record<string, Dates[string]> = { ...before };
  const served: Served[] = [];
  for (const generation of current) {
    const last = before[generation.project];
    const date = last?.generation === generation.id ? last.date : Math.max(Math.floor(context.now().getTime() / 1000), (last?.date ?? 0) + 1);
    after[generation.project] = { generation: generation.id, date };
    const isKnown = known !== undefined && bundleOf(known).lock.digest === generation.lock;
    served.push({ lock: isKnown ? known : await lockOf(store, generation), generation: generation.id, date });
  }
  const files = await treeFiles(served, await machineSigner(store.root, () => context.now(), signatures), store);
  signatures?.close();
  // Before the switch: what is killed between gets a later date the next time, never an earlier one.
  if (canonicalJson(before) !== canonicalJson(after)) await commitFile(path, `${canonicalJson(after)}\n`);
  return publishTree({ folder, files, blobs: store, keep, outlives, signal: context.signal });
}
