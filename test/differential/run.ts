// npm run differential -- apt|edsp|rpm|libsolv|… [options]: our solvers beside apt, dnf and libsolv themselves. Prints the equal share and every difference.
import { parseArgs } from 'node:util';
import { compareWithApt } from './apt.ts';
import { comparePins } from './pins.ts';
import { compareMachines } from './machines.ts';
import { compareProfiles } from './profiles.ts';
import { compareTrust, explained } from './trust.ts';
import { askTrickyCases } from './ask-tricky.ts';
import { tableCases, trickyCases } from './tricky-cases.ts';
import { compareUniverses, type EdspOptions, type Verdict } from './compare-edsp.ts';
import { compareUbuntu } from './ubuntu/compare.ts';
import { compareWithDnf } from './rpm/compare-dnf.ts';
import { compareShape } from './rpm/compare-libsolv.ts';
import { compareGiven, compareSites, type SiteTally } from './rpm/compare-sites.ts';
import { layeredModes, layeredSites } from './rpm/layered-site.ts';
import { shapes } from './rpm/shapes.ts';
import { compareProfiles as compareSuseProfiles, compareSite, compareUniverse, type ZypperTally } from './zypper/compare-zypper.ts';
import { suseProfiles, suseSites } from './zypper/suse-site.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    arch: { type: 'string', default: 'amd64,arm64' },
    random: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    only: { type: 'string' },
    baseline: { type: 'string' },
    profile: { type: 'string' },
    kinds: { type: 'string' },
    part: { type: 'string' },
    real: { type: 'string' },
    sets: { type: 'string' },
    chroot: { type: 'string' },
    rich: { type: 'boolean', default: false },
  },
});

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

async function apt(): Promise<boolean> {
  const tally = await compareWithApt({
    architectures: values.arch.split(','), random: Number(values.random), seed: Number(values.seed), every: Number(values.every),
    ...(values.kinds === undefined ? {} : { kinds: Number(values.kinds) }), ...(values.part === undefined ? {} : { part: values.part }),
    ...(values.sets === undefined ? {} : { sets: values.sets }), ...(values.only === undefined ? {} : { only: values.only }), ...(values.baseline === undefined ? {} : { baseline: values.baseline }), ...(values.profile === undefined ? {} : { profile: values.profile }),
  }, print);
  const all = tally.same + tally.refusedByBoth + tally.different.length;
  print(`apt: ${tally.same + tally.refusedByBoth} of ${all} equal (${tally.same} closures, ${tally.refusedByBoth} refused by both), ${tally.different.length} different`);
  return tally.different.length === 0;
}

/** A third without conflicts, a third with some, a third with many; every fifth universe has two architectures. */
async function universes(name: string, compare: (options: EdspOptions) => Map<Verdict, number[]> | Promise<Map<Verdict, number[]>>): Promise<boolean> {
  const count = Number(values.random) || 1000;
  const agreed = new Set<Verdict>(['same', 'same after repair', 'unsolvable for both']);
  let equal = 0;
  let all = 0;
  for (const [index, conflicts] of [0, 0.1, 0.3].entries()) {
    for (const architectures of [['amd64'], ['amd64', 'i386']]) {
      const share = Math.ceil((count / 3) * (architectures.length === 1 ? 0.8 : 0.2));
      const verdicts = await compare({ from: Number(values.seed) * 1_000_000 + index * 100_000, count: share, shape: { conflicts, architectures, ...(values.rich ? { rich: true } : {}) } });
      for (const [verdict, seeds] of verdicts) {
        if (verdict !== 'apt gave no answer') all += seeds.length;
        if (agreed.has(verdict)) equal += seeds.length;
        print(`${architectures.join('+')}, conflicts ${conflicts}: ${seeds.length} ${verdict}${agreed.has(verdict) ? '' : `: seeds ${seeds.slice(0, 10).join(' ')}`}`);
      }
    }
  }
  print(`${name}: ${equal} of ${all} equal (${((equal / all) * 100).toFixed(2)} %)`);
  return equal === all;
}

const edsp = (): Promise<boolean> => universes('edsp', compareUniverses);
/** With something installed, and apt-get itself. */
const machines = (): Promise<boolean> => universes('machines', compareMachines);

/** The table of the unit tests, each case asked of apt-get itself in a root of its own. */
async function tricky(): Promise<boolean> {
  const wrong = await askTrickyCases();
  for (const line of wrong) print(line);
  const all = trickyCases.length + tableCases.length;
  print(`tricky: ${all - wrong.length} of ${all} as recorded`);
  return wrong.length === 0;
}

/** Random preferences, beside what `apt-cache policy` says of every version. */
async function pins(): Promise<boolean> {
  const { compared, different } = await comparePins(Number(values.seed) * 1_000_000, Number(values.random) || 300);
  for (const line of different.slice(0, 10)) print(line);
  print(`pins: ${compared - different.length} of ${compared} packages have apt's priorities and candidate`);
  return different.length === 0;
}

/** Profiles, beside mmdebstrap's variants. */
async function profiles(): Promise<boolean> {
  let different = 0;
  for (const arch of values.arch.split(',')) different += await compareProfiles(arch, print);
  return different === 0;
}

/** Keys and signatures of every kind, as apt and we judge them. */
async function trust(): Promise<boolean> {
  const answers = await compareTrust();
  const differs = answers.filter(({ apt: theirs, ours }) => theirs.startsWith('accepts') !== ours.startsWith('accepts'));
  for (const { name, form, apt: theirs, ours } of differs) print(`${explained.has(name) ? 'by design' : 'different'}: ${name} (${form}): apt ${theirs}; ours ${ours}`);
  print(`trust: ${answers.length - differs.length} of ${answers.length} judged alike`);
  return differs.every(({ name }) => explained.has(name));
}

