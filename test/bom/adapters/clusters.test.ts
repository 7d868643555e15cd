import { describe, expect, it } from 'vitest';
import { compose } from '../../../bom/adapters/compose/compose.ts';
import { interpolate } from '../../../bom/adapters/compose/interpolate.ts';
import { dockerfileImages } from '../../../bom/adapters/dockerfile.ts';
import { hauler } from '../../../bom/adapters/hauler/hauler.ts';
import { helm } from '../../../bom/adapters/helm/helm.ts';
import { imagesTxt } from '../../../bom/adapters/images-txt/images-txt.ts';
import { k8s } from '../../../bom/adapters/k8s/k8s.ts';
import { kubekey } from '../../../bom/adapters/kubekey/kubekey.ts';
import { adapterOf, adapters, detectAdapter } from '../../../bom/adapters/registry.ts';
import { zarf } from '../../../bom/adapters/zarf/zarf.ts';
import { aggregated, hex, refusal } from '../support/documents.ts';
import { convertOne, convertText } from './support.ts';

const refs = (images: readonly { readonly ref: string }[] | undefined): string[] => (images ?? []).map(({ ref }) => ref);

describe('images-txt', () => {
  it('takes a reference a line', () => {
    const { spec } = convertText(imagesTxt, 'images.txt', '# all\nacme/web:3 # web\n\ndocker://quay.io/a/b:1\r\nNOT AN IMAGE\n', { values: { platforms: 'linux/amd64, linux/arm64' } });
    expect(spec.images).toMatchObject([{ ref: 'acme/web:3', platforms: ['linux/amd64', 'linux/arm64'], origin: { where: 'images.txt:2' } }, { ref: 'quay.io/a/b:1' }]);
    expect(spec.unresolved).toMatchObject([{ where: 'images.txt:5', what: 'NOT AN IMAGE' }]);
  });
});

describe('compose', () => {
  it.each([
    ['a${X}b', 'a1b', []], ['$X-$$Y', '1-$Y', []], ['${N:-d}', 'd', []], ['${N-${X}}', '1', []], ['${E:-d}', 'd', []], ['${E-d}', '', []], ['${X:+y}', 'y', []], ['${N:+y}', '', []], ['${N:?msg}', '', ['N']], ['${N}', '', ['N']], ['${', '${', []], ['$', '$', []],
  ])('interpolates %s', (text, expected, unset) => {
    expect(interpolate(text, new Map([['X', '1'], ['E', '']]))).toEqual({ text: expected, unset });
  });

  it('reads images, builds, volumes and profiles; later files win', () => {
    const { spec, value, warnings } = convertOne(compose, [
      { path: 'compose.yaml', text: `
name: shop
x-base: &base {platform: linux/arm64}
services:
  web: {<<: *base, image: "acme/web:\${TAG:-3.2}", profiles: [edge]}
  db: {image: "postgres:9.6"}
  app: {build: {context: ./app, args: {BASE: "node:24"}, additional_contexts: {tools: "docker-image://acme/tools:1"}, cache_from: ["acme/cache:1", "type=local,src=x"]}, image: acme/app:1}
  lib: {build: .}
  data: {image: busybox:1.36, volumes: [{type: image, source: acme/model:5, target: /m}, {type: bind, source: /x, target: /y}]}
  unset: {image: "acme/x:\${NOPE}"}
  child: {extends: {service: db}}
  away: {extends: {file: other.yaml, service: z}}
  ext: {provider: {type: x}}
  none: {command: x}
include: [more.yaml, gone.yaml]
` },
      { path: 'compose.override.yaml', text: 'services: {db: {image: "postgres:17"}}' },
      { path: 'more.yaml', text: 'services: {extra: {image: "acme/extra:1"}}' },
      { path: 'app/Dockerfile', text: 'ARG BASE=x\nARG OTHER\nFROM ${BASE} AS build\nFROM $OTHER\nCOPY --from=build /a /b\nCOPY --from=acme/files:1 /c /d\nFROM scratch\n' },
      { path: '.env', text: '# c\nexport UNUSED="x y"\n' },
    ]);
    expect(value.metadata.name).toBe('shop');
    expect(refs(spec.images)).toEqual(['acme/extra:1', 'acme/web:3.2', 'postgres:17', 'node:24', 'acme/files:1', 'acme/tools:1', 'acme/cache:1', 'busybox:1.36', 'acme/model:5', 'postgres:17']);
    expect(spec.images?.[1]).toMatchObject({ platforms: ['linux/arm64'], when: { profiles: ['edge'] } });
    expect(spec.produces).toMatchObject([{ image: 'acme/app:1', base: ['node:24', 'acme/files:1', 'acme/tools:1', 'acme/cache:1'] }, { image: 'shop-lib' }]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['include gone.yaml', '${OTHER}', 'build of lib', 'acme/x:${NOPE}', 'service away extends z', 'service none']);
    expect(warnings).toEqual([]);
  });

  it('says when a merge tag is not applied', () => {
    expect(convertText(compose, 'compose.yaml', 'services:\n  a:\n    image: !reset null\n    build: .\n').spec.unresolved?.[0]).toMatchObject({ where: 'compose.yaml:3', what: 'image: !reset null' });
  });

  it('reads Dockerfiles', () => {
    expect(refs(dockerfileImages({ path: 'D', text: '# FROM no\nARG V="3"\nFROM --platform=$BUILDPLATFORM alpine:${V} \\\n  AS a\nfrom a as b\nCOPY --from=0 x y\nFROM img:${NONE:-1}\n' }))).toEqual(['alpine:3', 'img:1']);
  });
});

