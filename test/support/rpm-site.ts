// A site that serves rpm packages: a lock of what createrepo_c describes, taken through the real commands, and dnf pointed at what comes out.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { digestOf } from '../../bom/digest.ts';
import { apiVersion, type Lock, lockBytes, type LockedPackage, type LockedRepository } from '../../bom/lock.ts';
import { formatEvr } from '../../formats/rpm/evr.ts';
import { readPrimary } from '../../formats/rpm/primary.ts';
import { parseRepomd } from '../../formats/rpm/repomd.ts';
import { Store } from '../../store/store.ts';
import { type Outcome, run } from './command.ts';

export const target = { id: 'alma-9', family: 'rhel', os: 'almalinux', release: '9', arch: 'amd64' };

/** One index of a repository in a folder, decompressed. */
export async function indexOf(folder: string, type: string): Promise<Buffer> {
  const listed = parseRepomd(await readFile(join(folder, 'repodata/repomd.xml')), folder).files.find((each) => each.type === type);
  if (listed === undefined) throw new Error(`no ${type} in ${folder}`);
  const bytes = await readFile(join(folder, listed.location));
  return listed.location.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** The lock of everything (or of what `wanted` names) in a repository folder, with its content in the store. */
export async function lockFolder(folder: string, options: { readonly store: string; readonly publicKey: string; readonly sequence?: number; readonly wanted?: (item: { readonly name: string; readonly version: string }) => boolean }): Promise<Lock> {
  const store = await Store.open(options.store, { create: true });
  const put = async (mediaType: string, bytes: Uint8Array): Promise<{ mediaType: string; digest: ReturnType<typeof digestOf>; size: number }> => {
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await store.putBytes({ ...blob, bytes });
    return blob;
  };
  try {
    const found: (Pick<LockedPackage, 'name' | 'version' | 'arch' | 'stanza'> & { readonly location: string })[] = [];
    await readPrimary([await indexOf(folder, 'primary')], { subject: folder }, (item) => { found.push({ name: item.name, version: formatEvr(item.evr), arch: item.arch, location: item.location, stanza: item.slice() }); });
    const packages: LockedPackage[] = [];
    for (const { location, ...item } of found.filter((each) => options.wanted?.(each) ?? true)) {
      const { digest, size } = await put('application/x-rpm', await readFile(join(folder, location)));
      packages.push({ ...item, target: target.id, manager: 'rpm', digest, size, repo: 'bed', urls: [], path: `Packages/${item.name.slice(0, 1)}/${location}`, role: 'normal', reason: 'requested', sets: ['app/set'], trust: 'verified', usedBy: ['app'] });
    }
    const repository: LockedRepository = {
      id: 'bed', target: target.id, manager: 'rpm', uri: 'http://bed.example.org/', date: '2024-02-01T00:00:00Z', metadata: await put('text/xml', await readFile(join(folder, 'repodata/repomd.xml'))), indexes: [],
      keys: [await put('application/pgp-keys', Buffer.from(options.publicKey))], keyFingerprints: [], verified: true, waivers: [],
      modules: await put('application/yaml', await indexOf(folder, 'modules')), groups: await put('text/xml', await indexOf(folder, 'group')), updateinfo: await put('text/xml', await indexOf(folder, 'updateinfo')),
    };
    return {
      apiVersion, kind: 'Lock', metadata: { name: 'site', project: digestOf('site'), sequence: options.sequence ?? 1 },
      spec: { targets: [target], order: [], boms: [], images: [], files: [], packages, packageSets: [], repositories: [repository], charts: [], git: [], runtimes: [], dropped: [], unresolved: [], warnings: [], influences: [] },
    };
  } finally {
    store.close();
  }
}

export async function writeLock(path: string, lock: Lock): Promise<void> {
  await writeFile(path, lockBytes(lock));
}

/** dnf over nothing but the repositories of one folder of .repo files, with its own root and cache. */
export async function dnf(options: { readonly root: string; readonly repos: string; readonly arch?: string }, args: readonly string[]): Promise<Outcome> {
  await mkdir(join(options.root, 'var/log'), { recursive: true });
  return run('dnf', dnfArguments(options, args), { env: { LC_ALL: 'C.UTF-8' } });
}

export function dnfArguments({ root, repos, arch = 'x86_64' }: { readonly root: string; readonly repos: string; readonly arch?: string }, args: readonly string[]): string[] {
  return [`--installroot=${root}`, `--setopt=reposdir=${repos}`, '--setopt=plugins=0', '--setopt=module_platform_id=platform:el9',
    '--setopt=install_weak_deps=1', '--setopt=tsflags=noscripts', '--releasever=9', `--forcearch=${arch}`, '-y', ...args];
}
