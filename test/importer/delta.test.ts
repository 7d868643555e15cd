import { statSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { canonicalJson } from '../../bom/canonical-json.ts';
import type { BundleError } from '../../bom/errors.ts';
import { differenceOf, missingArtifacts } from '../../formats/archive/difference.ts';
import { deltaBase, holdingsOfLock, holdingsOfReceipt, parseMissing, repairBase } from '../../formats/archive/holdings.ts';
import { parseReceipt, receiptText, signReceipt } from '../../formats/archive/receipt.ts';
import { Generations } from '../../store/generations.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { listArchive } from '../../importer/inspect.ts';
import { receiptOf } from '../../importer/receipt.ts';
import { contentOfSample, sampleOf } from '../formats/archive/sample-lock.ts';
import { now, readBlob, type TestKey, testKey, Workbench } from './workbench.ts';

const common = { date: '2026-01-02T03:04:05Z', debs: { hello: 'a deb' } };
const large = new Uint8Array(500_000).fill(3);
const one = sampleOf({ ...common, sequence: 1, files: { large, a: 'a1', gone: 'gone' } });
const two = sampleOf({ ...common, sequence: 2, files: { large, a: 'a2', b: 'b' } });
const three = sampleOf({ ...common, sequence: 3, files: { large, a: 'a2', b: 'b', c: 'c' } });
const bench = {} as { now: Workbench };
let machine: TestKey;
let stranger: TestKey;
beforeAll(async () => { machine = await testKey('machine'); stranger = await testKey('stranger'); });
beforeEach(() => { bench.now = new Workbench(); });
afterEach(() => bench.now.close());

const full = async (sample = one): Promise<string> => (await bench.now.export(sample, await bench.now.store('upstream', one, two, three), `full-${sample.lock.metadata.sequence}.tar`)).paths[0] ?? '';
const delta = async (sample: typeof one, base: ReturnType<typeof deltaBase>, name = 'delta.tar'): Promise<string> =>
  (await bench.now.export(sample, await bench.now.store('upstream', one, two, three), name, { delta: base })).paths[0] ?? '';

describe('a delta', () => {
  it('carries what the base lacks and a little framing, and leads to the same content', async () => {
    const path = await delta(two, deltaBase('site', [holdingsOfLock(one.lock, 'lock')]));
    expect(statSync(path).size).toBeLessThan(64 * 1024);
    const store = await bench.now.store('machine');
    await bench.now.import(store, [await full()]);
    expect(await bench.now.import(store, [path])).toMatchObject({ changed: true, generation: { id: 2, sequence: 2 } });
    for (const blob of contentOfSample(two)) expect(await readBlob(store, blob)).toBe(Buffer.from(two.blobs.blobs.get(blob.digest) ?? []).toString());
  });

  it('lists what is new and shares content with the site as partly there, not as there', async () => {
    const imageOf = (sequence: number, layers: readonly string[]) => sampleOf({ sequence, files: { large }, images: { 'docker.io/library/app:1': layers } });
    const [old, next] = [imageOf(1, ['base']), imageOf(2, ['base', 'top'])];
    const { paths: [path = ''] } = await bench.now.export(next, await bench.now.store('upstream', old, next), 'image.tar', { delta: deltaBase('site', [holdingsOfLock(old.lock, 'lock')]) });
    const entries = await listArchive(await openArchive([path]));
    expect(entries.filter(({ kind }) => kind !== 'bom').map(({ name, carried, partly }) => [name, carried, partly])).toEqual([['docker.io/library/app:1', false, true], ['large', false, false]]);
  });

  it('is refused where its base is not met, naming what is missing, before anything is written', async () => {
    const path = await delta(three, deltaBase('site', [holdingsOfLock(two.lock, 'lock')]));
    const store = await bench.now.store('machine');
    await bench.now.import(store, [await full()]);
    const failure = await bench.now.import(store, [path]).catch((cause: unknown) => cause) as BundleError;
    expect(failure).toMatchObject({ code: 'TARGET_BASE' });
    expect((failure.facts.details?.['missing'] as { digest: string }[]).map((blob) => blob.digest).sort()).toEqual([digestOf('a2'), digestOf('b')].sort());
    expect(failure.facts.details).toMatchObject({ missingBytes: 3 });
    expect(await new Generations(store.root).current('site')).toMatchObject({ id: 1 });
    expect(await store.has(digestOf('c'))).toBe(false);
  });

  it('names up to 20 missing blobs in words, and a way that can be gone', async () => {
    const many = sampleOf({ ...common, sequence: 2, files: { large, ...Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`file-${index}`, `content ${String(index).padStart(2, '0')}`])) } });
    const next = sampleOf({ ...common, sequence: 3, files: { ...Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`file-${index}`, `content ${String(index).padStart(2, '0')}`])), large, c: 'c' } });
    const upstream = await bench.now.store('upstream', one, many, next);
    const { paths: [path = ''] } = await bench.now.export(next, upstream, 'many.tar', { delta: deltaBase('site', [holdingsOfLock(many.lock, 'lock')]) });
    const refusal = async (store: Awaited<ReturnType<Workbench['store']>>): Promise<BundleError['facts']> => {
      const failure = await bench.now.import(store, [path]).catch((cause: unknown) => cause) as BundleError;
      expect(failure.code).toBe('TARGET_BASE');
      return failure.facts;
    };
    const store = await bench.now.store('machine');
    const nothing = await refusal(store);
    expect(nothing.next).toMatch(/full archive/);
    expect(nothing.next).not.toContain('--repair');
    await bench.now.import(store, [(await bench.now.export(one, upstream, 'one.tar')).paths[0] ?? '']);
    const { actual, next: action } = await refusal(store);
    expect(actual).toMatch(/^23 blobs of 230 bytes are not here \(what a repair archive would carry\)/);
    expect(actual.match(/sha256:[0-9a-f]{64} file file-\d+, 10 bytes/g)).toHaveLength(20);
    expect(actual).toContain('and 3 more');
    expect(action).toMatch(/--json output.*longshore export --repair FILE/);
  });

  it('is repaired by an archive of what is missing', async () => {
    const path = await delta(three, deltaBase('site', [holdingsOfLock(two.lock, 'lock')]));
    const store = await bench.now.store('machine');
    await bench.now.import(store, [await full()]);
    const failure = await bench.now.import(store, [path]).catch((cause: unknown) => cause) as BundleError;
    const missing = parseMissing(canonicalJson({ error: { details: failure.facts.details } }), 'MISSING.json');
    const repair = await delta(three, repairBase(missing), 'repair.tar');
    expect(await bench.now.import(store, [repair])).toMatchObject({ generation: { id: 1 } });
    expect(await new Generations(store.root).current('site')).toMatchObject({ id: 1 });
    expect(await bench.now.import(store, [path])).toMatchObject({ generation: { id: 2, sequence: 3 } });
    await expect(bench.now.import(await bench.now.store('empty'), [repair])).rejects.toMatchObject({ code: 'TARGET_BASE' });
  });

  it('serves several sites when it builds on what all of them hold', async () => {
    const path = await delta(three, deltaBase('site', [holdingsOfLock(one.lock, 'one'), holdingsOfLock(two.lock, 'two')]));
    for (const base of [one, two]) {
      const store = await bench.now.store(`machine-${base.lock.metadata.sequence}`);
      await bench.now.import(store, [await full(base)]);
      expect(await bench.now.import(store, [path])).toMatchObject({ generation: { sequence: 3 } });
      for (const blob of contentOfSample(three)) expect(await store.has(blob.digest)).toBe(true);
    }
  });

  it('does not build on another project', () => {
    const other = sampleOf({ project: 'other', files: { a: 'a' } });
    expect(() => deltaBase('site', [holdingsOfLock(other.lock, 'other.lock.json')])).toThrowError(expect.objectContaining({ code: 'INPUT_FIELD' }));
  });
});

