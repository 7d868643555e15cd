import type { PageSetting } from '../docs.test.ts';

export const setting: PageSetting = { world: async (world) => { await world.addFile('get.helm.sh/helm-v3.9.0-linux-amd64.tar.gz', 'helm\n'); } };
