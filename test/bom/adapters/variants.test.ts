// Descriptors as their projects write them elsewhere: other versions, other kinds, the corners. Nothing of them is dropped without a word.
import { describe, expect, it } from 'vitest';
import { compose } from '../../../bom/adapters/compose/compose.ts';
import { epiphany } from '../../../bom/adapters/epiphany/epiphany.ts';
import { hauler } from '../../../bom/adapters/hauler/hauler.ts';
import { helm } from '../../../bom/adapters/helm/helm.ts';
import { k8s } from '../../../bom/adapters/k8s/k8s.ts';
import { kubekey } from '../../../bom/adapters/kubekey/kubekey.ts';
import { marathon } from '../../../bom/adapters/marathon/marathon.ts';
import { universe } from '../../../bom/adapters/universe/universe.ts';
import { zarf } from '../../../bom/adapters/zarf/zarf.ts';
import { zeta } from '../../../bom/adapters/zeta/zeta.ts';
import { hex } from '../support/documents.ts';
import { convertOne, convertText } from './support.ts';

const refs = (images: readonly { readonly ref: string }[] | undefined): string[] => (images ?? []).map(({ ref }) => ref);

const whats = (spec: { readonly unresolved?: readonly { readonly what: string }[] | undefined }): string[] => (spec.unresolved ?? []).map(({ what }) => what);

describe('compose', () => {
  it('takes over what a chain of bases has, across files', () => {
    const { spec } = convertOne(compose, [
      { path: 'compose.yaml', text: 'services:\n  web: {extends: {file: common.yaml, service: app}, platform: linux/amd64}\n  worker: {extends: web, image: "acme/worker:1"}\n  job: {extends: {service: worker}}\n  loop: {extends: loop2}\n  loop2: {extends: loop}\n' },
      { path: 'common.yaml', text: 'services:\n  base: {build: {context: .}, profiles: [dev]}\n  app: {extends: {service: base}, environment: {A: b}}\n' },
      { path: 'Dockerfile', text: 'FROM --platform=$BUILDPLATFORM node:24 AS b\nFROM b\n' },
    ]);
    expect(refs(spec.images)).toEqual(['node:24', 'acme/worker:1', 'acme/worker:1']);
    expect(spec.produces).toMatchObject([{ image: 'compose-web', base: ['node:24'] }]);
    expect(whats(spec)).toEqual(expect.arrayContaining(['service loop extends loop2', 'service loop2 extends loop']));
  });

  it('reads models, contexts in a list, caches of registries and contexts elsewhere', () => {
    const { spec } = convertText(compose, 'compose.yaml', `
services:
  chat: {image: "acme/chat:2", models: [llm]}
  a: {build: {context: "https://git.example.org/a.git#v1", additional_contexts: ["tools=docker-image://acme/tools:3", "far=https://example.org/x.git"], cache_from: ["type=registry,ref=acme/cache:4"]}}
models:
  llm: {model: ai/smollm2:360M}
  broken: {context_size: 4}
x-anchored: &x {image: never/this:1}
`);
    expect(refs(spec.images)).toEqual(['ai/smollm2:360M', 'acme/chat:2', 'acme/tools:3', 'acme/cache:4']);
    expect(spec.images?.[0]).toMatchObject({ kind: 'artifact' });
    expect(whats(spec)).toEqual(['model broken', 'build of a', 'https://example.org/x.git']);
  });

  it('keeps unquoted tags as they are written, and anchors', () => {
    const { spec } = convertText(compose, 'docker-compose.yml', 'version: 3.10\nx-c: &c\n  image: acme/c:1.10\nservices:\n  one: {<<: *c}\n  two: {<<: *c, image: acme/two:0.2}\n');
    expect(refs(spec.images)).toEqual(['acme/c:1.10', 'acme/two:0.2']);
  });
});

