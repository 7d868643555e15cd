import { type Command, Option } from 'commander';
import { commitFile } from '../../store/durable-file.ts';
import { differenceOf, missingArtifacts } from '../../formats/archive/difference.ts';
import { holdingsOfLock } from '../../formats/archive/holdings.ts';
import { signReceipt } from '../../formats/archive/receipt.ts';
import { noteReceipt } from '../../importer/collect.ts';
import { receiptOf } from '../../importer/receipt.ts';
import { readKeys } from '../archive-content.ts';
import { readSiteState } from '../bases.ts';
import { defineCommand, keyOption } from '../context.ts';
import { machineKey } from '../machine-key.ts';
import { formatBytes } from '../render.ts';
import { onlyProject, optionalStore, withStore } from '../which-store.ts';

interface DiffFlags { readonly key: readonly string[]; readonly allowUnsigned?: boolean }

export function registerDiff(program: Command): void {
  defineCommand<DiffFlags>(program, 'diff <before> <after>', {
    description: 'what changes between two of lock, archive and receipt: artifacts and bytes',
    flags: [keyOption('public key that must have signed a receipt; repeatable'), new Option('--allow-unsigned', 'take receipts that nobody signed')],
    action: async (context, flags, [beforePath = '', afterPath = '']) => {
      const trust = { keys: await readKeys(flags.key), allowUnsigned: flags.allowUnsigned === true, now: context.now() };
      const [before, after] = await Promise.all([readSiteState(beforePath, trust), readSiteState(afterPath, trust)]);
      if (before.kind === 'receipt' && after.kind !== 'receipt') {
        const { missing, newBlobs } = missingArtifacts(new Set(before.receipt.blobs), after.lock);
        context.print({ missing, newBlobs }, [`${newBlobs.count} blobs, ${formatBytes(newBlobs.bytes)}, that the site of ${beforePath} lacks`, ...missing.map((what) => `+ ${what}`)].join('\n'));
        return;
      }
      if (before.kind === 'receipt' || after.kind === 'receipt') {
        // A receipt as the second one names blobs, not artifacts.
        const [held, wanted] = [before, after].map((state) => (state.kind === 'receipt' ? new Set<string>(state.receipt.blobs) : holdingsOfLock(state.lock, '').blobs));
        const onlyIn = (a: ReadonlySet<string> = new Set(), b: ReadonlySet<string> = new Set()): string[] => [...a].filter((digest) => !b.has(digest)).sort();
        const document = { added: onlyIn(wanted, held), removed: onlyIn(held, wanted) };
        context.print(document, [`${document.added.length} blobs only in ${afterPath}, ${document.removed.length} only in ${beforePath}`, ...document.added.map((digest) => `+ ${digest}`), ...document.removed.map((digest) => `- ${digest}`)].join('\n'));
        return;
      }
      const difference = differenceOf(before.lock, after.lock);
      context.print(difference, [
        ...difference.added.map((item) => `+ ${item.kind} ${item.name}`),
        ...difference.removed.map((item) => `- ${item.kind} ${item.name}`),
        ...difference.changed.map((item) => `~ ${item.kind} ${item.name}`),
        `${difference.newBlobs.count} new blobs, ${formatBytes(difference.newBlobs.bytes)}; ${difference.goneBlobs.count} blobs, ${formatBytes(difference.goneBlobs.bytes)}, no longer needed`,
      ].join('\n'));
    },
  });
}

export function registerReceipt(program: Command): void {
  defineCommand<{ readonly store?: string; readonly project?: string; readonly output: string }>(program, 'receipt', {
    description: 'a signed list of what this machine holds, to be carried out: the base of the next delta',
    flags: [optionalStore(), new Option('--project <name>', 'which project, when the machine has several'), new Option('-o, --output <file>', 'where to write it').makeOptionMandatory()],
    action: async (context, flags) => withStore(flags.store, async (store) => {
      const project = await onlyProject(store, flags.project);
      // What is promised is kept by gc from before it is promised.
      await noteReceipt(store, project);
      const receipt = await receiptOf(store, project, context.now());
      const { signer } = await machineKey(store.root, context.now());
      await commitFile(flags.output, await signReceipt(receipt, signer, context.now()));
      context.print(
        { wrote: flags.output, project, generation: receipt.generation, sequence: receipt.sequence, blobs: receipt.blobs.length, signedBy: signer.fingerprint },
        `wrote ${flags.output}: ${project}, generation ${receipt.generation}, sequence ${receipt.sequence}, ${receipt.blobs.length} blobs, signed by this machine (${signer.fingerprint})\nits public key is ${store.root}/keys/machine.asc`,
      );
    }),
  });
}
