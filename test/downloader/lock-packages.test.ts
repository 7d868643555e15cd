// What aggregation and locking do with package files and with the fields of yum repositories.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { type LockedPackage, lockBytes } from '../../bom/lock.ts';
import type { Source } from '../../bom/ports.ts';
import { createLock, type LockOptions } from '../../downloader/lock.ts';
import { aggregated, bom } from '../bom/support/documents.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const target = 'targets: [{id: el9, family: rhel, os: rhel, release: "9", arch: amd64}]\n';
const set = (fields: string): string => `${target}packages: [{id: p, manager: rpm, target: el9, ${fields}}]`;
const byAddress = set('urls: [{url: "https://dl.example.org/a.rpm"}]');

/** Gives each address content of `digest`, unless it is pinned. */
function packages(digest: string): Source<'rpm'> {
  return {
    resolve: async (wanted) => ({
      artifacts: wanted.flatMap(({ urls, usedBy }) => urls.map(({ url = '', digest: pinned, trust }): LockedPackage => ({
        target: 'el9', manager: 'rpm', name: 'a', version: '1-1', arch: 'noarch', digest: pinned ?? digestOf(digest), size: 1, repo: '', urls: [url], path: 'Packages/a/a.rpm', stanza: '', role: 'normal',
        reason: 'requested', sets: ['m/p'], trust: trust ?? (pinned === undefined ? 'first-use' : 'declared'), usedBy: [...usedBy],
      }))),
      packageSets: wanted.map(({ id }) => ({ id, target: 'el9', engine: 'solv-like', mode: 'closure' as const, requested: [], exact: true, notes: [] })),
    }),
    fetch: () => { throw new Error('not fetched while locking'); },
  };
}

const options = (digest: string, more: Partial<LockOptions> = {}, spec = ''): LockOptions => ({
  aggregated: aggregated([bom('m', byAddress)], spec), sources: { rpm: packages(digest) }, blobs: new MemoryBlobs(), signal: new AbortController().signal, ...more,
});

describe('package files', () => {
  it('keep the content that was locked, believed as it was, until they are named', async () => {
    const first = await createLock(options('one'));
    expect(first.spec.packages).toMatchObject([{ digest: digestOf('one'), trust: 'first-use' }]);
    expect(lockBytes(await createLock(options('two', { previous: first, update: [] })))).toEqual(lockBytes(first));
    for (const name of ['https://dl.example.org/a.rpm', 'a', 'm/p', 'm']) {
      expect((await createLock(options('two', { previous: first, update: [name] }))).spec.packages[0]?.digest).toBe(digestOf('two'));
    }
  });

  it('have to be pinned where the policy says so', async () => {
    await expect(createLock(options('one', {}, 'policy: {unpinned: fail}'))).rejects.toMatchObject({ code: 'RESOLVE_UNPINNED' });
    await expect(createLock(options('one', {}, 'policy: {firstUse: fail}'))).rejects.toMatchObject({ code: 'RESOLVE_UNPINNED' });
  });
});

describe('yum repositories in documents', () => {
  const repository = (fields: string) => aggregated([bom('m', `${target}packageRepositories: [{id: r, manager: rpm, ${fields}}]\npackages: [{id: p, manager: rpm, target: el9, include: [{name: a}]}]`)]).packageSets[0]?.repositories[0];

  it('take one address, several, or a list of them', () => {
    for (const written of ['"https://a.example.org/ https://b.example.org/"', '["https://a.example.org/", "https://b.example.org/"]']) {
      expect(repository(`baseurl: ${written}`)?.baseurls).toEqual(['https://a.example.org/', 'https://b.example.org/']);
    }
    expect(repository('baseurl: "file:///media/dvd/BaseOS"')?.baseurls).toEqual(['file:///media/dvd/BaseOS']);
    expect(repository('baseurl: "https://a.example.org/$colour", variables: {colour: blue}, cost: 5, headersFrom: [site]')).toMatchObject({ variables: { colour: 'blue' }, cost: 5, headersFrom: ['site'] });
  });

  it('or a .repo file; one of all these', () => {
    expect(repository('repoText: "[a]"')).toMatchObject({ repoText: '[a]' });
    expect(() => repository('gpgcheck: true')).toThrow('one of baseurl, mirrorlist, metalink, repoFile, repoText');
    expect(() => repository('baseurl: "ftp://a.example.org/"')).toThrow('http');
  });

  it('do without what only the other manager has', () => {
    const deb = 'targets: [{id: t, family: debian, os: debian, release: "12", arch: amd64}]\npackageRepositories: [{id: r, manager: deb, line: "deb http://a.example.org/ s main"}]\n';
    expect(() => aggregated([bom('m', `${deb}packages: [{manager: deb, target: t, dependencies: alldeps, include: [{name: a}]}]`)])).toThrow('which only rpm has');
  });
});
