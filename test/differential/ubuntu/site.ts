// An archive in Ubuntu's layout on loopback, with everything beside it that machines have: ports on another host, ESM behind a login, a PPA, a flat repository, one that keeps `all` apart.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createCleartextMessage, sign } from 'openpgp';
import { formatReleaseDate } from '../../../formats/deb/release.ts';
import { makeTestKey, type TestKey } from '../../support/apt-repository.ts';
import { compressors } from '../../support/deb-file.ts';
import { type FolderServer, serveFolder } from '../../support/folder-server.ts';
import { Dice, type Fields, rebuilt, shareOf, sourceOf, textOf } from './packages.ts';

export const codename = 'novel';
export const components = ['main', 'restricted', 'universe', 'multiverse'] as const;
export const login = { user: 'bearer', password: 'token-of-this-machine' };
const date = new Date('2026-02-01T00:00:00Z');

export interface Site {
  readonly addresses: Readonly<Record<Place, string>>;
  /** Paths of armored keys: what signed the archive before and now, and those of the others. */
  readonly keys: Readonly<Record<'old' | 'new' | 'esm' | 'ppa' | 'flat', string>>;
  /** Every stanza that stands anywhere, by pocket. */
  readonly pockets: ReadonlyMap<string, readonly Fields[]>;
  stop(): Promise<void>;
}

type Place = 'archive' | 'ports' | 'esm' | 'ppa' | 'flat' | 'modern';
/** Every place is a host of its own, for pins by origin. */
const hosts: Readonly<Record<Place, string>> = { archive: '127.0.0.1', ports: '127.0.0.2', esm: '127.0.0.3', ppa: '127.0.0.4', flat: '127.0.0.5', modern: '127.0.0.6' };
const folders: Readonly<Record<Place, string>> = { archive: 'ubuntu', ports: 'ubuntu-ports', esm: 'apps/ubuntu', ppa: 'someone/tools/ubuntu', flat: 'repo', modern: 'debian' };

interface Suite {
  readonly place: Place;
  readonly name: string;
  readonly packages: readonly Fields[];
  readonly release: Readonly<Record<string, string>>;
  readonly keys: readonly TestKey[];
  /** Of an index: component and architecture; a flat one has one index. */
  readonly architectures: readonly string[];
  /** Where only some of the architectures that its Release names lie. */
  readonly here?: readonly string[];
  readonly allApart?: boolean;
}

export const componentOf = (fields: Fields): string => {
  const share = shareOf(`component ${sourceOf(fields)}`);
  return share < 0.5 ? 'main' : share < 0.55 ? 'restricted' : share < 0.9 ? 'universe' : 'multiverse';
};

/** What the pockets have, from what was released. Sources are built again as a whole. */
class PocketMaker {
  private readonly dice: Dice;
  private readonly bySource: Fields[][];
  private readonly names: readonly string[];
  private readonly changes: number;
  /** `changes`: 0 to 1, how often a package that is built again has other relations. */
  constructor(released: readonly Fields[], seed: number, changes: number) {
    this.changes = changes;
    this.dice = new Dice(seed);
    this.bySource = [...Map.groupBy(released, sourceOf).values()];
    this.names = [...new Set(released.map((fields) => fields['Package'] ?? ''))];
  }

  /** A share of the sources, each with a suffix of these; some need something more than before, or less. */
  pocket(share: number, suffixes: readonly string[]): Fields[] {
    return this.bySource.filter(() => this.dice.chance(share)).flatMap((packages) => rebuilt(packages, this.dice.pick(suffixes)).map((fields) => this.changed(fields)));
  }

  private changed(fields: Fields): Fields {
    const more = this.dice.pick(this.names);
    if (this.dice.chance(this.changes) && more !== fields['Package']) return { ...fields, Depends: [fields['Depends'], more].filter((part) => part !== undefined && part !== '').join(', ') };
    if (this.dice.chance(0.05)) { const { Recommends: _, ...rest } = fields; return rest; }
    if (this.dice.chance(this.changes / 8) && more !== fields['Package']) return { ...fields, Breaks: `${more} (<< ${this.dice.pick(['2', '1', '3+u1'])})` };
    return fields;
  }

  phased(packages: readonly Fields[]): Fields[] {
    const steps = new Map<string, number>();
    return packages.map((fields) => {
      const source = sourceOf(fields);
      if (!steps.has(source)) steps.set(source, this.dice.pick([0, 0, 10, 50, 90, 100, 100, 100]));
      const percentage = steps.get(source) ?? 100;
      return percentage === 100 ? fields : { ...fields, 'Phased-Update-Percentage': String(percentage) };
    });
  }

