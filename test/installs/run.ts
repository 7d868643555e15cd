// npm run installs [-- SET…]: every set of sets.ts, `upgrade` from an older lock to a newer one, and `zypper` (or those named) installed in a chroot without a network.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeChroot } from '../support/chroot.ts';
import { installSet } from './install.ts';
import { installSets } from './sets.ts';
import { upgradeSets } from './upgrade.ts';
import { installWithZypper } from './zypper.ts';

const folder = await mkdtemp(join(tmpdir(), 'longshore-installs-'));
const names = process.argv.length > 2 ? process.argv.slice(2) : [...Object.keys(installSets), 'upgrade', 'zypper'];
try {
  const base = names.every((name) => name === 'zypper' || name === 'upgrade') ? '' : await makeChroot(folder);
  for (const name of names) {
    if (name === 'zypper') {
      console.log(`zypper: ${await installWithZypper(folder)}`);
      continue;
    }
    if (name === 'upgrade') {
      const { older, newer, upgraded } = await upgradeSets(folder);
      console.log(`upgrade: ${older} packages locked of the release, ${newer} with its updates; ${upgraded} upgraded on the machine, all in the version of the newer lock`);
      continue;
    }
    const { locked, installed } = await installSet(folder, base, installSets[name] ?? []);
    console.log(`${name}: ${(installSets[name] ?? []).join(', ')}: ${locked} packages locked, ${installed} newly installed`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
