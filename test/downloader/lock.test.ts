import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { BundleEvent } from '../../bom/events.ts';
import { type LockedFile, type LockedImage, lockBytes, parseLock, type Trust } from '../../bom/lock.ts';
import type { Source } from '../../bom/ports.ts';
import { createLock, type LockOptions } from '../../downloader/lock.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { aggregated, bom, sha } from '../bom/support/documents.ts';

const never = new AbortController().signal;
const noBytes = (): never => { throw new Error('not fetched while locking'); };

function images(change: (image: LockedImage) => LockedImage = (image) => image): Source<'image'> {
  return {
    resolve: async (wanted) => ({
      artifacts: wanted.toReversed().map(({ ref, digest, platforms, sources, usedBy, artifactKind, role }) => change({
        ref, digest: digest ?? digestOf(ref), mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 3, sources: [...sources], platforms: Object.fromEntries(platforms.map((platform) => [platform, digestOf(ref)])),
        manifests: [], blobs: [], kind: artifactKind, role, trust: digest === undefined ? 'first-use' : 'declared', usedBy: [...usedBy],
      })),
      warnings: ['one', 'one'],
    }),
    fetch: noBytes,
  };
}

function files(): Source<'file'> {
  return {
    resolve: async (wanted) => ({
      artifacts: wanted.map(({ name, urls, digest, mode, purpose, usedBy }): LockedFile => ({
        name, urls: [...urls], digest: digest ?? digestOf(name), size: 1, mode, purpose, mediaType: 'application/octet-stream', trust: (digest === undefined ? 'first-use' : 'declared') satisfies Trust, usedBy: [...usedBy],
      })),
      dropped: [{ what: 'b', because: 'x' }],
    }),
    fetch: noBytes,
  };
}

const text = `images: [{ref: "b:1"}, {ref: "a:1", digest: "${sha('1')}"}]\nfiles: [{urls: ["https://example.org/z"]}, {urls: ["https://example.org/y"]}]`;

function options(more: Partial<LockOptions> = {}, spec = ''): LockOptions {
  return { aggregated: aggregated([bom('m', text, 'version: 1.10, labels: {kind: x}')], spec), sources: { image: images(), file: files() }, blobs: new MemoryBlobs(), signal: never, ...more };
}

async function failure(run: Promise<unknown>): Promise<BundleError> {
  const error = await run.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw error ?? new Error('nothing was thrown');
}

describe('createLock', () => {
  it('writes a lock that the parser takes, sorted, with the BOMs stored', async () => {
    const blobs = new MemoryBlobs();
    const lock = await createLock(options({ blobs }));
    expect(parseLock(new TextDecoder().decode(lockBytes(lock)), 'lock')).toEqual(lock);
    expect(lock.metadata).toMatchObject({ name: 'site', sequence: 1 });
    expect(lock.spec.images.map(({ ref }) => ref)).toEqual(['docker.io/library/a:1', 'docker.io/library/b:1']);
    expect(lock.spec.files.map(({ name }) => name)).toEqual(['y', 'z']);
    expect(lock.spec.boms).toMatchObject([{ name: 'm', version: '1.10', labels: { kind: 'x' } }]);
    expect(lock.spec.warnings.filter((warning) => warning === 'one')).toHaveLength(1);
    expect(lock.spec.dropped).toEqual([{ what: 'b', because: 'x' }]);
    expect([...blobs.blobs.keys()]).toEqual(lock.spec.boms.map(({ digest }) => digest));
  });

  it('gives the same bytes for the same content, and the next sequence for other content', async () => {
    const first = await createLock(options());
    const same = await createLock(options({ previous: first }));
    expect(lockBytes(same)).toEqual(lockBytes(first));
    const second = await createLock(options({ previous: first, sources: { image: images((image) => ({ ...image, size: 4 })), file: files() } }));
    expect(second.metadata.sequence).toBe(2);
    expect((await createLock(options({ previous: second }))).metadata.sequence).toBe(3);
  });

  it('refuses what no source can carry, by name', async () => {
    const { file } = options().sources;
    expect(await failure(createLock(options({ sources: { ...(file === undefined ? {} : { file }) } })))).toMatchObject({ code: 'RESOLVE_UNSUPPORTED', facts: { subject: 'm.yaml:5:32: image docker.io/library/a:1' } });
    const chart = aggregated([bom('m', 'charts: [{source: {repo: "https://charts.example.org", name: c}}]')]);
    expect(await failure(createLock(options({ aggregated: chart })))).toMatchObject({ code: 'RESOLVE_UNSUPPORTED', facts: { subject: 'm.yaml:5:12: chart c', expected: 'one of image, file' } });
  });

  it('stops the other kinds when one fails, and throws the first failure', async () => {
    let stopped = false;
    const slow: Source<'image'> = {
      resolve: (_, signal) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => { stopped = true; reject(new Error('aborted')); }); }),
      fetch: noBytes,
    };
    const broken: Source<'file'> = { resolve: async () => { throw new BundleError('RESOLVE_NOT_FOUND', { subject: 'z', expected: 'a file', actual: '404' }); }, fetch: noBytes };
    expect(await failure(createLock(options({ sources: { image: slow, file: broken } })))).toMatchObject({ code: 'RESOLVE_NOT_FOUND' });
    expect(stopped).toBe(true);
  });

  it('can be interrupted', async () => {
    expect(await failure(createLock(options({ signal: AbortSignal.abort() })))).toMatchObject({ code: 'INTERRUPTED' });
  });

  it('calls a source that forgets something a defect', async () => {
    const forgetful: Source<'image'> = { resolve: async () => ({ artifacts: [] }), fetch: noBytes };
    await expect(createLock(options({ sources: { image: forgetful, file: files() } }))).rejects.toThrow('did not resolve image docker.io/library/a:1');
  });

  it('tells what it does', async () => {
    const events: BundleEvent[] = [];
    await createLock(options({ notify: (event) => events.push(event) }));
    expect(events.flatMap((event) => (event.kind === 'step' ? [event.message] : []))).toEqual(['resolving 2 images', 'resolving 2 files']);
  });
});