describe('k8s', () => {
  it('reads patches that stand in a kustomization, in both forms', () => {
    const { spec } = convertOne(k8s, [
      { path: 'kustomization.yaml', text: `
resources: [web.yaml]
components: [parts]
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec: {template: {spec: {containers: [{name: side, image: "acme/side:4"}]}}}
  - target: {kind: Deployment}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/image, value: "acme/web:9"}
      - {op: add, path: /spec/template/spec/initContainers, value: [{image: "acme/init:2"}]}
helmChartInflationGenerator: [{chartName: old, chartRepo: "https://charts.example.org", chartVersion: 1.10}]
` },
      { path: 'parts/kustomization.yaml', text: 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [extra.yaml]\nimages: [{name: acme/extra, newTag: "2"}]\n' },
      { path: 'parts/extra.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "acme/extra:1"}]}\n' },
      { path: 'web.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "acme/web:1"}]}\n' },
    ]);
    expect(refs(spec.images).sort()).toEqual(['acme/extra:2', 'acme/init:2', 'acme/side:4', 'acme/web:1', 'acme/web:9']);
    expect(spec.charts).toMatchObject([{ source: { repo: 'https://charts.example.org', name: 'old', version: '1.10' } }]);
  });

  it('knows objects that make a controller fetch charts, and says what it cannot follow', () => {
    const { spec } = convertText(k8s, 'a.yaml', `
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: traefik}
spec: {chart: traefik, repo: https://charts.example.org, version: "10.3"}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
spec: {sources: [{repoURL: registry.example.org/charts, chart: app, targetRevision: 1.2.3}, {repoURL: https://git.example.org/deploy, path: prod}]}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo}
---
apiVersion: acme.example.org/v1
kind: Cluster
spec: {image: {repository: acme/op, tag: 1.10}, versions: {broker: {image: {registry: quay.io, repository: acme/broker, digest: "sha256:${hex('c')}"}}}}
`);
    expect(spec.charts).toMatchObject([{ source: { repo: 'https://charts.example.org', name: 'traefik', version: '10.3' } }, { source: { oci: 'oci://registry.example.org/charts/app', version: '1.2.3' } }]);
    expect(spec.images?.map(({ ref, confidence }) => [ref, confidence])).toEqual([['acme/op:1.10', 'guessed'], [`quay.io/acme/broker@sha256:${hex('c')}`, 'guessed']]);
    expect(whats(spec)).toEqual(['repository https://git.example.org/deploy', 'HelmRelease podinfo']);
  });
});

describe('helm', () => {
  it('takes the version of the app for an empty tag, and images under other names', () => {
    const { spec } = convertOne(helm, [
      { path: 'c/Chart.yaml', text: 'apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.10\n' },
      { path: 'c/values.yaml', text: 'image: {repository: acme/web, pullPolicy: IfNotPresent, tag: ""}\nmetrics: {exporter: {registry: quay.io, repository: acme/exporter, tag: "3"}}\nsync: {repository: "https://git.example.org/x", tag: v1}\nproxyImage: {name: acme/proxy, tag: 7}\npinned: {image: {repository: acme/pinned, digest: "sha256:' + hex('b') + '"}}\n' },
    ]);
    expect(refs(spec.images)).toEqual(['acme/web:1.10', 'quay.io/acme/exporter:3', 'acme/proxy:7', `acme/pinned@sha256:${hex('b')}`]);
    expect(spec.images?.every(({ confidence }) => confidence === 'guessed')).toBe(true);
  });
});

describe('hauler', () => {
  it('says fields it does not know, images of a local Docker, and keeps values and keyrings', () => {
    const { spec } = convertOne(hauler, [{ path: 'h.yaml', text: `
apiVersion: content.hauler.cattle.io/v1alpha1
kind: Images
metadata: {name: i}
spec: {images: [{name: "acme/web:1", local: true}, {name: "acme/db@sha256:${hex('d')}", platform: linux/arm64, brand-new: x}]}
---
apiVersion: content.hauler.cattle.io/v1
kind: Charts
metadata: {name: c}
spec: {charts: [{name: acme, repoURL: "https://charts.example.org", valuesFiles: [v.yaml], keyring: k.gpg, add-images: true, odd: 1}, {name: oci-chart, repoURL: "oci://reg.example.org/charts", version: 1.10}]}
---
apiVersion: collection.hauler.cattle.io/v1alpha1
kind: K3s
metadata: {name: k}
spec: {version: v1.22.2+k3s2, arch: arm64}
---
apiVersion: content.hauler.cattle.io/v1
kind: Files
metadata: {name: f}
spec: {files: [{path: "https://get.example.org"}, {path: "https://get.example.org/x", name: x.sh}]}
` }], { folder: '/site' });
    expect(whats(spec)).toEqual(['acme/web:1', 'brand-new', 'odd', 'https://get.example.org']);
    expect(spec.charts).toMatchObject([{ valuesFiles: ['v.yaml'], keyring: 'k.gpg', withImages: 'annotations' }, { source: { oci: 'oci://reg.example.org/charts/oci-chart', version: '1.10' } }]);
    expect(spec.files?.map(({ saveAs }) => saveAs)).toEqual(['k3s-arm64', 'k3s-airgap-images-arm64.tar.zst', 'x.sh']);
    expect(spec.images?.[1]).toMatchObject({ ref: `acme/db@sha256:${hex('d')}`, platforms: ['linux/arm64'] });
  });
});

describe('zarf', () => {
  it('reads packages of 0.2x: scripts, extensions, values; of 0.5x: flavors and repositories', () => {
    const { spec } = convertOne(zarf, [{ path: 'zarf.yaml', text: `
kind: ZarfPackageConfig
metadata: {name: p, version: 1.10, architecture: amd64}
components:
  - name: old
    required: true
    scripts: {prepare: ["wget https://dl.example.net/x"], after: ["./y"]}
    extensions: {bigbang: {version: 2.0.0}}
    charts: [{name: c, url: "https://git.example.org/c.git@v1.2", gitPath: chart, valuesFiles: [v.yaml, "https://dl.example.net/v.yaml"], namespace: n}]
  - name: new
    only: {flavor: upstream, localOS: linux, cluster: {architecture: arm64, distros: [k3s]}}
    repos: ["https://git.example.org/r.git@refs/heads/main", "https://user:pw@git.example.org/q.git"]
    images: ["ghcr.io/acme/charts/web:1", "acme/web@sha256:${hex('e')}"]
    healthChecks: []
` }], { folder: '/site' });
    expect(whats(spec)).toEqual(expect.arrayContaining(['wget https://dl.example.net/x', './y', 'extension bigbang 2.0.0', 'https://dl.example.net/v.yaml']));
    expect(spec.charts).toMatchObject([{ source: { git: 'https://git.example.org/c.git', ref: 'v1.2', path: 'chart' }, valuesFiles: ['v.yaml'] }]);
    expect(spec.images).toMatchObject([{ kind: 'artifact', when: { flavors: ['upstream'], arch: ['arm64'], components: ['new'] } }, { platforms: ['linux/arm64'] }]);
    expect(spec.git).toMatchObject([{ ref: 'refs/heads/main' }]);
    expect(JSON.stringify(spec)).not.toContain('user@');
  });
});

describe('kubekey', () => {
  it('reads manifests of 2 and 3, and of 4 what stands there literally', () => {
    const v2 = convertText(kubekey, 'm.yaml', 'apiVersion: kubekey.kubesphere.io/v1alpha2\nkind: Manifest\nmetadata: {name: s}\nspec:\n  arches: [amd64]\n  kubernetesDistributions: [{type: k3s, version: v1.22.10}]\n  components: {helm: {version: v3.6.3}, containerRuntimes: [{type: containerd, version: 1.6.4}], made-up: {version: v1}}\n  images: [docker.io/calico/cni:v3.20.0]\n  addons: [{name: x}]\n');
    expect(v2.spec.files?.map(({ id }) => id)).toEqual(['k3s-amd64', 'helm-amd64', 'containerd-amd64']);
    expect(whats(v2.spec)).toEqual(['made-up v1', 'runc for containerd', 'addons']);
    const v4 = convertText(kubekey, 'c.yaml', 'apiVersion: kubekey.kubesphere.io/v1\nkind: Config\nspec:\n  download:\n    artifact_url: https://dl.example.net/{{ .kube_version }}\n    charts: [{name: c, repo: "https://charts.example.org", version: 1.0.0}, {name: "{{ x }}", repo: y}]\n  image_manifests: [docker.io/calico/cni:v3.28.2, "{{ .image_registry }}/x:1"]\n');
    expect(refs(v4.spec.images)).toEqual(['docker.io/calico/cni:v3.28.2']);
    expect(v4.spec.charts).toMatchObject([{ source: { repo: 'https://charts.example.org', name: 'c', version: '1.0.0' } }]);
    expect(whats(v4.spec)).toEqual(['artifact_url https://dl.example.net/{{ .kube_version }}', 'chart {{ x }}', '{{ .image_registry }}/x:1']);
  });
});

describe('marathon', () => {
  it('reads groups of pods, and jobs of Metronome', () => {
    const { spec } = convertOne(marathon, [
      { path: 'g.json', text: '{"id": "/g", "pods": [{"id": "p", "containers": [{"name": "c", "image": {"kind": "DOCKER", "id": "acme/p:1"}, "artifacts": [{"uri": "https://dl.example.net/a.tgz"}]}]}]}' },
      { path: 'j.json', text: '{"id": "nightly", "run": {"docker": {"image": "acme/job:2"}, "artifacts": [{"uri": "https://dl.example.net/j.sh", "executable": true}], "cmd": "curl https://dl.example.net/late"}}' },
    ]);
    expect(refs(spec.images)).toEqual(['acme/p:1', 'acme/job:2']);
    expect(spec.files?.map(({ saveAs, mode }) => [saveAs, mode])).toEqual([['g-p/a.tgz', undefined], ['nightly/j.sh', '0755']]);
    expect(whats(spec)).toEqual(['https://dl.example.net/late']);
  });
});

describe('universe', () => {
  it('reads packages of 2.0 to 5.0, and keeps their files for a repository of the site', () => {
    const { boms } = universe.convert(['2.0', '3.0', '4.0', '5.0'].flatMap((version, index) => [
      { path: `packages/A/a${index}/0/package.json`, text: `{"packagingVersion": "${version}", "name": "a${index}", "version": "1.10", "tags": [], "maintainer": "x", "description": "d"${version === '5.0' ? ', "manager": {"packageName": "a0", "minPackageVersion": "1"}' : ''}${version >= '4' ? ', "upgradesFrom": ["1.9"], "downgradesTo": ["*"]' : ''}}` },
      { path: `packages/A/a${index}/0/resource.json`, text: '{"assets": {"container": {"docker": {"a": "acme/a:1.10"}}}}' },
      ...(version === '2.0' ? [{ path: `packages/A/a${index}/0/command.json`, text: '{"pip": ["https://dl.example.net/cli-1-py2.whl", "dcos<2"]}' }] : []),
    ]));
    expect(boms.map(({ value }) => value.metadata.version)).toEqual(['1.10', '1.10', '1.10', '1.10']);
    expect(boms[0]?.value.spec?.unresolved).toMatchObject([{ what: 'pip dcos<2' }]);
    expect(boms[3]?.value.spec).toMatchObject({ requires: { strong: [[{ key: 'short', values: ['a0'] }]] }, upgrades: { from: ['1.9'] } });
    expect(Object.keys(boms[0]?.value.metadata.annotations?.['dcos-universe'] as object)).toEqual(['command.json', 'package.json', 'resource.json']);
  });
});

describe('epiphany', () => {
  it('reads hex digits that look like numbers as text, and says keys that it does not know', () => {
    const digits = `${'1'.repeat(20)}e${'2'.repeat(19)}`;
    const { spec } = convertOne(epiphany, [
      { path: 'requirements/x86_64/images.yml', text: `images:\n  rook:\n    'rook/ceph:v1.8.8': {sha1: ${digits}}\n` },
      { path: 'requirements/x86_64/files.yml', text: `files:\n  a:\n    options: [{url: 'https://dl.example.net/a_1%3a2.deb', sha256: ${hex('1')}}]\n    deps: [rook]\n` },
    ]);
    expect(spec.images?.[0]?.evidence).toMatchObject([{ value: digits }]);
    expect(spec.files?.[0]?.urls ?? spec.packages).toBeDefined();
  });
});

describe('zeta', () => {
  it('searches functions, conditions and here-documents without running them', () => {
    const { spec } = convertOne(zeta, [
      { path: 'web/web-1.2.vers', text: 'APP_VER=1.2\nAPP_URL_ROOT="http://dl.example.net/"\nAPP_URL="${APP_URL_ROOT}web-${APP_VER}.tgz"\nif [ "$X" ]; then\n  APP_IMG="x"\nfi\nfunction build() {\n  wget https://dl.example.net/late.tgz\n}\n' },
      { path: 'web/build_pkg.sh', text: 'cat > Dockerfile <<EOF\nFROM ubuntu:16.04\nRUN apt-get install -y curl && pip install x\nEOF\ngit clone https://git.example.org/w.git\ndocker pull acme/base:1\n' },
    ]);
    expect(spec.files?.flatMap(({ urls }) => urls)).toEqual(expect.arrayContaining(['http://dl.example.net/web-1.2.tgz']));
    expect(refs(spec.images)).toEqual(expect.arrayContaining(['ubuntu:16.04', 'acme/base:1']));
    expect(spec.git).toMatchObject([{ url: 'https://git.example.org/w.git' }]);
    expect(whats(spec).join('\n')).toMatch(/if \[/);
    expect(whats(spec).join('\n')).toMatch(/apt-get install -y curl/);
    expect(whats(spec).join('\n')).toMatch(/pip install x/);
  });
});
