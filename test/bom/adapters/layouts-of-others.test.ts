// Descriptors of other releases and other projects of the same formats: older fields, other layouts, one file instead of many.
import { describe, expect, it } from 'vitest';
import { ansibleDefaults } from '../../../bom/adapters/ansible-defaults/ansible-defaults.ts';
import { compose } from '../../../bom/adapters/compose/compose.ts';
import { epiphany } from '../../../bom/adapters/epiphany/epiphany.ts';
import { hauler } from '../../../bom/adapters/hauler/hauler.ts';
import { imagesTxt } from '../../../bom/adapters/images-txt/images-txt.ts';
import { kubekey } from '../../../bom/adapters/kubekey/kubekey.ts';
import { marathon } from '../../../bom/adapters/marathon/marathon.ts';
import { detectAdapter } from '../../../bom/adapters/registry.ts';
import { universe, universeAnnotation } from '../../../bom/adapters/universe/universe.ts';
import { zarf } from '../../../bom/adapters/zarf/zarf.ts';
import { zeta } from '../../../bom/adapters/zeta/zeta.ts';
import { hex } from '../support/documents.ts';
import { convertOne, convertText } from './support.ts';

const refs = (images: readonly { readonly ref: string }[] | undefined): string[] => (images ?? []).map(({ ref }) => ref);
const whats = (spec: { readonly unresolved?: readonly { readonly what: string }[] | undefined }): string[] => (spec.unresolved ?? []).map(({ what }) => what);
const urls = (files: readonly { readonly urls?: readonly string[] | undefined }[] | undefined): string[] => (files ?? []).flatMap(({ urls: [url] = [] }) => url ?? []);

describe('hauler', () => {
  it('reads files that are called ref, and takes no channel for a release of K3s', () => {
    const { spec } = convertText(hauler, 'h.yaml', `
apiVersion: content.hauler.cattle.io/v1alpha1
kind: Files
spec: {files: [{ref: "https://dl.example.net/tool.tgz"}, {ref: "https://get.example.net", name: get.sh}]}
---
apiVersion: collection.hauler.cattle.io/v1alpha1
kind: K3s
spec: {version: stable}
---
apiVersion: collection.hauler.cattle.io/v1alpha1
kind: K3s
spec: {version: v1.22.2+k3s2, arch: arm64}
`);
    expect(spec.files?.map(({ saveAs }) => saveAs)).toEqual(['tool.tgz', 'get.sh', 'k3s-arm64', 'k3s-airgap-images-arm64.tar.zst']);
    expect(spec.unresolved).toMatchObject([{ where: 'h.yaml:8', what: 'K3s stable' }]);
  });

  it('reads the Store of its first releases', () => {
    const text = 'apiVersion: hauler.cattle.io/v1alpha1\nkind: Store\nmetadata: {name: a}\nspec:\n  images: [{ref: "acme/web:1"}]\n  charts: [{name: web, repoUrl: "https://charts.example.net", repo: acme, version: 1.10}]\n  https: [{file: get.sh, url: "https://get.example.net"}]\n  repos: [{repo: "https://git.example.net/a.git", branch: main}, {branch: x}]\n  drivers: [k3s]\n';
    expect(detectAdapter([{ path: 'store.yaml', text }])).toBe(hauler);
    const { spec } = convertText(hauler, 'store.yaml', text);
    expect(refs(spec.images)).toEqual(['acme/web:1']);
    expect(spec.charts?.[0]?.source).toMatchObject({ repo: 'https://charts.example.net', name: 'web', version: '1.10' });
    expect(spec.files).toMatchObject([{ saveAs: 'get.sh' }]);
    expect(spec.git).toMatchObject([{ url: 'https://git.example.net/a.git', ref: 'main' }]);
    expect(whats(spec)).toEqual(['repository', 'drivers']);
  });
});