describe('k8s', () => {
  it('finds images in pods, lists, image volumes and custom resources', () => {
    const { spec } = convertOne(k8s, [{ path: 'a.yaml', text: `
apiVersion: v1
kind: List
items:
  - {apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{image: "acme/init:1"}], containers: [{image: "acme/web@sha256:${hex('7')}", env: [{name: RELATED_IMAGE_X, value: "quay.io/op/x:1"}, {name: A, value: b/c:d}], args: ["--proxy-image=quay.io/op/proxy:2", "--v=1"]}], volumes: [{name: m, image: {reference: "acme/model:5"}}]}}}}}}
  - {apiVersion: v1, kind: ConfigMap, data: {conf: "image: quay.io/op/cm:3\\nimage: none\\n"}}
---
{apiVersion: acme.example.org/v1, kind: Broker, spec: {image: "acme/broker:1", sidecarImage: "acme/side:2", picture: {image: NO IMAGE}}}
---
{apiVersion: v1, kind: Pod, spec: {containers: [{image: "Bad Image"}, {image: "x:{{ .Values.tag }}"}]}}
` }]);
    expect(spec.images?.map(({ ref, confidence }) => [ref, confidence ?? 'declared'])).toEqual([
      [`acme/web@sha256:${hex('7')}`, 'declared'], ['quay.io/op/x:1', 'guessed'], ['quay.io/op/proxy:2', 'guessed'], ['acme/init:1', 'declared'], ['acme/model:5', 'declared'], ['quay.io/op/cm:3', 'guessed'],
      ['acme/broker:1', 'declared'], ['acme/side:2', 'guessed'],
    ]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['Bad Image', 'x:{{ .Values.tag }}']);
  });

  it('follows kustomizations and renames', () => {
    const { spec } = convertOne(k8s, [
      { path: 'base/kustomization.yaml', text: 'resources: [web.yaml, https://git.example.org/acme/base//deploy?ref=v1, https://example.org/x.yaml]\nimages: [{name: acme/web, newTag: "1.10"}]' },
      { path: 'base/web.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: acme/web}, {image: acme/db:1}]}' },
      { path: 'prod/kustomization.yaml', text: `resources: [../base, gone.yaml]\nimages: [{name: acme/web, newName: reg.example.org/web}, {name: acme/db, digest: "sha256:${hex('a')}"}]\nhelmCharts: [{name: c, repo: "https://charts.example.org", version: 1.10}]` },
      { path: 'alone.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: acme/alone:1}]}' },
    ]);
    expect(refs(spec.images)).toEqual(['reg.example.org/web:1.10', `acme/db@sha256:${hex('a')}`, 'acme/alone:1']);
    expect(spec.git).toMatchObject([{ url: 'https://git.example.org/acme/base', ref: 'v1' }]);
    expect(spec.charts).toMatchObject([{ source: { repo: 'https://charts.example.org', name: 'c', version: '1.10' } }]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['https://git.example.org/acme/base//deploy?ref=v1', 'https://example.org/x.yaml', 'gone.yaml']);
  });

  it('says that a template has to be rendered', () => {
    expect(convertText(k8s, 't.yaml', 'apiVersion: v1\nkind: Pod\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n').spec.unresolved?.[0]?.reason).toBe('a template: render it first');
  });
});

