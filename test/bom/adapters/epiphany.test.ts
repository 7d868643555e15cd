import { describe, expect, it } from 'vitest';
import { epiphany } from '../../../bom/adapters/epiphany/epiphany.ts';
import { lambdastackTxt } from '../../../bom/adapters/lambdastack-txt/lambdastack-txt.ts';
import { aggregated, hex } from '../support/documents.ts';
import { convertOne, convertText } from './support.ts';

const base = 'roles/repository/files/download-requirements';
const tree = [
  { path: `${base}/requirements/x86_64/images.yml`, text: `
images:
  image-registry: { 'registry:3.1.0': { sha1: 1111111111111111111111111111111111111111, allow_mismatch: true } }
  billing: { 'registry.example.org:5000/acme/billing:7.20': { sha1: 12345678901234567890123456789012345678e9 } }
  web: { 'registry:3.1.0': { sha1: 1111111111111111111111111111111111111111, use_legacy_format: yes } }
` },
  { path: `${base}/requirements/x86_64/files.yml`, text: `
files:
  acme-agent:
    options:
      - { url: 'https://dl.example.net/agent-4.1.tgz', sha256: ${hex('3')} }
      - { url: 'https://mirror.example.org/agent-4.1.tgz', sha256: ${hex('3')} }
    deps: [billing, monitoring]
  web-chart: { options: [{ url: 'https://charts.example.net/web-1.0.tgz', sha256: ${hex('4')} }], deps: default }
  other: { options: [{ url: 'https://example.net/a', sha256: ${hex('4')} }, { url: 'https://example.net/b', sha256: ${hex('5')} }], deps: [web] }
  same-name: { options: [{ url: 'https://other.example.net/agent-4.1.tgz', sha256: ${hex('6')} }], deps: [unheard-of] }
` },
  { path: `${base}/requirements/x86_64/cranes.yml`, text: `cranes: { crane: { options: [{ url: 'https://example.net/crane.tgz', sha256: ${hex('7')} }] } }` },
  { path: `${base}/requirements/grafana-dashboards.yml`, text: `grafana-dashboards: { board_1: { url: 'https://dash.example.net/1/download', sha256: ${hex('8')} } }` },
  { path: `${base}/requirements/x86_64/debian/ubuntu-20.04/packages.yml`, text: `
packages:
  from_repo: ['acme-db=2:9.4*', 'jq']
  from_url: { 'https://dl.example.net/p/erlang_1%3a23.1-1_amd64.deb': { sha256: ${hex('9')} } }
` },
  { path: `${base}/requirements/x86_64/redhat/packages.yml`, text: `
prereq-packages: [httpd]
packages: { from_repo: [common], multiple_versioned: [kubelet-1.18.6], from_url: { 'https://dl.example.net/x.rpm': { sha256: ${hex('a')} } } }
` },
  { path: `${base}/requirements/x86_64/redhat/rhel-8/packages.yml`, text: `
prereq-packages: [redhat-logos-httpd]
packages: { from_repo: [], multiple_versioned: [], from_url: { 'https://dl.example.net/x.rpm': { sha256: ${hex('b')} } } }
` },
  { path: `${base}/repositories/x86_64/debian/debian.yml`, text: `repositories: { acme: { content: 'deb [arch=amd64] https://apt.example.net/acme focal main', key: 'https://apt.example.net/key.asc' } }` },
  { path: `${base}/repositories/x86_64/redhat/redhat.yml`, text: `
repositories:
  acme: { id: acme-9, data: "name=Acme\\nbaseurl=https://rpm.example.net/$releasever/$basearch\\ngpgcheck=1\\nmodule_hotfixes=true\\n", gpg_keys: ['https://rpm.example.net/key'] }
  broken: { id: b, data: "name=x" }
` },
  { path: 'schema/common/defaults/configuration/feature-mappings.yml', text: 'specification: { mappings: { billing-app: [billing, firewall], web-app: [web, image-registry], all: [billing, web, grafana] } }' },
];

