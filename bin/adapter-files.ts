import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../bom/adapters/adapter.ts';
import { adapterOf, adapters, detectAdapter } from '../bom/adapters/registry.ts';
import { didYouMean } from '../bom/documents/suggest.ts';
import { BundleError } from '../bom/errors.ts';
import { convertExternally, externalAdapters } from './external-adapter.ts';

const maxFileBytes = 32 * 1024 * 1024;
const maxFiles = 100_000;
/** Never part of a descriptor. */
const skipped = new Set(['.git', 'node_modules']);

/** The adapter of that name. Throws `INPUT_FLAG` with the names there are, `others` among them. */
function namedAdapter(name: string, others: readonly string[]): Adapter {
  const adapter = adapterOf(name);
  if (adapter !== undefined) return adapter;
  const names = [...adapters.map((each) => each.name), ...others];
  const next = didYouMean(name, names);
  throw new BundleError('INPUT_FLAG', { subject: `format ${name}`, expected: `one of ${names.join(', ')}`, actual: name, ...(next === undefined ? {} : { next }) });
}

/**
 * Reads a file or folder with the adapter that `from` names: one of ours, or else a program of the folders of LONGSHORE_ADAPTERS. With `from`
 * undefined, the first of ours whose files these look like.
 */
export async function convertPath(path: string, options: AdapterOptions & { readonly from?: string }): Promise<Converted & { readonly adapter: Pick<Adapter, 'name'> }> {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a file or a folder', actual: cause.code ?? 'an error' }, { cause });
  });
  const others = options.from === undefined || adapterOf(options.from) !== undefined ? [] : await externalAdapters();
  const other = others.find((each) => each.name === options.from);
  if (other !== undefined) return { ...(await convertExternally(other, path, options)), adapter: other };
  const folder = resolve(info.isDirectory() ? path : dirname(path));
  const names = info.isDirectory() ? await filesBelow(folder) : [basename(path)];
  const named = options.from === undefined ? undefined : namedAdapter(options.from, others.map((each) => each.name));
  const wanted = named !== undefined ? names.filter((name) => named.wants(name) || !info.isDirectory()) : names.filter((name) => adapters.some((each) => each.wants(name)) || !info.isDirectory());
  const files: AdapterFile[] = [];
  for (const name of wanted) files.push({ path: name, text: await readText(join(folder, name)) });
  const adapter = named ?? detectAdapter(files);
  if (adapter === undefined) throw new BundleError('INPUT_FLAG', { subject: path, expected: 'files of a format that is known', actual: 'none that any adapter claims', next: `Name the format with --from: ${adapters.map((each) => each.name).join(', ')}.` });
  if (files.length === 0) throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: `files that ${adapter.name} reads`, actual: 'none' });
  const own = named === undefined ? files.filter((file) => adapter.wants(file.path) || !info.isDirectory()) : files;
  return { ...adapter.convert(own, { folder, ...options }), adapter };
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (path: string): Promise<void> => {
    for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (skipped.has(entry.name)) continue;
      if (entry.isDirectory()) await walk(join(path, entry.name));
      else if (entry.isFile()) found.push(relative(folder, join(path, entry.name)).split(sep).join('/'));
      if (found.length > maxFiles) throw new BundleError('INPUT_FLAG', { subject: folder, expected: `at most ${maxFiles} files`, actual: 'more', next: 'Name the folder of the descriptors themselves.' });
    }
  };
  await walk(folder);
  return found;
}

/** Installers are gigabytes with a script at their beginning, which is all that their adapter reads. */
const longBeginnings = /(?:^|\/)dcos_generate_config[\w.-]*\.sh$/;
const beginningBytes = 1024 * 1024;

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (longBeginnings.test(path) && size > beginningBytes) return textOf(createReadStream(path, { end: beginningBytes - 1, encoding: 'latin1' }));
  if (size > maxFileBytes) throw new BundleError('INPUT_FIELD', { subject: path, expected: `a descriptor of at most ${maxFileBytes} bytes`, actual: `${size} bytes` });
  return readFile(path, 'utf8');
}