describe('zarf', () => {
  it('reads packages from before components, and says which of their parts nobody knows', () => {
    const files = [
      { path: 'zarf.yaml', text: `
kind: ZarfPackageConfig
metadata: {name: old}
local:
  manifests: manifests
  files: [{source: "https://dl.example.net/a", shasum: ${hex('1')}, target: /a, executable: true}, {source: "https://dl.example.net/b", shasum: nonsense, target: /b}]
  images: [acme/local:1]
remote: {images: [acme/remote:2], repos: ["https://git.example.net/a.git@1.17.0"]}
appliance: {x: y}
` },
      { path: 'manifests/web.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "acme/pod:3"}]}\n' },
    ];
    const { spec } = convertOne(zarf, files, { folder: '/package' });
    expect(refs(spec.images)).toEqual(['acme/local:1', 'acme/pod:3', 'acme/remote:2']);
    expect(spec.files).toMatchObject([{ digest: `sha256:${hex('1')}`, mode: '0755' }, { saveAs: 'b' }, { path: 'manifests/web.yaml' }]);
    expect(spec.git).toMatchObject([{ ref: 'refs/tags/1.17.0' }]);
    expect(whats(spec)).toEqual(['checksum nonsense of https://dl.example.net/b', 'appliance']);
    expect(whats(convertOne(zarf, files.slice(0, 1)).spec)).toContain('manifests manifests');
  });

  it('takes only addresses of repositories for git, and says what an import is changed by', () => {
    const { spec } = convertOne(zarf, [
      { path: 'zarf.yaml', text: 'kind: ZarfPackageConfig\nmetadata: {name: p}\ncomponents:\n- {name: c, required: true, import: {path: common}, charts: [{name: web, valuesFiles: [values.yaml]}]}\n' },
      { path: 'common/zarf.yaml', text: 'kind: ZarfPackageConfig\nmetadata: {name: q}\ncomponents:\n- {name: c, charts: [{name: web, version: 1.10, url: "https://charts.example.net/web", gitPath: charts/web}, {name: own, version: "2", url: "https://git.example.net/own.git", gitPath: chart}]}\n' },
    ]);
    expect(spec.charts?.map(({ source }) => source)).toMatchObject([{ repo: 'https://charts.example.net/web', name: 'web', version: '1.10' }, { git: 'https://git.example.net/own.git', ref: '2', path: 'chart' }]);
    expect(spec.unresolved).toMatchObject([{ where: 'zarf.yaml:4', what: 'chart web', reason: expect.stringContaining('import') as string }]);
  });

  it('follows imports of the newer API, and reads a package for two APIs once', () => {
    const { spec, warnings } = convertOne(zarf, [
      { path: 'zarf.yaml', text: 'apiVersion: zarf.dev/v1alpha1\nkind: ZarfPackageConfig\nmetadata: {name: p}\ncomponents: [{name: logs, images: [acme/twice:1]}]\n---\napiVersion: zarf.dev/v1beta1\nkind: ZarfPackageConfig\nmetadata: {name: p}\ncomponents:\n- {name: logs, optional: true, import: {local: [{path: parts/logs.yaml}, {path: gone.yaml}], remote: [{url: "oci://reg.example.net/c:1"}]}, images: [{name: acme/a:1, source: daemon}]}\n' },
      { path: 'parts/logs.yaml', text: 'apiVersion: zarf.dev/v1beta1\nkind: ZarfComponentConfig\nmetadata: {name: logs}\ncomponent:\n  images: [{name: acme/logs:2}]\n  charts: [{name: l, local: {path: chart}, valuesFiles: [{path: values.yaml}]}]\n  manifests: [{name: m, kustomize: {files: [over]}}]\n' },
    ], { folder: '/package' });
    expect(spec.images).toMatchObject([{ ref: 'acme/logs:2', when: { components: ['logs'] } }]);
    expect(spec.charts).toMatchObject([{ source: { path: 'parts/chart' }, valuesFiles: ['parts/values.yaml'] }]);
    expect(whats(spec)).toEqual(['oci://reg.example.net/c:1', 'over', 'import gone.yaml', 'acme/a:1']);
    expect(warnings).toEqual(['zarf.yaml:1: the same package for another version of the API is passed over']);
  });

  it('fills templates in from zarf-config, whatever its form, and the architecture from metadata', () => {
    const text = 'kind: ZarfPackageConfig\nmetadata: {name: p, architecture: arm64}\ncomponents:\n- name: c\n  only: {localOS: darwin}\n  images: ["###ZARF_PKG_TMPL_HOST###/web:###ZARF_PKG_TMPL_TAG###"]\n  files: [{source: "https://dl.example.net/###ZARF_PKG_ARCH###/x", target: /x}]\n';
    const configs = [
      ['zarf-config.toml', '[package.deploy.set]\ntag = "9"\n[ package.create.set ]\nhost = "reg.example.net" # c\ntag = 1.10\n'], ['zarf-config.yaml', 'package: {create: {set: {host: reg.example.net, TAG: 1.10}}}\n'], ['zarf-config.json', '{"package":{"create":{"set":{"host":"reg.example.net","tag":"1.10"}}}}'],
    ] as const;
    for (const [path, config] of configs) {
      const { spec } = convertOne(zarf, [{ path: 'zarf.yaml', text }, { path, text: config }]);
      expect(refs(spec.images), path).toEqual(['reg.example.net/web:1.10']);
      expect(spec.files).toMatchObject([{ urls: ['https://dl.example.net/arm64/x'], platform: { os: 'darwin', arch: 'arm64' } }]);
    }
    const { spec } = convertText(zarf, 'zarf.yaml', text, { values: { HOST: 'other.example.net', TAG: '2', ARCH: 'amd64' } });
    expect([refs(spec.images), urls(spec.files)]).toEqual([['other.example.net/web:2'], ['https://dl.example.net/amd64/x']]);
  });
});