const rpmArchOf: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

async function rpm(): Promise<boolean> {
  let isEqual = true;
  const options = { every: Number(values.every), from: Number(values.from), random: Number(values.random), seed: Number(values.seed), ...(values.only === undefined ? {} : { only: values.only }) };
  for (const [arch, kind] of values.arch.split(',').flatMap((name) => (['plain', 'sprinkled'] as const).map((each) => [rpmArchOf[name] ?? name, each] as const))) {
    const tally = await compareWithDnf(kind, { ...options, arch }, print);
    const all = tally.same + tally['refused by both'] + tally.different;
    print(`${kind}, ${arch}: ${all - tally.different} of ${all} equal (${tally.same} closures, ${tally['refused by both']} refused by both), ${tally.different} different`);
    isEqual &&= tally.different === 0;
  }
  return isEqual;
}

/** Small random universes of every shape, with libsolv itself. */
async function libsolv(): Promise<boolean> {
  const count = Number(values.random) || 500;
  let isEqual = true;
  for (const [name, shape] of Object.entries(shapes)) {
    for (const isInstalled of [false, true]) {
      const { counts, different, unproved } = await compareShape(shape, Number(values.seed) * 1_000_000, count, isInstalled);
      const all = Object.values(counts).reduce((a, b) => a + b, 0);
      print(`${name}${isInstalled ? ', something installed' : ''}: ${all - counts.different} of ${all} equal (${counts['refused by both']} refused by both), ${counts.different} different${different.length === 0 ? '' : `: seeds ${different.slice(0, 10).join(' ')}`}${unproved.length === 0 ? '' : `; not proved: seeds ${unproved.slice(0, 10).join(' ')}`}`);
      isEqual &&= different.length === 0 && unproved.length === 0;
    }
  }
  return isEqual;
}

function tellSites(name: string, { counts, different }: SiteTally): boolean {
  for (const { seed, text } of different.slice(0, 10)) print(`${seed}: ${text}`);
  const all = counts.same + counts['refused by both'] + counts.different;
  print(`${name}: ${all - counts.different} of ${all} equal (${counts.same} closures, ${counts['refused by both']} refused by both), ${counts.different} different`);
  return different.length === 0;
}

/** Random sites of several repositories with dnf: empty machines, machines of which the repositories know everything, machines with packages that are gone. Then the one that is written out, in all modes. */
async function repos(): Promise<boolean> {
  const count = Number(values.random) || 100;
  let isEqual = true;
  for (const [name, shape] of [['empty root', { isInstalled: false }], ['something installed', { isInstalled: true }], ['some of it gone from the repositories', { isInstalled: true, isGone: true }], ['the same, told by no more than rpm -qa', { isInstalled: true, isGone: true, isShort: true }]] as const) {
    isEqual = tellSites(name, await compareSites(Number(values.seed) * 1_000_000, count, shape)) && isEqual;
  }
  isEqual = tellSites('other modes', await compareGiven(layeredModes)) && isEqual;
  return tellSites('layered', await compareGiven(layeredSites)) && isEqual;
}

/** Ten machines with ten requests each on every site in Ubuntu's layout. */
async function ubuntu(): Promise<boolean> {
  const tally = await compareUbuntu({
    seed: Number(values.seed), sites: Number(values.random) || 5, setups: 10, requests: 10,
    ...(values.real === undefined ? {} : { real: Number(values.real) }), ...(values.chroot === undefined ? {} : { chroot: values.chroot }),
  }, print);
  const all = tally.same + tally.refusedByBoth + tally.different.length;
  print(`ubuntu: ${tally.same + tally.refusedByBoth} of ${all} equal (${tally.same} closures, ${tally.refusedByBoth} refused by both), ${tally.different.length} different`);
  return tally.different.length === 0;
}

function tellZypper(name: string, { counts, different }: ZypperTally): boolean {
  for (const text of different) print(text);
  const all = counts.same + counts['refused by both'] + counts.different;
  print(`${name}: ${all - counts.different} of ${all} equal (${counts.same} closures, ${counts['refused by both']} refused by both), ${counts.different} different`);
  return different.length === 0;
}

/** A written-out SUSE site in an empty root and on machines that have something, then every n-th set over the Debian index as rpm-md. */
async function zypper(): Promise<boolean> {
  let isEqual = true;
  for (const site of suseSites) isEqual = tellZypper(site.installed.length === 0 ? 'empty root' : `with ${site.installed.join(', ')}`, await compareSite(site)) && isEqual;
  const [empty] = suseSites;
  if (empty !== undefined) isEqual = tellZypper('profiles', await compareSuseProfiles(empty, suseProfiles)) && isEqual;
  return tellZypper('universe', await compareUniverse(Number(values.every), Number(values.from))) && isEqual;
}

const commands: Readonly<Record<string, () => Promise<boolean>>> = { apt, edsp, libsolv, machines, repos, rpm, tricky, pins, profiles, trust, ubuntu, zypper };
const command = commands[positionals[0] ?? ''];
if (command === undefined) {
  print(`usage: run.ts ${Object.keys(commands).join('|')} [--arch amd64,arm64] [--random N] [--seed N] [--every N] [--part K/N] [--only TEXT] [--sets FILE] [--baseline STATUS] [--profile NAME] [--real N] [--chroot DIR]`);
  process.exitCode = 2;
} else {
  process.exitCode = await command() ? 0 : 1;
}
