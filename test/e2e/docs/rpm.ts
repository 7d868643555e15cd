import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRpmUpstream, type SpecFile } from '../../support/rpm-upstream.ts';
import type { World } from '../../support/world.ts';
import type { PageSetting } from '../docs.test.ts';

/** A signed repository at `address`. */
async function addYum(world: World, address: string, specs: readonly SpecFile[]): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'longshore-page-rpm-'));
  try {
    const { folder, add } = await makeRpmUpstream(work);
    await add(specs);
    for (const name of await readdir(folder, { recursive: true })) {
      const path = join(folder, name);
      if ((await stat(path)).isFile()) await world.addFile(`${address}/${name}`, await readFile(path));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export const setting: PageSetting = {
  world: async (world) => {
    await addYum(world, 'rpm.example.org/kubernetes/v1.30/rpm', [
      { name: 'kubelet', version: '1.29.9', preamble: ['Requires: conmon'] }, { name: 'kubelet', version: '1.30.2', preamble: ['Requires: conmon'] }, { name: 'kubelet', version: '1.31.0', preamble: ['Requires: conmon'] },
    ]);
    await addYum(world, 'mirror.example.org/almalinux/9', [
      { name: 'conmon', version: '2.1.10' }, { name: 'chrony', version: '4.5', preamble: ['Requires: libseccomp'] }, { name: 'libseccomp', version: '2.5.2' }, { name: 'unrelated', version: '1' },
    ]);
  },
};
