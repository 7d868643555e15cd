// Random releases, preferences and installed packages: every version's priority and every candidate beside `apt-cache policy`.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePreferences, type ReleaseFacts } from '../../formats/deb/preferences.ts';
import { AptState } from '../../downloader/solver/apt-state.ts';
import { parseInstalled } from '../../downloader/solver/installed.ts';
import { PinPolicy } from '../../downloader/solver/pins.ts';
import { Universe } from '../../downloader/solver/universe.ts';
import { makeAptRoot } from '../support/apt-root.ts';
import { run } from '../support/command.ts';
import { randomFrom } from './random-universe.ts';

const architectures = ['amd64', 'i386'];

interface RandomRelease { readonly facts: Required<Pick<ReleaseFacts, 'suite' | 'codename' | 'origin' | 'label' | 'version' | 'component'>>; readonly flags: readonly string[]; readonly packages: string }

class Maker {
  private readonly random: () => number;
  constructor(seed: number) { this.random = randomFrom(seed); }
  private below(limit: number): number { return Math.floor(this.random() * limit); }
  private chance(share: number): boolean { return this.random() < share; }
  private pick(items: readonly string[]): string { return items[this.below(items.length)] ?? ''; }

  version(): string { return `${this.chance(0.2) ? '1:' : ''}${1 + this.below(3)}.${this.below(3)}${this.chance(0.3) ? '~rc1' : ''}${this.chance(0.3) ? '-1+deb12u1' : ''}`; }

  release(number: number): RandomRelease {
    const stanzas = Array.from({ length: 4 }, (_, index) => architectures.filter(() => this.chance(0.7)).map((arch) =>
      `Package: p${index}\nVersion: ${this.version()}\nArchitecture: ${arch}\nMulti-Arch: same\nSource: ${this.pick(['p0', 'srcs', `p${index}`])}\nSize: 1\nSHA256: ${'0'.repeat(64)}\nFilename: ${number}-${index}-${arch}.deb\n`)).flat();
    const flags = this.chance(0.25) ? ['NotAutomatic: yes', ...(this.chance(0.5) ? ['ButAutomaticUpgrades: yes'] : [])] : [];
    return { facts: { suite: `suite${number}`, codename: this.pick(['alpha', 'beta', 'alpha-updates']), origin: this.pick(['Debian', 'Other Corp']), label: this.pick(['Main', 'Security']), version: this.pick(['12', '12.4', '13']), component: 'main' }, flags, packages: stanzas.join('\n') };
  }

  private releasePart(): string {
    return this.pick(['a=suite0', 'a=suite1', 'a=suite*', 'n=alpha', 'n=beta', 'n=alpha-*', 'n=/^al/', 'o=Debian', 'o=Other Corp', 'o=Other*', 'l=Security', 'l=Main', 'v=12', 'v=12*', 'v=12.4', 'c=main', 'c=contrib', 'b=amd64', 'b=i386', 'a=now']);
  }

  private pin(general: boolean): string {
    const value = this.random();
    if (value < 0.4 && !general) return `version ${this.pick(['1.*', '1*', '1:*', '*deb12u1', '2.?', '2.1', this.version(), '/rc1/', '*', '?.1*', '*deb12*', '[12].1*', '1.?*', '*rc1*'])}`;
    if (value < 0.5) return `origin ${this.pick(['""', '"nowhere.example.org"', 'nowhere.example.org'])}`;
    if (value < 0.65) return `release ${this.pick(['suite0', 'alpha', 'beta', '12', '12*', '*', 'alpha*'])}`;
    return `release ${Array.from({ length: 1 + this.below(2) }, () => this.releasePart()).join(this.pick([',', ', ']))}`;
  }

  preferences(): string {
    return Array.from({ length: this.below(6) }, () => {
      const general = this.chance(0.35);
      const name = (): string => this.pick(['p0', 'p1', 'p2', 'p3', 'p*', 'p[01]', '/^p[23]$/', 'p0:i386', 'p1:any', 'p2:amd64', 'p*:i386', 'src:srcs', 'src:p0']);
      const names = general ? '*' : Array.from({ length: this.chance(0.2) ? 2 : 1 }, name).join(' ');
      return `Package: ${names}\nPin: ${this.pin(general)}\nPin-Priority: ${this.pick(['-10', '-1', '1', '50', '99', '100', '101', '499', '500', '501', '990', '999', '1000', '1001', ...(general ? ['never'] : [])])}\n`;
    }).join('\n');
  }

  status(): string {
    return Array.from({ length: 4 }, (_, index) => (this.chance(0.5) ? `Package: p${index}\nStatus: install ok installed\nVersion: ${this.version()}\nArchitecture: amd64\nMulti-Arch: same\nMaintainer: x\nDescription: x\n` : '')).filter((text) => text !== '').join('\n');
  }

  target(): string | undefined { return this.chance(0.25) ? this.pick(['suite0', 'alpha', 'a=suite1']) : undefined; }
}

/** The index of one architecture. */
function indexOf({ packages }: RandomRelease, arch: string): string {
  return packages.split(/\n\n/).filter((stanza) => stanza.includes(`Architecture: ${arch}`)).map((stanza) => `${stanza.trimEnd()}\n`).join('\n');
}

