// Preferences, exact siblings, profiles, and sets that disagree. What apt itself answers to pins is told by `npm run differential -- pins`.
import { beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../../bom/events.ts';
import type { Resolution } from '../../bom/ports.ts';
import type { PackageSetRequirement, RepositoryRequirement } from '../../bom/requirement.ts';
import { createAptSource } from '../../downloader/sources/apt.ts';
import { parsePreferences } from '../../formats/deb/preferences.ts';
import { clientOver, makeRepository, makeTestKey, stanza, type TestKey } from '../support/apt-repository.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';

const at = { file: 'bom.yaml', line: 7, column: 3 };
let key: TestKey;
beforeAll(async () => { key = await makeTestKey(); });

const repository = (suite: string, more: Partial<RepositoryRequirement> = {}): RepositoryRequirement =>
  ({ id: suite, manager: 'deb', at, line: `deb http://apt.example.org/debian ${suite} main`, keys: [{ path: '/key.asc' }], trusted: false, ...more });

function set(specs: readonly string[], more: Partial<PackageSetRequirement> = {}): PackageSetRequirement {
  return {
    kind: 'deb', id: 'm/set', usedBy: ['m'], at: [at], target: { id: 't', family: 'debian', os: 'debian', release: '12', arch: 'amd64' }, repositories: [repository('stable'), repository('next')],
    role: 'normal', dependencies: 'closure', weakDependencies: false, arches: [], include: specs.map((spec) => ({ spec, versions: 'newest' as const, at })), urls: [], ...more,
  };
}

async function resolve(files: ReadonlyMap<string, Uint8Array>, ...sets: readonly PackageSetRequirement[]): Promise<Resolution<'deb'>> {
  const readFile = async (path: string): Promise<Uint8Array> => Buffer.from(path === '/prefs' ? 'Package: tool\nPin: version 1\nPin-Priority: 600\n' : path === '/status' ? 'tool=2\n' : path === '/installed' ? 'tool=1\n' : key.publicKey);
  return createAptSource({ http: clientOver(files), blobs: new MemoryBlobs(), now: () => new Date('2026-03-01T00:00:00Z'), notify: silent, readFile }).resolve(sets, new AbortController().signal);
}

const named = (resolution: Resolution<'deb'>): string[] => resolution.artifacts.map(({ name, version }) => `${name} ${version}`);
const texts = (...records: string[]): NonNullable<PackageSetRequirement['preferences']> => records.map((text, index) => ({ subject: `preferences ${index + 1}`, text }));
const two = async (): Promise<Map<string, Uint8Array>> => new Map([
  ...await makeRepository([stanza('tool', { Version: '1' }), stanza('lib', { Version: '1' }), stanza('app', { Version: '1', Depends: 'tool' })], { key }),
  ...await makeRepository([stanza('tool', { Version: '2', Depends: 'lib (>= 2)' }), stanza('lib', { Version: '2' })], { key, suite: 'next', release: { Label: 'Next', Version: '13.1' } }),
]);

describe('preferences', () => {
  it.each([
    ['by version', 'Package: tool\nPin: version 1*\nPin-Priority: 501\n', 'tool 1'],
    ['by codename', 'Package: *\nPin: release n=stable\nPin-Priority: 900\n', 'tool 1'],
    ['by label of a glob of names', 'Package: to*\nPin: release l=Next\nPin-Priority: 100\n', 'tool 1'],
    ['by a regular expression', 'Package: /^tool$/\nPin: release v=13.*, a=next\nPin-Priority: -1\n', 'tool 1'],
    ['never, whatever else is said', 'Package: tool\nPin: version 2\nPin-Priority: 999\n\nPackage: *\nPin: release next\nPin-Priority: never\n', 'tool 1'],
    ['of another package', 'Package: lib\nPin: release next\nPin-Priority: -1\n', undefined],
    ['by host', 'Package: *\nPin: origin "apt.example.org"\nPin-Priority: 400\n', 'tool 2'],
  ])('%s', async (_, text, expected) => {
    const solved = resolve(await two(), set(['tool'], { preferences: texts(text) }));
    if (expected === undefined) await expect(solved).rejects.toMatchObject({ code: 'RESOLVE_UNSOLVABLE' });
    else expect(named(await solved)).toContain(expected);
  });

  it('take the first record that matches, from files too, and those of one set alone', async () => {
    const files = await two();
    const first = set(['tool'], { preferences: [{ subject: 'prefs', path: '/prefs' }, ...texts('Package: tool\nPin: version 1\nPin-Priority: -1\n')] });
    const resolution = await resolve(files, first, set(['tool'], { id: 'n/set' }));
    expect(named(resolution)).toEqual(['lib 2', 'tool 1', 'tool 2']);
    expect(resolution.artifacts.find(({ version, name }) => name === 'tool' && version === '1')?.sets).toEqual(['m/set']);
  });

  it('prefer a target release, take what name/suite needs from that suite, and downgrade from 1000 on only', async () => {
    const files = await two();
    expect(named(await resolve(files, set(['tool'], { targetRelease: 'stable' })))).toEqual(['tool 1']);
    const low = texts('Package: *\nPin: release a=next\nPin-Priority: 50\n');
    expect(named(await resolve(files, set(['tool/next'], { preferences: low })))).toEqual(['lib 2', 'tool 2']);
    const installed = { assumeInstalled: { path: '/status', written: 'status' } };
    const pin = (priority: number): NonNullable<PackageSetRequirement['preferences']> => texts(`Package: tool\nPin: version 1\nPin-Priority: ${priority}\n`);
    expect(named(await resolve(files, set(['tool'], { ...installed, preferences: pin(999) })))).toEqual([]);
    expect(named(await resolve(files, set(['tool'], { ...installed, preferences: pin(1000) })))).toEqual(['tool 1']);
  });

  it('take from the suite, with name/suite, what no candidate that needs nothing more would give', async () => {
    const files = new Map([
      ...await makeRepository([stanza('tool', { Version: '1' }), stanza('lib', { Version: '1', Depends: 'base' }), stanza('leaf', { Version: '1' }), stanza('base', { Version: '1' })], { key }),
      ...await makeRepository([
        stanza('tool', { Version: '2', Depends: 'leaf (>= 1), lib (>= 1)' }), stanza('late', { Version: '2', Depends: 'base, lib (>= 1), none | more (>= 1)' }),
        stanza('lib', { Version: '2', Depends: 'base (>= 1)' }), stanza('leaf', { Version: '2' }), stanza('base', { Version: '2', Depends: 'leaf' }), stanza('more', { Version: '1', Depends: 'base' }),
      ], { key, suite: 'next' }),
    ]);
    const from = async (spec: string): Promise<string[]> => named(await resolve(files, set([spec], { preferences: texts('Package: *\nPin: release a=next\nPin-Priority: 50\n') })));
    // What apt-get 2.6 answers, too. lib 1 would do, but needs base; leaf 1 and base 1 need nothing.
    expect(await from('tool/next')).toEqual(['base 1', 'leaf 1', 'lib 2', 'tool 2']);
    expect(await from('late/next')).toEqual(['base 1', 'late 2', 'lib 2', 'more 1']);
  });

  it.each([
    ['Pin: version 1\nPin-Priority: 1\n', 'Package'], ['Package: a\nPin-Priority: 1\n', 'Pin:'], ['Package: a\nPin: vers 1\nPin-Priority: 1\n', 'Pin:'], ['Package: *\nPin: version 1\nPin-Priority: 1\n', 'a package'],
    ['Package: a\nPin: version 1\nPin-Priority: 0\n', 'Pin-Priority'], ['Package: a\nPin: version 1\nPin-Priority: 40000\n', 'Pin-Priority'], ['Package: a\nPin: version 1\n', 'Pin-Priority'], ['Package: a\nPin: version 1\nPin-Priority: never\n', 'only `Package: *`'],
  ])('refuses %j', (text, expected) => {
    expect(() => parsePreferences(text, 'p')).toThrow(expect.objectContaining({ code: 'INPUT_FIELD', facts: expect.objectContaining({ subject: 'p, record 1', expected: expect.stringContaining(expected) as string }) as unknown }) as Error);
  });
});

describe('two builds of one version', () => {
  it('are told apart, and go by the preferences; the first by itself', async () => {
    const files = new Map([
      ...await makeRepository([stanza('tool', { Version: '1', 'Installed-Size': '8' }), stanza('lib')], { key }),
      ...await makeRepository([stanza('tool', { Version: '1', 'Installed-Size': '9', Depends: 'lib', Filename: 'pool/rebuilt.deb' })], { key, suite: 'next' }),
    ]);
    const urlsOf = async (more: Partial<PackageSetRequirement>): Promise<string[]> => (await resolve(files, set(['tool'], more))).artifacts.map(({ urls }) => urls[0] ?? '');
    expect(await urlsOf({})).toEqual([expect.stringContaining('pool/tool_1_amd64.deb')]);
    expect(await urlsOf({ targetRelease: 'next' })).toEqual([expect.stringContaining('pool/lib_1_amd64.deb'), expect.stringContaining('pool/rebuilt.deb')]);
    expect(await urlsOf({ targetRelease: 'next', assumeInstalled: { path: '/installed', written: 'installed' } })).toEqual([]);
  });
});

describe('exact siblings', () => {
  const web = async (): Promise<Map<string, Uint8Array>> => makeRepository([
    stanza('web', { Version: '1', Depends: 'web-common (= 1)', Source: 'web' }), stanza('web', { Version: '2', Depends: 'web-common (= 2)', Source: 'web' }),
    stanza('web-common', { Version: '1', Depends: 'web-data (= 1)', Source: 'web' }), stanza('web-common', { Version: '2', Depends: 'web-data (= 2)', Source: 'web' }),
    stanza('web-data', { Version: '1', Source: 'web' }), stanza('web-data', { Version: '2', Source: 'web' }), stanza('web-extra', { Version: '2', Depends: 'web-common (= 2)', Source: 'web' }), stanza('other', { Version: '2', Depends: 'web (= 2)' }),
  ], { key });
  const only = { repositories: [repository('stable')] };

  it('are named when they are missing, and taken along when asked for', async () => {
    const files = await web();
    await expect(resolve(files, set(['web=1'], only))).rejects.toMatchObject({ code: 'RESOLVE_UNSOLVABLE', facts: { next: 'Name web-common=1, web-data=1 in the set as well, or say followExact: true.' } });
    expect(named(await resolve(files, set(['web=1'], { ...only, followExact: true })))).toEqual(['web 1', 'web-common 1', 'web-data 1']);
  });

  it('of the same source travel when asked for', async () => {
    const files = await web();
    expect(named(await resolve(files, set(['web'], only)))).toEqual(['web 2', 'web-common 2', 'web-data 2']);
    expect(named(await resolve(files, set(['web'], { ...only, siblings: 'same-source' })))).toEqual(['web 2', 'web-common 2', 'web-data 2', 'web-extra 2']);
  });
});

describe('sets that disagree', () => {
  const versions = async (): Promise<Map<string, Uint8Array>> => makeRepository([
    stanza('tool', { Version: '1.1' }), stanza('tool', { Version: '1.2' }), stanza('tool', { Version: '2' }), stanza('new', { Depends: 'tool (>= 2)' }), stanza('mta1', { Provides: 'mta', Conflicts: 'mta' }), stanza('mta2', { Provides: 'mta', Conflicts: 'mta' }),
  ], { key });
  const only = { repositories: [repository('stable')] };
  const other = { ...only, id: 'n/set', usedBy: ['n'] };

  it('are solved together where one machine can have both', async () => {
    const resolution = await resolve(await versions(), set(['tool=1.*'], only), set(['tool=1.1'], other));
    expect(named(resolution)).toEqual(['tool 1.1']);
    expect(resolution.artifacts[0]).toMatchObject({ sets: ['m/set', 'n/set'], reason: 'requested' });
    expect(resolution.packageSets?.[0]?.notes).toEqual(['solved together with n/set, so that they can be on one machine']);
    expect(resolution.warnings).toEqual([]);
    expect(named(await resolve(await versions(), set(['tool=1.*'], only), set(['tool'], other)))).toEqual(['tool 1.2']);
  });

  it('are solved apart where it cannot, and both versions travel', async () => {
    const resolution = await resolve(await versions(), set(['tool=1.*'], only), set(['new'], other));
    expect(named(resolution)).toEqual(['new 1', 'tool 1.2', 'tool 2']);
    expect(resolution.warnings).toEqual(['package sets m/set and n/set want different versions (tool 1.2 and 2) and cannot be on one machine; each was solved for itself, and all versions are carried']);
  });

  it('are named when what they take cannot be beside each other', async () => {
    const resolution = await resolve(await versions(), set(['mta1'], only), set(['mta2'], other));
    expect(named(resolution)).toEqual(['mta1 1', 'mta2 1']);
    expect(resolution.warnings).toEqual([expect.stringMatching(/^package sets m\/set and n\/set cannot be on one machine: mta1 1 amd64 cannot be beside mta2 1 amd64$/)]);
  });
});

describe('profiles', () => {
  const base = async (): Promise<Map<string, Uint8Array>> => new Map([
    ...await makeRepository([
      stanza('essential', { Essential: 'yes', Depends: 'libc', Priority: 'required' }), stanza('libc'), stanza('apt', { Depends: 'libc' }), stanza('login', { Priority: 'required' }),
      stanza('cron', { Priority: 'important' }), stanza('man', { Priority: 'standard' }), stanza('build-essential', { Depends: 'make' }), stanza('make'), stanza('cloud-init'), stanza('agent', { Task: 'server, cloud-image' }),
      stanza('app', { Depends: 'essential, libc, apt, login, cron, man, make, cloud-init, agent' }),
    ], { key }),
    ...await makeRepository([stanza('libc', { Version: '1.1' }), stanza('late', { Depends: 'libc (>= 1.1)' })], { key, suite: 'next' }),
  ]);

  it.each([
    ['essential', ['agent', 'app', 'apt', 'cloud-init', 'cron', 'login', 'make', 'man']], ['apt', ['agent', 'app', 'cloud-init', 'cron', 'login', 'make', 'man']],
    ['minimal', ['agent', 'app', 'cloud-init', 'cron', 'make', 'man']], ['container', ['agent', 'app', 'cloud-init', 'cron', 'make', 'man']], ['buildd', ['agent', 'app', 'cloud-init', 'cron', 'man']],
    ['important', ['agent', 'app', 'cloud-init', 'make', 'man']], ['standard', ['agent', 'app', 'cloud-init', 'make']], ['cloud', ['app', 'make', 'man']],
  ])('%s', async (profile, expected) => {
    const resolution = await resolve(await base(), set(['app'], { assumeInstalled: { profile, written: profile } }));
    expect(resolution.artifacts.map(({ name }) => name)).toEqual(expected);
  });

  it('take machines to be as old as their release: what needs a newer package brings it along', async () => {
    const resolution = await resolve(await base(), set(['late'], { assumeInstalled: { profile: 'minimal', written: 'minimal' } }));
    expect(named(resolution)).toEqual(['late 1', 'libc 1.1']);
  });

  it('are refused when unknown', async () => {
    await expect(resolve(await base(), set(['app'], { assumeInstalled: { profile: 'tiny', written: 'tiny' } }))).rejects.toMatchObject({ code: 'INPUT_FIELD' });
  });
});

describe('private repositories', () => {
  it('are asked with the headers of their credentials, for metadata and packages, and no other is', async () => {
    const files = await two();
    const http = clientOver(files);
    const sent: [string, unknown][] = [];
    const get = http.get.bind(http);
    const stream = http.stream.bind(http);
    Object.assign(http, {
      get: (url: string, options: Parameters<typeof get>[1]) => { sent.push([url, options.headers]); return get(url, options); },
      stream: (url: string, options: Parameters<typeof stream>[1]) => { sent.push([url, options.headers]); return stream(url, options); },
    });
    const blobs = new MemoryBlobs();
    const headersFor = async (_: string, names: readonly string[]): Promise<Record<string, string>> => Object.fromEntries(names.map((name) => [name, 'value']));
    const common = { http, blobs, notify: silent, now: () => new Date('2026-03-01T00:00:00Z'), readFile: async () => Buffer.from(key.publicKey), spoolDir: '/nowhere', concurrency: 1, headersFor };
    const { signal } = new AbortController();
    const wanted = set(['app'], { repositories: [repository('stable', { headersFrom: ['vendor'] }), repository('next')] });
    const { repositories = [], artifacts } = await createAptSource(common).resolve([wanted], signal);
    expect(repositories.map(({ id, headersFrom }) => [id, headersFrom])).toEqual([['next', undefined], ['stable', ['vendor']]]);
    const apt = createAptSource({ ...common, accessOf: ({ repo }) => repositories.find(({ id }) => id === repo) ?? {} });
    for (const artifact of artifacts) {
      const bytes = apt.fetch(artifact, { mediaType: 'x', digest: artifact.digest, size: artifact.size }, { signal });
      await (async () => { for await (const _ of bytes); })().catch(() => undefined);
    }
    for (const [url, headers] of sent) expect(headers, url).toEqual(/dists\/stable|app_1/.test(url) ? { vendor: 'value' } : {});
    expect(sent.some(([url]) => url.endsWith('app_1_amd64.deb'))).toBe(true);
  });

  it('are asked by a client of their own where they want a certificate, and never without it', async () => {
    const plain = clientOver(new Map());
    const own = clientOver(await two());
    const asked: unknown[] = [];
    const common = { http: plain, blobs: new MemoryBlobs(), notify: silent, now: () => new Date('2026-03-01T00:00:00Z'), readFile: async () => Buffer.from(key.publicKey), spoolDir: '/nowhere', concurrency: 1 };
    const tls = { clientCert: 'vendor-cert', clientKey: 'vendor-key' };
    const wanted = set(['app'], { repositories: [repository('stable', { tls })] });
    const { signal } = new AbortController();
    await expect(createAptSource(common).resolve([wanted], signal)).rejects.toMatchObject({ code: 'RESOLVE_UNSUPPORTED', facts: { subject: 'repository stable' } });
    const httpFor = async (names: unknown): Promise<typeof own> => { asked.push(names); return own; };
    const { repositories = [], artifacts: [artifact] } = await createAptSource({ ...common, httpFor }).resolve([wanted], signal);
    expect(repositories[0]?.tls).toEqual(tls);
    const apt = createAptSource({ ...common, httpFor, accessOf: () => repositories[0] ?? {} });
    if (artifact === undefined) throw new Error('nothing resolved');
    await (async () => { for await (const _ of apt.fetch(artifact, { mediaType: 'x', digest: artifact.digest, size: artifact.size }, { signal })); })().catch(() => undefined);
    expect(asked).toEqual([tls, tls]);
    expect(plain.asked).toEqual([]);
    expect(own.asked.at(-1)).toBe('http://apt.example.org/debian/pool/app_1_amd64.deb');
  });
});
