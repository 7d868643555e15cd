// Every adapter, by name.
import type { Adapter, AdapterFile } from './adapter.ts';
import { ansibleDefaults } from './ansible-defaults/ansible-defaults.ts';
import { compose } from './compose/compose.ts';
import { dcosInstaller } from './dcos-installer/dcos-installer.ts';
import { eModules } from './e-modules/e-modules.ts';
import { epiphany } from './epiphany/epiphany.ts';
import { hammer } from './hammer/hammer.ts';
import { hauler } from './hauler/hauler.ts';
import { helm } from './helm/helm.ts';
import { imagesTxt } from './images-txt/images-txt.ts';
import { k8s } from './k8s/k8s.ts';
import { kubekey } from './kubekey/kubekey.ts';
import { lambdastackTxt } from './lambdastack-txt/lambdastack-txt.ts';
import { marathon } from './marathon/marathon.ts';
import { pkgpanda } from './pkgpanda/pkgpanda.ts';
import { theseus } from './theseus/theseus.ts';
import { universe } from './universe/universe.ts';
import { zarf } from './zarf/zarf.ts';
import { zeta } from './zeta/zeta.ts';

/** In the order they are asked whether a format is theirs: the more particular first. */
export const adapters: readonly Adapter[] = [
  hauler, zarf, kubekey, eModules, epiphany, lambdastackTxt, universe, pkgpanda, dcosInstaller, zeta, helm, hammer, ansibleDefaults, k8s, compose, marathon, theseus, imagesTxt,
];

export function adapterOf(name: string): Adapter | undefined {
  return adapters.find((adapter) => adapter.name === name);
}

/** The adapter that these files look like; undefined when none claims them. */
export function detectAdapter(files: readonly AdapterFile[]): Adapter | undefined {
  return adapters.find((adapter) => adapter.detect(files));
}
