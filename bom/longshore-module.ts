// longshore as a LambdaStack module: what its `metadata` command says, and its section of a module list says too (module/v1.yaml).

export const moduleMetadata = {
  labels: {
    'name': 'longshore',
    'short': 'longshore',
    'kind': 'repository',
    'provider': 'any',
    'core-technology': 'longshore',
    'provides-container-registry': 'true',
    'provides-apt-repository': 'true',
    'provides-yum-repository': 'true',
    'provides-file-repository': 'true',
    'provides-helm-repository': 'true',
  },
  requires: {},
  influences: [],
} as const;

/** With the version of the program that is asked. */
export function metadataOf(version: string): { readonly labels: Readonly<Record<string, string>>; readonly requires: object; readonly influences: readonly unknown[] } {
  const { name, short, ...rest } = moduleMetadata.labels;
  return { labels: { version, name, short, ...rest }, requires: moduleMetadata.requires, influences: moduleMetadata.influences };
}