describe('a receipt', () => {
  it('says what a site holds, and a delta on it fits', async () => {
    const store = await bench.now.store('machine');
    await bench.now.import(store, [await full()]);
    const receipt = await receiptOf(store, 'site', now);
    const signed = Buffer.from(await signReceipt(receipt, machine.signing, now));
    const read = await parseReceipt(signed, { subject: 'receipt', keys: machine.keys, allowUnsigned: false, now });
    expect(read).toEqual(receipt);
    expect(read.blobs).toContain(digestOf(large));
    const path = await delta(two, deltaBase('site', [holdingsOfReceipt(read, 'receipt')]));
    expect(await bench.now.import(store, [path])).toMatchObject({ generation: { sequence: 2 } });
    expect((await receiptOf(store, 'site', now)).blobs).toContain(digestOf('gone'));
  });

  it('is refused from an unknown machine, changed, or unsigned', async () => {
    const store = await bench.now.store('machine');
    await bench.now.import(store, [await full()]);
    const receipt = await receiptOf(store, 'site', now);
    const signed = await signReceipt(receipt, machine.signing, now);
    const read = async (text: string, keys = machine.keys, allowUnsigned = false): Promise<unknown> => parseReceipt(Buffer.from(text), { subject: 'receipt', keys, allowUnsigned, now });
    await expect(read(signed, stranger.keys)).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    await expect(read(signed.replace('"sequence": 1', '"sequence": 2'))).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    await expect(read(receiptText(receipt))).rejects.toMatchObject({ code: 'INPUT_UNSIGNED' });
    await expect(read(signed, [])).rejects.toMatchObject({ code: 'INPUT_UNSIGNED' });
    expect(await read(receiptText(receipt), [], true)).toEqual(receipt);
    expect(await read(signed, [], true)).toEqual(receipt);
    await expect(read('{}', [], true)).rejects.toMatchObject({ code: 'INPUT_FIELD' });
    await expect(read('not json', [], true)).rejects.toMatchObject({ code: 'INPUT_SYNTAX' });
  });

  it('cannot be made for a project that is not here', async () => {
    await expect(receiptOf(await bench.now.store('machine'), 'site', now)).rejects.toMatchObject({ code: 'INPUT_FLAG' });
  });
});