describe('helm', () => {
  it('takes annotations, guesses values, and knows dependencies', () => {
    const { spec, value } = convertOne(helm, [
      { path: 'web/Chart.yaml', text: 'name: web\nversion: 1.10\nannotations: {artifacthub.io/images: "- name: web\\n  image: acme/web:3.2\\n  platforms: [linux/amd64]\\n"}\ndependencies: [{name: redis, version: ~1.2, repository: "https://charts.example.org", condition: redis.enabled}, {name: a, repository: "@stable"}, {name: b, version: 1.0.0, repository: "oci://reg.example.org/charts"}, {name: v, repository: "https://charts.example.org"}]' },
      { path: 'web/values.yaml', text: 'image: {registry: quay.io, repository: acme/web, tag: 3.20}\nsidecar: {image: "acme/side:1"}\nempty: {image: {tag: x}}\n' },
      { path: 'web/charts/v/Chart.yaml', text: 'name: v\nversion: 2.0.0\nannotations: {images: "- acme/v:2"}' },
    ]);
    expect(value.metadata).toMatchObject({ name: 'web', version: '1.10' });
    expect(spec.images?.map(({ ref, confidence }) => [ref, confidence])).toEqual([['acme/web:3.2', undefined], ['quay.io/acme/web:3.20', 'guessed'], ['acme/side:1', 'guessed'], ['acme/v:2', undefined]]);
    expect(spec.charts).toMatchObject([{ source: { repo: 'https://charts.example.org', name: 'redis', version: '~1.2' } }, { source: { oci: 'oci://reg.example.org/charts/b', version: '1.0.0' } }]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['dependency a @stable']);
  });
});

describe('hauler', () => {
  it('reads images with their extras, charts and files', () => {
    const { spec } = convertText(hauler, 'h.yaml', `
apiVersion: content.hauler.cattle.io/v1
kind: Images
metadata: {name: i, annotations: {hauler.dev/registry: reg.example.org, hauler.dev/platform: linux/arm64}}
spec: {images: [{name: a/b}, {name: "quay.io/c:1.10", platform: linux/amd64, key: k.pub, rewrite: d/c, exclude-extras: true}, {}]}
---
apiVersion: content.hauler.cattle.io/v1
kind: Charts
spec: {charts: [{name: r, repoURL: "https://charts.example.org", version: 2.80, add-images: true}, {name: o, repoURL: "oci://ghcr.io/x"}, {name: c.tgz, repoURL: charts}, {name: p, repoURL: "https://charts.example.org", passwordEnv: P}]}
---
apiVersion: content.hauler.cattle.io/v1
kind: Files
spec: {files: [{path: "https://get.example.net", name: install.sh}, {path: "https://get.example.net"}, {path: local.txt}, {path: ../../etc/passwd}]}
---
apiVersion: content.hauler.cattle.io/v1alpha1
kind: K3s
spec: {version: v1.30.1+k3s1}
---
kind: Other
`, { folder: '/h' });
    expect(spec.images).toMatchObject([
      { ref: 'reg.example.org/a/b', platforms: ['linux/arm64'], extras: { referrers: true } }, { ref: 'quay.io/c:1.10', platforms: ['linux/amd64'], as: 'd/c', verify: { cosign: { key: 'k.pub' } } },
    ]);
    expect(spec.images?.[1]?.extras).toBeUndefined();
    expect(spec.charts?.map(({ source }) => source)).toMatchObject([{ repo: 'https://charts.example.org', name: 'r', version: '2.80' }, { oci: 'oci://ghcr.io/x/o' }, { path: 'charts/c.tgz' }, { name: 'p' }]);
    expect(spec.files?.map(({ saveAs, path, urls }) => [saveAs, path ?? urls?.[0]])).toEqual([
      ['install.sh', 'https://get.example.net'], ['local.txt', 'local.txt'], ['k3s', 'https://github.com/k3s-io/k3s/releases/download/v1.30.1%2Bk3s1/k3s'], ['k3s-airgap-images-amd64.tar.zst', expect.any(String)],
    ]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['an image', 'passwordEnv of chart p', 'https://get.example.net', '../../etc/passwd', 'kind Other']);
  });
});

