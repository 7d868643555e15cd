import { type Command, Option } from 'commander';
import { canonicalJson } from '../../bom/canonical-json.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Lock } from '../../bom/lock.ts';
import type { BlobReader } from '../../bom/ports.ts';
import { createRegistryTarget } from '../../importer/targets/registry.ts';
import { defaultNameTemplate, targetNames } from '../../importer/targets/registry-names.ts';
import { commitFile } from '../../store/durable-file.ts';
import { Generations } from '../../store/generations.ts';
import { openArchiveContent } from '../archive-content.ts';
import { type CommandContext, concurrencyOption, defineCommand, keyOption, networkOf, type NetworkFlags, networkOptions } from '../context.ts';
import { createRegistryClient } from '../registry-client.ts';
import { type LayoutFlags, layoutOptions, publishLayout } from './publish-layout.ts';
import { lockOf, onlyProject, optionalStore, withStore } from './status.ts';

interface PublishFlags extends NetworkFlags, LayoutFlags {
  readonly registry?: string;
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
    description: 'hand the images of the generation served, or of an archive, to another registry; or write a tree that another system reads (--layout)',
    flags: [
      new Option('--registry <host>', 'any OCI distribution registry: host or host:port'),
      optionalStore(), new Option('--project <name>', 'which project, when the machine has several'),
      new Option('--name-template <text>', 'names there: {host}, {path}, {name} (the last part of the path)').default(defaultNameTemplate),
      new Option('--rewrite-indexes', 'where the registry refuses an index whose other platforms are not there: push one that lists only what is'),
      new Option('--record <file>', 'write old and new digests of rewritten indexes here'),
      concurrencyOption(), ...networkOptions(), keyOption('public key that signed the archive; repeatable'), new Option('--allow-unsigned', 'take an archive that nobody signed'),
      ...layoutOptions(),
    ],
    action: async (context, flags, archives) => {
      if (flags.layout === undefined && (flags.registry === undefined || flags.to !== undefined)) throw new BundleError('INPUT_FLAG', { subject: 'publish', expected: '--registry HOST, or --layout NAME with --to DIR', actual: flags.to === undefined ? 'neither' : '--to without --layout' });
      if (archives.length > 0) {
        const content = await openArchiveContent(archives, { keys: flags.key, allowUnsigned: flags.allowUnsigned === true, now: context.now() });
        for (const { lock } of content.served) await (flags.layout === undefined ? publish(context, flags, lock, content.blobs) : publishLayout(context, flags, { lock, blobs: content.blobs }));
        return;
      }
      await withStore(flags.store, async (store) => {
        const project = await onlyProject(store, flags.project);
        const generation = await new Generations(store.root).current(project);
        if (generation === undefined) return;
        const lock = await lockOf(store, generation);
        await (flags.layout === undefined ? publish(context, flags, lock, store) : publishLayout(context, flags, { lock, blobs: store, state: store.root }));
      });
    },
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
    const outcomes = await Promise.all(images.map((image) => target.publish(image, blobs, context.signal)));
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
