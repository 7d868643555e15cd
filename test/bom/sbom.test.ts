import { describe, expect, it } from 'vitest';
import { diffLines, diffLocks, diffAggregated } from '../../bom/diff.ts';
import { graphDot, graphOf, graphText } from '../../bom/graph.ts';
import { purlOf } from '../../bom/sbom/components.ts';
import { cyclonedxOf } from '../../bom/sbom/cyclonedx.ts';
import { spdxOf } from '../../bom/sbom/spdx.ts';
import { aggregated, bom, sha } from './support/documents.ts';
import { lockOfEveryKind as lock } from './support/locks.ts';

describe('package URLs', () => {
  it.each([
    [{ type: 'deb', namespace: 'debian', name: 'g++', version: '1:2~rc+b1', qualifiers: { distro: 'debian-12', arch: 'amd64' } }, 'pkg:deb/debian/g%2B%2B@1:2~rc%2Bb1?arch=amd64&distro=debian-12'],
    [{ type: 'generic', name: 'a b', qualifiers: { download_url: 'https://example.org/a?b=c', none: undefined } }, 'pkg:generic/a%20b?download_url=https://example.org/a%3Fb%3Dc'],
  ])('%j', (parts, expected) => {
    expect(purlOf(parts)).toBe(expected);
  });
});