describe('zarf', () => {
  const package_ = `
kind: ZarfPackageConfig
metadata: {name: site, version: 1.10, architecture: amd64}
components:
  - name: c
    required: true
    only: {flavor: upstream}
    images: ["acme/web:3", "acme/web:sha256-${hex('9')}.sig", "acme/###ZARF_PKG_TMPL_X###:1", "acme/###ZARF_VAR_Y###:1"]
    files: [{source: "https://dl.example.net/b", shasum: ${hex('8')}, target: /usr/bin/b, executable: true}, {source: "https://dl.example.net/p@${hex('7')}", target: /p}, {source: "https://user@dl.example.net/q", target: /q}, {source: l.txt, target: /l}]
    charts: [{name: a, url: "https://charts.example.org", version: 1.0.0}, {name: g, url: "https://git.example.org/g.git", version: v2, gitPath: chart}, {name: o, url: "oci://reg.example.org/o", version: 3.0.0}, {name: l, localPath: chart, version: 1.0.0}]
    repos: ["https://git.example.org/r.git", "https://git.example.org/r.git@v0.0.1", "https://git.example.org/r.git@refs/heads/x", "https://git.example.org/r.git@${hex('a').slice(0, 40)}"]
    manifests: [{name: m, files: [pod.yaml], kustomizations: ["https://git.example.org/k"]}]
    actions: {onCreate: {before: [{cmd: make}]}, onDeploy: {before: [{cmd: true}]}}
    imageArchives: [{path: images.tar, images: ["acme/archived:1"]}]
  - {name: opt, only: {cluster: {architecture: arm64}}, import: {path: lib}}
  - {name: far, import: {url: "oci://reg.example.org/p:1"}}
`;
  it('reads components, imports and templates', () => {
    const { spec, value, bom } = convertOne(zarf, [{ path: 'zarf.yaml', text: package_ }, { path: 'lib/zarf.yaml', text: 'kind: ZarfPackageConfig\ncomponents: [{name: opt, only: {cluster: {architecture: arm64}}, images: ["acme/lib:1"]}, {name: other, images: ["acme/other:1"]}]' }, { path: 'pod.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "acme/pod:1"}]}' }], { folder: '/z', values: { X: 'filled' } });
    expect(value.metadata).toMatchObject({ name: 'site', version: '1.10' });
    expect(spec.images?.map(({ ref, kind, confidence }) => [ref, kind ?? confidence])).toEqual([['acme/web:3', undefined], [`acme/web:sha256-${hex('9')}.sig`, 'signature'], ['acme/filled:1', undefined], ['acme/archived:1', undefined], ['acme/pod:1', 'rendered'], ['acme/lib:1', undefined]]);
    expect(spec.images?.at(-1)).toMatchObject({ platforms: ['linux/arm64'], when: { arch: ['arm64'] } });
    expect(spec.images?.[0]).toMatchObject({ platforms: ['linux/amd64'], when: { flavors: ['upstream'], arch: ['amd64'] } });
    expect(spec.files).toMatchObject([{ digest: `sha256:${hex('8')}`, mode: '0755' }, { urls: ['https://dl.example.net/p'], digest: `sha256:${hex('7')}` }, { path: 'l.txt' }, { path: 'pod.yaml' }]);
    expect(spec.charts?.map(({ source }) => source)).toMatchObject([{ repo: 'https://charts.example.org' }, { git: 'https://git.example.org/g.git', ref: 'v2', path: 'chart' }, { oci: 'oci://reg.example.org/o' }, { path: 'chart' }]);
    expect(spec.git).toMatchObject([{ mirrorAll: true }, { ref: 'refs/tags/v0.0.1' }, { ref: 'refs/heads/x' }, { commit: hex('a').slice(0, 40) }]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['acme/###ZARF_VAR_Y###:1', 'https://dl.example.net/q', 'https://git.example.org/k', 'make', 'oci://reg.example.org/p:1']);
    expect(refs(aggregated([bom], 'targets: [{id: t, family: debian, arch: amd64}]\nselect: {flavors: [upstream], components: [nothing]}').images)).not.toContain('docker.io/acme/lib:1');
  });

  it('reads v1beta1', () => {
    const { spec } = convertText(zarf, 'zarf.yaml', `apiVersion: zarf.dev/v1beta1\nkind: ZarfPackageConfig\nmetadata: {name: b}\ncomponents: [{name: c, optional: true, selector: {architecture: arm64}, images: [{name: "acme/web:3"}], files: [{source: "https://dl.example.net/x", destination: /x, checksum: "sha256:${hex('1')}"}], charts: [{name: h, helmRepository: {name: r, url: "https://charts.example.org", version: 1.0.0}}, {name: o, oci: {url: "oci://reg.example.org/o", ref: 2.0.0}}], repositories: [{url: "https://git.example.org/r.git", ref: v1}]}]`);
    expect(spec).toMatchObject({
      images: [{ ref: 'acme/web:3', platforms: ['linux/arm64'], when: { arch: ['arm64'], components: ['c'] } }], files: [{ digest: `sha256:${hex('1')}` }],
      charts: [{ source: { name: 'r' } }, { source: { oci: 'oci://reg.example.org/o', version: '2.0.0' } }], git: [{ ref: 'refs/tags/v1' }],
    });
  });
});

