// Bounded fuzzing: any text in files of any name gives a BOM that its own schema takes, or a coded error; never a crash, never a hang.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdapterFile } from '../../../bom/adapters/adapter.ts';
import { aggregate, defaultProject } from '../../../bom/aggregate.ts';
import { adapters, detectAdapter } from '../../../bom/adapters/registry.ts';
import { checkDocument, parseModuleBom } from '../../../bom/documents/document.ts';
import { BundleError } from '../../../bom/errors.ts';
import { runMs, runs } from '../../support/runs.ts';
import { processorTime } from '../../support/processor-time.ts';

const paths: Readonly<Record<string, readonly string[]>> = {
  'epiphany': ['requirements/x86_64/images.yml', 'requirements/x86_64/files.yml', 'requirements/x86_64/redhat/rhel-8/packages.yml', 'requirements/aarch64/debian/ubuntu-20.04/packages.yml', 'repositories/x86_64/redhat/redhat.yml', 'repositories/aarch64/debian/debian.yml', 'feature-mappings.yml', 'requirements/grafana-dashboards.yml', 'requirements/x86_64/cranes.yml', 'requirements/x86_64/redhat.yml', 'requirements/x86_64/rhel-8/files.yml', 'requirements/images.yml'],
  'lambdastack-txt': ['ubuntu-18.04/requirements.x86_64.txt', 'ubuntu-18.04/add-repositories.sh', 'centos-7/requirements.aarch64.txt', 'centos-7/add-repositories.aarch64.sh'],
  'universe': ['packages/A/a/1/package.json', 'packages/A/a/1/resource.json', 'packages/A/a/1/config.json', 'packages/A/a/1/command.json', 'packages/A/a/1/marathon.json.mustache', 'repo.json', 'universe/package.json', 'universe/marathon.json'],
  'pkgpanda': ['packages/a/buildinfo.json', 'packages/b/buildinfo.json'],
  'dcos-installer': ['dcos_generate_config.sh', 'complete.latest.json'],
  'zeta': ['a/a-1.0.vers', 'a/build_pkg.sh', 'b/build_pkg.sh'],
  'helm': ['c/Chart.yaml', 'c/values.yaml', 'c/requirements.yaml', 'c/templates/a.yaml', 'c/templates/_b.tpl'],
  'hammer': ['a/spec.yml'],
  'ansible-defaults': ['roles/a/defaults/main.yml', 'group_vars/all/x.yml', 'roles/a/files/x.repo'],
  'compose': ['compose.yaml', 'compose.override.yaml', '.env', 'Dockerfile'],
  'k8s': ['kustomization.yaml', 'a.yaml', 'base/kustomization.yaml'],
  'kubekey': ['manifest.yaml', 'components.json'],
  'images-txt': ['images.txt'],
  'marathon': ['a.json', 'b.json'],
  'zarf': ['zarf.yaml', 'part/zarf.yaml', 'zarf-config.toml', 'zarf-config.yaml'],
};
const words = [
  'apiVersion', 'kind', 'metadata', 'name', 'version', 'spec', 'images', 'image', 'files', 'charts', 'repos', 'components', 'requirements', 'options', 'url', 'sha256', 'sha1', 'deps', 'packagingVersion', 'releaseVersion', 'marathon', 'v2AppMustacheTemplate', 'local', 'remote', 'component', 'path', 'op', 'patchesStrategicMerge', 'args', 'a_image_repo', 'a_download_url', 'app', 'packages', 'from_repo', 'from_url', 'prereq-packages', 'repositories', 'content',
  'data', 'gpg_keys', 'labels', 'requires', 'strong', 'weak', 'influences', 'key', 'operator', 'values', 'assets', 'uris', 'container', 'docker', 'cli', 'binaries', 'linux', 'x86-64', 'contentHash', 'sources', 'single_source', 'git', 'ref', 'annotations', 'dependencies',
  'repository', 'tag', 'resources', 'hash', 'hash-type', 'depends', 'multi', 'targets', 'src', 'services', 'build', 'context', 'extends', 'include', 'volumes', 'containers', 'initContainers', 'env', 'args', 'items', 'arches', 'operatingSystems', 'registry', 'auths', 'deploy',
  'apps', 'groups', 'fetch', 'uri', 'only', 'cluster', 'architecture', 'import', 'path', 'source', 'shasum', 'actions', 'onCreate', 'before', 'bootstrap', 'versions', 'latest', 'commands', 'a_image', 'a_image_tag', 'a_package', 'run', 'models', 'model', 'patches', 'patch', 'image_manifests', 'scripts', 'prepare', 'extensions', 'pods', '__proto__', 'constructor', 'toString', '<<', '',
];
const scalars = [
  'acme/web:1.10', 'ZarfPackageConfig', 'ZarfComponentConfig', 'zarf.dev/v1beta1', 'Manifest', 'Repository', 'Images', 'Kustomization', 'https://example.org/x.tgz', 'https://u:p@example.org/', 'ftp://example.org/x', 'file:///etc/passwd', '../../x', '/abs', '{{ a }}', '{% if %}', '${X:-y}', '$(x)', '###ZARF_VAR_X###', 'deb http://example.org x y',
  'content.hauler.cattle.io/v1', 'kubekey.kubesphere.io/v1alpha2', 'zarf.dev/v1beta1', 'v1', 'a'.repeat(64), '1'.repeat(40), '1e400', '-0', 'null', '~', 'true', '\u0000', '\ud800', '💥', 'a\nb', '#EOF#', '[images]', 'sha256:', '@', ':', '%', '..', '.', '%2e%2e', 'name -- x',
];