describe('SBOMs', () => {
  interface Cdx { readonly serialNumber: string; readonly metadata: { readonly timestamp: string }; readonly components: readonly { readonly 'bom-ref': string; readonly purl?: string; readonly licenses?: unknown }[]; readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[] }
  it('as CycloneDX name every artifact with purl, hash and licence', () => {
    const document = cyclonedxOf(lock(), '0.1.0') as unknown as Cdx;
    expect(document.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(document.metadata.timestamp).toBe('2024-01-02T03:04:05.000Z');
    expect(document.components.map(({ purl }) => purl)).toEqual([
      undefined, 'pkg:helm/c@1.0.0?repository_url=https://charts.example.org/s', expect.stringMatching(/^pkg:generic\/x%20y\.tgz\?checksum=sha256:3+&download_url=/), `pkg:github/acme/g@${'a'.repeat(40)}`,
      `pkg:oci/pause@${sha('2')}?repository_url=k8s.gcr.io/pause&tag=3.5`, 'pkg:deb/debian/g%2B%2B@1:2.3~rc1-4?arch=amd64&distro=debian-12', 'pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12', 'pkg:rpm/rhel/bash@5.1-2?arch=x86_64&epoch=2',
    ]);
    expect(document.components.flatMap(({ licenses }) => (licenses === undefined ? [] : [licenses]))).toEqual([[{ license: { name: 'Acme Proprietary' } }], [{ license: { id: 'Apache-2.0' } }], [{ license: { name: 'GPLv3+' } }]]);
    const known = new Set([...document.components.map((component) => component['bom-ref']), 'project site']);
    expect(known.size).toBe(document.components.length + 1);
    for (const { ref, dependsOn } of document.dependencies) for (const name of [ref, ...dependsOn]) expect(known).toContain(name);
    expect(document.dependencies).toContainEqual({ ref: 'package deb12/g++ 1:2.3~rc1-4 amd64', dependsOn: ['package deb12/libc6 2.36 amd64'] });
  });

  interface Spdx { readonly creationInfo: { readonly created: string }; readonly packages: readonly { readonly SPDXID: string; readonly licenseDeclared: string }[]; readonly relationships: readonly Readonly<Record<string, string>>[]; readonly hasExtractedLicensingInfos: readonly { readonly licenseId: string }[] }
  it('as SPDX use only ids that they define', () => {
    const document = spdxOf(lock(), '0.1.0') as unknown as Spdx;
    expect(document.creationInfo.created).toBe('2024-01-02T03:04:05Z');
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    for (const relationship of document.relationships) expect([...ids, 'SPDXRef-DOCUMENT']).toContain(relationship['relatedSpdxElement']);
    expect(document.hasExtractedLicensingInfos).toHaveLength(2);
    for (const { licenseDeclared } of document.packages) expect(['NOASSERTION', 'Apache-2.0', ...document.hasExtractedLicensingInfos.map(({ licenseId }) => licenseId)]).toContain(licenseDeclared);
  });

  it('are the same for the same lock', () => {
    expect(JSON.stringify([cyclonedxOf(lock(), '1'), spdxOf(lock(), '1')])).toBe(JSON.stringify([cyclonedxOf(lock(), '1'), spdxOf(lock(), '1')]));
  });
});

describe('diff', () => {
  it('of locks says what came, went, moved and was renamed', () => {
    const before = lock();
    const [image] = before.spec.images;
    const after = lock({ images: [{ ...image, ref: 'registry.k8s.io/pause:3.5' }], files: [], packages: before.spec.packages.map((item) => (item.name === 'libc6' ? { ...item, version: '2.37' } : item)), charts: before.spec.charts, git: [] });
    expect(diffLines(diffLocks(before, after))).toEqual([
      '= image registry.k8s.io/pause:3.5: was k8s.gcr.io/pause:3.5', '- file tools/x y.tgz', '~ package deb12/libc6:amd64: 2.36 -> 2.37', '- git https://github.com/Acme/G.git',
    ]);
    expect(diffLocks(before, after).unchanged).toEqual({ module: 1, package: 2, repository: 1, chart: 1 });
    expect(diffLocks(before, before).changes).toEqual([]);
  });

  it('of requirements compares by name', () => {
    const of = (spec: string): ReturnType<typeof aggregated> => aggregated([bom('a', spec)]);
    const changes = diffLines(diffAggregated(of(`images: [{ref: "x:1"}, {ref: "y:1"}]\nfiles: [{urls: ["https://example.org/f"]}]`), of(`images: [{ref: "x:1", digest: "${sha('1')}"}, {ref: "y:2"}]\nfiles: [{urls: ["https://example.org/f"]}]`)));
    expect(changes.slice(1)).toEqual([`~ image docker.io/library/x:1: unpinned all -> ${sha('1')} all`, '- image docker.io/library/y:1', '+ image docker.io/library/y:2 unpinned all']);
    const sources = (suite: string, key: string): ReturnType<typeof of> => of(`targets: [{id: t, family: debian, os: debian, release: "12", arch: amd64}]
packageRepositories: [{id: r, manager: deb, sources: "Types: deb\\nURIs: https://example.org/x\\nSuites: ${suite}\\nComponents: main\\nSigned-By: ${key}\\n"}]
packages: [{manager: deb, target: t, include: [{name: x}]}]`);
    expect(diffLines(diffAggregated(sources('a', '/one/k.asc'), sources('b', '/one/k.asc'))).at(-1)).toMatch(/^~ repository t\/r: https:\/\/example\.org\/x \(\w{12}\) -> https:\/\/example\.org\/x \(\w{12}\)$/);
    expect(diffLines(diffAggregated(sources('a', '/one/k.asc'), sources('a', '/two/k.asc'))).filter((line) => line.includes('repository'))).toEqual([]);
  });
});

describe('graph', () => {
  const boms = [bom('app', 'images: [{ref: "x:1"}]\nrequires: {strong: [[{key: name, operator: eq, values: [db]}]], weak: [[{key: name, operator: eq, values: [log]}]]}'), bom('db', 'images: [{ref: "x:1"}]\ninfluences: [[{key: name, operator: eq, values: [app]}]]'), bom('log', '')];
  it('shows who wants what', () => {
    expect(graphText(graphOf(aggregated(boms)))).toBe('module db\n  wants image docker.io/library/x:1\n  influences module app\nmodule log\nmodule app\n  wants image docker.io/library/x:1\n  requires module db\n  prefers module log');
  });
  it('and who is behind something', () => {
    const reverse = graphOf(aggregated(boms), true);
    expect(graphText(reverse, true)).toBe('module db\n  required by module app\nmodule log\n  preferred by module app\nmodule app\n  influenced by module db\nimage docker.io/library/x:1\n  wanted by module app\n  wanted by module db');
    expect(graphDot(reverse)).toContain('"module db" -> "module app" [label="requires", style=solid];');
  });
});