describe('universe', () => {
  const template = Buffer.from('{"id": "x",\n "uris": ["https://dl.example.net/x.tgz", "{{resource.assets.uris.y}}", "https://{{host}}/z"],\n "fetch": [{"uri": "https://dl.example.net/w.tgz"}],\n "container": {"docker": {"image": "acme/plain:4"}}}').toString('base64');
  const repository = JSON.stringify({ packages: [
    { packagingVersion: '3.0', name: 'acme', version: '1.9', releaseVersion: 9, resource: { assets: { container: { docker: { a: 'acme/a:1.9' } } } } },
    { packagingVersion: '4.0', name: 'acme', version: '1.10', releaseVersion: 10, selected: true, config: { properties: { port: { default: 8080 } } }, command: { pip: ['acme<2', 'git+https://git.example.net/a.git#acme'] }, marathon: { v2AppMustacheTemplate: template },
      resource: { assets: { uris: { y: 'https://dl.example.net/y.zip' }, container: { docker: { a: 'acme/a:1.10' } } } } },
    { name: 'no package' },
  ] }, undefined, 1);

  it('reads a repository as clusters fetch it, and keeps its packages for a Universe to be written', () => {
    expect(detectAdapter([{ path: 'repo-up-to-1.13.json', text: repository }])).toBe(universe);
    const { value, spec, warnings } = convertText(universe, 'repo.json', repository);
    expect(value.metadata).toMatchObject({ name: 'acme', version: '1.10', labels: { revision: '10', selected: 'true' } });
    expect(refs(spec.images)).toEqual(['acme/a:1.10', 'acme/plain:4']);
    expect(urls(spec.files)).toEqual(['https://dl.example.net/y.zip', 'https://dl.example.net/w.tgz', 'https://dl.example.net/x.tgz']);
    expect(whats(spec)).toEqual(['https://{{host}}/z', 'pip acme<2', 'pip git+https://git.example.net/a.git#acme']);
    expect(warnings).toEqual([expect.stringContaining('an entry of packages without packagingVersion')]);
    const kept = value.metadata.annotations?.[universeAnnotation] as Readonly<Record<string, string>>;
    expect(Object.keys(kept).sort()).toEqual(['command.json', 'config.json', 'marathon.json.mustache', 'package.json', 'resource.json']);
    expect(JSON.parse(kept['config.json'] ?? '')).toEqual({ properties: { port: { default: 8080 } } });
    expect(convertText(universe, 'repo.json', repository, { select: ['acme:1.9'] }).spec.images).toMatchObject([{ ref: 'acme/a:1.9' }]);
  });

  it('reads packages beside their service, and packages of before 2.0', () => {
    const service = convertOne(universe, [
      { path: 'frameworks/acme/universe/package.json', text: '{"packagingVersion": "4.0", "name": "acme", "version": "{{package-version}}"}' },
      { path: 'frameworks/acme/universe/resource.json', text: '{"assets": {"uris": {"s": "{{artifact-dir}}/s.zip", "j": "https://dl.example.net/j.tgz"}}}' },
      { path: 'web/package.json', text: '{"name": "a-web-site", "version": "1"}' },
    ]);
    expect([urls(service.spec.files), whats(service.spec)]).toEqual([['https://dl.example.net/j.tgz'], ['{{artifact-dir}}/s.zip']]);
    const old = convertOne(universe, [
      { path: 'repo/packages/O/old/0/package.json', text: '{"packagingVersion": "1.0", "name": "old", "version": "0.1", "images": {"icon-small": "https://dl.example.net/i.png"}}' },
      { path: 'repo/packages/O/old/0/marathon.json', text: '{\n "cpus": {{old.cpus}},\n "image": "acme/old:0.1"\n}' },
    ]);
    expect([refs(old.spec.images), urls(old.spec.files)]).toEqual([['acme/old:0.1'], ['https://dl.example.net/i.png']]);
    expect(old.spec.images?.[0]?.origin?.where).toBe('repo/packages/O/old/0/marathon.json:3');
    expect(Object.keys(old.value.metadata.annotations?.[universeAnnotation] as object)).toContain('marathon.json.mustache');
  });
});

