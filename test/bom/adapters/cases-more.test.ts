import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ansibleDefaults } from '../../../bom/adapters/ansible-defaults/ansible-defaults.ts';
import { compose } from '../../../bom/adapters/compose/compose.ts';
import { hammer } from '../../../bom/adapters/hammer/hammer.ts';
import { hauler } from '../../../bom/adapters/hauler/hauler.ts';
import { k8s } from '../../../bom/adapters/k8s/k8s.ts';
import { kubekey } from '../../../bom/adapters/kubekey/kubekey.ts';
import { marathon } from '../../../bom/adapters/marathon/marathon.ts';
import { pkgpanda } from '../../../bom/adapters/pkgpanda/pkgpanda.ts';
import { detectAdapter } from '../../../bom/adapters/registry.ts';
import { zarf } from '../../../bom/adapters/zarf/zarf.ts';
import { zeta } from '../../../bom/adapters/zeta/zeta.ts';
import { aggregated } from '../support/documents.ts';
import { casesFolder, convertOne, expectedCases, hasCases, type List, listOf, loadFile, loadFolder } from './support.ts';

const expected = expectedCases();
const names = (start: string): string[] => Object.keys(expected).filter((name) => name.startsWith(start));

describe.skipIf(!hasCases)('more real descriptors (skipped where ../shared/cases is absent)', () => {
  it('compose/universe-local-universe.v1', () => {
    const { spec } = convertOne(compose, [loadFile('compose/universe-local-universe.v1.docker-compose.yml')]);
    expect([...new Set(spec.images?.map(({ ref }) => ref))]).toEqual(expected['compose/universe-local-universe.v1']?.['images']);
  });

  it('k8s/pod-volume-image', () => {
    const { spec } = convertOne(k8s, [loadFile('k8s/pod-volume-image/deployment.yaml')]);
    expect(spec.images?.map(({ ref }) => ref).sort()).toEqual(expected['k8s/pod-volume-image']?.['podSpecImages']);
  });

  it('hauler/hauler-manifest.yaml', () => {
    const { spec } = convertOne(hauler, [loadFile('hauler/hauler-manifest.yaml')], { folder: join(casesFolder, 'hauler') });
    expect({ images: spec.images?.length, charts: spec.charts?.length, files: spec.files?.length }).toEqual(expected['hauler/hauler-manifest.yaml']);
  });

  it.each(names('zarf/'))('%s', (name) => {
    const { spec, value } = convertOne(zarf, [loadFile(name)], { folder: join(casesFolder, 'zarf') });
    const want = expected[name] as Readonly<Record<string, List & number>>;
    const images = spec.images ?? [];
    const files = (spec.files ?? []).filter(({ id }) => id === undefined);
    const remote = files.filter(({ urls = [] }) => urls.length > 0);
    const manifests = files.filter(({ path, purpose }) => path !== undefined && purpose === undefined && /\.yaml$/.test(path)).length;
    expect(value.metadata.origin?.adapter).toBe('zarf@3');
    expect({
      images: listOf(images.map(({ ref }) => ref)), cosignArtifacts: images.filter(({ kind }) => kind === 'signature' || kind === 'attestation').length, files: files.length - manifests,
      remoteFiles: remote.length, remoteFilesWithShasum: remote.filter(({ digest }) => digest !== undefined).length, charts: spec.charts?.length ?? 0, gitRepos: spec.git?.length ?? 0,
      imageArchives: images.filter(({ archive }) => archive !== undefined).length, manifestFiles: manifests, onCreateCommands: (spec.unresolved ?? []).length,
    }).toEqual(Object.fromEntries(['images', 'cosignArtifacts', 'files', 'remoteFiles', 'remoteFilesWithShasum', 'charts', 'gitRepos', 'imageArchives', 'manifestFiles', 'onCreateCommands'].map((key) => [key, want[key]])));
  });

  it('kubekey/v3.1.12', () => {
    const { spec } = convertOne(kubekey, loadFolder('kubekey/v3.1.12', kubekey));
    const want = expected['kubekey/v3.1.12/manifest-example-1.yaml'] as Readonly<Record<string, List & number & Record<string, number>>>;
    const binaries = (spec.files ?? []).filter(({ purpose }) => purpose === 'binary');
    expect(listOf((spec.images ?? []).map(({ ref }) => ref))).toEqual(want['images']);
    expect((spec.files ?? []).filter(({ purpose }) => purpose === 'iso')).toHaveLength(want['isos'] ?? -1);
    expect(binaries).toHaveLength(want['componentFilesPerArch'] ?? -1);
    expect(binaries.filter(({ digest }) => digest !== undefined)).toHaveLength(want['componentFilesWithSha256']?.['amd64'] ?? -1);
    expect(spec.unresolved).toBeUndefined();
  });

  it.each(names('marathon/'))('%s', (name) => {
    const { spec } = convertOne(marathon, [loadFile(name.replace('marathon/', 'marathon/mantl-examples/'))]);
    expect({ image: spec.images?.[0]?.ref, uris: spec.files?.flatMap(({ urls = [] }) => urls) ?? [] }).toEqual({ image: expected[name]?.['image'], uris: expected[name]?.['uris'] });
  });

  it('mantl role defaults', () => {
    const { spec } = convertOne(ansibleDefaults, loadFolder('mantl', ansibleDefaults));
    const want = expected['mantl role defaults'] ?? {};
    expect([...new Set(spec.images?.map(({ ref }) => ref))].sort()).toEqual(want['images']);
    expect((spec.packages?.[0]?.include ?? []).map(({ spec: text = '' }) => text).sort()).toEqual(want['packagePins']);
    expect((spec.unresolved ?? []).map(({ what }) => what.split(':')[0]).filter((what) => what?.includes('_package'))).toEqual(want['jinjaConditionalPackages']);
  });

  it('hammer/consul-cli', () => {
    const [file = ''] = readdirSync(join(casesFolder, 'hammer'));
    const { spec } = convertOne(hammer, [loadFile(`hammer/${file}`)]);
    const want = expected['hammer/consul-cli'] ?? {};
    expect(spec.files?.flatMap(({ urls = [] }) => urls)).toEqual(want['resources']);
    expect(spec.files?.[0]?.digest).toMatch(/^sha256:/);
    expect(spec.produces?.[0]?.package).toBe(want['produces']);
  });

  it.each(names('zeta/'))('%s', (name) => {
    const [, app = '', file = ''] = name.split('/');
    const { spec } = convertOne(zeta, [{ path: `${app}/${file}`, text: loadFile(name).text }]);
    expect({ urls: spec.files?.flatMap(({ urls = [] }) => urls), producedImage: spec.produces?.[0]?.image?.replace('${registryHost}', 'REG') ?? null }).toEqual(expected[name]);
  });

  it('dcos-pkgpanda/2.2.1', () => {
    const { boms } = pkgpanda.convert(loadFolder('dcos-pkgpanda/2.2.1', pkgpanda), { values: { builders: 'false' } });
    const want = expected['dcos-pkgpanda/2.2.1'] as Readonly<Record<string, List & number & Record<string, number>>>;
    const specs = boms.map(({ value }) => value.spec ?? {});
    const git = specs.flatMap((spec) => spec.git ?? []);
    expect(boms).toHaveLength(want['buildinfoFiles'] ?? -1);
    expect(specs.flatMap((spec) => [...spec.requires?.strong ?? [], ...spec.requires?.weak ?? []])).toHaveLength(want['requiresEdges'] ?? -1);
    expect(listOf(specs.flatMap((spec) => (spec.files ?? []).flatMap(({ urls = [] }) => urls)))).toEqual(want['urls']);
    expect(specs.flatMap((spec) => (spec.files ?? []).filter(({ weakDigests }) => weakDigests !== undefined))).toHaveLength(114);
    expect(git).toHaveLength(want['gitSources'] ?? -1);
    expect(specs.flatMap((spec) => spec.unresolved ?? [])).toHaveLength(want['kinds']?.['git_local'] ?? -1);
    expect([...new Set(specs.flatMap((spec) => (spec.images ?? []).map(({ ref }) => ref)))].sort()).toEqual(want['builderImages']);
    expect(aggregated(boms).order).toHaveLength(81);
  });

  it('every folder is recognised', () => {
    const found = ([['compose', 'compose'], ['epiphany/v2.0.13', 'epiphany'], ['lambdastack', 'lambdastack-txt'], ['modules', 'e-modules'], ['dcos-universe', 'universe'], ['dcos-pkgpanda', 'pkgpanda'], ['zeta', 'zeta'],
      ['mantl', 'ansible-defaults'], ['marathon', 'marathon'], ['hammer', 'hammer'], ['zarf', 'zarf'], ['kubekey', 'kubekey']] as const).map(([folder, name]) => [name, detectAdapter(loadFolder(folder, { ...k8s, wants: (path) => !path.endsWith('.tgz') }))?.name]);
    expect(found).toEqual(found.map(([name]) => [name, name]));
  });
});
