// Settings that point a machine here, as text. sources.list(5) (deb822); containerd "hosts.toml"; containers-registries.conf(5).

export interface AptSource {
  /** `http://host:port` of this server. */
  readonly origin: string;
  readonly project: string;
  readonly target: string;
  /** Where the client keeps the machine's public key. */
  readonly keyring: string;
}

/** A deb822 `.sources` file for one target. */
export function aptSources({ origin, project, target, keyring }: AptSource): string {
  return `Types: deb
URIs: ${origin}/apt/${project}/${target}
Suites: ${target}
Components: main
Signed-By: ${keyring}
`;
}

export const aptKeyring = '/etc/apt/keyrings/longshore.asc';
