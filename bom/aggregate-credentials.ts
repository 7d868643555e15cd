// Where a credential of the project may go. A module chooses addresses; only the site may say whose ears are meant.
import type { Entry } from './aggregate-entries.ts';
import type { Project } from './documents/project.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { Position } from './requirement.ts';

type Credentials = NonNullable<NonNullable<Project['spec']>['credentials']>;

/** Something that names credentials, and the addresses they would be sent to. */
export interface CredentialUse {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly at: Position | undefined;
}

/**
 * Throws `INPUT_CREDENTIAL` when an address is none of the `hosts` of a credential that it would get, and when a document from elsewhere names a credential
 * without `hosts`: whoever wrote it could name any address.
 */
export function checkCredentialHosts(entries: readonly Entry[], uses: readonly CredentialUse[], credentials: Credentials): void {
  for (const entry of entries) {
    if (entry.bom.origin === undefined) continue;
    for (const name of namesIn(entry)) {
      if (credentials[name] === undefined || credentials[name].hosts !== undefined) continue;
      throw new BundleError('INPUT_CREDENTIAL', {
        subject: formatPosition(entry.at()), expected: `a credential that says where it may go, for a document from elsewhere`, actual: `credential ${name} without hosts`,
        next: `Add the hosts to it in the project: credentials: {${name}: {…, hosts: [downloads.example.org]}}.`,
      });
    }
  }
  for (const { names, addresses, at } of uses) {
    for (const name of names) for (const address of addresses) checkHost(name, address, { hosts: credentials[name]?.hosts, at });
  }
}

function namesIn({ value }: Entry): string[] {
  const headers = 'headersFrom' in value ? value.headersFrom ?? [] : [];
  const tls = 'tls' in value ? [value.tls?.clientCert, value.tls?.clientKey] : [];
  return [...headers, ...tls.filter((name) => name !== undefined)];
}

function checkHost(name: string, address: string, { hosts, at }: { readonly hosts: readonly string[] | undefined; readonly at: Position | undefined }): void {
  const host = hostOf(address);
  if (hosts === undefined || host === undefined || hosts.some((each) => each === host.host || each === host.hostname)) return;
  throw new BundleError('INPUT_CREDENTIAL', {
    subject: at === undefined ? `credential ${name}` : formatPosition(at), expected: `an address on ${hosts.join(' or ')} for credential ${name}`, actual: host.host,
    next: 'Correct the address, or add its host to the credential in the project.',
  });
}

/** Of URLs, `oci://` references, and git's `user@host:path`; undefined for what stays on this machine. */
function hostOf(address: string): { readonly host: string; readonly hostname: string } | undefined {
  const written = /^[\w.-]+@([\w.-]+):/.exec(address)?.[1];
  if (written !== undefined) return { host: written, hostname: written };
  const url = address.replace(/^git\+/, '').replace(/^oci:/, 'https:');
  if (!URL.canParse(url)) return undefined;
  const { host, hostname } = new URL(url);
  return host === '' ? undefined : { host, hostname };
}