describe('epiphany', () => {
  it('reads the layouts that its manifests had on the way: no family, no architecture, lists', () => {
    const { spec } = convertOne(epiphany, [
      { path: 'requirements/x86_64/redhat.yml', text: `prereq-packages:\n  - {name: apr, sha256: ${hex('1')}}\npackages:\n  - {name: acme-9.*}\nfiles:\n  - {url: "https://dl.example.net/a.el7.x86_64.rpm", sha256: ${hex('2')}}\n  - {url: "https://dl.example.net/a.bin", sha256: abc}\n` },
      { path: 'requirements/x86_64/ubuntu-20.04/packages.yml', text: 'packages: {from_repo: [jq], from_somewhere: [x]}\n' },
      { path: 'requirements/x86_64/redhat/files.yml', text: `files:\n  'https://dl.example.net/b.el8.x86_64.rpm': {sha256: ${hex('3')}}\n  'https://dl.example.net/common.tgz': {sha256: ${hex('4')}}\n` },
      { path: 'requirements/x86_64/redhat/redhat-8/packages.yml', text: 'prereq-packages: [logos]\n' },
      { path: 'requirements/x86_64/files.yml', text: `files:\n  'https://dl.example.net/common.tgz': {sha256: ${hex('5')}}\n` },
      { path: 'requirements/dashboards.yml', text: `dashboards:\n  - {name: board_1, url: "https://dash.example.net/1/download", sha256: ${hex('6')}}\n` },
      { path: 'requirements/crane.yml', text: `crane:\n  - {url: "https://dl.example.net/crane.tgz", sha256: ${hex('7')}}\n` },
      { path: 'repositories/x86_64/ubuntu.yml', text: "repositories:\n  acme: {content: 'deb https://apt.example.net/acme focal main', key: 'https://apt.example.net/key', path: /etc/x}\n" },
      { path: 'repositories/x86_64/redhat.yml', text: 'repositories:\n  acme:\n    gpgkeys: ["https://rpm.example.net/key"]\n    data: |\n      [acme-7.x]\n      name=Acme\n      baseurl=https://rpm.example.net/yum\n      gpgcheck=1\n' },
      { path: 'requirements/somewhere/else.yml', text: 'files: {}\n' },
    ]);
    expect(spec.targets?.map(({ id, os, family }) => `${id} ${os} ${family}`)).toEqual(['redhat-8-amd64 rhel rhel', 'ubuntu-20.04-amd64 ubuntu debian']);
    expect(spec.packages?.map(({ id, include = [], urls: list = [] }) => [id, include.map((item) => item.spec), list.map(({ url, digest }) => `${url} ${digest}`)])).toEqual([
      ['redhat-8-amd64-prereqs', ['logos', 'apr'], []],
      ['redhat-8-amd64', ['acme-9.*'], [`https://dl.example.net/a.el7.x86_64.rpm sha256:${hex('2')}`, `https://dl.example.net/b.el8.x86_64.rpm sha256:${hex('3')}`]],
      ['ubuntu-20.04-amd64', ['jq'], []],
    ]);
    expect(spec.files?.map(({ saveAs, digest }) => [saveAs, digest?.slice(0, 8)])).toEqual([['common.tgz', 'sha256:5'], ['crane.tgz', 'sha256:7'], ['board_1.json', 'sha256:6'], ['a.bin', undefined]]);
    expect(spec.packageRepositories?.filter(({ origin }) => origin?.where !== undefined)).toMatchObject([{ id: 'acme-7.x-redhat-8-amd64', gpgKeys: [{ url: 'https://rpm.example.net/key' }] }, { line: 'deb https://apt.example.net/acme focal main' }]);
    expect(whats(spec)).toEqual(['2ndQuadrant repositories', 'sha256 abc', 'packages.from_somewhere', 'a file']);
  });
});

