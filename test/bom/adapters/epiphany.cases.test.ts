import { describe, expect, it } from 'vitest';
import { epiphany } from '../../../bom/adapters/epiphany/epiphany.ts';
import { aggregated } from '../support/documents.ts';
import { convertOne, expectedCases, hasCases, type List, listOf, loadFolder } from './support.ts';

const expected = expectedCases();
const targets = Object.keys(expected).filter((name) => /^epiphany\/\S+ (?:x86_64|aarch64) /.test(name));
const filters = Object.keys(expected).filter((name) => name.startsWith('epiphany/v2.0.13 filter'));

describe.skipIf(!hasCases)('real Epiphany manifests (skipped where ../shared/cases is absent)', () => {
  it.each(targets)('%s', (name) => {
    const [folder = '', arch = '', os = ''] = name.split(' ');
    const { spec } = convertOne(epiphany, loadFolder(folder, epiphany), { select: [os, arch] });
    const want = expected[name] as Readonly<Record<string, List & readonly string[] & number>>;
    const images = spec.images ?? [];
    const files = spec.files ?? [];
    const [main] = (spec.packages ?? []).filter(({ role }) => role === undefined);
    const prerequisites = (spec.packages ?? []).find(({ role }) => role === 'bootstrap');
    const include = main?.include ?? [];
    const repositories = (spec.packageRepositories ?? []).filter(({ origin }) => origin?.where !== undefined);
    const fromRepo = include.filter(({ versions }) => versions !== 'all').map(({ spec: text = '' }) => text);
    const got = {
      images: listOf(images.map(({ ref }) => ref)),
      allowMismatch: images.filter(({ evidence }) => evidence?.[0]?.allowMismatch === true).map(({ ref }) => ref),
      files: listOf(files.filter(({ purpose }) => purpose === 'binary' || purpose === 'chart').map(({ urls: [url = ''] = [] }) => url)),
      filesWithMirrors: files.filter(({ urls = [] }) => urls.length > 1).length,
      filesThatAreCharts: files.filter(({ purpose }) => purpose === 'chart').length,
      dashboards: listOf(files.filter(({ purpose }) => purpose === 'dashboard').map(({ urls: [url = ''] = [] }) => url)),
      toolchain: listOf(files.filter(({ purpose }) => purpose === 'toolchain').map(({ urls: [url = ''] = [] }) => url)),
      packagesFromRepo: listOf(fromRepo),
      packagesMultipleVersioned: listOf(include.filter(({ versions }) => versions === 'all').map(({ spec: text = '' }) => text)),
      prereqPackages: listOf((prerequisites?.include ?? []).map(({ spec: text = '' }) => text)),
      packagesFromUrl: listOf((main?.urls ?? []).map(({ url = '' }) => url)),
      repositories: repositories.length,
      gpgKeys: listOf(repositories.flatMap(({ gpgKeys = [] }) => gpgKeys.map(({ url = '' }) => url))),
    };
    const { packagesPinned: _, imagesGrouped: __, ...rest } = want;
    expect(got).toEqual(rest);
    expect(files.every(({ digest }) => digest?.startsWith('sha256:'))).toBe(true);
    expect((main?.urls ?? []).every(({ digest }) => digest !== undefined)).toBe(true);
  });

  it.each(filters)('%s', (name) => {
    const words = name.replace('epiphany/v2.0.13 filter ', '');
    const { bom, spec } = convertOne(epiphany, loadFolder('epiphany/v2.0.13', epiphany), { select: ['ubuntu-20.04', 'x86_64'] });
    const result = aggregated([bom], `${words === 'ALL' ? '' : `select: {components: [${words}]}\n`}systemRepositories: {ubuntu-20.04-amd64: ["deb http://archive.example.org/ubuntu focal main"]}`);
    const want = expected[name] as Readonly<Record<string, List & number>>;
    const files = (spec.files ?? []).filter(({ saveAs = '' }) => result.files.some((file) => file.name === saveAs));
    expect(listOf(files.filter(({ purpose }) => purpose === 'binary' || purpose === 'chart').map(({ id = '' }) => id))).toEqual(want['files']);
    expect(result.images).toHaveLength(want['images']?.unique ?? -1);
    expect(files.filter(({ purpose }) => purpose === 'dashboard')).toHaveLength(want['dashboards'] ?? -1);
  });

  it('what moved from one release to the next', () => {
    const refs = (version: string): string[] => (convertOne(epiphany, loadFolder(`epiphany/${version}`, epiphany), { select: ['x86_64'] }).spec.images ?? []).map(({ ref }) => ref);
    const [before, after] = [new Set(refs('v2.0.0')), new Set(refs('v2.0.13'))];
    const want = expected['epiphany upgrade v2.0.0->v2.0.13 x86_64 images'] as Readonly<Record<string, List>>;
    expect(listOf([...after.difference(before)])).toEqual(want['added']);
    expect(listOf([...before.difference(after)])).toEqual(want['removed']);
    expect(listOf([...after.intersection(before)])).toEqual(want['keptByName']);
  });
});
