// `publish --registry`: the images of a lock, or all of it as one bundle.
import { canonicalJson } from '../../bom/canonical-json.ts';
import { publishBundleTo } from '../../importer/targets/bundle.ts';
import { publishAll } from '../../importer/targets/publish-all.ts';
import { targetNames } from '../../importer/targets/registry-names.ts';
import { createRegistryTarget } from '../../importer/targets/registry.ts';
import { commitFile } from '../../store/durable-file.ts';
import { type CommandContext, networkOf } from '../context.ts';
import { createRegistryClient } from '../registry-client.ts';
import type { PublishFlags } from './publish-flags.ts';
import type { Publishing } from './publish-layout.ts';

/** Every image of the lock, under names of the registry. */
export async function publishImages(context: CommandContext, flags: PublishFlags, { lock, blobs }: Publishing): Promise<void> {
  const { images } = lock.spec;
  const host = flags.registry ?? '';
  const { http, registry } = createRegistryClient({ notify: context.notify, ...networkOf(flags) });
  try {
    const target = createRegistryTarget({
      session: registry.session(host), names: targetNames(images, flags.nameTemplate), concurrency: flags.concurrency, notify: context.notify,
      ...(flags.rewriteIndexes === true ? { rewriteIndexes: true } : {}),
    });
    const outcomes = await publishAll(target, images, { blobs, signal: context.signal, notify: context.notify });
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
export async function publishBundle(context: CommandContext, flags: PublishFlags, { lock, blobs }: Publishing): Promise<void> {
  const [host, path] = [flags.registry ?? '', flags.bundle ?? ''];
  const { http, registry } = createRegistryClient({ notify: context.notify, ...networkOf(flags) });
  try {
    const { digest, state } = await publishBundleTo(registry.session(host), { path, lock, blobs, concurrency: flags.concurrency, notify: context.notify, signal: context.signal });
    context.print({ registry: host, bundle: path, project: lock.metadata.name, digest, state }, `oci://${host}/${path}:${lock.metadata.sequence}@${digest}: ${state === 'present' ? 'was there already' : 'published'}`);
  } finally {
    await http.close();
  }
}
