// What `create` leaves in its build folder: the repository manifest, and everything that client machines need.
import { createHash, X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { ansiblePlay, cloudConfig } from '../repository/client/automation.ts';
import { type ClientsOf, filesFor, scriptFor } from '../repository/client/files-for.ts';
import { commitFile, makeDirectory } from '../store/durable-file.ts';
import { BundleError } from '../bom/errors.ts';
import { readInput } from './context.ts';

export interface RepositoryManifest {
  readonly origin: string;
  readonly registry: string;
  readonly store: string;
  readonly projects: readonly { readonly name: string; readonly sequence: number; readonly generation: number | null; readonly targets: readonly { readonly id: string; readonly manager: string; readonly url: string }[] }[];
  readonly files: string;
  readonly charts: string;
  readonly key: string;
  /** SHA-256 of the authority's certificate: what clients compare before they trust it. */
  readonly caFingerprint?: string;
  /** SHA-256 of /client/setup.sh as this machine serves it now. */
  readonly setupDigest: string;
}

/** Writes the folder anew, each file at once, and returns the manifest, which is `repository.json` there. */
export async function writeBuildFolder(folder: string, clients: ClientsOf, { store, units }: { readonly store: string; readonly units: readonly { readonly name: string; readonly text: string }[] }): Promise<RepositoryManifest> {
  await makeDirectory(folder);
  const script = scriptFor(clients);
  const manifest = manifestOf(clients, store, script);
  const files = filesFor(clients);
  for (const path of new Set(files.map((file) => dirname(file.path)))) await makeDirectory(join(folder, 'files', path));
  for (const file of files) await commitFile(join(folder, 'files', file.path), file.content);
  const { origin, ca, publicKey } = clients;
  if (ca !== undefined) await commitFile(join(folder, 'ca.pem'), ca);
  if (publicKey !== undefined) await commitFile(join(folder, 'longshore.asc'), publicKey);
  await commitFile(join(folder, 'setup.sh'), script, 0o755);
  await commitFile(join(folder, 'ansible.yml'), ansiblePlay({ origin, ca }));
  await commitFile(join(folder, 'cloud-config.yml'), cloudConfig({ origin, ca }));
  for (const { name, text } of units) await commitFile(join(folder, name), text);
  await commitFile(join(folder, 'repository.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function manifestOf({ served, origin, ca }: ClientsOf, store: string, script: string): RepositoryManifest {
  return {
    origin, registry: origin.replace(/^https?:\/\//, ''), store,
    projects: served.map(({ lock, generation }) => ({
      name: lock.metadata.name, sequence: lock.metadata.sequence, generation: generation ?? null,
      targets: lock.spec.targets.flatMap(({ id }) => (['deb', 'rpm'] as const).filter((manager) => lock.spec.packages.some((item) => item.target === id && item.manager === manager))
        .map((manager) => ({ id, manager, url: `${origin}/${manager === 'deb' ? 'apt' : 'yum'}/${lock.metadata.name}/${id}` }))),
    })),
    files: `${origin}/files/`, charts: `${origin}/charts`, key: `${origin}/keys/longshore.asc`,
    ...(ca === undefined ? {} : { caFingerprint: new X509Certificate(ca).fingerprint256 }),
    setupDigest: `sha256:${createHash('sha256').update(script).digest('hex')}`,
  };
}

/** The store that a build folder was made for. Throws `INPUT_FIELD` for a folder that `create` did not write. */
export function storeOfBuildFolder(folder: string): string {
  const path = join(folder, 'repository.json');
  const fail = (actual: string): BundleError => new BundleError('INPUT_FIELD', { subject: path, expected: 'the manifest that `longshore create` wrote', actual, next: 'Name the folder that create was given with -b, or the store with --store.' });
  try {
    const { store } = JSON.parse(readInput(path)) as { readonly store?: unknown };
    if (typeof store === 'string') return store;
  } catch (cause) {
    throw cause instanceof BundleError ? cause : fail((cause as Error).message);
  }
  throw fail('something else');
}