describe('compose', () => {
  it('takes each folder as a project, its override after its file, other files as alternatives', () => {
    const files = [
      { path: 'a/.env', text: 'TAG=1.10\n' },
      { path: 'a/compose.override.yaml', text: 'services: {web: {image: "acme/override:1"}}' },
      { path: 'a/compose.prod.yaml', text: 'services: {web: {restart: always}, db: {image: "acme/db-prod:1"}, only: {image: "acme/only:1"}}' },
      { path: 'a/compose.yaml', text: 'services: {web: {image: "acme/base:1"}, db: {image: "acme/db:${TAG}"}}' },
      { path: 'b/docker-compose.yml', text: 'services: {web: {image: "acme/b:${TAG:-2}", platform: "${P:-linux/arm64}"}, odd: {image: "acme/odd:1", platform: amd64}}' },
    ];
    const { spec } = convertOne(compose, files);
    expect(refs(spec.images)).toEqual(['acme/override:1', 'acme/db:1.10', 'acme/db-prod:1', 'acme/only:1', 'acme/b:2', 'acme/odd:1']);
    expect(spec.images?.[4]).toMatchObject({ platforms: ['linux/arm64'] });
    expect(spec.images?.map(({ id }) => id)).toEqual(['web', 'db', undefined, 'only', undefined, 'odd']);
    expect(whats(spec)).toEqual(['platform amd64']);
    const chosen = convertOne(compose, files, { select: ['a/compose.yaml', 'a/compose.prod.yaml', 'a/none.yaml'] });
    expect(refs(chosen.spec.images)).toEqual(['acme/base:1', 'acme/db-prod:1', 'acme/only:1']);
    expect(chosen.warnings).toEqual(['select: a/none.yaml is no Compose file here']);
  });

  it('takes arguments without a value from the environment, and an empty platform for none', () => {
    const { spec } = convertOne(compose, [
      { path: 'compose.yaml', text: 'services: {a: {platform: "${P:-}", image: acme/a:1}, b: {build: {context: ., args: [BASE]}}}\n' }, { path: '.env', text: 'BASE=acme/base:5\n' }, { path: 'Dockerfile', text: 'ARG BASE\nFROM ${BASE}\n' },
    ]);
    expect([refs(spec.images), spec.images?.[0]?.platforms, spec.unresolved]).toEqual([['acme/a:1', 'acme/base:5'], undefined, undefined]);
  });

  it('merges builds part by part, over bases and overrides', () => {
    const { spec } = convertOne(compose, [
      { path: 'compose.yaml', text: 'services: {a: {extends: {file: base/compose-base.yaml, service: a}, build: {args: {VERSION: "${V:-9.1}"}}}, b: {build: {context: b}, image: acme/b:1}}\n' },
      { path: 'compose.override.yaml', text: 'services: {b: {build: {args: [BASE=acme/base:2]}}}\n' },
      { path: 'base/compose-base.yaml', text: 'services: {a: {build: {context: ., dockerfile: A.Dockerfile, args: {VERSION: "1", IMAGE: acme/a}}}}\n' },
      { path: 'base/A.Dockerfile', text: 'ARG IMAGE\nARG VERSION\nFROM ${IMAGE}:${VERSION}\n' }, { path: 'b/Dockerfile', text: 'ARG BASE=none\nFROM ${BASE}\n' },
    ], { select: ['compose.yaml', 'compose.override.yaml'] });
    expect(refs(spec.images)).toEqual(['acme/a:9.1', 'acme/base:2']);
    expect([spec.produces?.map(({ image }) => image), spec.unresolved]).toEqual([['compose-a', 'acme/b:1'], undefined]);
  });

  it('reads arguments in a list, includes from elsewhere, and a file of any name by its services', () => {
    const { spec } = convertOne(compose, [
      { path: 'compose.yaml', text: 'include: ["oci://reg.example.net/app:1", "${PART:-part}.yaml"]\nservices: {a: {build: {context: "${CONTEXT:-.}", args: ["BASE=acme/base:${V:-3}", FLAG]}}}\n' },
      { path: 'part.yaml', text: 'services: {part: {image: "acme/part:1"}}' }, { path: 'Dockerfile', text: 'ARG BASE\nFROM ${BASE}\n' },
    ]);
    expect(refs(spec.images)).toEqual(['acme/part:1', 'acme/base:3']);
    expect(spec.unresolved).toMatchObject([{ what: 'include oci://reg.example.net/app:1', reason: expect.stringContaining('elsewhere') as string }]);
    expect(detectAdapter([{ path: 'stack.yml', text: 'services:\n  web:\n    image: acme/web:1\n' }])).toBe(compose);
  });
});

