import { type Command, Option } from 'commander';
import { BundleError, redactUrl } from '../../bom/errors.ts';
import { defaultNameTemplate } from '../../importer/targets/registry-names.ts';
import { Generations } from '../../store/generations.ts';
import { holding } from '../../store/store-lock.ts';
import { type CommandContext, concurrencyOption, defineCommand, keyOption, networkOptions, positiveInteger } from '../context.ts';
import { layoutOptions, type PublishFlags } from './publish-flags.ts';
import { treeText } from '../render.ts';
import type { Publishing } from './publish-layout.ts';
import { lockOf } from '../generation-lock.ts';
import { onlyProject, optionalStore, withStore } from '../which-store.ts';

export function registerPublish(program: Command): void {
  defineCommand<PublishFlags>(program, 'publish [archive...]', {
    description: 'hand the images of the generation served, or of an archive, to another registry; or everything else to a folder that a web server serves (--tree); or write a tree that another system reads (--layout)',
    flags: [
      new Option('--registry <host>', 'any OCI distribution registry: host or host:port'),
      new Option('--bundle <name>', 'with --registry: everything, as one bundle of this name, which `longshore import oci://HOST/NAME` reads back'),
      new Option('--tree <dir>', 'apt mirrors, files and charts below DIR/current, switched at once, with hard links where possible'),
      new Option('--keep <n>', 'trees that stay').default(3).argParser(positiveInteger),
      optionalStore(), new Option('--project <name>', 'which project, when the machine has several'),
      new Option('--name-template <text>', 'names there: {host}, {path}, {name} (the last part of the path)').default(defaultNameTemplate),
      new Option('--rewrite-indexes', 'where the registry refuses an index whose other platforms are not there: push one that lists only what is'),
      new Option('--record <file>', 'write old and new digests of rewritten indexes here'),
      concurrencyOption(), ...networkOptions(), keyOption('public key that signed the archive; repeatable'), new Option('--allow-unsigned', 'take an archive that nobody signed'),
      ...layoutOptions(),
    ],
    action: async (context, flags, archives) => {
      if (flags.bundle !== undefined && flags.layout !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--bundle', expected: '--bundle or --layout', actual: 'both' });
      if (flags.tree !== undefined) {
        if (archives.length > 0 || flags.registry !== undefined || flags.layout !== undefined || flags.bundle !== undefined) throw new BundleError('INPUT_FLAG', { subject: '--tree', expected: 'what a store serves, and no other target', actual: 'an archive, --registry, --bundle or --layout beside it' });
        await publishTree(context, { ...flags, tree: flags.tree });
        return;
      }
      if (flags.layout === undefined && (flags.registry === undefined || flags.to !== undefined)) throw new BundleError('INPUT_FLAG', { subject: 'publish', expected: '--registry HOST, --tree DIR, or --layout NAME with --to DIR', actual: flags.to === undefined ? 'neither' : '--to without --layout' });
      if (flags.registry !== undefined) checkRegistry(flags.registry);
      if (archives.length > 0) {
        const { openArchiveContent } = await import('../archive-content.ts');
        const content = await openArchiveContent(archives, { keys: flags.key, allowUnsigned: flags.allowUnsigned === true, now: context.now() });
        for (const { lock } of content.served) await publishContent(context, flags, { lock, blobs: content.blobs });
        return;
      }
      await withStore(flags.store, async (store) => {
        const project = await onlyProject(store, flags.project);
        const generation = await new Generations(store.root).current(project);
        if (generation === undefined) throw new BundleError('INPUT_FLAG', { subject: `--project ${project}`, expected: `a project that was imported: ${(await new Generations(store.root).projects()).join(', ') || '(none)'}`, actual: 'nothing of that name' });
        const lock = await lockOf(store, generation);
        await publishContent(context, flags, { lock, blobs: store, state: store.root });
      });
    },
  });
}

/** Throws `INPUT_FLAG` for what is no host, before anything is read. */
function checkRegistry(text: string): void {
  if (/^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(text)) return;
  throw new BundleError('INPUT_FLAG', { subject: '--registry', expected: 'host or host:port, without https:// and without a path', actual: redactUrl(text.includes('@') ? `https://${text}` : text) });
}


/** What only one way of publishing needs is loaded for that one: a tree of packages is made sooner than a registry's client is loaded. */
async function publishContent(context: CommandContext, flags: PublishFlags, publishing: Publishing): Promise<void> {
  if (flags.layout !== undefined) return (await import('./publish-layout.ts')).publishLayout(context, flags, publishing);
  const { publishBundle, publishImages } = await import('./publish-registry.ts');
  return (flags.bundle === undefined ? publishImages : publishBundle)(context, flags, publishing);
}

async function publishTree(context: CommandContext, { tree: folder, keep, store: root, project }: PublishFlags & { readonly tree: string }): Promise<void> {
  const { publishStoreTree } = await import('../publish-tree.ts');
  await withStore(root, async (store) => {
    const result = await holding(store.root, { role: 'use', signal: context.signal }, () => publishStoreTree(context, store, { folder, keep, ...(project === undefined ? {} : { project }) }));
    context.print({ folder, ...result }, treeText(folder, result));
  });
}
