// Universes of rpm repositories that are kept between runs: the same whether read or found, and never believed when damaged.
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { loadRpms, type LoadedRpms, type RpmIndex } from '../../downloader/sources/yum-universe.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** More than one block of text each. */
function primaryOf(names: readonly string[]): string {
  const packages = names.map((name, index) => `<package type="rpm"><name>${name}</name><arch>${index % 5 === 4 ? 'src' : 'x86_64'}</arch><version epoch="${index % 3}" ver="1.${index}" rel="2.el9"/>`
    + `<checksum type="sha256" pkgid="YES">${digestOf(name).slice(7)}</checksum><summary>${'é & '.replace('&', '&amp;').repeat(600)}</summary><description/><time file="1" build="2"/>`
    + `<size package="${1000 + index}" installed="5" archive="6"/><location ${index === 1 ? 'xml:base="http://other.example.org/" ' : ''}href="Packages/${name}.rpm"/>`
    + `<format><rpm:sourcerpm>${name}.src.rpm</rpm:sourcerpm><rpm:provides><rpm:entry name="${name}" flags="EQ" epoch="0" ver="1" rel="2"/><rpm:entry name="(rich if ${name})"/></rpm:provides>`
    + `<rpm:requires><rpm:entry name="base" flags="GE" epoch="0" ver="1.${index}"/></rpm:requires><file>/usr/bin/${name}</file></format></package>\n`);
  return `<?xml version="1.0"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${names.length}">\n${packages.join('')}</metadata>\n`;
}

interface Counted extends RpmIndex { readonly opened: () => number }

function indexOf(id: string, names: readonly string[]): Counted {
  const text = Buffer.from(primaryOf(names));
  let opened = 0;
  const open = async function* open() {
    opened += 1;
    for (let at = 0; at < text.length; at += 10_000) yield text.subarray(at, at + 10_000);
  };
  return { repository: { id, priority: 99 }, primary: { subject: `primary of ${id}`, blob: { mediaType: 'application/xml', digest: digestOf(text), size: text.length }, open }, opened: () => opened };
}

const world = (): [Counted, Counted] => [indexOf('one', Array.from({ length: 60 }, (_, index) => `a${index}`)), indexOf('two', Array.from({ length: 50 }, (_, index) => `b${index}`))];

/** All that anybody can ask of it. */
async function toldBy({ universe, facts, stanzas }: LoadedRpms): Promise<unknown> {
  const ids = Array.from({ length: universe.count - 1 }, (_, index) => index + 1);
  const places = [...Map.groupBy(ids, (id) => universe.repositoryIndex(id))].map(([repository, own]) => ({ repository, places: own.map((id) => facts.of(id).place) }));
  const files: string[] = [];
  universe.eachFile((path, owner) => files.push(`${universe.text(path)} ${owner}`));
  const packages = ids.map((id) => [universe.nevra(id), universe.sourceOf(id), universe.repositoryOf(id).id, facts.of(id),
    (['provides', 'requires'] as const).map((kind) => [...universe.dependenciesOf(id, kind)].map((relation) => universe.relation(relation)))]);
  // Numbers are handed out as if it had just been read.
  const added = universe.open({ id: 'more' })({ name: 'more', evr: { epoch: 0, version: '1', release: '1' }, arch: 'noarch', files: [], provides: [{ name: 'a1' }], requires: [{ name: 'new' }], conflicts: [], obsoletes: [], recommends: [], suggests: [], supplements: [], enhances: [] });
  const texts: (readonly string[])[] = [];
  for (const each of places) texts.push(await stanzas(each.repository, each.places));
  return { packages, files, texts, added, names: universe.allNames().length, a1: universe.findName('a1'), dependencies: [...universe.dependenciesOf(added, 'provides'), ...universe.dependenciesOf(added, 'requires')] };
}

it('say what indexes that are read say, without reading them', async () => {
  const folder = await temporaryFolder('rpms');
  const plain = await toldBy(await loadRpms(undefined, world()));
  expect(plain).toMatchObject({ added: 89 });
  expect(await toldBy(await loadRpms(folder, world()))).toEqual(plain);
  const again = world();
  expect(await toldBy(await loadRpms(folder, again))).toEqual(plain);
  expect(again.map(({ opened }) => opened())).toEqual([0, 0]);
});

it('are others for other indexes and another order', async () => {
  const folder = await temporaryFolder('rpms');
  const [one, two] = world();
  for (const indexes of [[one, two], [two, one], [one], [one, two]]) {
    const { universe } = await loadRpms(folder, indexes);
    expect(universe.repositoryOf(1).id).toBe(indexes[0]?.repository.id);
  }
  expect(await readdir(folder)).toHaveLength(3);
});

it('are made again when the file is damaged anywhere, cut, or empty', async () => {
  const folder = await temporaryFolder('rpms');
  const plain = await toldBy(await loadRpms(undefined, world()));
  await loadRpms(folder, world());
  const [name = ''] = await readdir(folder);
  const path = join(folder, name);
  const whole = await readFile(path);
  const tables = whole.indexOf('longshore rpm universe');
  expect(tables).toBeGreaterThan(300_000);
  for (let round = 0; round < 24; round += 1) {
    const at = round < 8 ? whole.length - 1 - round * 4 : Math.floor(((round * 7919) % 997) / 997 * whole.length);
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
    await writeFile(path, bytes);
    expect(await toldBy(await loadRpms(folder, world())), `byte ${at}`).toEqual(plain);
  }
  for (const length of [0, 5, 31, 32, 60_000, tables, tables + 500, whole.length - 33, whole.length - 1]) {
    await writeFile(path, whole);
    await truncate(path, length);
    expect(await toldBy(await loadRpms(folder, world())), `${length} bytes`).toEqual(plain);
    expect((await stat(path)).size).toBe(whole.length);
  }
});

it('do without the file when it goes away after it was read, and forget one whose text is damaged', async () => {
  const folder = await temporaryFolder('rpms');
  await loadRpms(folder, world());
  const [name = ''] = await readdir(folder);
  const path = join(folder, name);
  const bytes = await readFile(path);
  bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
  await writeFile(path, bytes);
  const indexes = world();
  const loaded = await loadRpms(folder, indexes);
  const places = Array.from({ length: 20 }, (_, index) => loaded.facts.of(index + 1).place);
  const texts = await loaded.stanzas(0, places);
  expect(texts[0]).toContain('<name>a0</name>');
  expect(indexes[0].opened()).toBe(1);
  expect(await readdir(folder)).toEqual([]);
  expect(await loaded.stanzas(0, places)).toEqual(texts);
});