const tree = fc.letrec((tie) => ({
  node: fc.oneof({ maxDepth: 6 }, fc.constantFrom(...scalars), fc.string({ maxLength: 40 }), fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie('node'), { maxLength: 4 }), fc.dictionary(fc.constantFrom(...words), tie('node'), { maxKeys: 6 })),
}));
const json = tree.node.map((value) => JSON.stringify(value) ?? '');
const lines = fc.array(fc.oneof(fc.constantFrom(...words, ...scalars).map((word) => word), fc.tuple(fc.constantFrom(...words), fc.constantFrom(...scalars)).map(([key, value]) => `${key}: ${value}`), fc.tuple(fc.constantFrom('FROM', 'APP_URL=', 'docker pull', 'wget', '  - ', '[files]\n', '<<EOF', 'EOF', 'pip install'), fc.constantFrom(...scalars)).map(([key, value]) => `${key} ${value}`), fc.string({ maxLength: 30 })), { maxLength: 25 }).map((list) => list.join('\n'));
const text = fc.oneof({ weight: 5, arbitrary: json }, { weight: 3, arbitrary: lines }, { weight: 1, arbitrary: fc.string({ maxLength: 200, unit: 'binary' }) });

describe('fuzzing adapters', () => {
  it.each(adapters.map(({ name }) => name))('%s', (name) => {
    const adapter = adapters.find((one) => one.name === name);
    if (adapter === undefined) throw new Error(name);
    const names = paths[name] ?? ['a.yaml', 'b/zarf.yaml', 'c.json'];
    const files = fc.array(fc.record({ path: fc.constantFrom(...names), text }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(files, fc.boolean(), (list: AdapterFile[], hasFolder) => {
      const spent = processorTime();
      try {
        detectAdapter(list);
        const { boms } = adapter.convert(list, { ...(hasFolder ? { folder: '/root' } : {}), select: ['a', 'a:1'], values: { url: 'https://example.org/i', bootstrapUrl: 'https://example.org' } });
        for (const bom of boms) {
          const written = new TextDecoder().decode(bom.canonical);
          expect(checkDocument(written, 'again.json')).toEqual([]);
          expect(parseModuleBom(written, 'again.json').digest).toBe(bom.digest);
        }
        if (boms.length > 0) aggregate({ boms, project: defaultProject(boms, 'fuzz') });
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        expect([2, 3]).toContain(error.exitCode);
      }
      expect(spent()).toBeLessThan(3000);
    }), { numRuns: runs(150), interruptAfterTimeLimit: runMs(8000), markInterruptAsFailure: false });
  });

  it('checking never throws', () => {
    fc.assert(fc.property(text, (sample) => { checkDocument(sample, 'x.yaml'); }), { numRuns: runs(500), interruptAfterTimeLimit: runMs(8000), markInterruptAsFailure: false });
  });

  it('long lines do not hang', () => {
    const hostile = ['a'.repeat(100_000), '${'.repeat(20_000), '{{ '.repeat(20_000), `image: ${'a/'.repeat(30_000)}`, '"image":"'.repeat(10_000), 'FROM '.repeat(20_000), 'curl '.repeat(20_000), `X=${'$A'.repeat(20_000)}`, 'deb [' .repeat(10_000), 'pip '.repeat(20_000), `a: ${'x '.repeat(50_000)}`];
    for (const adapter of adapters) {
      for (const sample of hostile) {
        const spent = processorTime();
        try {
          adapter.convert((paths[adapter.name] ?? ['a.yaml']).slice(0, 3).map((path) => ({ path, text: sample })));
        } catch (error) {
          if (!(error instanceof BundleError)) throw error;
        }
        expect([adapter.name, sample.slice(0, 10), spent() < 3000]).toEqual([adapter.name, sample.slice(0, 10), true]);
      }
    }
  });
});
