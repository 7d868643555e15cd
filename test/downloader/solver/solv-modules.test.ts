import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../bom/errors.ts';
import type { Comps } from '../../../formats/rpm/comps.ts';
import type { ModuleDocument } from '../../../formats/rpm/modules.ts';
import { solveSolvLike } from '../../../downloader/solver/solv-like.ts';
import { prepareOffer, streamsOf } from '../../../downloader/solver/solv-offer.ts';
import { nevrasOf, universeOf, type RpmText } from './rpms.ts';

interface Draft { readonly requires?: Readonly<Record<string, readonly string[]>>; readonly profiles?: Readonly<Record<string, readonly string[]>>; readonly demodularized?: readonly string[]; readonly version?: string }

const stream = (id: string, artifacts: readonly string[], { requires, profiles = {}, demodularized = [], version = '1' }: Draft = {}): ModuleDocument => {
  const [name = '', own = ''] = id.split(':');
  return { kind: 'stream', name, stream: own, version, context: 'c', arch: 'x86_64', requires: requires === undefined ? [] : [requires], profiles, artifacts, demodularized, text: '' };
};
const defaults = (name: string, own: string, profiles: Readonly<Record<string, readonly string[]>> = {}): ModuleDocument => ({ kind: 'defaults', name, stream: own, profiles, modified: '1', text: '' });

interface Question { readonly repositories: readonly (string | RpmText)[]; readonly documents: readonly ModuleDocument[]; readonly groups?: readonly Comps[]; readonly enabled?: readonly string[] }

function ask({ repositories, documents, groups = [], enabled = [] }: Question, specs: string): string {
  const wanted = specs.split(' ');
  const choice = { documents: [documents], enabled, platform: 'el9' };
  const offer = prepareOffer(universeOf(...repositories), { arch: 'x86_64', groups, modules: { ...choice, enabled: [...enabled, ...streamsOf(wanted, choice)] } });
  return nevrasOf(offer, solveSolvLike(offer, { wanted: wanted.map((spec) => ({ spec })), weak: true, best: true, mode: 'closure' })).map((nevra) => nevra.replace(/\.noarch$/, '')).join(' ');
}
function codeOf(run: () => unknown): string {
  try { run(); } catch (error) { if (error instanceof BundleError) return error.code; throw error; }
  return 'none';
}

const node = 'node-1-1.noarch\nnode-2-1.noarch\nnode-3-1.noarch';
const streams = [stream('node:1', ['node-0:1-1.noarch'], { profiles: { default: ['node'], extra: ['node', 'gone'] } }), stream('node:2', ['node-0:2-1.noarch'], { profiles: { default: ['node'] } })];

