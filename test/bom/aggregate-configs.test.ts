import { describe, expect, it } from 'vitest';
import { parseModuleBom } from '../../bom/documents/document.ts';
import { aggregated, bom, refusal } from './support/documents.ts';

const include = 'export: {includeConfigs: true}';

describe('configurations', () => {
  const env = 'variables: {envUuid: {default: x1}}\nconfigs: [{id: env, path: "~/.e/environments/${envUuid}", exclude: ["**/*.log"], redact: [azure-config.credentials]}]';

  it('stay at home, and that is said, unless the project asks for them', () => {
    expect(aggregated([bom('a', env)])).toMatchObject({ configs: [], dropped: [{ what: 'config env of a', because: 'export.includeConfigs is not true' }] });
    expect(aggregated([bom('a', env)], include)).toMatchObject({
      dropped: [], configs: [{ kind: 'config', name: 'configs/a/env.tar', path: { folder: '/boms', written: '~/.e/environments/x1' }, exclude: ['**/*.log'], redact: ['azure-config.credentials'], usedBy: ['a'], at: [{ file: 'a.yaml', line: 6 }] }],
    });
    expect(aggregated([bom('a', env)], `values: {envUuid: y2}\n${include}`).configs[0]?.path.written).toBe('~/.e/environments/y2');
  });

  it('follow the selection, and are named after their path when they have no id', () => {
    const spec = 'configs: [{path: b/site.d/}, {id: x, path: x, when: {features: [kafka]}}]';
    const result = aggregated([bom('a', spec)], `select: {features: [rook]}\n${include}`);
    expect(result.configs.map(({ name }) => name)).toEqual(['configs/a/site.d.tar']);
    expect(result.dropped.map(({ what }) => what)).toEqual(['config x of a']);
  });

  it('come only from documents of this machine, under names of their own', () => {
    const text = 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: a}\nspec: {configs: [{id: env, path: /etc/passwd}]}\n';
    expect(refusal(() => aggregated([parseModuleBom(text, 'oci.yaml')], include))).toMatchObject({ code: 'INPUT_FIELD', facts: { subject: 'oci.yaml:4:18: config env of a' } });
    for (const path of ['..', '/', '~', 'a b']) expect(refusal(() => aggregated([bom('a', `configs: [{path: "${path}"}]`)], include)).code).toBe('INPUT_FIELD');
    expect(refusal(() => aggregated([bom('a', 'configs: [{path: x/c}, {path: y/c}]')], include)).code).toBe('RESOLVE_CONFLICT');
    for (const name of ['configs/a/c.tar', 'configs/a', 'configs', 'configs/a/c.tar/x']) {
      expect(refusal(() => aggregated([bom('a', `configs: [{path: c}]\nfiles: [{path: f, saveAs: ${name}}]`)], include)).code).toBe('RESOLVE_CONFLICT');
    }
    expect(aggregated([bom('a', 'configs: [{path: c}]\nfiles: [{path: f, saveAs: configs/b}]')], include).files).toHaveLength(1);
  });
});

describe('tools', () => {
  const tool = (installAs = '/usr/local/bin/e'): string => `files: [{id: e-cli-bin, path: e, saveAs: e, mode: "0755"}, {path: other}]\ntools: [{id: e-cli, file: e-cli-bin, installAs: "${installAs}"}]`;

  it('are files that know their place', () => {
    expect(aggregated([bom('a', tool())]).files.map(({ name, mode, installAs }) => [name, mode, installAs])).toEqual([['e', '0755', '/usr/local/bin/e'], ['other', '0644', undefined]]);
  });

  it('are left out when the project says so', () => {
    const result = aggregated([bom('a', tool())], 'export: {includeTools: false}');
    expect(result.files.map(({ name }) => name)).toEqual(['other']);
    expect(result.dropped).toEqual([{ what: 'tool e-cli-bin of a', because: 'export.includeTools is false' }]);
  });

  it('name a file of their module, one absolute place, the same in every module', () => {
    expect(refusal(() => aggregated([bom('a', 'tools: [{file: gone}]')]))).toMatchObject({ code: 'INPUT_FIELD', facts: { subject: 'a.yaml:5:18', actual: 'gone' } });
    for (const place of ['bin/e', '/usr/../e', '//host/e']) expect(refusal(() => aggregated([bom('a', tool(place))])).code).toBe('INPUT_FIELD');
    expect(refusal(() => aggregated([bom('a', tool()), bom('b', tool('/bin/e'))]))).toMatchObject({ code: 'RESOLVE_CONFLICT', facts: { actual: expect.stringContaining('/bin/e (module b') as string } });
    expect(aggregated([bom('a', tool()), bom('b', tool())]).files[0]).toMatchObject({ installAs: '/usr/local/bin/e', usedBy: ['a', 'b'] });
  });
});

describe('module images', () => {
  const spec = 'images: [{id: azbi, ref: "e/azbi:0.1"}, {ref: "e/other:1", role: module}, {id: kept, ref: "e/run:1", role: run}, {ref: "e/x:1"}]\nmodules: [{name: azbi, version: "0.1", image: azbi}, {name: k, version: "1", image: kept}]';

  it('travel unless the project says no', () => {
    expect(aggregated([bom('a', spec)]).images).toHaveLength(4);
    const result = aggregated([bom('a', spec)], 'export: {includeModules: false}');
    expect(result.images.map(({ ref }) => ref)).toEqual(['docker.io/e/run:1', 'docker.io/e/x:1']);
    expect(result.dropped).toEqual([{ what: 'image e/azbi:0.1 of a', because: 'export.includeModules is false' }, { what: 'image e/other:1 of a', because: 'export.includeModules is false' }]);
  });
});
