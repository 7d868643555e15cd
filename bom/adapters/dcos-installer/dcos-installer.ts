// The DC/OS installer: a shell stub, the line #EOF#, then a tar; and the lists inside it when somebody took them out.
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BundleError } from '../../errors.ts';
import { BomDraft, digestText, isTemplated } from '../draft.ts';
import { readNodes } from '../trees.ts';

const installerPath = /(?:^|\/)dcos_generate_config(?:\.[\w-]+)?\.sh$/;
const listPath = /(?:^|\/)(?:[\w-]+\.)?complete\.latest\.json$/;

/**
 * `text` of the installer is its beginning (1 MiB is enough). `values`: url (where it is downloaded), sha256, size; bootstrapUrl (where the files
 * of complete.latest.json are served).
 */
export const dcosInstaller: Adapter = {
  name: 'dcos-installer', version: 1,
  summary: 'dcos_generate_config.sh as a file, or the bootstrap and packages of a complete.latest.json',
  wants: (path) => installerPath.test(path) || listPath.test(path),
  detect: (files) => files.some(({ path }) => installerPath.test(path) || listPath.test(path)),
  convert: (files, options = {}) => convert(files, options),
};

function convert(files: readonly AdapterFile[], options: AdapterOptions): Converted {
  const draft = new BomDraft(dcosInstaller, files, options);
  const warnings: string[] = [];
  for (const file of files) {
    if (installerPath.test(file.path)) installer(draft, file, options);
    else if (listPath.test(file.path)) complete(draft, file, options, warnings);
  }
  draft.metadata['labels'] = { short: 'dcos', kind: 'operating-system' };
  return { boms: [draft.build('dcos')], warnings };
}

function installer(draft: BomDraft, { path, text }: AdapterFile, { values = {} }: AdapterOptions): void {
  if (!/^#EOF#\r?$/m.test(text)) {
    throw new BundleError('INPUT_FIELD', { subject: path, expected: 'a DC/OS installer: a script with a line #EOF# before its archive', actual: 'no such line', next: 'Name the dcos_generate_config.sh of a release, whole.' });
  }
  const digest = digestText(values['sha256'], 'sha256');
  const more = { purpose: 'installer', mode: '0755', ...(digest === undefined ? {} : { digest }), ...(values['size'] === undefined ? {} : { size: values['size'] }) };
  const name = path.split('/').at(-1) ?? path;
  if (values['url'] !== undefined) draft.file([values['url']], path, { saveAs: name, ...more });
  else draft.localFile(name, path, path, { saveAs: name, ...more });
}

/** `{bootstrap: id, packages: [name--hash]}`. The ids are hashes of build inputs, not of the files: they are no digests. */
function complete(draft: BomDraft, file: AdapterFile, { values = {} }: AdapterOptions, warnings: string[]): void {
  const { documents: [document], warnings: lint, broken } = readNodes(file);
  warnings.push(...lint);
  for (const { where, message } of broken) draft.unresolved(where, 'part of the file', message);
  const base = values['bootstrapUrl']?.replace(/\/+$/, '');
  const bootstrap = document?.at('bootstrap');
  const take = (path: string, where: string): void => {
    if (base === undefined || isTemplated(path)) draft.unresolved(where, path, 'nobody said where the files of the installer are served (bootstrapUrl)');
    else draft.file([`${base}/${path}`], where, { purpose: 'installer', saveAs: `dcos/${path}` });
  };
  if (bootstrap?.text !== undefined) take(`bootstrap/${bootstrap.text}.bootstrap.tar.xz`, bootstrap.where);
  else draft.unresolved(file.path, 'bootstrap', 'the list names none');
  for (const item of document?.at('packages').items ?? []) {
    const [, name] = /^([\w.-]+?)--[\w-]+$/.exec(item.text ?? '') ?? [];
    if (name === undefined) draft.unresolved(item.where, item.text ?? 'a package', 'not a package id (name--hash)');
    else take(`packages/${name}/${item.text ?? ''}.tar.xz`, item.where);
  }
}