describe('modules', () => {
  it('let a default stream win over a newer package that is not modular', () => {
    expect(ask({ repositories: [node], documents: [...streams, defaults('node', '1')] }, 'node')).toBe('node-1-1');
  });
  it('hide every stream without a default, and leave what is not modular', () => {
    expect(ask({ repositories: [node], documents: streams }, 'node')).toBe('node-3-1');
    expect(codeOf(() => ask({ repositories: ['node-1-1.noarch'], documents: streams }, 'node'))).toBe('RESOLVE_NOT_FOUND');
  });
  it('follow the stream that is enabled, by name or by a spec', () => {
    expect(ask({ repositories: [node], documents: [...streams, defaults('node', '1')], enabled: ['node:2'] }, 'node')).toBe('node-2-1');
    expect(ask({ repositories: [node], documents: [...streams, defaults('node', '1', { 1: ['default'] })] }, '@node:2/default')).toBe('node-2-1');
    expect(ask({ repositories: [node], documents: [...streams, defaults('node', '1', { 1: ['default'] })] }, '@node')).toBe('node-1-1');
    expect(ask({ repositories: [node], documents: [...streams, defaults('node', '1')] }, '@node/extra')).toBe('node-1-1');
  });
  it('refuse two streams of one module, unknown ones, and profiles that are none', () => {
    expect(codeOf(() => ask({ repositories: [node], documents: streams, enabled: ['node:1', 'node:2'] }, 'node'))).toBe('RESOLVE_CONFLICT');
    expect(codeOf(() => ask({ repositories: [node], documents: streams, enabled: ['node:9'] }, 'node'))).toBe('RESOLVE_NOT_FOUND');
    expect(codeOf(() => ask({ repositories: [node], documents: streams }, '@node:1/none'))).toBe('RESOLVE_NOT_FOUND');
  });
  it('leave packages of a repository with module_hotfixes alone', () => {
    expect(ask({ repositories: ['node-1-1.noarch', { hotfixes: true, packages: 'node-9-1.noarch' }], documents: [...streams, defaults('node', '1')] }, 'node')).toBe('node-9-1');
  });
  it('hide what provides a name of theirs, and give back what left the module', () => {
    const repositories = ['node-1-1.noarch\nother-1-1.noarch; provides: node\nuser-1-1.noarch; requires: node'];
    expect(ask({ repositories, documents: [...streams, defaults('node', '1')] }, 'user')).toBe('node-1-1 user-1-1');
    const left = [stream('node:1', ['node-0:1-1.noarch'], { demodularized: ['node'] }), defaults('node', '1')];
    expect(ask({ repositories: [node], documents: left }, 'node')).toBe('node-3-1');
    // The newest build says so for all of them.
    const builds = (older: readonly string[], newer: readonly string[]): readonly ModuleDocument[] => [
      stream('node:1', ['node-0:1-1.noarch'], { demodularized: older }), stream('node:1', ['other-0:1-1.noarch'], { demodularized: newer, version: '2' }), defaults('node', '1'),
    ];
    expect([builds(['node'], []), builds([], ['node'])].map((documents) => ask({ repositories: [node], documents }, 'node'))).toEqual(['node-1-1', 'node-3-1']);
  });
  it('enable the streams that a stream requires', () => {
    const documents = [stream('app:1', ['app-0:1-1.noarch'], { requires: { platform: ['el9'], node: ['2'] } }), ...streams];
    expect(ask({ repositories: [`${node}\napp-1-1.noarch; requires: node`], documents, enabled: ['app:1'] }, 'app')).toBe('app-1-1 node-2-1');
    expect(codeOf(() => ask({ repositories: ['app-1-1.noarch'], documents: [stream('app:1', ['app-0:1-1.noarch'], { requires: { platform: ['el8'] } })] }, '@app:1/default'))).toBe('RESOLVE_UNSOLVABLE');
  });
});

