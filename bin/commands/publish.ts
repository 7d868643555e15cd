import { type Command, Option } from 'commander';
import { canonicalJson } from '../../bom/canonical-json.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Lock } from '../../bom/lock.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { publishAll } from '../../importer/targets/publish-all.ts';
import { createRegistryTarget } from '../../importer/targets/registry.ts';
import { publishBundleTo } from '../../importer/targets/bundle.ts';
import { defaultNameTemplate, targetNames } from '../../importer/targets/registry-names.ts';
import { commitFile } from '../../store/durable-file.ts';
import { Generations } from '../../store/generations.ts';
import { holding } from '../../store/store-lock.ts';
import { openArchiveContent } from '../archive-content.ts';
import { type CommandContext, concurrencyOption, defineCommand, keyOption, networkOf, type NetworkFlags, networkOptions, positiveInteger } from '../context.ts';
import { createRegistryClient } from '../registry-client.ts';
import { type LayoutFlags, layoutOptions, publishLayout } from './publish-layout.ts';
import { publishStoreTree } from '../publish-tree.ts';
import { lockOf, onlyProject, optionalStore, withStore } from './status.ts';

interface PublishFlags extends NetworkFlags, LayoutFlags {
  readonly registry?: string;
  readonly tree?: string;
  readonly bundle?: string;
  readonly keep: number;
  readonly store?: string;
  readonly project?: string;
  readonly nameTemplate: string;
  readonly rewriteIndexes?: boolean;
  readonly record?: string;
  readonly concurrency: number;
  readonly key: readonly string[];
  readonly allowUnsigned?: boolean;
}

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
      if (flags.layout === undefined && (flags.registry === undefined || flags.to !== undefined)) throw new BundleError('INPUT_FLAG', { subject: 'publish', expected: '--registry HOST, or --layout NAME with --to DIR', actual: flags.to === undefined ? 'neither' : '--to without --layout' });
      if (archives.length > 0) {
        const content = await openArchiveContent(archives, { keys: flags.key, allowUnsigned: flags.allowUnsigned === true, now: context.now() });
        for (const { lock } of content.served) await (flags.layout === undefined ? (flags.bundle === undefined ? publish : publishBundle)(context, flags, lock, content.blobs) : publishLayout(context, flags, { lock, blobs: content.blobs }));
        return;
      }
      await withStore(flags.store, async (store) => {
        const project = await onlyProject(store, flags.project);
        const generation = await new Generations(store.root).current(project);
        if (generation === undefined) throw new BundleError('INPUT_FLAG', { subject: `--project ${project}`, expected: `a project that was imported: ${(await new Generations(store.root).projects()).join(', ') || '(none)'}`, actual: 'nothing of that name' });
        const lock = await lockOf(store, generation);
        await (flags.layout === undefined ? (flags.bundle === undefined ? publish : publishBundle)(context, flags, lock, store) : publishLayout(context, flags, { lock, blobs: store, state: store.root }));
      });
    },
  });
}

async function publishTree(context: CommandContext, { tree: folder, keep, store: root, project }: PublishFlags & { readonly tree: string }): Promise<void> {
  await withStore(root, async (store) => {
    const result = await holding(store.root, { role: 'use', signal: context.signal }, () => publishStoreTree(context, store, { folder, keep, ...(project === undefined ? {} : { project }) }));
    context.print({ folder, ...result }, [
      `${folder}/current: ${result.changed ? `tree ${result.tree} is served` : `nothing to do: tree ${result.tree} is the same`}, ${result.files} files`,
      ...(result.changed ? [`  ${result.linked} linked, ${result.cloned} cloned, ${result.written} written`] : []),
    ].join('\n'));
  });
}

async function publish(context: CommandContext, flags: PublishFlags, lock: Lock, blobs: BlobReader): Promise<void> {
  const { images } = lock.spec;
  const host = flags.registry ?? '';
  const { http, registry } = createRegistryClient({ notify: context.notify, ...networkOf(flags) });
  try {
    const target = createRegistryTarget({
      session: registry.session(host), names: targetNames(images, flags.nameTemplate), concurrency: flags.concurrency, notify: context.notify,
      ...(flags.rewriteIndexes === true ? { rewriteIndexes: true } : {}),
    });
    const outcomes = await publishAll(target, images, { blobs, signal: context.signal });
    await target.commit(context.signal);
    if (flags.record !== undefined) await commitFile(flags.record, `${canonicalJson({ registry: host, rewrites: target.rewrites })}\n`);
    const published = outcomes.filter((outcome) => outcome === 'published').length;
    context.print({ registry: host, project: lock.metadata.name, published, present: outcomes.length - published, rewrites: target.rewrites }, [
      `${host}: ${published} image${published === 1 ? '' : 's'} published, ${outcomes.length - published} there already`,
      ...target.rewrites.map((each) => `  ${each.ref}: the registry refused ${each.from}; it has ${each.to} instead`),
    ].join('\n'));
  } finally {
    await http.close();
  }
}

/** The whole bundle under one name, tagged with its sequence and `latest`. */
async function publishBundle(context: CommandContext, flags: PublishFlags, lock: Lock, blobs: BlobReader): Promise<void> {
  const [host, path] = [flags.registry ?? '', flags.bundle ?? ''];
  const { http, registry } = createRegistryClient({ notify: context.notify, ...networkOf(flags) });
  try {
    const { digest, state } = await publishBundleTo(registry.session(host), { path, lock, blobs, concurrency: flags.concurrency, notify: context.notify, signal: context.signal });
    context.print({ registry: host, bundle: path, project: lock.metadata.name, digest, state }, `oci://${host}/${path}:${lock.metadata.sequence}@${digest}: ${state === 'present' ? 'was there already' : 'published'}`);
  } finally {
    await http.close();
  }
}
