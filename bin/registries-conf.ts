import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseRegistriesConf, type RegistryRule } from '../formats/oci/registries-conf.ts';

/**
 * Mirrors and blocked registries as podman, skopeo and CRI-O find them (containers-registries.conf(5), "FILES"): $CONTAINERS_REGISTRIES_CONF alone,
 * else the user's file (or the system's) and then the drop-in folders. Throws `INPUT_SYNTAX` naming file and line.
 */
export function registryRules(env: Readonly<Record<string, string | undefined>> = process.env): RegistryRule[] {
  const named = env.CONTAINERS_REGISTRIES_CONF;
  if (named !== undefined && named !== '') return parseRegistriesConf(readFileSync(named, 'utf8'), named);
  const user = join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'containers');
  const main = [join(user, 'registries.conf'), '/etc/containers/registries.conf'].find((path) => existsSync(path));
  const folders = ['/etc/containers/registries.conf.d', join(user, 'registries.conf.d')].filter((path) => existsSync(path));
  const dropIns = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.conf')).sort().map((name) => join(folder, name)));
  return [...(main === undefined ? [] : [main]), ...dropIns].flatMap((path) => parseRegistriesConf(readFileSync(path, 'utf8'), path));
}
