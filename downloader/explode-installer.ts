// Takes a DC/OS installer apart: shell stub, line #EOF#, tar with one `docker save`, in whose layers /artifacts lies (formats of gen/build_deploy/bash.py).
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Parser, type ReadEntry } from 'tar';
import { BundleError } from '../bom/errors.ts';
import { parseSavedImages } from '../formats/oci/docker-archive.ts';
import { isSafePath } from '../formats/archive/tar-header.ts';
import { makeDirectory, makeFolders, storageError } from '../store/durable-file.ts';
import { openArchiveFiles } from './sources/image-archive-files.ts';
import { hashFile } from './sources/file-local.ts';

export interface ExplodedFile { readonly path: string; readonly digest: string; readonly size: number }

export interface Exploded {
  /** `bootstrap/…`, `packages/…`, `complete/…`, below the folder. */
  readonly files: readonly ExplodedFile[];
  /** The image that configures a site, as `docker save` wrote it: its name below the folder, and its tags. */
  readonly image: { readonly path: string; readonly tags: readonly string[] };
}

export interface ExplodeOptions { readonly folder: string; readonly signal: AbortSignal }

/** The stub of real installers is a few KiB. */
const maxStubBytes = 4 * 1024 * 1024;
const marker = Buffer.from('\n#EOF#\n');
const wanted = /^(?:\.?\/)?artifacts\/((?:bootstrap|packages|complete)\/.+)$/;

/**
 * Writes the payload below `folder`, when all of it is there: a damaged installer leaves nothing behind, and what an earlier run wrote stays as it was.
 * Nothing of the installer is run, and `genconf/` is not taken. Throws `INPUT_FIELD` for a file without the marker, `INTEGRITY_METADATA` for one whose
 * payload is no installer's.
 */
export async function explodeInstaller(path: string, { folder, signal }: ExplodeOptions): Promise<Exploded> {
  const start = await payloadStart(path);
  const temporary = `${folder}.${process.pid}.part`;
  await makeDirectory(folder);
  try {
    await makeDirectory(temporary);
    const exploded = await explode(path, start, { folder: temporary, signal });
    for (const name of [exploded.image.path, ...exploded.files.map((file) => file.path)]) {
      await makeDirectory(dirname(join(folder, name)));
      await rename(join(temporary, name), join(folder, name)).catch((cause: unknown) => { throw storageError(join(folder, name), cause); });
    }
    return exploded;
  } finally {
    await rm(temporary, { recursive: true, force: true });
    // Only where nothing is in it.
    await rmdir(folder).catch((cause: NodeJS.ErrnoException) => { if (cause.code !== 'ENOTEMPTY' && cause.code !== 'EEXIST') throw storageError(folder, cause); });
  }
}

async function explode(path: string, start: number, { folder, signal }: ExplodeOptions): Promise<Exploded> {
  const members: string[] = [];
  await eachEntry(createReadStream(path, { start }), { subject: path, signal }, async (entry) => {
    const name = posix.normalize(entry.path).replace(/^\.?\//, '');
    if (entry.type !== 'File' || !/^dcos-genconf[\w.-]*\.tar$/.test(name)) return false;
    await write(entry, join(folder, name));
    members.push(name);
    return true;
  });
  const [image] = members;
  if (image === undefined || members.length > 1) throw damaged(path, 'one dcos-genconf….tar behind the marker', members.join(', ') || 'none');
  const saved = await openArchiveFiles(join(folder, image), { subject: path, spoolDir: folder, signal })
    .catch((cause: unknown) => { throw cause instanceof BundleError && (cause.family === 'input' || cause.family === 'integrity') ? damaged(path, cause.facts.expected, cause.facts.actual) : cause; });
  try {
    const { layers, tags } = await savedImage(saved, path);
    const found = new Set<string>();
    for (const layer of layers) {
      await eachEntry(Readable.from(saved.open(layer)), { subject: `${path}: ${layer}`, signal }, async (entry) => {
        const inner = wanted.exec(posix.normalize(entry.path))?.[1];
        if (inner === undefined || entry.type !== 'File' || !isSafePath(inner)) return false;
        await write(entry, join(folder, inner));
        found.add(inner);
        return true;
      });
    }
    if (![...found].some((name) => name.startsWith('bootstrap/'))) throw damaged(path, 'artifacts/bootstrap in the image', 'none');
    const files: ExplodedFile[] = [];
    for (const name of [...found].sort()) files.push({ path: name, ...await hashFile(join(folder, name), { subject: name, checks: [], signal }) });
    return { files, image: { path: image, tags } };
  } finally {
    await saved.close();
  }
}

async function payloadStart(path: string): Promise<number> {
  const unreadable = (cause: unknown): never => { throw new BundleError('INPUT_MISSING_FILE', { subject: path, expected: 'a DC/OS installer', actual: (cause as NodeJS.ErrnoException).code ?? 'an error' }, { cause }); };
  const handle = await open(path).catch(unreadable);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxStubBytes), 0, maxStubBytes, 0).catch(unreadable);
    const at = buffer.subarray(0, bytesRead).indexOf(marker);
    if (at < 0) throw new BundleError('INPUT_FIELD', { subject: path, expected: 'a DC/OS installer: a script with a line #EOF# before its archive', actual: 'no such line', next: 'Name the dcos_generate_config.sh of a release, whole.' });
    return at + marker.length;
  } finally {
    await handle.close();
  }
}

async function savedImage(files: Awaited<ReturnType<typeof openArchiveFiles>>, subject: string): Promise<{ readonly layers: readonly string[]; readonly tags: readonly string[] }> {
  const size = await files.sizeOf('manifest.json');
  if (size === undefined || size > 1024 * 1024) throw damaged(subject, 'what docker save writes, with a manifest.json', size === undefined ? 'none' : 'a very long one');
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.open('manifest.json')) chunks.push(chunk.slice());
  const images = parseSavedImages(Buffer.concat(chunks), subject);
  return { layers: [...new Set(images.flatMap(({ layers }) => layers))], tags: images.flatMap(({ tags }) => tags) };
}

/** Every member in order; `take` is given each, and says whether it read it. One at a time: the stream waits. */
async function eachEntry(bytes: Readable, { subject, signal }: { readonly subject: string; readonly signal: AbortSignal }, take: (entry: ReadEntry) => Promise<boolean>): Promise<void> {
  const pending: Promise<void>[] = [];
  const parser = new Parser({
    strict: true, maxMetaEntrySize: 1 << 20,
    onReadEntry: (entry) => {
      const done = take(entry).then((read) => { if (!read) entry.resume(); });
      done.catch((cause: unknown) => bytes.destroy(cause as Error));
      pending.push(done);
    },
  });
  try {
    // The parser is a writable stream in all but its type.
    await pipeline(bytes, parser as unknown as NodeJS.WritableStream, { signal });
  } catch (cause) {
    if (cause instanceof BundleError || signal.aborted) throw cause;
    throw damaged(subject, 'a whole tar', (cause as Error).message);
  } finally {
    await Promise.allSettled(pending);
  }
  await Promise.all(pending);
}

async function write(entry: ReadEntry, path: string): Promise<void> {
  try {
    await makeFolders(dirname(path));
    const file = createWriteStream(path, { flush: true, mode: 0o644 });
    const written = new Promise<void>((done, fail) => { file.once('close', done).once('error', fail); entry.once('error', fail); });
    entry.pipe(file as unknown as NodeJS.WritableStream & { end: () => unknown });
    await written;
  } catch (cause) {
    throw storageError(path, cause);
  }
}

function damaged(subject: string, expected: string, actual: string): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual, next: 'Download the installer again, whole.' });
}
