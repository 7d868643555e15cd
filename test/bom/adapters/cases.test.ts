import { describe, expect, it } from 'vitest';
import { eModules } from '../../../bom/adapters/e-modules/e-modules.ts';
import { lambdastackTxt } from '../../../bom/adapters/lambdastack-txt/lambdastack-txt.ts';
import { universe } from '../../../bom/adapters/universe/universe.ts';
import { convertOne, expectedCases, hasCases, type List, listOf, loadFile, loadFolder } from './support.ts';

const expected = expectedCases();
const names = (start: string): string[] => Object.keys(expected).filter((name) => name.startsWith(start));
const lists = (name: string): Readonly<Record<string, List>> => expected[name] as Readonly<Record<string, List>>;
const numbers = (name: string): Readonly<Record<string, number>> => expected[name] as Readonly<Record<string, number>>;

describe.skipIf(!hasCases)('real descriptors (skipped where ../shared/cases is absent)', () => {
  it.each(names('lambdastack/'))('%s', (name) => {
    const [, release = '', os = '', file = ''] = name.split('/');
    const arch = /\.(x86_64|aarch64)\./.exec(file)?.[1] ?? '';
    const { spec } = convertOne(lambdastackTxt, loadFolder(`lambdastack/${release}`, lambdastackTxt), { select: [os, arch] });
    const [prerequisites, main] = [(spec.packages ?? []).find(({ role }) => role === 'bootstrap'), (spec.packages ?? []).find(({ role }) => role === undefined)];
    const files = (spec.files ?? []).filter(({ purpose }) => purpose !== 'toolchain').map(({ urls: [url = ''] = [], saveAs = '' }) => (url.endsWith(`/${saveAs}`) ? url : `${url} ${saveAs}`));
    const got = {
      ...(prerequisites === undefined ? {} : { 'packages-repo-prereqs': listOf((prerequisites.include ?? []).map(({ spec: text = '' }) => text)) }),
      crane: listOf((spec.files ?? []).filter(({ purpose }) => purpose === 'toolchain').flatMap(({ urls = [] }) => urls)),
      packages: listOf((main?.include ?? []).map(({ spec: text = '' }) => (main?.manager === 'deb' ? text.replace(/=(.*)\*$/, ' $1') : text))),
      files: listOf([...files, ...(main?.urls ?? []).map(({ url = '' }) => url)]),
      images: listOf((spec.images ?? []).map(({ ref }) => ref)),
      renamedFiles: files.filter((text) => text.includes(' ')).length,
    };
    const { pinnedPackages: _, ...want } = lists(name);
    expect(got).toEqual(want);
  });

  it('modules/example-repository-v1.yaml', () => {
    const { spec } = convertOne(eModules, [loadFile('modules/example-repository-v1.yaml')]);
    expect({ components: new Set(spec.modules?.map(({ name }) => name)).size, versions: spec.modules?.length, images: listOf((spec.images ?? []).map(({ ref }) => ref)) }).toEqual(expected['modules/example-repository-v1.yaml']);
  });

  it.each(names('modules/').filter((name) => name.includes('metadata')))('%s', (name) => {
    const { value, spec, warnings } = convertOne(eModules, [loadFile(name)]);
    const groups = [...spec.requires?.strong ?? [], ...spec.requires?.weak ?? [], ...spec.influences ?? []];
    const { keysOrOperatorsWithTrailingComma: commas, ...want } = expected[name] as Record<string, readonly string[] & number>;
    expect({
      labels: Object.keys(value.metadata.labels ?? {}).length, strongGroups: spec.requires?.strong?.length ?? 0, weakGroups: spec.requires?.weak?.length ?? 0,
      influenceGroups: spec.influences?.length ?? 0, expressions: groups.flat().length,
    }).toEqual(want);
    expect(warnings).toHaveLength((commas?.length ?? 0) > 0 ? 1 : 0);
  });

  it.each(names('dcos-universe/packages'))('%s', (name) => {
    const folder = loadFolder('dcos-universe', universe).filter(({ path }) => `dcos-universe/${path}`.startsWith(`${name}/`));
    const { value, spec } = convertOne(universe, folder);
    const files = spec.files ?? [];
    const urls = (part: string): string[] => files.filter(({ saveAs = '' }) => saveAs.includes(`/${part}/`)).map(({ urls: [url = ''] = [] }) => url);
    const { packagingVersion: _, screenshots: __, ...want } = expected[name] ?? {};
    expect({
      version: value.metadata.version, selected: value.metadata.labels?.['selected'] === 'true', minDcos: spec.requires?.weak?.[0]?.[0]?.values?.[0] ?? null, manager: spec.requires?.strong?.[0]?.[0]?.values?.[0] ?? null,
      images: listOf((spec.images ?? []).filter(({ confidence }) => confidence === undefined).map(({ ref }) => ref)), uris: listOf(urls('uris')), emptyUris: (spec.unresolved ?? []).filter(({ what }) => what.startsWith('uri ')).length,
      cli: listOf(urls('cli')), cliWithSha256: files.filter(({ purpose, digest }) => purpose === 'cli' && digest !== undefined).length, icons: urls('icons').length, pip: (spec.unresolved ?? []).filter(({ what }) => what.startsWith('pip ')).length,
    }).toEqual(want);
  });

  it('dcos-universe upgrade kafka 1100->1200', () => {
    const files = loadFolder('dcos-universe', universe);
    const urls = (select: string): Set<string> => new Set((convertOne(universe, files, { select: [select] }).spec.files ?? []).filter(({ purpose }) => purpose !== 'icon').flatMap(({ urls: [url = ''] = [] }) => url));
    const [before, after] = [urls('kafka:2.9.0-2.4.0'), urls('kafka:2.10.0-2.4.0')];
    expect({ added: after.difference(before).size, removed: before.difference(after).size, unchanged: after.intersection(before).size }).toEqual(numbers('dcos-universe upgrade kafka 1100->1200'));
  });
});
