// What the tests of the yum source share: requirements, keys, and a source over a map of files.
import type { PrivateKey } from 'openpgp';
import { silent } from '../../bom/events.ts';
import type { LockedPackage, LockedRepository } from '../../bom/lock.ts';
import type { Resolution } from '../../bom/ports.ts';
import type { PackageSetRequirement, RepositoryRequirement } from '../../bom/requirement.ts';
import { createYumSource } from '../../downloader/sources/yum.ts';
import { clientOver } from '../support/apt-repository.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { makeKey } from '../support/rpm-signing.ts';
import { type TestRpm, testRpm } from '../support/yum-repository.ts';

export const at = { file: 'bom.yaml', line: 7, column: 3 };
export const now = new Date('2026-03-01T00:00:00Z');
export const base = 'http://rpm.example.org/os/';

/** A signed package, and one that needs a file of it. */
export async function toolAndUser(): Promise<{ readonly key: PrivateKey; readonly rpms: TestRpm[] }> {
  const key = await makeKey('vendor', { type: 'ecc' });
  return { key, rpms: [await testRpm('tool', { key, version: '2', files: ['/opt/tool/data'] }), await testRpm('user', { key, requires: ['/opt/tool/data'] })] };
}

export function repository(more: Partial<RepositoryRequirement> = {}): RepositoryRequirement {
  return { id: 'base', manager: 'rpm', at, baseurls: [base], keys: [{ path: '/key.asc' }], trusted: false, ...more };
}

export function set(specs: readonly string[], more: Partial<PackageSetRequirement> = {}): PackageSetRequirement {
  return {
    kind: 'rpm', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 'el9', family: 'rhel', os: 'rhel', release: '9', arch: 'amd64', releasever: '9', basearch: 'x86_64' }, repositories: [repository()],
    role: 'normal', dependencies: 'closure', weakDependencies: false, arches: [], include: specs.map((spec) => ({ spec, versions: 'newest' as const, at })), urls: [], ...more,
  };
}

export interface Setting {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly key: PrivateKey;
  readonly blobs?: MemoryBlobs;
  readonly texts?: Readonly<Record<string, string>>;
  readonly previous?: readonly LockedRepository[];
  readonly previousPackages?: readonly LockedPackage[];
  readonly ranges?: boolean;
}

/** A client that serves ranges as servers do, or not at all. */
function rangesOver(files: ReadonlyMap<string, Uint8Array>, ranges: boolean): ReturnType<typeof clientOver> {
  const http = clientOver(files);
  const { get } = http;
  return {
    ...http,
    async get(url, options) {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(options.headers?.['range'] ?? '') ?? [];
      if (!ranges || from === undefined) return get(url, options);
      const answer = await get(url, { ...options, maxBytes: Infinity });
      return answer.status === 200 ? { ...answer, status: 206, body: answer.body.subarray(Number(from), Number(to) + 1) } : answer;
    },
  };
}

export function source({ files, key, blobs = new MemoryBlobs(), texts = {}, previous = [], previousPackages = [], ranges = true }: Setting) {
  const http = rangesOver(files, ranges);
  const readFile = async (path: string): Promise<Uint8Array> => Buffer.from(texts[path] ?? key.toPublic().armor());
  const yum = createYumSource({ http, blobs, now: () => now, notify: silent, readFile, headersFor: async () => ({}), previous, previousPackages });
  return { http, blobs, yum };
}

export async function resolve(setting: Setting, ...sets: readonly PackageSetRequirement[]): Promise<Resolution<'rpm'>> {
  return source(setting).yum.resolve(sets, new AbortController().signal);
}

export const named = (resolution: Resolution<'rpm'>): string[] => resolution.artifacts.map(({ name, version, arch }) => `${name} ${version} ${arch}`);