/** What stays visible of a-1, a-2, a-3, b-1, b-2, b-3: as dnf 4.14 answered over the same documents (`base.sack.query().available()`). */
describe('streams that stand against each other', () => {
  const all = ['a-1', 'a-2', 'a-3', 'b-1', 'b-2', 'b-3'];
  const of = (id: string, artifact: string, requires: Readonly<Record<string, readonly string[]>> = {}, context = 'c'): ModuleDocument => {
    const [name = '', own = '', version = '1'] = id.split(':');
    return { ...stream(`${name}:${own}`, [`${artifact.replace('-', '-0:')}-1.noarch`], { version, requires }), context } as ModuleDocument;
  };
  const el8 = { platform: ['el8'] };
  const since = (name: string, own: string, modified: string): ModuleDocument => ({ ...defaults(name, own), modified } as ModuleDocument);
  it.each<[string, readonly (readonly ModuleDocument[])[], string]>([
    ['every version of a stream', [[of('m:1:1', 'a-1'), of('m:1:2', 'a-2'), defaults('m', '1')]], 'a-1 a-2 b-1 b-2 b-3'],
    ['every version, over repositories', [[of('m:1:1', 'a-1'), defaults('m', '1')], [of('m:1:2', 'b-2')]], 'a-1 b-2'],
    ['a version that needs what is not there', [[of('m:1:1', 'a-1'), of('m:1:2', 'a-2', { n: ['1'] }), defaults('m', '1')]], 'a-1 b-1 b-2 b-3'],
    ['a newest version for another platform', [[of('m:1:1', 'a-1'), of('m:1:2', 'a-2', el8), defaults('m', '1')]], 'a-3 b-1 b-2 b-3'],
    ['a default that needs another than the default', [[of('m:1', 'a-1', { n: ['2'] }), defaults('m', '1'), of('n:1', 'b-1'), of('n:2', 'b-2'), defaults('n', '1')]], 'a-1 b-2'],
    ['the same, read later', [[of('n:1', 'b-1'), of('n:2', 'b-2'), defaults('n', '1')], [of('m:1', 'a-1', { n: ['2'] }), defaults('m', '1')]], 'a-2 a-3 b-1'],
    ['any stream, where one is the default', [[of('m:1', 'a-1', { n: [] }), defaults('m', '1'), of('n:1', 'b-1'), of('n:2', 'b-2'), defaults('n', '2')]], 'a-1 b-2'],
    ['any stream but one', [[of('m:1', 'a-1', { n: ['-1'] }), defaults('m', '1'), of('n:1', 'b-1'), of('n:2', 'b-2')]], 'a-1 b-2'],
    ['the first by text of several', [[of('m:1', 'a-1', { n: ['2', '10'] }), defaults('m', '1'), of('n:2', 'b-1'), of('n:10', 'b-2')]], 'a-1 b-2'],
    ['every version of a stream that is needed', [[of('m:1', 'a-1', { n: ['1'] }), defaults('m', '1'), of('n:1:1', 'b-1'), of('n:1:2', 'b-2')]], 'a-1 b-1 b-2'],
    ['a context for the stream in force', [[of('m:1', 'a-1', { n: ['1'] }, 'x'), of('m:1', 'a-2', { n: ['2'] }, 'y'), defaults('m', '1'), of('n:1', 'b-1'), of('n:2', 'b-2'), defaults('n', '2')]], 'a-2 b-2'],
    ['a chain that ends nowhere', [[of('m:1', 'a-1', { n: ['1'] }), defaults('m', '1'), of('n:1', 'b-1', { o: ['2'] })]], 'a-2 a-3 b-2 b-3'],
    ['two defaults of equal age', [[of('m:1', 'a-1'), of('m:2', 'a-2'), defaults('m', '1')], [defaults('m', '2')]], 'a-3 b-1 b-2 b-3'],
    ['two defaults, the newer later', [[of('m:1', 'a-1'), of('m:2', 'a-2'), since('m', '1', '202001010000')], [since('m', '2', '202101010000')]], 'a-2 b-1 b-2 b-3'],
    ['two defaults, the newer first', [[of('m:1', 'a-1'), of('m:2', 'a-2'), since('m', '1', '202101010000')], [since('m', '2', '202001010000')]], 'a-1 b-1 b-2 b-3'],
    ['two defaults of one repository', [[of('m:1', 'a-1'), of('m:2', 'a-2'), defaults('m', '1'), defaults('m', '2')]], 'a-2 b-1 b-2 b-3'],
  ])('%s', (_, documents, visible) => {
    const { view } = prepareOffer(universeOf(all.map((nv) => `${nv}-1.noarch`).join('\n')), { arch: 'x86_64', modules: { documents, enabled: [], platform: 'el9' } });
    expect(all.filter((_each, index) => view.isUsable(index + 1)).join(' ')).toBe(visible);
  });
  it('refuse what needs another stream than the default one, and take it with that stream named', () => {
    const documents = [[of('m:1', 'a-1', { n: ['2'] }), of('n:1', 'b-1'), of('n:2', 'b-2'), defaults('n', '1')]];
    const prepare = (enabled: readonly string[]): unknown => prepareOffer(universeOf('a-1-1.noarch'), { arch: 'x86_64', modules: { documents, enabled, platform: 'el9' } }).modules?.streamOf('n');
    expect(codeOf(() => prepare(['m:1']))).toBe('RESOLVE_UNSOLVABLE');
    expect(prepare(['m:1', 'n:2'])).toBe('2');
  });
});

describe('groups', () => {
  const group = { id: 'web', name: 'Web server', isDefault: true, isVisible: true, text: '', packages: [{ name: 'a', type: 'mandatory' }, { name: 'b', type: 'default' }, { name: 'c', type: 'optional' }, { name: 'd', type: 'conditional', requires: 'e' }, { name: 'gone', type: 'default' }] } as const;
  const groups: readonly Comps[] = [{ groups: [group], environments: [{ id: 'server', name: 'Server', groups: ['web'], options: [], text: '' }], others: [] }];
  const repositories = ['a-1-1.noarch\nb-1-1.noarch\nc-1-1.noarch\nd-1-1.noarch\ne-1-1.noarch'];
  it.each([['@web', 'a-1-1 b-1-1'], ['@server', 'a-1-1 b-1-1'], ['@web e', 'a-1-1 b-1-1 d-1-1 e-1-1']])('%s', (specs, chosen) => { expect(ask({ repositories, documents: [], groups }, specs)).toBe(chosen); });
  it('need one package that is there', () => {
    expect(codeOf(() => ask({ repositories: ['x-1-1.noarch'], documents: [], groups }, '@web'))).toBe('RESOLVE_NOT_FOUND');
  });
});
