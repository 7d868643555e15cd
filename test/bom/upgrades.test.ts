import { describe, expect, it } from 'vitest';
import { checkClusterFacts } from '../../bom/cluster-facts.ts';
import type { Lock } from '../../bom/lock.ts';
import { type Upgrading, upgradeWarnings } from '../../bom/upgrades.ts';
import { bomOfMetadata, metadataProblems, methodProblems, repositoryV1Text } from '../../bom/adapters/e-modules/repository-writer.ts';
import { eModules } from '../../bom/adapters/e-modules/e-modules.ts';
import { aggregated, bom, refusal } from './support/documents.ts';

describe('upgrades', () => {
  const module: Upgrading = { name: 'a', version: '2.8.1', versionScheme: 'semver', from: ['2.6.0', '>=2.7 <2.8.1'], via: ['stone'] };
  it.each([['2.6.0', 0], ['2.7.5', 0], ['2.8.1', 0], ['2.6.1', 1], ['3.0', 1], ['', 0]])('from %s: %i warnings', (version, count) => {
    expect(upgradeWarnings([module], [{ name: 'a', version }])).toHaveLength(count);
  });
  it('names the way', () => {
    expect(upgradeWarnings([module], [{ name: 'a', version: '1.0' }])).toEqual(['module a 2.8.1 replaces 2.6.0, >=2.7 <2.8.1, and the last lock has 1.0: go through stone']);
    expect(upgradeWarnings([{ ...module, from: ['*'] }, { ...module, name: 'b', from: [] }], [{ name: 'a', version: '0' }, { name: 'b', version: '0' }])).toEqual([]);
  });
});

describe('facts of the destination', () => {
  const { clusterDemands } = aggregated([bom('a', 'requires: {strong: [[{key: cluster.storage, operator: exists}, {key: cluster.version, operator: ">=", values: ["1.20"]}]]}')], 'cluster: {storage: "true", version: "1.21"}');
  const lock = { spec: { clusterDemands } } as unknown as Lock;
  it('are checked again', () => {
    checkClusterFacts(lock, { 'storage': 'x', 'cluster.version': '1.20' });
    checkClusterFacts({ spec: {} } as unknown as Lock, {});
    expect(refusal(() => checkClusterFacts(lock, { storage: 'x', version: '1.3' }))).toMatchObject({ code: 'RESOLVE_UNMET', facts: { actual: 'cluster.storage x, cluster.version 1.3' } });
    expect(refusal(() => checkClusterFacts(lock, {})).facts.actual).toBe('cluster.storage not given, cluster.version not given');
  });
});

describe('Repository v1', () => {
  const module = bom('site', 'images: [{ref: "quay.example.org/azbi:1.10", id: azbi, role: module}]\nmodules: [{name: azbi, version: 1.10, latest: true, image: azbi, commands: [{name: init, args: ["#Config#{{.X}}"]}]}]', 'labels: {kind: infra, n: 1.0}');
  it('is written so that it reads the same again', () => {
    const { boms: [again] } = eModules.convert([{ path: 'v1.yaml', text: repositoryV1Text([module], 'acme') }]);
    expect(again?.value.metadata).toMatchObject({ name: 'azbi', version: '1.10', labels: { kind: 'infra', n: '1.0' } });
    expect(again?.value.spec?.modules).toMatchObject([{ name: 'azbi', version: '1.10', latest: true, commands: [{ name: 'init', args: ['#Config#{{.X}}'] }] }]);
    expect(again?.value.spec?.images).toMatchObject([{ ref: 'quay.example.org/azbi:1.10' }]);
    expect(repositoryV1Text([module])).toContain('version: "1.10"');
  });
  it('finds its module and the methods that it lacks', () => {
    const list = eModules.convert([{ path: 'v1.yaml', text: `version: v1\nkind: Repository\ncomponents:\n- name: bmk\n  versions:\n${['1.0', '1.10'].map((version) => `  - {version: ${version}, image: "q.example.org/bmk:${version}", ports: [1], labels: {short: BMK, version: ${version}}, commands: [{name: init}]}\n`).join('')}- name: other\n  versions: [{version: "2", image: "q.example.org/other:2"}]\n` }]);
    expect(list.boms.map(({ value: { metadata: { name, version } } }) => [name, version])).toEqual([['v1', undefined], ['bmk', '1.0'], ['bmk', '1.10']]);
    expect(list.boms[1]?.value.spec?.unresolved).toMatchObject([{ what: 'ports', where: 'v1.yaml:6' }]);
    const found = bomOfMetadata({ path: 'm.yml', text: 'labels: {short: bmk, version: 1.10}\nrequires: {}' }, list.boms);
    expect(found?.value.metadata.version).toBe('1.10');
    expect(bomOfMetadata({ path: 'm.yml', text: 'labels: {short: nobody}\nrequires: {}' }, list.boms)).toBeUndefined();
    expect(list.boms.flatMap(methodProblems)).toEqual(['module other 2: without metadata, init, plan, apply, audit', 'module bmk 1.0: without metadata, plan, apply, audit', 'module bmk 1.10: without metadata, plan, apply, audit']);
  });
  it('is held against what the module says of itself', () => {
    expect(metadataProblems({ path: 'm.yml', text: 'labels: {kind: infra, n: 1.0}' }, module)).toEqual(['module azbi 1.10: without metadata, plan, apply, audit']);
    expect(metadataProblems({ path: 'm.yml', text: 'labels: {kind: other}\nrequires: {strong: [[{key: a, operator: exists}]]}' }, module).slice(0, 3)).toEqual([
      'label kind: the BOM says infra, m.yml says other', 'label n: the BOM says 1.0, m.yml says nothing', 'requires.strong: the BOM says [], m.yml says [[{"key":"a","operator":"exists","values":[]}]]',
    ]);
  });
});
