import { existsSync, readFileSync } from 'node:fs';

export interface HostSystem {
  readonly os: string;
  readonly release: string;
  readonly arch: string;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'armhf', ppc64: 'ppc64el', s390x: 's390x', riscv64: 'riscv64' };

/** This machine's system when it is a Debian or an Ubuntu that has apt sources; else `undefined`. */
export function hostSystem(): HostSystem | undefined {
  if (!existsSync('/etc/os-release') || (!existsSync('/etc/apt/sources.list') && !existsSync('/etc/apt/sources.list.d'))) return undefined;
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
  const os = field('ID');
  const release = field('VERSION_ID');
  const arch = architectures[process.arch];
  return (os === 'debian' || os === 'ubuntu') && release !== undefined && arch !== undefined ? { os, release, arch } : undefined;
}

export interface DocumentFacts {
  /** host:port of the registry that plays the upstream. */
  readonly upstream: string;
  readonly file: { readonly url: string; readonly digest: string };
  readonly host?: HostSystem;
  /** The generated apt repository, when the machine has none of its own. */
  readonly repository?: { readonly uri: string; readonly suite: string; readonly key: string };
  readonly packages: readonly string[];
}

/** file name -> text: two module BOMs and the project that wants both. */
export function documents(facts: DocumentFacts): Readonly<Record<string, string>> {
  const { host } = facts;
  const target = host === undefined
    ? '{id: small, family: debian, os: debian, release: "12", arch: amd64}'
    : `{id: ${host.os}-${host.release}, family: debian, os: ${host.os}, release: "${host.release}", arch: ${host.arch}}`;
  const targetId = host === undefined ? 'small' : `${host.os}-${host.release}`;
  const repository = facts.repository === undefined
    ? `    - {id: base, manager: deb, targets: [${targetId}], system: true}`
    : `    - id: base\n      manager: deb\n      targets: [${targetId}]\n      line: "deb ${facts.repository.uri} ${facts.repository.suite} main"\n      gpgKeys: [{path: ${facts.repository.key}}]`;
  return {
    'greeter.yaml': `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata:
  name: greeter
  version: "1.0.0"
  labels: {short: greeter, kind: application}
spec:
  requires:
    strong:
      - - {key: kind, operator: eq, values: [base-system]}
  images:
    - ref: ${facts.upstream}/team/greeter:1.0
      platforms: [linux/amd64, linux/arm64]
  files:
    - urls: ["${facts.file.url}"]
      digest: ${facts.file.digest}
      saveAs: greeter/settings.bin
`,
    'base-system.yaml': `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata:
  name: base-system
  version: "1.0.0"
  labels: {short: base, kind: base-system}
spec:
  targets:
    - ${target}
  images:
    - ref: ${facts.upstream}/team/greeter:1.0     # the same image as the greeter's: one entry, two users
      platforms: [linux/amd64]
  packageRepositories:
${repository}
  packages:
    - id: tools
      manager: deb
      target: ${targetId}
      repositories: [base]
      dependencies: closure
      include:
${facts.packages.map((name) => `        - {name: ${name}}`).join('\n')}
`,
    'project.yaml': `apiVersion: longshore.dev/v1alpha1
kind: Project
metadata: {name: quickstart}
spec:
  modules:
    - {bom: greeter.yaml}
    - {bom: base-system.yaml}
`,
  };
}
