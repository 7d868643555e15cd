// Commands that use what is here, as text for people to copy.
import { aptKeyring, aptSources, yumRepository } from '../client/settings.ts';
import type { CatalogFacts } from './api.ts';
import type { InventoryItem } from './inventory.ts';

/** `http://host:port`, as this client reached the machine. */
export function originOf({ exchange }: CatalogFacts): string {
  return exchange.origin ?? 'http://this-machine:5000';
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** One or a few lines that fetch the artifact. Empty for what is reached otherwise. */
export function fetchCommands(item: InventoryItem, facts: CatalogFacts): string {
  const origin = originOf(facts);
  const [host, plain] = [origin.replace(/^https?:\/\//, ''), origin.startsWith('http://')];
  const [place = ''] = item.places;
  switch (item.kind) {
    case 'image': return [
      `podman pull ${plain ? '--tls-verify=false ' : ''}${host}/${place}`,
      `ctr images pull ${plain ? '--plain-http ' : ''}${host}/${place}`,
      `skopeo copy --all ${plain ? '--src-tls-verify=false ' : ''}docker://${host}/${place} oci:./image`,
    ].join('\n');
    case 'file': return `curl -fO ${origin}/files/${encodePath(place)}`;
    case 'chart': return `helm pull ${origin}/charts/${encodePath(place)}`;
    case 'git': return `curl -fO ${origin}/git/${encodePath(place)}\ngit clone ${place.split('/').at(-1) ?? place}`;
    case 'deb': {
      const [name = '', version = ''] = item.name.split(' ');
      return `apt-get install ${name}=${version}\ncurl -fO ${origin}/apt/${item.project}/${item.target ?? ''}/${encodePath(place)}`;
    }
    case 'rpm': {
      const [name = '', version = ''] = item.name.split(' ');
      return `dnf install ${name}-${version}     # SUSE: zypper install ${name}=${version}\ncurl -fO ${origin}/yum/${item.project}/${item.target ?? ''}/${encodePath(place)}`;
    }
    default: return '';
  }
}

/** Settings for one apt target, as commands. */
export function aptCommands(facts: CatalogFacts, project: string, target: string): string {
  const origin = originOf(facts);
  const keyring = facts.hasKey ? `curl -fsS ${origin}/keys/longshore.asc -o ${aptKeyring}\n` : '';
  return `${keyring}cat > /etc/apt/sources.list.d/longshore.sources <<'END'\n${aptSources({ origin, project, target, keyring: aptKeyring })}END\napt-get update`;
}

/** Settings for one yum target, as commands. */
export function yumCommands(facts: CatalogFacts, { project, target, keyNames }: { readonly project: string; readonly target: string; readonly keyNames: readonly string[] }): string {
  const origin = originOf(facts);
  const text = yumRepository({ origin }, { project, target, keyUrls: keyNames.map((name) => `${origin}/keys/${name}`) });
  return `cat > /etc/yum.repos.d/longshore.repo <<'END'     # SUSE: /etc/zypp/repos.d\n${text}END\ndnf makecache     # SUSE: zypper refresh`;
}

/** The whole machine at once. */
export function setupCommands(facts: CatalogFacts): string {
  const origin = originOf(facts);
  if (!facts.hasAuthority) return `curl -fsS ${origin}/client/setup.sh -o setup.sh\nsh setup.sh --dry-run   # shows what it would write; sh setup.sh teardown undoes it\nsh setup.sh`;
  return `curl -fsSk ${origin}/keys/ca.pem -o ca.pem
openssl x509 -in ca.pem -noout -fingerprint -sha256   # compare with what the operator of this machine tells you
curl -fsS --cacert ca.pem ${origin}/client/setup.sh -o setup.sh
sh setup.sh --dry-run   # shows what it would write; sh setup.sh teardown undoes it
sh setup.sh`;
}