describe('epiphany', () => {
  it('carries features and the components that bring them', () => {
    const { bom, spec, value } = convertOne(epiphany, tree, { select: ['ubuntu-20.04'], origin: { repo: 'https://git.example.org/epiphany', commit: 'abc' } });
    expect(value.metadata).toMatchObject({ name: 'epiphany', origin: { adapter: 'epiphany@2', repo: 'https://git.example.org/epiphany', commit: 'abc', digest: expect.stringMatching(/^sha256:/) as string } });
    expect(spec.targets).toMatchObject([{ id: 'ubuntu-20.04-amd64', family: 'debian', os: 'ubuntu', release: '20.04' }]);
    expect(spec.images).toMatchObject([
      { ref: 'registry:3.1.0', when: { features: ['image-registry'], components: ['web-app'] }, evidence: [{ value: hex('1').slice(0, 40), allowMismatch: true }] },
      { ref: 'registry.example.org:5000/acme/billing:7.20', evidence: [{ value: '12345678901234567890123456789012345678e9' }] },
      { ref: 'registry:3.1.0', when: { features: ['web'] }, evidence: [{ format: 'legacy' }] },
    ]);
    const select = (words: string): string[] => aggregated([bom], `${words}\nsystemRepositories: {ubuntu-20.04-amd64: ["deb http://archive.example.org/ubuntu focal main"]}`).files.map(({ name }) => name);
    expect(select('select: {components: [web-app]}')).toEqual(['crane.tgz', 'web-1.0.tgz']);
    expect(select('select: {components: [billing-app]}')).toEqual(['agent-4.1.tgz', 'crane.tgz', 'web-1.0.tgz']);
    expect(select('select: {features: [grafana]}')).toEqual(['board_1.json', 'crane.tgz', 'web-1.0.tgz']);
  });

  it('keeps mirrors together, and names that clash apart', () => {
    const { spec } = convertOne(epiphany, tree);
    expect(spec.files?.find(({ id }) => id === 'acme-agent')?.urls).toEqual(['https://dl.example.net/agent-4.1.tgz', 'https://mirror.example.org/agent-4.1.tgz']);
    expect(spec.files?.find(({ id }) => id === 'same-name')?.saveAs).toMatch(/^[0-9a-f]{12}\/agent-4\.1\.tgz$/);
    expect(spec.files?.find(({ id }) => id === 'web-chart')).toMatchObject({ purpose: 'chart' });
    expect(spec.unresolved).toContainEqual(expect.objectContaining({ what: 'other', reason: 'mirrors with different sha256: they are not the same file' }));
  });

  it('reads package sets, with names as they stand in URLs', () => {
    const { spec } = convertOne(epiphany, tree, { select: ['ubuntu-20.04'] });
    expect(spec.packages).toMatchObject([{ manager: 'deb', include: [{ spec: 'acme-db=2:9.4*' }, { spec: 'jq' }], urls: [{ url: 'https://dl.example.net/p/erlang_1%3a23.1-1_amd64.deb', digest: `sha256:${hex('9')}` }] }]);
    expect(spec.packageRepositories).toMatchObject([{ system: true }, { line: 'deb [arch=amd64] https://apt.example.net/acme focal main', gpgKeys: [{ url: 'https://apt.example.net/key.asc' }] }]);
  });

  it('joins the redhat lists, where the distribution wins over the family, and adds what stands only in code', () => {
    const { spec } = convertOne(epiphany, tree, { select: ['rhel-8'] });
    expect(spec.packages).toMatchObject([
      { role: 'bootstrap', dependencies: 'none', include: [{ spec: 'redhat-logos-httpd' }, { spec: 'httpd' }] },
      { include: [{ spec: 'common' }, { spec: 'kubelet-1.18.6', versions: 'all' }], urls: [{ url: 'https://dl.example.net/x.rpm', digest: `sha256:${hex('b')}` }] },
    ]);
    expect(spec.packageRepositories?.map(({ id, moduleHotfixes }) => [id.replace(/-rhel-8-amd64$/, ''), moduleHotfixes])).toEqual([['rhel-8-amd64-system', undefined], ['acme-9', true], ['docker-ce-stable', undefined], ['epel', undefined]]);
    expect(spec.unresolved?.map(({ what }) => what)).toEqual(['other', 'broken', '2ndQuadrant repositories']);
  });

  it('says which words select nothing', () => {
    expect(convertOne(epiphany, tree, { select: ['windows'] }).warnings[0]).toContain('windows');
  });

  it('reads the flat form of 2.0.0', () => {
    const { spec } = convertOne(epiphany, [
      { path: 'requirements/x86_64/images.yml', text: `images: { 'haproxy:2.2.2-alpine': { sha1: ${hex('1').slice(0, 40)} } }` },
      { path: 'requirements/x86_64/files.yml', text: `files: { 'https://example.net/x.tgz': { sha256: ${hex('2')} } }` },
    ]);
    expect(spec.images).toMatchObject([{ ref: 'haproxy:2.2.2-alpine', platforms: ['linux/amd64'] }]);
    expect(spec.images?.[0]?.when).toBeUndefined();
    expect(spec.files).toMatchObject([{ urls: ['https://example.net/x.tgz'], digest: `sha256:${hex('2')}` }]);
  });
});

