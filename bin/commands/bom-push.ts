import { type Command, Option } from 'commander';
import { parseModuleBom } from '../../bom/documents/document.ts';
import { BundleError } from '../../bom/errors.ts';
import { lintBom } from '../../bom/lint.ts';
import { canonicalReference, parseReference } from '../../bom/reference.ts';
import { defineCommand, networkOf, type NetworkFlags, networkOptions } from '../context.ts';
import { readDocumentText } from '../inputs.ts';

/** `oci://` in front or not: it cannot be anything else here. */
function referenceOf(text: string, subject: string): ReturnType<typeof parseReference> {
  return parseReference(text.replace(/^oci:\/\//, ''), subject);
}

export function registerBomPush(group: Command): void {
  defineCommand<NetworkFlags & { readonly subject?: string }>(group, 'push <file> [reference]', {
    description: 'publish a BOM in a registry: as an artifact oci://host/path:tag, or beside an image that is there (--subject)',
    flags: [new Option('--subject <image>', 'the image that it is the BOM of: it becomes a referrer of it'), ...networkOptions()],
    action: async (context, flags, [file = '', target]) => {
      if ((target === undefined) === (flags.subject === undefined)) throw new BundleError('INPUT_FLAG', { subject: 'bom push', expected: 'where to push it: oci://host/path:tag, or --subject IMAGE', actual: target === undefined ? 'neither' : 'both' });
      const { text, name } = await readDocumentText(file);
      const bom = parseModuleBom(text, name);
      for (const problem of lintBom(bom)) context.note(`warning: ${problem.subject}: expected ${problem.expected}; got ${problem.actual}`);
      const reference = referenceOf(target ?? flags.subject ?? '', 'bom push');
      if (target !== undefined && reference.digest !== undefined) throw new BundleError('INPUT_REFERENCE', { subject: target, expected: 'a tag to push to', actual: 'a digest, which follows from the content' });
      const [{ createRegistryClient }, { pushBom }] = await Promise.all([import('../registry-client.ts'), import('../../importer/targets/bom-artifact.ts')]);
      const { http, registry } = createRegistryClient({ notify: context.notify, ...networkOf(flags) });
      try {
        const pushed = await pushBom(bom, { session: registry.session(reference.host), reference, subject: flags.subject !== undefined, notify: context.notify, signal: context.signal });
        const { host, path, tag } = reference;
        const address = `oci://${canonicalReference({ host, path, ...(flags.subject === undefined && tag !== undefined ? { tag } : {}), digest: pushed.digest })}`;
        context.print({ module: bom.value.metadata.name, address, ...pushed }, `${bom.value.metadata.name}: ${address}${pushed.subject === undefined ? '' : `\n  a referrer of ${pushed.subject}: oci://${canonicalReference(reference)} leads to it`}`);
      } finally {
        await http.close();
      }
    },
  });
}