describe('kubekey', () => {
  it('prefers the address of an ISO to a path on another machine, and says what KubeKey brings by itself', () => {
    const { spec } = convertText(kubekey, 'm.yaml', `
apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Manifest
spec:
  arches: [amd64]
  operatingSystems:
    - {arch: amd64, id: a, version: "1", repository: {iso: {localPath: /root/a.iso, url: "https://dl.example.net/a.iso"}}}
    - {arch: amd64, id: b, version: "2", osImage: B, repository: {iso: {localPath: , url: }}}
  kubernetesDistributions: [{type: k3s, version: v1.21.6+k3s2}, {type: kubernetes, version: v1.24.17}]
  components: {containerRuntimes: [{type: docker, version: 24.0.9}, {type: containerd, version: 1.7.13}], runc: {version: v1.1.12}}
`);
    expect(urls(spec.files)).toEqual(expect.arrayContaining(['https://dl.example.net/a.iso', 'https://github.com/k3s-io/k3s/releases/download/v1.21.6+k3s2/k3s', 'https://github.com/opencontainers/runc/releases/download/v1.1.12/runc.amd64']));
    expect(whats(spec)).toEqual(['cri-dockerd for docker', 'B']);
    expect(convertText(kubekey, 'c.yaml', 'apiVersion: kubekey.kubesphere.io/v1alpha2\nkind: Cluster\nspec: {}\n').spec.unresolved).toMatchObject([{ what: 'kind Cluster' }]);
  });
});

describe('marathon', () => {
  it('reads what its API answers, comments, and tabs', () => {
    expect(refs(convertText(marathon, 'a.json', '{"app": {"id": "/a", "cmd": null, "container": {"docker": {"image": "acme/a:1"}}}}').spec.images)).toEqual(['acme/a:1']);
    const commented = convertText(marathon, 'b.json', '{\n\t// "container": {"docker": {"image": "acme/never:1"}},\n\t"id": "/b", /* "x": */\n\t"fetch": [{"uri": "https://dl.example.net//a.tgz"}],\n\t"container": {"docker": {"image": "acme/b:1"}}\n}\n');
    expect([commented.value.metadata.name, refs(commented.spec.images), urls(commented.spec.files), commented.spec.images?.[0]?.origin?.where]).toEqual(['b', ['acme/b:1'], ['https://dl.example.net//a.tgz'], 'b.json:5']);
  });
});

describe('marathon jobs', () => {
  it('finds images in commands, arguments and variables', () => {
    const { spec } = convertText(marathon, 'job.json', '{"name": "spark", "schedule": "R/2017-02-14T12:00:00.000Z/PT3M", "container": {"type": "DOCKER", "image": "acme/spark:2"}, "command": "spark-submit --conf spark.mesos.executor.docker.image=acme/executor:2 && docker run acme/hidden:1 && true", "arguments": ["--conf", "x.docker.image=acme/other:3"], "env": {"SIDE_IMAGE": "acme/side:4", "IMAGE_COUNT": "4", "PLAIN": "acme/never:5"}}');
    expect(spec.images?.map(({ ref, confidence = '' }) => `${ref} ${confidence}`.trim())).toEqual(['acme/spark:2', 'acme/executor:2 guessed', 'acme/other:3 guessed', 'acme/side:4 guessed']);
    expect(whats(spec)).toEqual(['docker run acme/hidden:1']);
  });
});