describe('a difference', () => {
  it('names artifacts and counts bytes', () => {
    const difference = differenceOf(one.lock, two.lock);
    expect(difference.added.map((item) => item.name)).toEqual(['b']);
    expect(difference.removed.map((item) => item.name)).toEqual(['gone']);
    expect(difference.changed).toMatchObject([{ name: 'a', before: digestOf('a1'), digest: digestOf('a2') }]);
    expect(difference.newBlobs).toEqual({ count: 2, bytes: 3 });
    expect(missingArtifacts(holdingsOfLock(one.lock, 'x').blobs, two.lock).missing).toEqual(['file a', 'file b']);
  });
});

describe('pinned keys', () => {
  it('vouch for later archives, and refuse those of other keys', async () => {
    const upstream = await bench.now.store('upstream', one, two, three);
    const signedBy = async (sample: typeof one, key: TestKey): Promise<string> => (await bench.now.export(sample, upstream, `${key.signing.fingerprint}-${sample.lock.metadata.sequence}.tar`, { sign: key.signing })).paths[0] ?? '';
    const store = await bench.now.store('machine');
    await expect(bench.now.import(store, [await signedBy(one, machine)], { allowUnsigned: false })).rejects.toMatchObject({ code: 'INPUT_UNSIGNED' });
    await bench.now.import(store, [await signedBy(one, machine)], { keys: machine.keys, allowUnsigned: false });
    await expect(bench.now.import(store, [await signedBy(two, stranger)], { allowUnsigned: false })).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    await expect(bench.now.import(store, [await signedBy(two, stranger)], { allowUnsigned: true })).rejects.toMatchObject({ code: 'INTEGRITY_SIGNATURE' });
    expect(await bench.now.import(store, [await signedBy(two, machine)], { allowUnsigned: false })).toMatchObject({ signature: { state: 'signed' } });
    expect(await bench.now.import(store, [await signedBy(three, stranger)], { keys: stranger.keys, allowUnsigned: false })).toMatchObject({ generation: { sequence: 3 } });
  });

  it('warn when an archive is taken that none of them signed', async () => {
    const upstream = await bench.now.store('upstream', one, two, three);
    const exportOf = async (sample: typeof one, key?: TestKey): Promise<string> => (await bench.now.export(sample, upstream, `${key?.signing.fingerprint ?? 'unsigned'}-${sample.lock.metadata.sequence}.tar`, key === undefined ? {} : { sign: key.signing })).paths[0] ?? '';
    const warnings = (): readonly string[] => bench.now.events.flatMap((event) => (event.kind === 'warning' && event.message.includes('pinned') ? [`${event.subject} ${event.message}`] : []));
    const store = await bench.now.store('machine');
    await bench.now.import(store, [await exportOf(one)]);
    await bench.now.import(store, [await exportOf(one, machine)], { keys: machine.keys });
    await bench.now.import(store, [await exportOf(two, machine)], { keys: [...stranger.keys, ...machine.keys] });
    expect(warnings()).toEqual([]);
    const unsigned = await exportOf(three);
    await bench.now.import(store, [unsigned], { allowUnsigned: true });
    expect(warnings()).toEqual([`${unsigned} is not signed; pinned for site is ${machine.signing.fingerprint}`]);
    const other = await exportOf(three, stranger);
    await bench.now.import(store, [other], { keys: stranger.keys, allowUnsigned: false });
    expect(warnings().slice(1)).toEqual([`${other} is signed by another key, ${stranger.signing.fingerprint}; pinned for site is ${machine.signing.fingerprint}`]);
  });
});
