// Which Compose files belong together: those that `docker compose` reads by itself in a folder, and alternatives beside them.
import { posix } from 'node:path';
import type { AdapterFile } from '../adapter.ts';

export const composePath = /(?:^|\/)(?:[\w.-]*compose[\w.-]*)\.(?:ya?ml|json)$/;

export interface ComposeProject {
  /** In the order in which later ones override earlier ones. */
  readonly merged: readonly AdapterFile[];
  /** Each stands for itself, over `merged`. */
  readonly alternatives: readonly AdapterFile[];
}

/** Compose takes the first of these (compose-spec, "Compose file"), and with it the override of the same stem. */
const defaults = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml', 'compose.json', 'docker-compose.json'];

/** One project a folder, the outermost first; `words` name files instead that are one project in this order. */
export function projectsOf(files: readonly AdapterFile[], words: readonly string[], warnings: string[]): ComposeProject[] {
  if (words.length > 0) {
    const merged = words.flatMap((word) => files.find(({ path }) => posix.normalize(path) === posix.normalize(word)) ?? []);
    warnings.push(...words.filter((word) => !merged.some(({ path }) => posix.normalize(path) === posix.normalize(word))).map((word) => `select: ${word} is no Compose file here`));
    return [{ merged, alternatives: [] }];
  }
  if (files.length === 1) return [{ merged: files, alternatives: [] }];
  const folders = Map.groupBy(files, ({ path }) => posix.dirname(posix.normalize(path)));
  return [...folders].sort(([a], [b]) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1)).map(([, members]) => {
    const named = (name: string | undefined): AdapterFile[] => members.filter(({ path }) => path.split('/').at(-1) === name);
    const [base] = defaults.flatMap(named);
    const stem = base?.path.split('/').at(-1)?.replace(/\.\w+$/, '');
    const overrides = base === undefined ? [] : ['yaml', 'yml', 'json'].flatMap((ending) => named(`${stem}.override.${ending}`)).slice(0, 1);
    const merged = [...(base === undefined ? [] : [base]), ...overrides];
    return { merged, alternatives: members.filter((file) => !merged.includes(file)) };
  });
}
