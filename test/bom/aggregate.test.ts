import { describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { moduleBomFrom } from '../../bom/documents/document.ts';
import { parseDocuments } from '../../bom/documents/document.ts';
import { summarise } from '../../bom/summary.ts';
import { templateText } from '../../bom/template.ts';
import { aggregate } from '../../bom/aggregate.ts';
import { aggregated, bom, refusal, sha } from './support/documents.ts';
import { processorTime } from '../support/processor-time.ts';

const targets = `targets:
  - {id: deb12, family: debian, os: debian, release: "12", arch: x86_64}
  - {id: deb12arm, family: debian, os: debian, release: "12", arch: aarch64}
`;

describe('BOMs alone', () => {
  it('make a project of their own, with all targets', () => {
    const result = aggregated([bom('a', `${targets}images: [{ref: nginx}]`)]);
    expect(result.name).toBe('a');
    expect(result.targets.map(({ id, arch }) => [id, arch])).toEqual([['deb12', 'amd64'], ['deb12arm', 'arm64']]);
    expect(result.images[0]).toMatchObject({ ref: 'docker.io/library/nginx:latest', platforms: ['linux/amd64', 'linux/arm64'], sources: ['docker.io/library/nginx:latest'] });
    expect(result.warnings).toEqual(['image docker.io/library/nginx:latest (a): the tag latest moves; name a version or a digest']);
    expect(aggregated([bom('b', ''), bom('a', '')]).name).toBe('folder');
  });

  it('carry canonical JSON with its digest', () => {
    const [first] = aggregated([bom('a', '', 'version: 1.10')]).boms;
    expect(new TextDecoder().decode(first?.bytes)).toBe('{"apiVersion":"longshore.dev/v1alpha1","kind":"ModuleBOM","metadata":{"name":"a","version":"1.10"}}');
    expect(first?.digest).toBe(digestOf(first?.bytes ?? ''));
  });

  it('are refused when there is none, or two of one name', () => {
    expect(refusal(() => aggregated([])).code).toBe('INPUT_FIELD');
    expect(refusal(() => aggregated([bom('a', '', 'version: 1'), bom('a', '', 'version: 2')])).code).toBe('RESOLVE_CONFLICT');
    expect(aggregated([bom('a', ''), bom('a', '')]).boms).toHaveLength(1);
  });

  it('say when nothing limits the platforms', () => {
    const result = aggregated([bom('a', 'images: [{ref: x:1}, {ref: y:1, platforms: [linux/x86_64]}]')]);
    expect(result.images.map(({ platforms }) => platforms)).toEqual([['all'], ['linux/amd64']]);
    expect(result.warnings).toEqual(['module a: images carry every platform, because neither they nor a target say which']);
  });
});

describe('images', () => {
  it('from two modules are one, with both places and all platforms', () => {
    const result = aggregated([
      bom('b', `images:\n  - {ref: "quay.io/x/y:1", platforms: [linux/arm64], digest: "${sha('1')}", role: bootstrap}`),
      bom('a', 'images:\n  - ref: quay.io/x/y:1\n    platforms: [linux/amd64]\n    extras: {signatures: true}'),
    ]);
    expect(result.images).toHaveLength(1);
    expect(result.images[0]).toMatchObject({ usedBy: ['a', 'b'], digest: sha('1'), platforms: ['linux/amd64', 'linux/arm64'], role: 'bootstrap', extras: { signatures: true } });
    expect(result.images[0]?.at.map(({ file, line, column }) => [file, line, column])).toEqual([['a.yaml', 6, 12], ['b.yaml', 6, 13]]);
  });

  it('with two digests are a conflict that names both sides and both ways out', () => {
    const error = refusal(() => aggregated([bom('a', `images: [{ref: x:1, digest: "${sha('1')}"}]`), bom('b', `images: [{ref: "x:1@${sha('2')}"}]`)]));
    expect(error.code).toBe('RESOLVE_CONFLICT');
    expect(error.facts.actual).toContain('a.yaml:5:31');
    expect(error.facts.actual).toContain('b.yaml:5:18');
    expect(error.next).toContain(`overlays: [{match: {module: b, image: "docker.io/library/x:1"}, set: {ref: "docker.io/library/x:1@${sha('1')}", digest: "${sha('1')}"}}]`);
    expect(error.next).toContain(`overlays: [{match: {module: a, image: "docker.io/library/x:1"}, set: {digest: "${sha('2')}"}}]`);
  });

  it('are settled by exactly that overlay', () => {
    const boms = [bom('a', `images: [{ref: x:1, digest: "${sha('1')}"}]`), bom('b', `images: [{ref: "x:1@${sha('2')}"}]`)];
    expect(aggregated(boms, `overlays: [{match: {module: a, image: "docker.io/library/x:1"}, set: {digest: "${sha('2')}"}}]`).images[0]?.digest).toBe(sha('2'));
  });

  it('keep their name when a host is rewritten', () => {
    const result = aggregated([bom('a', 'images: [{ref: k8s.gcr.io/pause:3.2, mirrors: [m.example.org/p:3.2]}]')], 'hostRewrites: {k8s.gcr.io: registry.k8s.io}');
    expect(result.images[0]).toMatchObject({ ref: 'k8s.gcr.io/pause:3.2', sources: ['registry.k8s.io/pause:3.2', 'm.example.org/p:3.2'] });
  });

  it('are rewritten by host with port, and by the longest path', () => {
    const sources = (ref: string): readonly string[] | undefined => aggregated([bom('a', `images: [{ref: "${ref}"}]`)], 'hostRewrites: {"203.0.113.7:5000": "reg.example.org:5000", docker.io: mirror.example.org, docker.io/acme: own.example.org/x}').images[0]?.sources;
    expect([sources('203.0.113.7:5000/flask'), sources('nginx:1'), sources('acme/web:2'), sources('acmeshop/web:2')]).toEqual([['reg.example.org:5000/flask:latest'], ['mirror.example.org/library/nginx:1'], ['own.example.org/x/web:2'], ['mirror.example.org/acmeshop/web:2']]);
  });

  it('with only a digest are named by it', () => {
    expect(aggregated([bom('a', `images: [{ref: "x/y@${sha('3')}"}]`)]).images[0]).toMatchObject({ ref: `docker.io/x/y@${sha('3')}`, digest: sha('3') });
  });

  it('are refused with their place when the reference or digest is wrong', () => {
    expect(refusal(() => aggregated([bom('a', 'images: [{ref: "https://x/y"}]')])).facts.subject).toContain('a.yaml:5:18');
    expect(refusal(() => aggregated([bom('a', `images: [{ref: x, digest: "sha1:${'1'.repeat(40)}"}]`)])).code).toBe('INPUT_DIGEST');
  });
});

describe('files', () => {
  it('are named after their URL or saveAs, and carry evidence', () => {
    const result = aggregated([bom('a', `files:
  - {urls: ["https://example.org/a/b.tgz?x=1", "https://mirror.example.org/b.tgz"], weakDigests: ["md5:${'a'.repeat(32)}"], digest: "sha1:${'b'.repeat(40)}"}
  - {path: local/c.bin, saveAs: deep/c.bin, mode: "755"}`)]);
    expect(result.files).toMatchObject([
      { name: 'b.tgz', urls: ['https://example.org/a/b.tgz?x=1', 'https://mirror.example.org/b.tgz'], evidence: [`md5:${'a'.repeat(32)}`, `sha1:${'b'.repeat(40)}`], mode: '0644' },
      { name: 'deep/c.bin', path: { absolute: '/boms/local/c.bin', written: 'local/c.bin' }, mode: '0755' },
    ]);
    expect(result.files[0]?.digest).toBeUndefined();
  });

  it.each([
    ['two contents under one name', `files: [{urls: ["https://example.org/x"], digest: "${sha('1')}"}]`, `files: [{urls: ["https://example.org/x"], digest: "${sha('2')}"}]`],
    ['two addresses under one name', 'files: [{urls: ["https://example.org/x"]}]', 'files: [{urls: ["https://example.net/x"]}]'],
    ['two modes', 'files: [{urls: ["https://example.org/x"], mode: "0755"}]', 'files: [{urls: ["https://example.org/x"]}]'],
    ['a file where a folder is', 'files: [{urls: ["https://example.org/x"]}]', 'files: [{urls: ["https://example.org/y"], saveAs: x/y}]'],
  ])('conflict: %s', (_, first, second) => {
    const error = refusal(() => aggregated([bom('a', first), bom('b', second)]));
    expect(error.code).toBe('RESOLVE_CONFLICT');
    expect(error.facts.actual).toMatch(/a\.yaml:5:\d+.*b\.yaml:5:\d+/);
  });

  it.each([
    ['../x', 'INPUT_FIELD'], ['/etc/x', 'INPUT_FIELD'], ['a//b', 'INPUT_FIELD'], ['a/./b', 'INPUT_FIELD'], ['a\\\\b', 'INPUT_FIELD'],
  ])('refuse the name %s', (name, code) => {
    expect(refusal(() => aggregated([bom('a', `files: [{urls: ["https://example.org/x"], saveAs: "${name}"}]`)])).code).toBe(code);
  });

  it.each([
    ['ftp://example.org/x', 'INPUT_URL'], ['file:///etc/passwd', 'INPUT_URL'], ['relative/x', 'INPUT_URL'], ['https://user:secret@example.org/x', 'INPUT_CREDENTIAL'], ['https://example.org/', 'INPUT_FIELD'],
  ])('refuse the URL %s', (url, code) => {
    const error = refusal(() => aggregated([bom('a', `files: [{urls: ["${url}"]}]`)]));
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.next}`).not.toContain('secret');
  });

  it('merge when address or digest is the same', () => {
    const result = aggregated([bom('a', 'files: [{urls: ["https://example.org/x"], size: 3}]'), bom('b', `files: [{urls: ["https://example.net/x", "https://example.org/x"], digest: "${sha('1')}"}]`)]);
    expect(result.files).toMatchObject([{ usedBy: ['a', 'b'], size: 3, digest: sha('1'), urls: ['https://example.org/x', 'https://example.net/x'] }]);
  });

  it('of a document from elsewhere may not name local paths', () => {
    const remote = moduleBomFrom({ apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a' }, spec: { files: [{ path: '/etc/passwd' }] } }, 'oci://example.org/a');
    expect(refusal(() => aggregated([remote])).code).toBe('INPUT_FIELD');
  });

  it('name credentials that the project knows', () => {
    const boms = [bom('a', 'files: [{urls: ["https://example.org/x"], headersFrom: [vendr]}]')];
    expect(refusal(() => aggregated(boms, 'credentials: {vendor: {env: X}}')).next).toBe('Did you mean vendor?');
    expect(aggregated(boms, 'credentials: {vendr: {env: X}}').files[0]?.headersFrom).toEqual(['vendr']);
  });

  it('send a credential with hosts nowhere else, whatever kind of thing names it', () => {
    const hosts = 'credentials: {c: {env: X, hosts: [example.org, "forge.example.net:8443"]}}';
    const uses = (host: string): string[] => [
      `files: [{urls: ["https://example.org/x", "https://${host}/x"], headersFrom: [c]}]`,
      `charts: [{source: {repo: "https://${host}/charts", name: web}, headersFrom: [c]}]`,
      `git: [{url: "https://${host}/a.git", ref: main, headersFrom: [c]}]`,
      `${targets}packageRepositories: [{id: r, manager: deb, line: "deb [trusted=yes] https://${host}/apt stable main", trusted: true, headersFrom: [c]}]\npackages: [{id: p, manager: deb, target: deb12, include: [{name: x}]}]`,
      `${targets}packageRepositories: [{id: r, manager: deb, sources: "Types: deb\\nURIs: HTTPS://${host}/apt\\nSuites: ./\\n", trusted: true, headersFrom: [c]}]\npackages: [{id: p, manager: deb, target: deb12, include: [{name: x}]}]`,
      `targets: [{id: el9, family: rhel, os: rhel, release: "9", arch: amd64}]\npackageRepositories: [{id: r, manager: rpm, baseurl: "https://${host}/yum", trusted: true, tls: {clientCert: c}}]\npackages: [{id: p, manager: rpm, target: el9, include: [{name: x}]}]`,
    ];
    for (const spec of uses('forge.example.net:8443')) expect(() => aggregated([bom('a', spec)], hosts), spec).not.toThrow();
    for (const spec of uses('evil.example.com')) {
      expect(refusal(() => aggregated([bom('a', spec)], hosts)), spec).toMatchObject({ code: 'INPUT_CREDENTIAL', facts: { actual: 'evil.example.com' } });
      expect(() => aggregated([bom('a', spec)], 'credentials: {c: {env: X}}'), spec).not.toThrow();
    }
  });

  it('of a document from elsewhere get only credentials that say where they may go', () => {
    const remote = moduleBomFrom(
      { apiVersion: 'longshore.dev/v1alpha1', kind: 'ModuleBOM', metadata: { name: 'a' }, spec: { files: [{ urls: ['https://evil.example.com/x'], headersFrom: ['c'] }] } }, 'a.yaml', { origin: { url: 'https://elsewhere.example.org/a.yaml', pinned: false } },
    );
    expect(refusal(() => aggregated([remote], 'credentials: {c: {env: X}}'))).toMatchObject({ code: 'INPUT_CREDENTIAL', facts: { actual: 'credential c without hosts' } });
    expect(refusal(() => aggregated([remote], 'credentials: {c: {env: X, hosts: [example.org]}}'))).toMatchObject({ code: 'INPUT_CREDENTIAL', facts: { actual: 'evil.example.com' } });
    expect(aggregated([remote], 'credentials: {c: {env: X, hosts: [evil.example.com]}}').files).toHaveLength(1);
  });
});

describe('variables', () => {
  const text = 'variables: {v: {default: "1.0"}, w: {}}\nimages: [{ref: "x:${v}"}]';
  it('take the default, or the value of the project', () => {
    expect(aggregated([bom('a', text)]).images[0]?.ref).toBe('docker.io/library/x:1.0');
    expect(aggregated([bom('a', text)], 'values: {v: 1.10}').images[0]?.ref).toBe('docker.io/library/x:1.10');
  });
  it('are refused when unknown or without a value', () => {
    const unknown = refusal(() => aggregated([bom('a', 'variables: {version: {default: "1"}}\nimages: [{ref: "x:${vresion}"}]')]));
    expect([unknown.code, unknown.facts.subject, unknown.next]).toEqual(['INPUT_FIELD', 'a.yaml:6:18', 'Did you mean version?']);
    expect(refusal(() => aggregated([bom('a', 'variables: {v: {}}\nimages: [{ref: "x:${v}"}]')])).next).toContain('spec.values');
  });
  it('leave $${ alone', () => {
    expect(aggregated([bom('a', 'files: [{urls: ["https://example.org/$${x}"]}]')]).files[0]?.name).toBe('${x}');
  });
});

describe('selection', () => {
  const text = `${targets}images:
  - {ref: "x:1", when: {features: [kafka]}}
  - {ref: "x:2", when: {features: [rook], components: [storage]}}
  - {ref: "x:3", when: {arch: [aarch64]}}
  - {ref: "x:4", when: {targets: [deb12]}}
  - {ref: "x:5"}`;
  const tags = (spec: string): string[] => aggregated([bom('a', text)], spec).images.map(({ ref }) => ref.slice(-1));
  it.each([
    ['targets: [deb12, deb12arm]', ['1', '2', '3', '4', '5']],
    ['targets: [deb12]', ['1', '2', '4', '5']],
    ['targets: [deb12arm]\nselect: {features: [kafka]}', ['1', '3', '5']],
    ['targets: [deb12]\nselect: {features: [rook], components: [other]}', ['4', '5']],
    ['targets: [deb12]\nselect: {features: []}', ['1', '2', '4', '5']],
  ])('%s', (spec, expected) => {
    expect(tags(spec)).toEqual(expected);
  });
  it('says what was dropped and why, and which words nobody knows', () => {
    const result = aggregated([bom('a', text)], 'targets: [deb12]\nselect: {features: [kafak]}');
    expect(result.dropped).toEqual([
      { what: 'image x:1 of a', because: 'feature kafka not selected' }, { what: 'image x:2 of a', because: 'feature rook not selected' }, { what: 'image x:3 of a', because: 'arch arm64 not selected' },
    ]);
    expect(result.warnings).toContain('select.features: no entry of any module asks for kafak');
  });
});

describe('targets', () => {
  it('must exist, mean one thing, and be served', () => {
    const one = bom('a', targets);
    expect(refusal(() => aggregated([one], 'targets: [deb21]'))).toMatchObject({ code: 'RESOLVE_NOT_FOUND', facts: { subject: 'project.yaml:5:13' }, next: 'Did you mean deb12?' });
    expect(refusal(() => aggregated([one, bom('b', 'targets: [{id: deb12, family: debian, release: "13", arch: amd64}]')])).code).toBe('RESOLVE_CONFLICT');
    expect(refusal(() => aggregated([one, bom('b', 'targets: [{id: el9, family: rhel, arch: amd64}]')], 'targets: [deb12]'))).toMatchObject({ code: 'RESOLVE_CONFLICT', facts: { subject: 'b.yaml:5:12: module b' } });
    expect(aggregated([one, bom('b', 'targets: [{id: any, family: any, arch: any}]')]).targets.map(({ id }) => id)).toEqual(['deb12', 'deb12arm']);
  });
  it('of rpm systems get releasever and basearch', () => {
    expect(aggregated([bom('a', 'targets: [{id: el9, family: rhel, os: rhel, release: 9, arch: arm64}]')]).targets).toEqual([{ id: 'el9', family: 'rhel', os: 'rhel', release: '9', arch: 'arm64', releasever: '9', basearch: 'aarch64' }]);
  });
  it('may be the project\'s own', () => {
    expect(aggregated([bom('a', 'images: [{ref: "x:1"}]')], 'targets: [{id: t, family: debian, arch: amd64}]').images[0]?.platforms).toEqual(['linux/amd64']);
  });
});

describe('packages', () => {
  const repositories = `packageRepositories:
  - {id: base, manager: deb, system: true}
  - {id: vendor, manager: deb, targets: [deb12], line: "deb https://apt.example.org/x bookworm main", gpgKeys: [{path: keys/v.gpg, fingerprint: "ab cd"}]}
  - {id: other, manager: deb, targets: [deb12arm], uri: "https://apt.example.org/y", flat: true}
`;
  const set = (more = ''): string => `${targets}${repositories}packages:\n  - {manager: deb, target: deb12, include: [{name: jq}, {name: k, version: "= 1.2*"}, {name: l, version: ">= 2", arch: arm64}, {spec: "m/stable"}]${more}}`;
  const mapping = 'targets: [deb12]\nsystemRepositories: {deb12: ["deb http://deb.example.org/debian bookworm main", {uri: "http://deb.example.org/debian", suite: bookworm-updates, components: [main], trusted: true}]}';

  it('get the repositories of their target, system ones mapped by the project', () => {
    const result = aggregated([bom('a', set())], mapping);
    expect(result.packageSets[0]).toMatchObject({
      id: 'a/deb12', dependencies: 'closure', role: 'normal', target: { id: 'deb12', arch: 'amd64' },
      include: [{ spec: 'jq' }, { spec: 'k=1.2*' }, { spec: 'l:arm64 (>= 2)' }, { spec: 'm/stable' }],
    });
    expect(result.packageSets[0]?.repositories).toMatchObject([
      { id: 'base-1', line: 'deb http://deb.example.org/debian bookworm main', keys: [], at: { file: 'project.yaml' } },
      { id: 'base-2', uris: ['http://deb.example.org/debian'], suites: ['bookworm-updates'], components: ['main'], trusted: true },
      { id: 'vendor', line: 'deb https://apt.example.org/x bookworm main', keys: [{ path: '/boms/keys/v.gpg', fingerprint: 'ABCD' }] },
    ]);
  });

  it('use this machine\'s sources where nothing is mapped', () => {
    const hostAptSources = (): never[] | { id: string; manager: 'deb'; at: { file: string; line: number; column: number }; line: string; keys: never[]; trusted: boolean }[] => [
      { id: 'host', manager: 'deb', at: { file: '/etc/apt/sources.list', line: 1, column: 1 }, line: 'deb http://deb.example.org/debian bookworm main', keys: [], trusted: false },
    ];
    expect(aggregated([bom('a', set())], 'targets: [deb12]', { hostAptSources }).packageSets[0]?.repositories.map(({ id }) => id)).toEqual(['host', 'vendor']);
    expect(aggregated([bom('a', `${targets}packages: [{manager: deb, target: deb12, include: [{name: jq}]}]`)], 'targets: [deb12]', { hostAptSources }).packageSets[0]?.repositories.map(({ id }) => id)).toEqual(['host']);
    expect(refusal(() => aggregated([bom('a', set())], 'targets: [deb12]', { hostAptSources: () => undefined }))).toMatchObject({ code: 'RESOLVE_NOT_FOUND', next: 'Set spec.systemRepositories.deb12 of the project.' });
  });

  it('name their repositories rightly', () => {
    expect(aggregated([bom('a', set(', repositories: [vendor]'))], mapping).packageSets[0]?.repositories.map(({ id }) => id)).toEqual(['vendor']);
    expect(refusal(() => aggregated([bom('a', set(', repositories: [vendro]'))], mapping))).toMatchObject({ code: 'INPUT_FIELD', next: 'Did you mean vendor?' });
    expect(refusal(() => aggregated([bom('a', set(', repositories: [other]'))], mapping)).code).toBe('INPUT_FIELD');
  });

  it('drop the sets of targets that are not selected', () => {
    expect(aggregated([bom('a', set().replace('target: deb12,', 'target: deb12arm,'))], mapping)).toMatchObject({ packageSets: [], dropped: [{ what: 'packages a/deb12arm', because: 'target deb12arm not selected' }] });
    expect(refusal(() => aggregated([bom('a', set().replace('target: deb12,', 'target: dep12,'))], mapping))).toMatchObject({ code: 'INPUT_FIELD', next: 'Did you mean deb12?' });
  });

  it('of two modules keep one id for one repository and tell two apart', () => {
    const other = (url: string): string => `${targets}packageRepositories: [{id: vendor, manager: deb, line: "deb ${url} bookworm main"}]\npackages: [{manager: deb, target: deb12, include: [{name: x}]}]`;
    const ids = (...urls: string[]): (string | undefined)[] => aggregated(urls.map((url, index) => bom(`m${index}`, other(url))), 'targets: [deb12]').packageSets.map(({ repositories: [first] }) => first?.id);
    expect(ids('https://a.example.org', 'https://a.example.org')).toEqual(['vendor', 'vendor']);
    expect(ids('https://a.example.org', 'https://b.example.org')).toEqual(['vendor', 'm1-vendor']);
  });
});

describe('overlays', () => {
  it('set, unset, add and remove, each with its own place', () => {
    const result = aggregated([bom('a', 'images: [{ref: "x:1", id: i}, {ref: "y:1"}]\nfiles: [{urls: ["https://example.org/x"], mode: "0755"}]')], `overlays:
  - {match: {image: i}, set: {ref: "z:9"}}
  - {match: {image: "docker.io/library/y:1"}, remove: true}
  - {match: {file: "https://example.org/x"}, unset: [mode], set: {path: here/x, saveAs: x}, reason: gone}
  - {match: {file: x}, unset: [urls]}
  - {match: {module: a}, add: {images: [{ref: "w:1"}]}}
  - {match: {file: nothing}, set: {size: 3}}`);
    expect(result.images.map(({ ref, at: [at] }) => [ref, at?.file])).toEqual([['docker.io/library/w:1', 'project.yaml'], ['docker.io/library/z:9', 'project.yaml']]);
    expect(result.files).toMatchObject([{ name: 'x', mode: '0644', urls: [] }]);
    expect(result.warnings.filter((text) => text.startsWith('overlay'))).toEqual(['overlay 6 matches nothing: file nothing']);
    expect(result.dropped).toEqual([{ what: 'image y:1 of a', because: 'removed by an overlay' }]);
  });

  it('are checked like the document', () => {
    const sets = bom('a', `targets: [{id: t, family: debian, os: debian, release: bookworm, arch: amd64}]
packageRepositories: [{id: r, manager: deb, targets: [t], uri: "https://example.org/", suite: s, trusted: true}]
packages: [{manager: deb, target: t, include: [{name: jq}]}, {manager: deb, target: t, include: [{name: tree}]}]`);
    const included = (overlays: string): unknown => aggregated([sets], `overlays: ${overlays}`).packageSets.map(({ id, dependencies, include }) => [id, dependencies, ...include.map(({ spec }) => spec)]);
    expect(included('[{match: {packages: t-1}, set: {dependencies: none}}]')).toEqual([['a/t', 'none', 'jq'], ['a/t-2', 'closure', 'tree']]);
    expect(included('[{match: {packages: t-2}, set: {dependencies: none}}]')).toEqual([['a/t', 'closure', 'jq'], ['a/t-2', 'none', 'tree']]);
    expect(included('[{match: {packages: t}, set: {dependencies: none}}]')).toEqual([['a/t', 'none', 'jq'], ['a/t-2', 'none', 'tree']]);
    // The other one keeps its name.
    expect(included('[{match: {packages: t-1}, remove: true}, {match: {module: a}, add: {packages: [{manager: deb, target: t, include: [{name: zip}]}]}}]')).toEqual([['a/t-2', 'closure', 'tree'], ['a/t-3', 'closure', 'zip']]);
    expect(refusal(() => aggregated([bom('a', 'images: [{ref: "x:1"}]')], 'overlays: [{match: {image: "x:1"}, set: {rf: y}}]'))).toMatchObject({ code: 'INPUT_UNKNOWN_KEY', facts: { actual: 'rf' }, next: 'Did you mean ref?' });
  });
});

describe('the rest', () => {
  it('keeps charts, git, unresolved, guesses and licences', () => {
    const result = aggregated([bom('a', `charts: [{source: {repo: "https://charts.example.org", name: c, version: 1.10}, licence: MIT}]
git: [{url: "https://git.example.org/x.git", commit: ${'a'.repeat(40)}}]
images: [{ref: "x:1", confidence: guessed}]
unresolved: [{where: "f:1", what: pip install x, reason: name without URL}]`)]);
    expect(result.charts).toMatchObject([{ name: 'c', version: '1.10', repo: 'https://charts.example.org' }]);
    expect(result.git).toMatchObject([{ name: 'x', commit: 'a'.repeat(40) }]);
    expect(result.guessed).toMatchObject([{ what: 'image x:1', module: 'a' }]);
    expect(result.licences).toMatchObject([{ what: 'chart c', licence: 'MIT' }]);
    expect(summarise(result).modules).toMatchObject([{ name: 'a', images: 1, charts: 1, git: 1, unresolved: 1, files: 0 }]);
  });

  it('refuses rpms that two modules pin differently; debs are settled where they are solved', () => {
    const set = (manager: string, include: string): string => `targets: [{id: t, family: any, arch: amd64}]\npackageRepositories: [{id: r, manager: ${manager}, ${manager === 'deb' ? 'line: "deb https://apt.example.org x main"' : 'baseurl: "https://yum.example.org"'}}]\npackages: [{manager: ${manager}, target: t, include: [${include}]}]`;
    const both = (manager: string, a: string, b: string) => (): unknown => aggregated([bom('a', set(manager, a)), bom('b', set(manager, b))], 'targets: [t]');
    const error = refusal(both('rpm', '{name: k, version: "= 1.22.4"}', '{spec: "k = 1.23*"}'));
    expect(error).toMatchObject({ code: 'RESOLVE_CONFLICT', next: expect.stringContaining('[{match: {module: b, packages: "t"}, set: {include: [{name: "k", version: "1.22.4"}]}}]') as string });
    expect(error.facts.actual).toMatch(/1\.22\.4 \(module a, a\.yaml:7:\d+\) and 1\.23\* \(module b, b\.yaml:7:\d+\)/);
    both('deb', '{name: k, version: "1.22.4"}', '{spec: "k=1.23.*"}')();
    for (const [a, b] of [['{spec: "k = 1.22*"}', '{spec: "k = 1.22.4"}'], ['{spec: "k = 1"}', '{name: k}'], ['{spec: "k = 1", versions: all}', '{spec: "k = 2"}'], ['{spec: "k = 1*"}', '{spec: "k = 2*"}']] as const) both('rpm', a, b)();
  });

  it('checks references inside a BOM, and pins that an entry demands', () => {
    expect(refusal(() => aggregated([bom('a', 'files: [{path: x, id: tool}]\ntools: [{file: tol}]')]))).toMatchObject({ code: 'INPUT_FIELD', next: 'Did you mean tool?' });
    expect(refusal(() => aggregated([bom('a', 'modules: [{name: x, version: 1, image: y}]')])).code).toBe('INPUT_FIELD');
    expect(refusal(() => aggregated([bom('a', 'images: [{ref: "x:1", mutable: refuse}]')])).code).toBe('RESOLVE_UNPINNED');
  });

  it('says what it does not carry out', () => {
    const boms = [bom('a', `configs: [{id: env, path: x}]\nimages: [{ref: "x:1", platforms: [all], evidence: [{kind: crane-tarball-sha1, value: ab, tool: crane 0.11}, {kind: crane-tarball-sha1, value: cd, tool: crane 0.4.1, format: legacy}, {kind: crane-tarball-sha1, value: ef, tool: crane 0.30, format: oci}]}]`)];
    const result = aggregated(boms);
    expect(result.dropped).toEqual([{ what: 'config env of a', because: 'export.includeConfigs is not true' }]);
    expect(result.warnings).toEqual(['image x:1 of a: its crane-tarball-sha1 (crane 0.30) cannot be checked here; its digest is what identifies it']);
  });

  it('takes signatures of files with a key, and not without', () => {
    const file = (signature: string): string => `files: [{urls: ["https://example.org/x"], signature: ${signature}}]`;
    expect(refusal(() => aggregated([bom('a', file('{kind: gpg}'))]))).toMatchObject({ code: 'INPUT_FIELD' });
    expect(aggregated([bom('a', file('{kind: gpg, key: keys/x.asc}'))]).files[0]?.signature).toEqual({ kind: 'gpg', key: { path: '/boms/keys/x.asc', written: 'keys/x.asc' } });
    const key = `RW${'Q'.repeat(54)}`;
    expect(aggregated([bom('a', file(`{kind: minisign, key: "${key}", url: "https://example.org/s"}`))]).files[0]?.signature).toEqual({ kind: 'minisign', place: 'https://example.org/s', key: { text: key } });
  });

  it('lets two modules not produce one name', () => {
    expect(refusal(() => aggregated([bom('a', 'produces: [{image: x}]'), bom('b', 'produces: [{image: x}]')])).code).toBe('RESOLVE_CONFLICT');
  });

  it('takes the template', () => {
    const { boms, projects: [first] } = parseDocuments(templateText(true), 't.yaml', { folder: '/site' });
    if (first === undefined) throw new Error('no project');
    expect(aggregate({ boms, project: first })).toMatchObject({ name: 'my-site', images: [{ ref: 'docker.io/library/nginx:1.27-alpine' }], packageSets: [{ id: 'web/tools' }] });
  });

  it('does not depend on the order of the documents', () => {
    const boms = ['c', 'a', 'b'].map((name) => bom(name, 'images: [{ref: "x:1"}]\nfiles: [{urls: ["https://example.org/x"]}]'));
    const strip = (value: unknown): string => JSON.stringify(value);
    expect(strip(aggregated(boms, ''))).toBe(strip(aggregated(boms.toReversed(), '')));
  });

  it('aggregates 500 BOMs quickly', () => {
    const text = (index: number): string => `images:\n${Array.from({ length: 60 }, (_, item) => `  - {ref: "quay.io/acme/app-${index}-${item % 50}:1.0", digest: "${sha('1')}", platforms: [linux/amd64]}`).join('\n')}`;
    const spent = processorTime();
    const boms = Array.from({ length: 500 }, (_, index) => bom(`m${index}`, text(index)));
    expect(aggregated(boms).images).toHaveLength(500 * 50);
    expect(spent()).toBeLessThan(20_000);
  });
});
