import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
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
  const { names, links } = info.isDirectory() ? await filesBelow(folder) : { names: [basename(path)], links: [] };
  const named = options.from === undefined ? undefined : namedAdapter(options.from, others.map((each) => each.name));
  const isWanted = (name: string): boolean => !info.isDirectory() || (named === undefined ? adapters.some((each) => each.wants(name)) : named.wants(name));
  const { files, notes: read } = await readFiles(folder, names.filter(isWanted), info.isDirectory());
  const notes = [...read, ...links.filter(isWanted).map((name) => `${name}: a link to something outside this folder, not followed`)];
  const adapter = named ?? detectAdapter(files);
  if (adapter === undefined) throw new BundleError('INPUT_FLAG', { subject: path, expected: 'files of a format that is known', actual: 'none that any adapter claims', next: `Name the format with --from: ${adapters.map((each) => each.name).join(', ')}.` });
  if (files.length === 0) throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: `files that ${adapter.name} reads`, actual: 'none' });
  const own = named === undefined ? files.filter((file) => adapter.wants(file.path) || !info.isDirectory()) : files;
  const { boms, warnings } = adapter.convert(own, { folder, ...options });
  return { boms, warnings: [...notes, ...warnings, ...nothingFound(boms, adapter, path), ...(named === undefined && info.isDirectory() ? otherFormats(files, adapter) : [])], adapter };
}

/** One file of many that is no text is no reason to refuse the others. */
async function readFiles(folder: string, names: readonly string[], isFolder: boolean): Promise<{ readonly files: readonly AdapterFile[]; readonly notes: readonly string[] }> {
  const files: AdapterFile[] = [];
  const notes: string[] = [];
  for (const name of names) {
    const read = await readText(join(folder, name)).catch((error: unknown) => {
      if (!isFolder || !(error instanceof BundleError) || error.code !== 'INPUT_SYNTAX') throw error;
      return { text: undefined, warning: `${name}: binary data, passed over` };
    });
    if (read.warning !== undefined) notes.push(read.warning);
    if (read.text !== undefined) files.push({ path: name, text: read.text });
  }
  return { files, notes };
}

function nothingFound(boms: Converted['boms'], adapter: Adapter, path: string): string[] {
  const empty = boms.filter(({ value: { spec = {} } }) => Object.values(spec).every((part) => Array.isArray(part) && part.length === 0));
  return boms.length === 0 ? [`${adapter.name} found nothing to carry in ${path}`] : empty.map(({ value }) => `${value.metadata.name}: ${adapter.name} found nothing to carry in ${path}`);
}

/** What else a folder holds, by the files that each format is recognised from: one line a format. */
function otherFormats(files: readonly AdapterFile[], chosen: Adapter): string[] {
  const strangers = files.filter((file) => !chosen.detect([file]));
  return adapters.filter((adapter) => adapter !== chosen).flatMap((adapter) => {
    const found = strangers.filter((file) => adapter.wants(file.path) && adapter.detect([file])).map(({ path }) => path);
    return found.length === 0 ? [] : [`read as ${chosen.name}; ${found.slice(0, 2).join(', ')}${found.length > 2 ? ` and ${found.length - 2} more` : ''} could be ${adapter.name}: convert with --from ${adapter.name} too when ${found.length === 1 ? 'it is' : 'they are'} wanted`];
  });
}

/** Files by their path below `folder`, and links that lead elsewhere. A link to a folder is not followed, so that none is walked twice. */
async function filesBelow(folder: string): Promise<{ readonly names: readonly string[]; readonly links: readonly string[] }> {
  const names: string[] = [];
  const links: string[] = [];
  const root = await realpath(folder);
  const walk = async (path: string): Promise<void> => {
    for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (skipped.has(entry.name)) continue;
      const own = join(path, entry.name);
      const name = relative(folder, own).split(sep).join('/');
      if (entry.isDirectory()) await walk(own);
      else if (entry.isFile()) names.push(name);
      else if (entry.isSymbolicLink()) (await isFileBelow(own, root) ? names : links).push(name);
      if (names.length > maxFiles) throw new BundleError('INPUT_FLAG', { subject: folder, expected: `at most ${maxFiles} files`, actual: 'more', next: 'Name the folder of the descriptors themselves.' });
    }
  };
  await walk(folder);
  return { names, links };
}

/** Whether a link leads to a file below `root`; one that leads nowhere does not. */
async function isFileBelow(link: string, root: string): Promise<boolean> {
  const target = await realpath(link).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ELOOP' || cause.code === 'ENOTDIR') return undefined;
    throw cause;
  });
  return target?.startsWith(`${root}${sep}`) === true && (await stat(target)).isFile();
}

/** Installers are gigabytes with a script at their beginning, which is all that their adapter reads. */
const longBeginnings = /(?:^|\/)dcos_generate_config[\w.-]*\.sh$/;
const beginningBytes = 1024 * 1024;

async function readText(path: string): Promise<Decoded> {
  const { size } = await stat(path);
  if (longBeginnings.test(path) && size > beginningBytes) return { text: await textOf(createReadStream(path, { end: beginningBytes - 1, encoding: 'latin1' })) };
  if (size > maxFileBytes) throw new BundleError('INPUT_FIELD', { subject: path, expected: `a descriptor of at most ${maxFileBytes} bytes`, actual: `${size} bytes` });
  return decoded(path, await readFile(path));
}

interface Decoded { readonly text: string; readonly warning?: string }

/** UTF-8, or UTF-16 with its mark; stray bytes become U+FFFD with a warning. Throws `INPUT_SYNTAX` for bytes that are no text. */
function decoded(path: string, bytes: Uint8Array): Decoded {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  if (encoding === 'utf-8' && bytes.includes(0)) {
    throw new BundleError('INPUT_SYNTAX', { subject: path, expected: 'text in UTF-8, or in UTF-16 with a byte order mark', actual: 'binary data', next: 'Name the descriptor itself, not an archive of it.' });
  }
  const text = new TextDecoder(encoding).decode(bytes);
  return text.includes('\uFFFD') ? { text, warning: `${path}: not all of it is ${encoding.toUpperCase()}; bytes that are not were read as U+FFFD` } : { text };
}
