import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleOf } from '../../bom/bundle.ts';
import { digestOf, type Digest } from '../../bom/digest.ts';
import { collect, type CollectOptions, type CollectResult, noteReceipt } from '../../importer/collect.ts';
import { Generations } from '../../store/generations.ts';
import { holding, holdStore } from '../../store/store-lock.ts';
import { Store } from '../../store/store.ts';
import { noise } from '../support/bytes.ts';
import { type Sample, sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from './workbench.ts';

const files = (own: number): Record<string, Uint8Array> => ({ shared: noise(40_000, 1), own: noise(60_000, own) });
const samples = [1, 2, 3, 4].map((sequence) => sampleOf({ sequence, files: files(sequence + 10), images: { 'docker.io/library/app:1': [`layer ${sequence}`] } }));
const [first, second, third, fourth] = samples as [Sample, Sample, Sample, Sample];
const signal = new AbortController().signal;

let bench: Workbench;
let machine: Store;
beforeEach(async () => { bench = new Workbench(); machine = await bench.store('machine'); });
afterEach(() => bench.close());

async function imported(sample: Sample, options: { readonly copy?: boolean; readonly base?: Sample } = {}): Promise<string> {
  const name = `${sample.lock.metadata.name}-${sample.lock.metadata.sequence}`;
  const { paths } = await bench.export(sample, await bench.store(`from-${name}`, sample), `${name}.tar`);
  await bench.import(machine, paths, { copy: options.copy === true });
  return paths[0] ?? '';
}

async function gc(more: Partial<CollectOptions> = {}): Promise<CollectResult> {
  return collect({ store: machine, keep: 1, locks: [], pushed: async () => [], compact: false, forgetReceipts: false, dryRun: false, onWait: () => undefined, signal, ...more });
}

const digestsOf = (sample: Sample): Digest[] => { const { generated, content } = bundleOf(sample.lock); return [...generated, ...content].map(({ digest }) => digest); };
async function missingOf(sample: Sample, store = machine): Promise<Digest[]> {
  const missing: Digest[] = [];
  for (const digest of digestsOf(sample)) if (!(await store.has(digest))) missing.push(digest);
  return missing;
}
const tars = (): string[] => readdirSync(join(machine.root, 'packs')).filter((name) => name.endsWith('.tar'));

describe('gc', () => {
  it('keeps the newest and the one served, and makes the others history', async () => {
    for (const sample of samples) await imported(sample);
    const generations = new Generations(machine.root);
    await generations.switchTo('site', 2);
    const result = await gc({ keep: 1 });
    expect(result.kept.map(({ id }) => id)).toEqual([2, 4]);
    expect(result.collected.map(({ id }) => id)).toEqual([1, 3]);
    expect([await missingOf(second), await missingOf(fourth)]).toEqual([[], []]);
    expect(await missingOf(first)).toContain(digestOf(files(11)['own'] as Uint8Array));
    expect((await generations.list('site')).map(({ id, collected }) => [id, collected === true])).toEqual([[1, true], [2, false], [3, true], [4, false]]);
    await expect(generations.switchTo('site', 3)).rejects.toMatchObject({ code: 'INPUT_FLAG', message: expect.stringContaining('given up') });
    expect(await generations.highestSequence('site')).toBe(4);
    // Again: nothing to do.
    expect(await gc({ keep: 1 })).toMatchObject({ freedBytes: 0, collected: [], loose: [] });
  });

  it('lets whole packs go, and only its own name of the file', async () => {
    const path = await imported(first);
    await imported(second);
    expect(tars()).toHaveLength(2);
    const result = await gc();
    expect(tars()).toHaveLength(1);
    expect(result.packs.map(({ fate }) => fate).sort()).toEqual(['keep', 'remove']);
    expect(existsSync(path)).toBe(true);
    expect(await missingOf(second)).toEqual([]);
    // What both archives hold is found through the one that is left, also by a store that is opened anew.
    const again = await Store.open(machine.root, { create: false });
    expect(await missingOf(second, again)).toEqual([]);
    again.close();
  });

  it('only forgets an archive on another medium', async () => {
    const path = await imported(first);
    const [record] = machine.packRecords();
    if (record === undefined) throw new Error('no pack');
    // As an import from another file system records it.
    await machine.adoptPack({ ...record, volumes: [{ ...record.volumes[0], path, ...stamp(path) }] });
    await imported(second);
    expect((await gc()).packs).toMatchObject([{ fate: 'forget', path }, { fate: 'keep' }]);
    expect([machine.packRecords().length, existsSync(path)]).toEqual([1, true]);
    expect(await missingOf(second)).toEqual([]);
  });

  it('copies what is still needed out of a mostly dead pack', async () => {
    await imported(sampleOf({ sequence: 1, files: { shared: noise(40_000, 1), dead: noise(900_000, 9) } }));
    // A delta: the shared file lies in the first archive alone.
    const source = await bench.store('from-delta', second);
    const shared = digestOf(noise(40_000, 1));
    const { paths } = await bench.export(second, source, 'delta.tar', { delta: { holds: (digest) => digest === shared, base: [] } });
    await bench.import(machine, paths);
    expect((await gc({ keep: 1 })).packs.map(({ fate }) => fate)).toEqual(['keep', 'keep']);
    const dry = await gc({ compact: true, dryRun: true });
    expect(dry.packs.map(({ fate }) => fate).sort()).toEqual(['compact', 'keep']);
    const result = await gc({ compact: true });
    expect(result.copiedBytes).toBe(40_000);
    expect(result.freedBytes).toBeGreaterThan(800_000);
    expect(Math.abs(dry.freedBytes - result.freedBytes)).toBeLessThan(5000);
    expect(tars()).toHaveLength(1);
    expect(await missingOf(second)).toEqual([]);
    expect(await machine.isLoose(shared)).toBe(true);
  });

  it('keeps what was pushed, what further locks name, and the parts of what they still have to fetch', async () => {
    await imported(first, { copy: true });
    await imported(second, { copy: true });
    const [pushed] = digestsOf(first);
    const kept = digestOf(files(13)['own'] as Uint8Array);
    for (const name of [kept, digestOf('nobody wants it')]) writeFileSync(join(machine.root, 'partial', `${name.slice(7)}.999999999.part`), 'half');
    // What a killed `lock` leaves of a git repository.
    mkdirSync(join(machine.root, 'partial/longshore-git-Ab12Cd/repository.git/objects'), { recursive: true });
    writeFileSync(join(machine.root, 'partial/longshore-git-Ab12Cd/repository.git/objects/tmp_pack_1'), 'half');
    const result = await gc({ pushed: async () => (pushed === undefined ? [] : [pushed]), locks: [third.lock] });
    expect(pushed === undefined ? false : await machine.has(pushed)).toBe(true);
    expect(readdirSync(join(machine.root, 'partial'))).toEqual([`${kept.slice(7)}.999999999.part`]);
    expect(result.leftoverBytes).toBeGreaterThanOrEqual(8);
  });

  it('keeps what a receipt lists until the next archive has come', async () => {
    await imported(first, { copy: true });
    await imported(second, { copy: true });
    await noteReceipt(machine, 'site');
    const result = await gc();
    expect([result.receipts, result.collected]).toEqual([[{ project: 'site', generations: [1, 2] }], []]);
    expect((await gc({ dryRun: true, forgetReceipts: true })).collected.map(({ id }) => id)).toEqual([1]);
    await imported(third, { copy: true });
    expect((await gc()).collected.map(({ id }) => id)).toEqual([1, 2]);
    writeFileSync(join(machine.root, 'receipts/site.json'), 'x');
    await expect(gc()).rejects.toMatchObject({ code: 'STORAGE_IO' });
  });

  it('touches nothing when it cannot know what is needed', async () => {
    await imported(first, { copy: true });
    await imported(second, { copy: true });
    const { lock } = bundleOf(second.lock);
    await machine.removeLoose([lock.digest]);
    const before = readdirSync(join(machine.root, 'blobs/sha256'));
    await expect(gc()).rejects.toMatchObject({ code: 'INTEGRITY_MISSING' });
    expect(readdirSync(join(machine.root, 'blobs/sha256'))).toEqual(before);
  });

  it('drops the entries of index.json that lead nowhere, and says the same beforehand', async () => {
    await imported(first, { copy: true });
    await imported(second, { copy: true });
    const dry = await gc({ dryRun: true });
    const names = (): unknown[] => (JSON.parse(readFileSync(join(machine.root, 'index.json'), 'utf8')) as { manifests: unknown[] }).manifests;
    const result = await gc();
    expect(dry.loose.map(({ digest }) => digest).sort()).toEqual(result.loose.map(({ digest }) => digest).sort());
    for (const entry of names()) expect(await machine.has((entry as { digest: Digest }).digest)).toBe(true);
    expect(names().length).toBeGreaterThan(0);
  });

  it('ends what was interrupted between the record and the file of a pack', async () => {
    const path = await imported(first);
    await imported(second);
    const packs = join(machine.root, 'packs');
    const hex = machine.packRecords().find(({ volumes }) => volumes[0]?.inode === statSync(path).ino)?.archive.slice(7) ?? '';
    renameSync(join(packs, `${hex}.json`), join(packs, `${hex}.gone`));
    const again = await Store.open(machine.root, { create: false });
    expect(await missingOf(second, again)).toEqual([]);
    const result = await collect({ store: again, keep: 1, locks: [], pushed: async () => [], compact: false, forgetReceipts: false, dryRun: false, onWait: () => undefined, signal });
    expect(result.leftoverBytes).toBe(statSync(path).size);
    expect(readdirSync(packs).filter((name) => name.startsWith(hex))).toEqual([]);
    // Imported again while the old record still waited: its file stays.
    copyFileSync(join(packs, readdirSync(packs).find((name) => name.endsWith('.json')) ?? ''), join(packs, 'copy.gone'));
    await again.clearLeftovers(() => false);
    expect(await missingOf(second, again)).toEqual([]);
    again.close();
  });
});

describe('holding a store', () => {
  it('lets many use it, one collect, and everybody after a death', async () => {
    const uses = await Promise.all([1, 2].map(() => holdStore(machine.root, { role: 'use', signal })));
    let waits = 0;
    let collected = false;
    const collecting = holding(machine.root, { role: 'collect', signal, onWait: () => { waits += 1; for (const release of uses) release(); } }, async () => { collected = true; });
    await collecting;
    expect([waits, collected]).toEqual([1, true]);
    const release = await holdStore(machine.root, { role: 'collect', signal });
    const stop = new AbortController();
    await expect(holdStore(machine.root, { role: 'use', signal: stop.signal, onWait: () => stop.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    release();
    (await holdStore(machine.root, { role: 'use', signal }))();
    await expect(holdStore(join(machine.root, 'nowhere'), { role: 'collect', signal })).rejects.toMatchObject({ code: 'STORAGE_IO' });
  });
});

function stamp(path: string): { device: number; inode: number; size: number; mtimeMs: number } {
  const { dev, ino, size, mtimeMs } = statSync(path);
  return { device: dev, inode: ino, size, mtimeMs };
}