describe('update', () => {
  const moved = (digest: string): Source<'image'> => ({
    ...images(), resolve: async (wanted, signal) => images((image) => ({ ...image, digest: wanted.find(({ ref }) => ref === image.ref)?.digest ?? (sha(digest) as typeof image.digest) })).resolve(wanted, signal),
  });
  const digests = (lock: { readonly spec: { readonly images: readonly LockedImage[] } }): string[] => lock.spec.images.map(({ digest, trust }) => `${digest.slice(7, 9)} ${trust}`);
  it('keeps what was locked unless it is named', async () => {
    const sources = (digest: string): LockOptions['sources'] => ({ image: moved(digest), file: files() });
    const first = await createLock(options({ sources: sources('2') }));
    expect(digests(first)).toEqual(['11 declared', '22 first-use']);
    const kept = await createLock(options({ sources: sources('3'), previous: first, update: [] }));
    expect(lockBytes(kept)).toEqual(lockBytes(first));
    for (const name of ['docker.io/library/b:1', 'docker.io/library/b', 'm']) {
      const updated = await createLock(options({ sources: sources('3'), previous: first, update: [name] }));
      expect(digests(updated)).toEqual(['11 declared', '33 first-use']);
      expect(updated.metadata.sequence).toBe(2);
    }
    expect(digests(await createLock(options({ sources: sources('3'), previous: first })))).toEqual(['11 declared', '33 first-use']);
  });

  it('keeps the size with the digest of a file, whatever its server has by now, unless a document says another one', async () => {
    const sized = (size: number): Source<'file'> => ({ ...files(), resolve: async (wanted, signal) => ({
      ...await files().resolve(wanted, signal), artifacts: (await files().resolve(wanted, signal)).artifacts.map((file, index) => ({ ...file, size: wanted[index]?.size ?? size })),
    }) });
    const sources = (size: number): LockOptions['sources'] => ({ image: images(), file: sized(size) });
    const first = await createLock(options({ sources: sources(7) }));
    expect(lockBytes(await createLock(options({ sources: sources(9), previous: first, update: [] })))).toEqual(lockBytes(first));
    const declared = aggregated([bom('m', text.replace('"https://example.org/z"]', '"https://example.org/z"], size: 5'), 'version: 1.10, labels: {kind: x}')]);
    const other = await createLock(options({ aggregated: declared, sources: sources(9), previous: first, update: [] }));
    expect(other.spec.files.map(({ name, size, trust }) => [name, size, trust])).toEqual([['y', 7, 'first-use'], ['z', 5, 'first-use']]);
  });

  it('knows an image by its short name', async () => {
    const sources = (digest: string): LockOptions['sources'] => ({ image: moved(digest), file: files() });
    const first = await createLock(options({ sources: sources('2') }));
    for (const name of ['b:1', 'b', 'docker.io/b']) expect(digests(await createLock(options({ sources: sources('3'), previous: first, update: [name] })))).toEqual(['11 declared', '33 first-use']);
  });

  it.each([['bb', 'Did you mean docker.io/library/b?'], ['docker.io/library/c:1', 'Did you mean docker.io/library/a:1?'], ['b:2', 'Did you mean docker.io/library/b:1?'], ['A B', 'Name one of them.'], ['nothing-like-it', 'There are: docker.io/library/a:1, docker.io/library/b:1, m, y, z']])('refuses the name %j, and says what there is', async (name, next) => {
    const refused = await failure(createLock(options({ update: [name] })));
    expect(refused).toMatchObject({ code: 'INPUT_FLAG', facts: { subject: `--update ${name}`, details: { names: ['docker.io/library/a:1', 'docker.io/library/b:1', 'm', 'y', 'z'] } } });
    expect(refused.facts.next).toContain(next);
  });
});