  tasks(packages: readonly Fields[]): Fields[] {
    return packages.map((fields) => (this.dice.chance(0.08) ? { ...fields, Task: this.dice.pick(['server', 'server, cloud-image', 'ubuntu-desktop-minimal, server']) } : fields));
  }
}

/** Writes the files of one suite below its folder; indexes in some of the forms that archives use. */
async function writeSuite(root: string, suite: Suite, dice: Dice): Promise<void> {
  const flat = suite.name.endsWith('/');
  const base = join(root, folders[suite.place], flat ? '' : `dists/${suite.name}`);
  const listed: string[] = [];
  const put = async (path: string, bytes: Uint8Array): Promise<void> => { await mkdir(dirname(join(base, path)), { recursive: true }); await writeFile(join(base, path), bytes); };
  const byHash = suite.release['Acquire-By-Hash'] === 'yes';
  const index = async (folder: string, packages: readonly Fields[], isHere: boolean): Promise<void> => {
    const plain = Buffer.from(packages.map((fields) => `${withFile(fields)}\n`).join(''));
    const forms = dice.pick([['.xz', '.gz'], ['.xz', '.gz', '.zst'], ['.gz'], ['.xz'], [''], ['', '.gz'], ['.zst']]);
    const sums = new Set(['', ...forms]);
    for (const extension of sums) {
      const bytes = compressors[extension]?.(plain) ?? plain;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      listed.push(` ${sha256} ${bytes.length} ${folder}Packages${extension}`);
      if (!isHere || !forms.includes(extension)) continue;
      // A mirror in the middle of an update: by name there is something else already.
      await put(`${folder}Packages${extension}`, byHash && dice.chance(0.2) ? Buffer.concat([bytes.subarray(0, 10), Buffer.from('another')]) : bytes);
      if (byHash) await put(`${folder}by-hash/SHA256/${sha256}`, bytes);
    }
  };
  if (flat) await index('', suite.packages, true);
  else {
    for (const component of suite.release['Components']?.split(' ') ?? []) {
      const own = suite.packages.filter((fields) => suite.release['Components'] === 'main' || componentOf(fields) === component);
      for (const arch of suite.architectures) {
        await index(`${component}/binary-${arch}/`, own.filter(({ Architecture }) => Architecture === arch || (Architecture === 'all' && suite.allApart !== true)), suite.here?.includes(arch) ?? true);
      }
      if (suite.release['Architectures']?.split(' ').includes('all') === true) await index(`${component}/binary-all/`, own.filter(({ Architecture }) => Architecture === 'all'), true);
    }
  }
  const text = `${Object.entries(suite.release).map(([name, value]) => `${name}: ${value}\n`).join('')}Date: ${formatReleaseDate(date.getTime() / 1000)}\nSHA256:\n${listed.join('\n')}\n`;
  const message = await createCleartextMessage({ text });
  await put('InRelease', Buffer.from(await sign({ message, signingKeys: suite.keys.map(({ signing }) => signing.key), date, format: 'armored' })));
}

function withFile(fields: Fields): string {
  const identity = `${fields['Package']}_${(fields['Version'] ?? '').replace(/^\d+:/, '')}_${fields['Architecture']}`;
  return textOf({ ...fields, Filename: `pool/${componentOf(fields)}/${sourceOf(fields)}/${identity}.deb`, Size: '1', SHA256: createHash('sha256').update(`${identity} ${fields['Version']}`).digest('hex') });
}

interface Keys { readonly old: TestKey; readonly new: TestKey; readonly esm: TestKey; readonly ppa: TestKey; readonly flat: TestKey }

