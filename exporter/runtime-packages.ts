// npm packages of other platforms than this one: npm leaves them out of node_modules, and an archive for another machine needs them.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BundleError } from '../bom/errors.ts';

export interface PackageFolders {
  /** The folder of an npm package that package-lock.json pins: where npm installed it, else fetched. */
  folderOf(name: string, platform: string): Promise<string>;
  /** Removes what was fetched. */
  close(): Promise<void>;
}

interface Pinned { readonly version: string; readonly integrity: string }

/**
 * Packages below `root`. What is not installed there is fetched by npm, from the registry and with the login that npm is configured with, and
 * used only when it has the integrity that package-lock.json pins. Throws `RESOLVE_NOT_FOUND` with what to do when npm or the package cannot
 * be had, and `INTEGRITY_DIGEST`.
 */
export function packageFolders(root: string, signal: AbortSignal): PackageFolders {
  const fetched = new Map<string, Promise<string>>();
  let spool: Promise<string> | undefined;
  return {
    async folderOf(name, platform) {
      const installed = join(root, 'node_modules', name);
      if (await isFolder(installed)) return installed;
      let folder = fetched.get(name);
      if (folder === undefined) {
        const here = spool ??= mkdtemp(join(tmpdir(), 'longshore-runtime-'));
        folder = here.then((spooled) => fetchPackage(name, { root, platform, spool: spooled, signal }));
        fetched.set(name, folder);
      }
      return folder;
    },
    async close() {
      if (spool !== undefined) await rm(await spool, { recursive: true, force: true });
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((info) => info.isDirectory(), (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return false;
    throw cause;
  });
}

interface Fetching { readonly root: string; readonly platform: string; readonly spool: string; readonly signal: AbortSignal }

async function fetchPackage(name: string, { root, platform, spool, signal }: Fetching): Promise<string> {
  const pinned = await pinnedPackage(root, name);
  if (pinned === undefined) throw unavailable(name, { root, platform, actual: 'it is not installed here, and package-lock.json does not pin it' });
  const folder = join(spool, name.replaceAll('/', '-').replace('@', ''));
  await mkdir(folder);
  const run = promisify(execFile);
  await run('npm', ['pack', `${name}@${pinned.version}`, '--pack-destination', folder, '--ignore-scripts', '--silent'], { cwd: root, signal }).catch((cause: NodeJS.ErrnoException) => {
    throw unavailable(name, { root, platform, actual: cause.code === 'ENOENT' ? 'it is not installed here, and there is no npm to fetch it with' : 'it is not installed here, and npm could not fetch it' }, cause);
  });
  const file = (await readdir(folder)).find((each) => each.endsWith('.tgz'));
  if (file === undefined) throw unavailable(name, { root, platform, actual: 'it is not installed here, and npm wrote no package' });
  const archive = join(folder, file);
  const actual = await integrityOf(archive, pinned.integrity);
  if (actual !== pinned.integrity) throw new BundleError('INTEGRITY_DIGEST', { subject: `npm package ${name}@${pinned.version}`, expected: pinned.integrity, actual });
  await run('tar', ['-xzf', archive, '-C', folder, '--no-same-owner'], { signal });
  return join(folder, 'package');
}

async function pinnedPackage(root: string, name: string): Promise<Pinned | undefined> {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '{}';
    throw cause;
  });
  const { packages = {} } = JSON.parse(text) as { readonly packages?: Readonly<Record<string, Partial<Pinned>>> };
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  return version === undefined || integrity === undefined ? undefined : { version, integrity };
}

/** Subresource Integrity, as package-lock.json has it: `sha512-<base64>`. */
async function integrityOf(path: string, like: string): Promise<string> {
  const algorithm = like.slice(0, like.indexOf('-'));
  const hash = createHash(algorithm === 'sha512' ? 'sha512' : 'sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `${algorithm}-${hash.digest('base64')}`;
}

function unavailable(name: string, { root, platform, actual }: { readonly root: string; readonly platform: string; readonly actual: string }, cause?: Error): BundleError {
  const [os, cpu] = platform.split('-');
  return new BundleError('RESOLVE_NOT_FOUND', {
    subject: `runtime ${platform}`, expected: `the npm package ${name}`, actual,
    next: `Run \`npm install --no-save --os=${os} --cpu=${cpu} --libc=glibc\` in ${root}, or choose another platform with --runtime.`,
  }, cause === undefined ? undefined : { cause });
}