describe('lambdastack-txt', () => {
  const list = '# comment\n[packages]\nacme-db 2:9.4\njq\nthree words here\n\n[crane]\nhttps://example.net/crane.tgz\n[files]\nhttps://dash.example.net/api/77/download board_77.json\nhttps://dl.example.net/x_1.deb\nftp://old.example.net/y\n[images]\nquay.io/acme/billing:7.2\npause:3.2\npause:3.2\n[odd]\nthing\n';

  it('reads a Debian list', () => {
    const { spec } = convertText(lambdastackTxt, 'ubuntu-18.04/requirements.x86_64.txt', list);
    expect(spec.targets).toMatchObject([{ id: 'ubuntu-18.04-amd64', os: 'ubuntu', release: '18.04' }]);
    expect(spec.packages).toMatchObject([{ include: [{ spec: 'acme-db=2:9.4*' }, { spec: 'jq' }], urls: [{ url: 'https://dl.example.net/x_1.deb' }] }]);
    expect(spec.files?.map(({ saveAs }) => saveAs)).toEqual(['crane.tgz', 'board_77.json']);
    expect(spec.images).toHaveLength(3);
    expect(spec.unresolved?.map(({ where, what }) => [where, what])).toEqual([
      ['ubuntu-18.04/requirements.x86_64.txt:12', 'ftp://old.example.net/y'], ['ubuntu-18.04/requirements.x86_64.txt', 'package repositories'],
      ['ubuntu-18.04/requirements.x86_64.txt:5', 'three words here'], ['ubuntu-18.04/requirements.x86_64.txt:18', 'thing'],
    ]);
  });

  it('cuts comments as each system does', () => {
    const of = (os: string): unknown => convertText(lambdastackTxt, `${os}/requirements.x86_64.txt`, '[packages]\njq # for x\n').spec.packages?.[0]?.include;
    expect(of('centos-7')).toEqual([{ spec: 'jq' }]);
    expect(of('ubuntu-18.04')).toBeUndefined();
    expect(convertText(lambdastackTxt, 'ubuntu-18.04/requirements.x86_64.txt', '[packages]\njq # for x\n').spec.unresolved?.map(({ what }) => what)).toContain('jq # for x');
  });

  it('wants every version of a package that stands there in several', () => {
    const of = (os: string, text: string): unknown => convertText(lambdastackTxt, 'requirements.x86_64.txt', text, { values: { os } }).spec.packages?.[0]?.include;
    expect(of('ubuntu-18.04', '[packages]\nkubelet 1.18.6\nkubelet 1.19.15\njq\njq\n')).toEqual([{ spec: 'kubelet=1.18.6*', versions: 'all' }, { spec: 'kubelet=1.19.15*', versions: 'all' }, { spec: 'jq' }, { spec: 'jq' }]);
    expect(of('centos-7', '[packages]\nkubernetes-cni-0.8.6-0\nkubernetes-cni-0.8.7-0\njava-1.8.0-openjdk\n')).toEqual([{ spec: 'kubernetes-cni-0.8.6-0', versions: 'all' }, { spec: 'kubernetes-cni-0.8.7-0', versions: 'all' }, { spec: 'java-1.8.0-openjdk' }]);
  });

  it('reads repositories out of the scripts beside it', () => {
    const { spec } = convertOne(lambdastackTxt, [
      { path: 'ubuntu-18.04/requirements.x86_64.txt', text: '[packages]\njq\n' },
      { path: 'ubuntu-18.04/add-repositories.sh', text: 'wget -qO - https://apt.example.net/GPG-KEY | apt-key add -\necho "deb https://apt.example.net/a stable main" | tee /etc/apt/sources.list.d/acme.list\n# deb https://not.example.net x y\ncurl https://get.example.net/deb | bash\necho "deb https://b.example.net $(lsb_release -cs) main"\n' },
    ]);
    expect(spec.packageRepositories).toMatchObject([{ system: true }, { line: 'deb https://apt.example.net/a stable main', gpgKeys: [{ url: 'https://apt.example.net/GPG-KEY' }] }]);
    expect(spec.unresolved?.map(({ where }) => where)).toEqual(['ubuntu-18.04/add-repositories.sh:4', 'ubuntu-18.04/add-repositories.sh:5']);
    const rpm = convertOne(lambdastackTxt, [
      { path: 'redhat-7/requirements.x86_64.txt', text: '[packages-repo-prereqs]\nhttpd\n[packages]\njq\n' },
      { path: 'redhat-7/add-repositories.multiarch.sh', text: 'CONF=$(cat <<\'EOF\'\n[acme]\nname=Acme\nbaseurl=https://rpm.example.net/el7/$basearch\ngpgcheck=1\ngpgkey=https://rpm.example.net/a https://rpm.example.net/b\nEOF\n)\nadd_repo_as_file \'acme\' "$CONF"\n' },
      { path: 'redhat-7/add-repositories.x86_64.sh', text: 'add_repo_from_script \'https://dl.example.net/get/rpm\'\n' },
      { path: 'redhat-7/add-repositories.aarch64.sh', text: 'add_repo_from_script \'https://dl.example.net/get/arm\'\n' },
    ]).spec;
    expect(rpm.packageRepositories).toMatchObject([{ system: true }, { baseurl: 'https://rpm.example.net/el7/$basearch', gpgKeys: [{ url: 'https://rpm.example.net/a' }, { url: 'https://rpm.example.net/b' }], origin: { where: 'redhat-7/add-repositories.multiarch.sh:2' } }]);
    expect(rpm.unresolved?.map(({ where }) => where)).toEqual(['redhat-7/add-repositories.x86_64.sh:1']);
  });
});
