import { BundleError } from '../../bom/errors.ts';
import type { YumChosen, YumEngine } from '../../downloader/sources/yum-question.ts';
import { archPolicy } from '../../downloader/solver/solv-arch.ts';
import { SolvView } from '../../downloader/solver/solv-view.ts';

/** Takes the newest of what provides each relation, and never thinks twice: for tests of everything around the solver. */
export const simpleEngine: YumEngine = (question) => {
  const { universe, excluded } = question;
  const considered = Uint8Array.from({ length: universe.count }, (_, id) => Number(!excluded.has(id)));
  const view = new SolvView(universe, archPolicy(question.arch), considered);
  const chosen = new Map<number, YumChosen>();
  const take = (id: number, reason: string, requiredBy?: number): void => {
    if (chosen.has(id) || universe.repositoryOf(id).installed === true) return;
    chosen.set(id, { solvable: id, reason, ...(requiredBy === undefined ? {} : { requiredBy }) });
    if (question.mode === 'none' || (question.mode === 'direct' && reason !== 'requested')) return;
    for (const relation of universe.dependenciesOf(id, 'requires')) {
      const providers = view.providers(relation);
      if (universe.text(universe.relationName(relation)).startsWith('rpmlib(') || [...providers].some((each) => chosen.has(each) || universe.repositoryOf(each).installed === true)) continue;
      const best = providers.at(-1);
      if (best === undefined) throw new BundleError('RESOLVE_UNSOLVABLE', { subject: universe.nevra(id), expected: 'what it requires', actual: universe.text(universe.relationName(relation)) });
      take(best, 'requires', id);
    }
  };
  try {
    return decide();
  } finally {
    for (const path of view.unknownPaths) question.unknownPaths.add(path);
  }

  function decide(): ReturnType<YumEngine> {
  for (const id of question.wanted) take(id, 'requested');
  for (const spec of question.specs) {
    const found: number[] = [];
    for (let id = 1; id < universe.count; id += 1) if (considered[id] === 1 && [universe.nameText(id), `${universe.nameText(id)}-${universe.versionText(id)}`].includes(spec)) found.push(id);
    const last = found.at(-1);
    if (last === undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject: `package ${spec}`, expected: 'a package', actual: 'none' });
    take(last, 'requested');
  }
  return { chosen: [...chosen.values()], rejected: [], notes: [], exact: true };
  }
};
