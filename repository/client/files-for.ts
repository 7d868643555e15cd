// What clients of the served content get, whoever asks: the service for /client/, and the command line for many machines.
import { layoutName } from '../../bom/bundle.ts';
import { hexOf } from '../../bom/digest.ts';
import type { LockedRepository } from '../../bom/lock.ts';
import { hostComponent } from '../../bom/reference.ts';
import type { Served } from '../content.ts';
import { partsOf } from '../registry/library.ts';
import { caPath, type ClientFile, clientFiles, type MirrorFor } from './client-files.ts';
import { type ClientAction, setupScript } from './setup-script.ts';

export interface ClientsOf {
  readonly served: readonly Served[];
  /** `https://host:port` as clients reach the machine. */
  readonly origin: string;
  readonly exclusive: boolean;
  readonly publicKey: string | undefined;
  /** PEM of the machine's own authority. */
  readonly ca: string | undefined;
}

/** Hosts that the served images came from, sorted. */
export function upstreamsOf(served: readonly Served[]): string[] {
  const hosts = served.flatMap(({ lock }) => lock.spec.images.map(({ ref }) => partsOf(ref).host)).filter((host) => hostComponent(host) !== '');
  return [...new Set(hosts)].sort();
}

/** Below /keys/: one name for each key, whatever repositories share it. */
export function keyName(key: LockedRepository['keys'][number]): string {
  return `${hexOf(key.digest).slice(0, 16)}.asc`;
}

function mirrorsOf(served: readonly Served[], manager: 'deb' | 'rpm'): (MirrorFor & { readonly keyNames: readonly string[] })[] {
  return served.flatMap(({ lock }) => lock.spec.targets
    .filter(({ id }) => lock.spec.packages.some((item) => item.manager === manager && item.target === id))
    .map((target) => {
      const keys = lock.spec.repositories.filter((each) => each.manager === manager && each.target === target.id).flatMap((each) => each.keys.map(keyName));
      return { project: lock.metadata.name, target, keyNames: [...new Set(keys)] };
    }));
}

export function filesFor({ served, origin, exclusive, publicKey, ca }: ClientsOf): readonly ClientFile[] {
  return clientFiles({
    here: { origin, exclusive, ...(ca === undefined ? {} : { caPath }) }, publicKey, ca, upstreams: upstreamsOf(served),
    aptMirrors: mirrorsOf(served, 'deb'), yumMirrors: mirrorsOf(served, 'rpm'),
  });
}

/** The setup script for one machine; `action` is what it does when it is run without arguments. */
export function scriptFor(clients: ClientsOf, action: ClientAction = 'setup'): string {
  const images = clients.served.flatMap(({ lock }) => lock.spec.images.map(({ ref }) => layoutName(ref)));
  return setupScript({ origin: clients.origin, exclusive: clients.exclusive, files: filesFor(clients), targets: clients.served.flatMap(({ lock }) => lock.spec.targets.map(({ id }) => id)), action, images });
}
