// `publish --layout`: the content of a generation or archive as a tree that another system reads.
import { join, resolve } from 'node:path';
import { BundleError } from '../../bom/errors.ts';
import type { Lock } from '../../bom/lock.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { dcosServeLayout } from '../../importer/targets/layouts/dcos-serve.ts';
import { universeLayout } from '../../importer/targets/layouts/dcos-universe.ts';
import { epirepoLayout } from '../../importer/targets/layouts/epirepo.ts';
import type { Layout } from '../../importer/targets/layouts/layout.ts';
import { type TreeOptions, type TreeResult, writeTree } from '../../importer/targets/layouts/tree.ts';
import { checkStages, zetaLayouts } from '../../importer/targets/layouts/zeta.ts';
import { readStages, writeStages } from '../../store/stages.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes } from '../render.ts';
import type { LayoutFlags } from './publish-flags.ts';

export interface Publishing { readonly lock: Lock; readonly blobs: TreeOptions['blobs']; /** Where the record of what is staged is kept. */ readonly state?: string }

/** Writes one layout and tells what it did. */
export async function publishLayout(context: CommandContext, flags: LayoutFlags & { readonly registry?: string }, publishing: Publishing): Promise<void> {
  const { layout: name, to } = flags;
  if (name === undefined || to === undefined) throw new BundleError('INPUT_FLAG', { subject: '--layout', expected: '--layout NAME and --to DIR', actual: to === undefined ? 'no --to' : 'no --layout' });
  const tree = { folder: resolve(to), blobs: publishing.blobs, notify: context.notify, signal: context.signal, ...(flags.link === true ? { hardLinks: true } : {}) };
  if (name === 'zeta') return stage(context, flags, { ...publishing, tree });
  const layout = await layoutOf(name, flags, publishing);
  report(context, { layout: name, to, result: await writeTree(layout, tree), skipped: layout.skipped });
}

async function layoutOf(name: Exclude<LayoutFlags['layout'], 'zeta' | undefined>, flags: LayoutFlags, { lock, blobs }: { readonly lock: Lock; readonly blobs: BlobReader }): Promise<Layout> {
  if (name === 'epirepo') return epirepoLayout(lock, blobs, { ...(flags.platform === undefined ? {} : { platform: flags.platform }), ...(flags.target === undefined ? {} : { target: flags.target }) });
  if (name === 'dcos-serve') return dcosServeLayout(lock);
  if (flags.baseUrl === undefined) throw new BundleError('INPUT_FLAG', { subject: '--base-url', expected: 'where clusters reach the repository machine: https://repo01:5000', actual: 'none' });
  return universeLayout(lock, blobs, { baseUrl: flags.baseUrl });
}

async function stage(context: CommandContext, flags: LayoutFlags & { readonly registry?: string }, { lock, blobs, state, tree }: Publishing & { readonly tree: TreeOptions }): Promise<void> {
  if (flags.registry === undefined) throw new BundleError('INPUT_FLAG', { subject: '--registry', expected: 'host:port of the registry that the cluster pulls from: it stands in APP_IMG', actual: 'none' });
  if (state === undefined) throw new BundleError('INPUT_FLAG', { subject: '--layout zeta', expected: 'an imported generation: what is staged is recorded beside it', actual: 'an archive', next: 'Import the archive first.' });
  const root = flags.root ?? tree.folder;
  const results: { app: string; version: string; result: TreeResult; skipped: Layout['skipped'] }[] = [];
  const layouts = await zetaLayouts(lock, blobs, { modules: flags.module, root, registry: flags.registry });
  checkStages(layouts.map(({ staged }) => staged), (await readStages(state)).stages.filter(({ folder }) => folder === tree.folder));
  for (const { staged, layout } of layouts) {
    const result = await writeTree(layout, tree);
    const { stages, instances } = await readStages(state);
    const rest = stages.filter(({ app, version, folder }) => app !== staged.app || version !== staged.version || folder !== tree.folder);
    await writeStages(state, { stages: [...rest, { ...staged, folder: tree.folder }], instances });
    results.push({ app: staged.app, version: staged.version, result, skipped: layout.skipped });
  }
  context.print({ layout: 'zeta', to: tree.folder, staged: results.map(({ app, version, result, skipped }) => ({ app, version, written: result.written, present: result.present, skipped })) },
    results.flatMap(({ app, version, result, skipped }) => [
      `staged ${app} ${version}: ${[...result.written, ...result.present].sort().map((path) => join(root, path)).join(', ')}`, ...skipped.map(({ what, because }) => `  left out: ${what}: ${because}`),
    ]).join('\n'));
}

function report(context: CommandContext, { layout, to, result, skipped }: { readonly layout: string; readonly to: string; readonly result: TreeResult; readonly skipped: Layout['skipped'] }): void {
  context.print({ layout, to, written: result.written, present: result.present, bytes: result.bytes, skipped }, [
    `${layout}: ${result.written.length} file${result.written.length === 1 ? '' : 's'} written into ${to}, ${result.present.length} were there, ${formatBytes(result.bytes)} in all`,
    ...skipped.map(({ what, because }) => `  left out: ${what}: ${because}`),
  ].join('\n'));
}