/** By `name:arch`: candidate, and the priority of each version, as apt tells it. */
async function askPolicy(folder: string, releases: readonly RandomRelease[], more: { readonly preferences: string; readonly status: string; readonly target: string | undefined }): Promise<Map<string, string>> {
  const sources: string[] = [];
  for (const [number, release] of releases.entries()) {
    const { facts, flags } = release;
    const uri = join(folder, `r${number}`);
    const lists: string[] = [];
    for (const arch of architectures) {
      await mkdir(join(uri, `dists/suite${number}/main/binary-${arch}`), { recursive: true });
      const own = indexOf(release, arch);
      await writeFile(join(uri, `dists/suite${number}/main/binary-${arch}/Packages`), own);
      lists.push(` ${createHash('sha256').update(own).digest('hex')} ${own.length} main/binary-${arch}/Packages`);
    }
    const { suite, codename, origin, label, version } = facts;
    await writeFile(join(uri, `dists/suite${number}/Release`), [`Origin: ${origin}`, `Label: ${label}`, `Suite: ${suite}`, `Codename: ${codename}`, `Version: ${version}`, ...flags, `Architectures: ${architectures.join(' ')}`, 'Components: main', 'Date: Thu, 01 Jan 2026 00:00:00 UTC', 'SHA256:', ...lists, ''].join('\n'));
    sources.push(`Types: deb\nURIs: file:${uri}\nSuites: suite${number}\nComponents: main\nTrusted: yes\n`);
  }
  const extra = [`APT::Architectures { ${architectures.map((arch) => `"${arch}";`).join(' ')} };`, ...(more.target === undefined ? [] : [`APT::Default-Release "${more.target}";`])];
  const root = await makeAptRoot(folder, { architecture: 'amd64', sources: sources.join('\n'), status: more.status, extra });
  await writeFile(join(folder, 'etc/preferences.d/test'), more.preferences);
  await root.mustApt(['update', '-qq']);
  const names = [0, 1, 2, 3].flatMap((index) => architectures.map((arch) => `p${index}:${arch}`));
  const { stdout } = await run('apt-cache', ['policy', ...names], { env: { APT_CONFIG: join(folder, 'apt.conf'), LC_ALL: 'C' } });
  const answer = new Map<string, string>();
  for (const block of stdout.split(/^(?=p\d)/m)) {
    const name = /^(p\d(?::\w+)?):$/m.exec(block)?.[1];
    const candidate = /^ {2}Candidate: (\S+)$/m.exec(block)?.[1];
    if (name === undefined || candidate === undefined) continue;
    const versions = [...block.matchAll(/^ (?:\*\*\*| {3}) (\S+) (-?\d+)/gm)].map(([, version, priority]) => `${version}=${priority}`);
    answer.set(name.includes(':') ? name : `${name}:amd64`, `candidate ${candidate}; ${versions.sort().join(' ')}`);
  }
  return answer;
}

function ours(releases: readonly RandomRelease[], more: { readonly preferences: string; readonly status: string; readonly target: string | undefined }): Map<string, string> {
  const universe = new Universe(architectures);
  for (const release of releases) {
    const { facts, flags } = release;
    for (const architecture of architectures) {
      const priority = flags.length === 0 ? 500 : flags.length === 1 ? 1 : 100;
      universe.add({ bytes: Buffer.from(indexOf(release, architecture)), subject: 'release', priority, release: { ...facts, architecture, site: '' } });
    }
  }
  const installed = parseInstalled(more.status, 'status', 'amd64');
  universe.add({ bytes: installed.stanzas, subject: 'status', priority: 100, release: { suite: 'now' }, namesOnly: true });
  const pins = new PinPolicy(universe, { preferences: parsePreferences(more.preferences, 'preferences'), ...(more.target === undefined ? {} : { targetRelease: more.target }) });
  const state = new AptState(universe, pins);
  const answer = new Map<string, string>();
  for (let index = 0; index < 4; index += 1) {
    for (const [arch, name] of architectures.entries()) {
      const id = universe.names.find(`p${index}`);
      if (id < 0) continue;
      const pkg = universe.packageOf(id, arch);
      const there = installed.packages.get(`p${index}`);
      const known = arch === 0 ? universe.versionsOf(pkg).find((version) => universe.versionText(version) === there) : undefined;
      if (known !== undefined) state.installed.set(pkg, known);
      const candidate = state.candidateOf(pkg);
      const versions = universe.versionsOf(pkg).map((version) => `${universe.versionText(version)}=${pins.priorityOf(version)}`);
      answer.set(`p${index}:${name}`, `candidate ${candidate < 0 ? '(none)' : universe.versionText(candidate)}; ${versions.sort().join(' ')}`);
    }
  }
  return answer;
}

/** Lines that say what differs, one for each package; and how many packages were compared. */
export async function comparePins(from: number, count: number): Promise<{ readonly compared: number; readonly different: readonly string[] }> {
  let compared = 0;
  const different: string[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const maker = new Maker(seed);
    const releases = Array.from({ length: 3 }, (_, number) => maker.release(number));
    const more = { preferences: maker.preferences(), status: maker.status(), target: maker.target() };
    const folder = await mkdtemp(join(tmpdir(), 'longshore-pins-'));
    try {
      const own = ours(releases, more);
      for (const [name, apt] of await askPolicy(folder, releases, more)) {
        if (!/=/.test(apt)) continue;
        compared += 1;
        if (own.get(name) !== apt) different.push(`seed ${seed}, ${name}\n    apt:  ${apt}\n    ours: ${own.get(name)}\n${[...(more.target === undefined ? [] : [`target ${more.target}`]), more.preferences].join('\n').replace(/^/gm, '      ')}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { compared, different };
}
