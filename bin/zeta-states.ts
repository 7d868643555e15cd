// Zeta's states of packages, as far as a repository machine knows them.
import { readStages } from '../store/stages.ts';
import { table } from './render.ts';

export interface ZetaState {
  readonly package: string;
  readonly versions: readonly string[];
  readonly state: 'staged' | 'absent';
  readonly instances: readonly string[];
}

/**
 * State by package: staged when a stage folder or a generation that is kept has it, absent when only a lock, an instance or a wish names it.
 * `imported` and `known` are (name, version) of modules; a label `short` is their name here.
 */
export async function zetaStates(root: string, modules: { readonly imported: readonly Named[]; readonly known: readonly Named[] }): Promise<readonly ZetaState[]> {
  const { stages, instances } = await readStages(root);
  const staged = [...stages.map(({ app, version }) => ({ name: app, version })), ...modules.imported];
  const names = [...new Set([...staged, ...modules.known, ...instances.map(({ app }) => ({ name: app }))].map(({ name }) => name))].sort();
  return names.map((name) => {
    const versions = [...new Set(staged.filter((each) => each.name === name).map(({ version }) => version))].sort();
    return {
      package: name, versions, state: versions.length > 0 ? 'staged' : 'absent',
      instances: instances.filter(({ app }) => app === name).map((each) => (versions.length > 1 ? `${each.name} (${each.version})` : each.name)).sort(),
    };
  });
}

export interface Named { readonly name: string; readonly version: string }

export function statesText(states: readonly ZetaState[]): string {
  return table([['PACKAGE', 'VERSIONS', 'STATE', 'INSTANCES (labels only)'], ...states.map((each) => [each.package, each.versions.join(',') || '-', each.state, each.instances.join(', ')])]);
}
