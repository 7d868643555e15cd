// DC/OS build packages: packages/<name>/[<variant>.]buildinfo.json. These are inputs of a build, not of an installation.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import type { ParsedBom } from '../../documents/document.ts';
import { BomDraft, digestText, moduleNameOf } from '../draft.ts';
import { type Node, readNodes } from '../trees.ts';

const buildinfo = /^(?:.*\/)?([^/]+)\/(?:([^/]+)\.)?buildinfo\.json$/;
const defaultBuilder = 'dcos/dcos-builder:dcos-builder_dockerdir-latest';

/** One module per package. `select` takes package names; `values`: variant, and builders=false to leave the default builder out. */
export const pkgpanda: Adapter = {
  name: 'pkgpanda', version: 1,
  summary: 'DC/OS build packages (buildinfo.json): sources, git, builder images; select by package',
  wants: (path) => buildinfo.test(path),
  detect: (files) => files.some(({ path }) => buildinfo.test(path)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const warnings: string[] = [];
  const words = options.select ?? [];
  const variant = options.values?.['variant'];
  const chosen = files.flatMap((file) => {
    const [, name = '', own] = buildinfo.exec(file.path) ?? [];
    return name !== '' && own === variant && (words.length === 0 || words.includes(name)) ? [{ file, name }] : [];
  });
  const names = new Set(chosen.map(({ name }) => name));
  warnings.push(...words.filter((word) => !names.has(word)).map((word) => `select: ${word} is no package here`));
  return { boms: chosen.map(({ file, name }) => packageBom(file, name, names, options, warnings)), warnings };
}

function packageBom(file: AdapterFile, name: string, names: ReadonlySet<string>, options: AdapterOptions, warnings: string[]): ParsedBom {
  const draft = new BomDraft(pkgpanda, [file], options);
  draft.metadata['name'] = moduleNameOf(name);
  draft.metadata['labels'] = { short: name, kind: 'dcos-build-package' };
  const { documents: [document], warnings: lint, broken } = readNodes(file);
  warnings.push(...lint);
  for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
  const needed = (document?.at('requires').items ?? []).flatMap((item) => item.text ?? item.at('name').text ?? []);
  const groups = (list: readonly string[]): unknown[] => [...new Set(list)].map((one) => [{ key: 'short', operator: 'eq', values: [one] }]);
  if (needed.length > 0) draft.more['requires'] = { strong: groups(needed.filter((one) => names.has(one))), weak: groups(needed.filter((one) => !names.has(one))) };
  if (document !== undefined) {
    const single = document.at('single_source');
    for (const [alias, source] of [...(single.exists ? [[name, single] as const] : []), ...document.at('sources').entries]) addSource(draft, source, alias, name, warnings);
  }
  const builder = document?.at('docker');
  if (builder?.text !== undefined) draft.image(builder.text, builder.where, { role: 'toolchain' });
  else if (options.values?.['builders'] !== 'false') draft.image(defaultBuilder, file.path, { role: 'toolchain', confidence: 'rendered' });
  return draft.build(name);
}

function addSource(draft: BomDraft, source: Node, alias: string, name: string, warnings: string[]): void {
  const kind = source.at('kind').text ?? 'nothing';
  const [url, git, ref] = [source.at('url').text, source.at('git').text, source.at('ref').text];
  if ((kind === 'url' || kind === 'url_extract') && url !== undefined) {
    const digest = digestText(source.at('sha1').text, 'sha1') ?? digestText(source.at('sha256').text, 'sha256');
    draft.file([url], source.where, { id: alias, purpose: 'source', folder: `pkgpanda/${name}/${alias}`, ...(digest === undefined ? {} : digest.startsWith('sha1:') ? { weakDigests: [digest] } : { digest }) });
  } else if (kind === 'git' && git !== undefined && ref !== undefined && /^[0-9a-f]{40}$/.test(ref)) {
    const [, host, path] = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+)$/.exec(git) ?? [];
    if (host !== undefined) warnings.push(`${source.where}: ${git} needs a key; https://${host}/${path} is used`);
    draft.add('git', { id: moduleNameOf(`${name}-${alias}`), url: host === undefined ? git : `https://${host}/${path}`, commit: ref, ...(source.at('ref_origin').text === undefined ? {} : { ref: source.at('ref_origin').text }), origin: { where: source.where } });
  } else {
    draft.unresolved(source.where, `source ${alias} of ${name}`, kind === 'git_local' ? 'a folder of the repository itself' : `a source of kind ${kind} that cannot be read`);
  }
}
