// Zeta's states: what is staged in which versions, which instances use it by their owner's word, and taking a version away again.
import type { Command } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import { removePublished } from '../../importer/targets/layouts/tree.ts';
import { type Instance, readStages, writeStages } from '../../store/stages.ts';
import { defineCommand } from '../context.ts';
import { optionalStore, withStore } from '../which-store.ts';

interface StoreFlag { readonly store?: string }

export function registerUnstage(program: Command): void {
  defineCommand<StoreFlag>(program, 'unstage <app@version>', {
    description: 'take a version out of the Zeta stage folders; refused while an instance is recorded for it. Its blobs stay until `gc`',
    flags: [optionalStore()],
    action: async (context, flags, [text = '']) => withStore(flags.store, async (store) => {
      const wanted = versionOf(text);
      const { stages, instances } = await readStages(store.root);
      const mine = stages.filter((stage) => isSame(stage, wanted));
      if (mine.length === 0) throw new BundleError('INPUT_FLAG', { subject: text, expected: `one of ${stages.map(({ app, version }) => `${app}@${version}`).join(', ') || '(nothing is staged)'}`, actual: 'not staged' });
      const users = instances.filter((instance) => isSame(instance, wanted));
      if (users.length > 0) {
        throw new BundleError('TARGET_REFUSED', { subject: text, expected: 'no instance of it', actual: users.map(({ name }) => name).join(', '), next: `When an instance is gone: longshore instance remove ${text} ${users[0]?.name ?? ''}` });
      }
      const kept = new Set(stages.filter((stage) => !isSame(stage, wanted)).flatMap(({ folder, files }) => files.map(({ path }) => `${folder}/${path}`)));
      const removed: string[] = [];
      for (const { folder, files } of mine) {
        for (const file of files) if (!kept.has(`${folder}/${file.path}`) && (await removePublished(folder, file))) removed.push(`${folder}/${file.path}`);
      }
      await writeStages(store.root, { stages: stages.filter((stage) => !isSame(stage, wanted)), instances });
      context.print({ app: wanted.app, version: wanted.version, removed }, `${text}: ${removed.length} file${removed.length === 1 ? '' : 's'} removed; its blobs stay in the store`);
    }),
  });
}

/** Labels only: longshore starts and looks up no instance. */
export function registerInstance(program: Command): void {
  const group = program.command('instance').description('record which instances (name@role) use a staged version, as labels');
  const change = (name: string, description: string, next: (instances: readonly Instance[], instance: Instance) => Instance[]): void => {
    defineCommand<StoreFlag>(group, `${name} <app@version> <name>`, {
      description, flags: [optionalStore()],
      action: async (context, flags, [text = '', instance = '']) => withStore(flags.store, async (store) => {
        const record = await readStages(store.root);
        const wanted = versionOf(text);
        if (name === 'add' && !record.stages.some((stage) => isSame(stage, wanted))) throw new BundleError('INPUT_FLAG', { subject: text, expected: 'a version that is staged', actual: 'not staged', next: 'See `longshore status`.' });
        const instances = next(record.instances, { ...wanted, name: instance });
        await writeStages(store.root, { stages: record.stages, instances });
        context.print({ instances }, `${text}: ${instances.filter((each) => isSame(each, wanted)).map((each) => each.name).join(', ') || 'no instances'}`);
      }),
    });
  };
  const same = (one: Instance, other: Instance): boolean => isSame(one, other) && one.name === other.name;
  change('add', 'an instance uses this version', (instances, instance) => [...instances.filter((each) => !same(each, instance)), instance]);
  change('remove', 'it does so no more', (instances, instance) => instances.filter((each) => !same(each, instance)));
}

function versionOf(text: string): { readonly app: string; readonly version: string } {
  const [, app, version] = /^([^@]+)@(.+)$/.exec(text) ?? [];
  if (app === undefined || version === undefined) throw new BundleError('INPUT_FLAG', { subject: text, expected: 'an app and its version: spark@2.0.2', actual: text });
  return { app, version };
}

function isSame(one: { readonly app: string; readonly version: string }, other: { readonly app: string; readonly version: string }): boolean {
  return one.app === other.app && one.version === other.version;
}
