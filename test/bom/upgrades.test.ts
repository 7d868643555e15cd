import { describe, expect, it } from 'vitest';
import { checkClusterFacts } from '../../bom/cluster-facts.ts';
import type { Lock } from '../../bom/lock.ts';
import { type Upgrading, upgradeWarnings } from '../../bom/upgrades.ts';
import { metadataProblems, repositoryV1Text } from '../../bom/adapters/e-modules/repository-writer.ts';
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
    expect(again?.value.metadata.name).toBe('acme');
    expect(again?.value.spec?.modules).toMatchObject([{ name: 'azbi', version: '1.10', latest: true, commands: [{ name: 'init', args: ['#Config#{{.X}}'] }] }]);
    expect(again?.value.spec?.images).toMatchObject([{ ref: 'quay.example.org/azbi:1.10' }]);
    expect(repositoryV1Text([module])).toContain('version: "1.10"');
  });
  it('is held against what the module says of itself', () => {
    expect(metadataProblems({ path: 'm.yml', text: 'labels: {kind: infra, n: 1.0}' }, module)).toEqual(['module azbi 1.10: without metadata, plan, apply, audit']);
    expect(metadataProblems({ path: 'm.yml', text: 'labels: {kind: other}\nrequires: {strong: [[{key: a, operator: exists}]]}' }, module).slice(0, 3)).toEqual([
      'label kind: the BOM says infra, m.yml says other', 'label n: the BOM says 1.0, m.yml says nothing', 'requires.strong: the BOM says [], m.yml says [[{"key":"a","operator":"exists","values":[]}]]',
    ]);
  });
});