describe('kubekey', () => {
  it('knows where components are, and leaves passwords behind', () => {
    const { bom, spec } = convertOne(kubekey, [
      { path: 'manifest.yaml', text: 'apiVersion: kubekey.kubesphere.io/v1alpha2\nkind: Manifest\nmetadata: {name: s}\nspec:\n  arches: [amd64, arm64]\n  operatingSystems: [{arch: amd64, id: ubuntu, version: "20.04", repository: {iso: {url: "https://dl.example.net/u.iso"}}}, {arch: riscv64, osImage: R}]\n  kubernetesDistributions: [{type: k3s, version: v1.21.6}]\n  components: {helm: {version: v3.6.3}, containerRuntimes: [{type: containerd, version: 1.6.4}], odd: {version: v1}, cni: {}}\n  images: ["docker.io/calico/cni:v3", "dockerhub.kubekey.local/x:1"]\n  registry: {auths: {reg.example.org: {username: u, password: secret}}}\n' },
      { path: 'components.json', text: JSON.stringify({ helm: { arm64: { 'v3.6.3': hex('1') } } }) },
    ]);
    expect(spec.images).toMatchObject([{ platforms: ['linux/amd64', 'linux/arm64'] }]);
    expect(spec.files?.map(({ urls, digest }) => [urls?.[0], digest !== undefined])).toEqual([
      ['https://github.com/k3s-io/k3s/releases/download/v1.21.6+k3s1/k3s', false], ['https://get.helm.sh/helm-v3.6.3-linux-amd64.tar.gz', false], ['https://github.com/containerd/containerd/releases/download/v1.6.4/containerd-1.6.4-linux-amd64.tar.gz', false],
      ['https://github.com/k3s-io/k3s/releases/download/v1.21.6+k3s1/k3s-arm64', false], ['https://get.helm.sh/helm-v3.6.3-linux-arm64.tar.gz', true], ['https://github.com/containerd/containerd/releases/download/v1.6.4/containerd-1.6.4-linux-arm64.tar.gz', false],
      ['https://dl.example.net/u.iso', false],
    ]);
    expect(new Set(spec.files?.map(({ saveAs }) => saveAs)).size).toBe(7);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['dockerhub.kubekey.local/x:1', 'odd v1', 'cni', 'runc for containerd', 'R for riscv64', 'login for reg.example.org']);
    expect(new TextDecoder().decode(bom.canonical)).not.toContain('secret');
  });
});

it('conflicts point to the line of the descriptor', () => {
  const of = (path: string, digit: string): ReturnType<typeof convertText>['bom'] => convertText(imagesTxt, path, `# list\nacme/web:3@sha256:${hex(digit)}\n`, { name: path.replace('.txt', '') }).bom;
  expect(refusal(() => aggregated([of('a.txt', '1'), of('b.txt', '2')])).facts.actual).toMatch(/\(module a, a\.txt:2:1\) and .*\(module b, b\.txt:2:1\)/);
});

describe('the registry', () => {
  it('names each adapter once', () => {
    expect(adapters).toHaveLength(18);
    expect(new Set(adapters.map(({ name }) => name)).size).toBe(18);
    expect(adapterOf('zarf')).toBe(zarf);
    expect(adapterOf('nothing')).toBeUndefined();
  });
  it('claims nothing for files that are not theirs', () => {
    expect(detectAdapter([{ path: 'x.yaml', text: 'a: 1' }])).toBeUndefined();
    expect(detectAdapter([])).toBeUndefined();
  });
});