describe('zeta', () => {
  it('tells repositories from files, and sees every image that a script builds', () => {
    const { value, spec } = convertOne(zeta, [{ path: 'db/db_3.0.1-2.vers', text: '#!/bin/bash\nAPP_URL="https://dl.example.net/db.tgz"\n' }]);
    expect([value.metadata.version, urls(spec.files)]).toEqual(['3.0.1-2', ['https://dl.example.net/db.tgz']]);
    const built = convertText(zeta, 'web/build_pkg.sh', '#!/bin/bash\nAPP_NAME="web"\nAPP_URL_BASE="https://git.example.net/"\nAPP_URL="${APP_URL_BASE}web"\nGO_URL="https://dl.example.net/go.tgz"\nAPP_IMG_DB="${ZETA_DOCKER_REG_URL}/${APP_NAME}_db"\nAPP_IMG_NAME="web"\n  git clone $APP_URL\n  sudo docker build -t ${ZETA_DOCKER_REG_URL}/gobase .\n  sudo docker build -t $APP_IMG_DB .\n').spec;
    expect([urls(built.files), built.git?.map(({ url }) => url), built.produces?.map(({ image }) => image)]).toEqual([['https://dl.example.net/go.tgz'], ['https://git.example.net/web'], ['${registryHost}/web_db', '${registryHost}/gobase']]);
  });
});

describe('e-modules', () => {
  it('takes only lists with components for its own', () => {
    expect(detectAdapter([{ path: 'v1.yaml', text: 'version: v1\nkind: Repository\ncomponents: []\n' }])?.name).toBe('e-modules');
    expect(detectAdapter([{ path: 'team.yaml', text: 'kind: Repository\nname: team\nspec: {}\n' }])).toBeUndefined();
  });
});

describe('images-txt', () => {
  it('takes digests, platforms and names inside that stand beside a reference', () => {
    const digest = `sha256:${hex('a')}`;
    const { spec } = convertText(imagesTxt, 'images.txt', `##part\r\n- acme/a:1\r\n"acme/b:2",\r\nacme/c:3 ${digest}\r\n${digest} acme/d:4\r\nacme/e:5 linux/amd64,linux/arm64\r\nreg.example.net/f@${digest}=inside.example.net/f:6\r\nacme/g:7 acme/h:8\r\n`);
    expect(spec.images).toMatchObject([{ ref: 'acme/a:1' }, { ref: 'acme/b:2' }, { ref: `acme/c:3@${digest}` }, { ref: `acme/d:4@${digest}` }, { ref: 'acme/e:5', platforms: ['linux/amd64', 'linux/arm64'] }, { ref: `reg.example.net/f@${digest}`, as: 'inside.example.net/f:6' }]);
    expect(spec.unresolved).toMatchObject([{ where: 'images.txt:8', what: 'acme/g:7 acme/h:8' }]);
  });
});

describe('ansible-defaults', () => {
  it('reads repositories with their tags, downloads with their checksums, defaults of filters, and nothing behind a tag', () => {
    const { spec } = convertText(ansibleDefaults, 'roles/a/defaults/main.yml', `
version: v3.10
hub_image_repo: registry.example.net
etcd_image_repo: "{{ hub_image_repo }}/acme/etcd"
etcd_image_tag: "{{ version }}"
alone_image_repo: acme/alone
etcd_download_url: "https://dl.example.net/{{ version }}/etcd.tgz"
etcd_checksum: "sha256:${hex('b')}"
tool_download_url: "https://dl.example.net/{{ system | lower }}/tool"
site_url: http://service.example.net:8500
agent_binary: "https://dl.example.net/agent-{{ version }}.rpm"
archive: https://dl.example.net/archive.zip
web_image: "{{ web_registry | default('docker.io') }}/acme/web:{{ web_tag | default(\\"1.10\\", true) }}"
raw_image: !unsafe "acme/raw:1"
secret_image: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6638
`);
    expect(refs(spec.images)).toEqual(['registry.example.net/acme/etcd:v3.10', 'docker.io/acme/web:1.10', 'acme/raw:1']);
    expect(spec.files).toMatchObject([{ urls: ['https://dl.example.net/v3.10/etcd.tgz'], digest: `sha256:${hex('b')}` }, { urls: ['https://dl.example.net/archive.zip'] }]);
    expect(spec.packages).toMatchObject([{ target: 'el7', urls: [{ url: 'https://dl.example.net/agent-v3.10.rpm' }] }]);
    expect(whats(spec)).toEqual(['alone_image_repo: acme/alone', 'tool_download_url: https://dl.example.net/{{ system | lower }}/tool', expect.stringContaining('!vault') as string]);
  });
});