describe('policy', () => {
  const refused = async (spec: string, more: Partial<LockOptions> = {}): Promise<BundleError> => failure(createLock(options(more, spec)));
  it('unpinned', async () => {
    expect(await refused('policy: {unpinned: fail}')).toMatchObject({ code: 'RESOLVE_UNPINNED', facts: { subject: 'm.yaml:5:18: image docker.io/library/b:1 of module m', details: { all: ['image docker.io/library/b:1', 'file y', 'file z'] } } });
  });
  it('first use', async () => {
    expect(await refused('policy: {firstUse: fail}')).toMatchObject({ code: 'RESOLVE_UNPINNED', facts: { details: { all: ['docker.io/library/b:1', 'y', 'z'] } } });
    expect(await refused('', { strict: true })).toMatchObject({ code: 'RESOLVE_UNPINNED' });
  });
  it.each([
    ['guessed: fail', 'images: [{ref: "x:1", confidence: guessed}]'],
    ['unresolved: fail', 'unresolved: [{where: "f:1", what: x, reason: y}]'],
    ['weakDigest: fail', `files: [{urls: ["https://example.org/z"], weakDigests: ["md5:${'a'.repeat(32)}"]}]`],
    ['licence: {deny: [proprietary]}', 'images: [{ref: "x:1", licence: Proprietary}]'],
    ['licence: {allow: [MIT]}', 'images: [{ref: "x:1", licence: GPL-3.0}]'],
  ])('%s', async (policy, spec) => {
    const boms = [bom('m', spec)];
    expect(await refused('', { aggregated: aggregated(boms, `policy: {${policy}}`) })).toMatchObject({ code: 'RESOLVE_POLICY', exitCode: 3 });
    await createLock(options({ aggregated: aggregated(boms, '') }));
  });
  it('weakDigest: fail refuses repositories whose indexes only a sha1 covers', async () => {
    const packages = { image: images(), file: files(), rpm: { resolve: async () => ({ artifacts: [], repositories: [], packageSets: [{ id: 'm/s', target: 'el7', engine: 'solv-like' as const, mode: 'closure' as const, requested: [], exact: true, notes: [] }], weak: ['primary of repository base', 'modules of repository base'], warnings: ['sha1'] }), fetch: noBytes } };
    const spec = "targets: [{id: el7, family: rhel, release: \"7\", arch: amd64}]\npackageRepositories: [{id: base, manager: rpm, targets: [el7], baseurl: \"http://a.example.org/\", trusted: true}]\npackages: [{id: s, manager: rpm, target: el7, repositories: [base]}]";
    const of = (policy: string): LockOptions => options({ aggregated: aggregated([bom('m', spec)], policy), sources: packages } as Partial<LockOptions>);
    expect(await failure(createLock(of('policy: {weakDigest: fail}')))).toMatchObject({ code: 'RESOLVE_POLICY', facts: { subject: 'primary of repository base', actual: 'only a sha1 (and 1 more)' } });
    expect((await createLock(of(''))).spec.warnings).toEqual(['sha1']);
  });
  it('names both files that a case-insensitive file system cannot tell apart, and refuses them under --strict', async () => {
    const digests = [1, 2].map((fill) => `digest: "${sha(String(fill))}"`);
    const boms = [bom('m', `files: [{urls: ["https://example.org/A.bin"], ${digests[0]}}, {urls: ["https://example.org/a.bin"], ${digests[1]}}]`)];
    const lock = await createLock(options({ aggregated: aggregated(boms, '') }));
    expect(lock.spec.warnings).toEqual([expect.stringMatching(/file a\.bin: file A\.bin of module m differs only by case/) as string]);
    expect(await refused('', { aggregated: aggregated(boms, ''), strict: true })).toMatchObject({ code: 'RESOLVE_POLICY', facts: { actual: expect.stringContaining('A.bin') as string } });
  });
  it('warns about what it lets through, and keeps it in the lock', async () => {
    const lock = await createLock(options({ aggregated: aggregated([bom('m', 'unresolved: [{where: "f:1", what: pip install x, reason: no URL}, {where: "f:2", what: y, reason: z, waive: true}]')], '') }));
    expect(lock.spec.unresolved).toEqual([{ module: 'm', where: 'f:1', what: 'pip install x', reason: 'no URL' }]);
    expect(lock.spec.warnings).toEqual(['module m: pip install x (f:1): no URL']);
  });
});