/** All suites of the site. The archive's Release names every architecture; those of the ports lie only there. */
function suitesOf(released: readonly Fields[], seed: number, keys: Keys): Suite[] {
  const maker = new PocketMaker(released, seed, Math.min(0.15, 15 / released.length));
  const names = released[0]?.['Package'] ?? '';
  const updates = maker.pocket(0.3, ['+u1', '+u2']);
  const security = [...updates.filter((fields) => shareOf(`both ${sourceOf(fields)} ${seed}`) < 0.3), ...maker.pocket(0.12, ['+u0.1', '+u1.1', '+u3'])];
  const packages: Readonly<Record<string, readonly Fields[]>> = {
    '': maker.tasks(released), '-updates': maker.phased(updates), '-security': onePerVersion(security), '-backports': maker.pocket(0.25, ['+bpo1', '+u2~bpo1']), '-proposed': maker.phased(maker.pocket(0.2, ['+u4', '+proposed1'])),
  };
  const ports = ['arm64'];
  const plain = ['amd64', 'i386'];
  const common = { Origin: 'Ubuntu', Label: 'Ubuntu', Codename: codename, Version: '24.04', Architectures: 'amd64 arm64 i386', Components: components.join(' '), Description: 'Ubuntu Novel 24.04', 'Acquire-By-Hash': 'yes', Snapshots: 'https://snapshot.example.org/ubuntu/@SNAPSHOTID@/', 'Signed-By': `${keys.old.signing.fingerprint},${keys.new.signing.fingerprint}` };
  const flags: Readonly<Record<string, Record<string, string>>> = { '-backports': { NotAutomatic: 'yes', ButAutomaticUpgrades: 'yes' }, '-proposed': { NotAutomatic: 'yes', ...(seed % 2 === 0 ? { ButAutomaticUpgrades: 'yes' } : {}) } };
  const archive = Object.entries(packages).flatMap(([pocket, own]) => (['archive', 'ports'] as const).map((place): Suite => ({
    place, name: codename + pocket, packages: own, release: { ...common, Suite: codename + pocket, ...flags[pocket] }, keys: [keys.old, keys.new], architectures: [...plain, ...ports], here: place === 'archive' ? plain : ports,
  })));
  const other = (place: Place, more: Readonly<Record<string, string>>): Record<string, string> => ({ Suite: codename, Codename: codename, Components: 'main', Architectures: 'amd64 arm64 i386', ...more, Description: place });
  const alone: Fields = { Package: 'ppa-tool', Version: '1', Architecture: 'all', Depends: `${names}, flat-tool | ${names}`, Recommends: 'modern-tool' };
  return [
    ...archive,
    { place: 'esm', name: `${codename}-apps-security`, packages: maker.pocket(0.12, ['+esm1', '+u1+esm1']), release: other('esm', { Origin: 'UbuntuESMApps', Label: 'UbuntuESMApps', Suite: `${codename}-apps-security`, Version: '24.04' }), keys: [keys.esm], architectures: ['amd64', 'i386', 'arm64'] },
    { place: 'ppa', name: codename, packages: [alone, ...maker.pocket(0.12, ['+ppa1', '~ppa1', '+u9ppa1'])], release: other('ppa', { Origin: 'LP-PPA-someone-tools', Label: 'Tools' }), keys: [keys.ppa], architectures: ['amd64', 'i386', 'arm64'] },
    { place: 'flat', name: './', packages: [{ Package: 'flat-tool', Version: '2', Architecture: 'all', Depends: names }, ...maker.pocket(0.05, ['+flat1', ''])], release: { Origin: 'Flat', Label: 'flat' }, keys: [keys.flat], architectures: [] },
    { place: 'modern', name: codename, packages: [{ Package: 'modern-tool', Version: '1', Architecture: 'all' }, ...maker.pocket(0.08, ['+m1'])], release: other('modern', { Origin: 'Modern', Architectures: 'all amd64 arm64 i386', ...(seed % 3 === 0 ? { 'No-Support-for-Architecture-all': 'Packages' } : {}) }), keys: [keys.ppa], architectures: ['amd64', 'i386', 'arm64'], allApart: seed % 3 !== 0 },
  ];
}

/** Two builds of one version are one package: the first stays. */
function onePerVersion(packages: readonly Fields[]): Fields[] {
  return [...new Map(packages.toReversed().map((fields) => [`${fields['Package']} ${fields['Version']} ${fields['Architecture']}`, fields])).values()].toReversed();
}

/** Writes the site below `folder` and serves it until it is stopped. The same seed gives the same site, its keys and signatures apart. */
export async function makeSite(folder: string, released: readonly Fields[], seed: number): Promise<Site> {
  const [old, now, esm, ppa, flat] = await Promise.all([makeTestKey(), makeTestKey(), makeTestKey(), makeTestKey(), makeTestKey()]);
  const keys: Keys = { old, new: now, esm, ppa, flat };
  const paths = Object.fromEntries(Object.keys(keys).map((name) => [name, join(folder, `${name}.asc`)])) as unknown as Site['keys'];
  for (const [name, key] of Object.entries(keys) as [keyof Keys, TestKey][]) await writeFile(paths[name], key.publicKey);
  const suites = suitesOf(released, seed, keys);
  const dice = new Dice(seed + 1);
  for (const suite of suites) await writeSuite(join(folder, suite.place), suite, dice);
  const servers: FolderServer[] = [];
  const addresses: Partial<Record<Place, string>> = {};
  for (const [place, host] of Object.entries(hosts) as [Place, string][]) {
    const server = await serveFolder(join(folder, place), { host, ...(place === 'esm' ? { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` } : {}) });
    servers.push(server);
    addresses[place] = `${server.url}/${folders[place]}`;
  }
  return {
    addresses: addresses as Record<Place, string>, keys: paths, pockets: new Map(suites.map((suite) => [`${suite.place} ${suite.name}`, suite.packages])),
    stop: async () => { for (const server of servers) await server.stop(); },
  };
}
