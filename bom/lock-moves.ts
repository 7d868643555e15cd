// What moved from one lock to the next, in the words of a person who ran `lock --update`.
import type { Lock } from './lock.ts';

export interface Move {
  readonly kind: 'module' | 'image' | 'file' | 'package' | 'chart' | 'git';
  readonly name: string;
  /** A version, or the digest or commit where there is none; missing: it was not there. Several versions side by side are joined with a comma. */
  readonly before?: string;
  readonly after?: string;
}

const kinds: readonly Move['kind'][] = ['module', 'image', 'file', 'package', 'chart', 'git'];

/** Artifacts and modules that came, went or have other content, by kind and name. */
export function movesBetween(before: Lock, after: Lock): Move[] {
  const [old, now] = [statesOf(before), statesOf(after)];
  const keys = [...new Set([...old.keys(), ...now.keys()])].sort();
  return keys.flatMap((key): Move[] => {
    const [was, is] = [old.get(key), now.get(key)];
    const { kind, name } = was ?? is ?? {};
    if (kind === undefined || name === undefined || was?.content === is?.content) return [];
    // The same version with other bytes says so by its digests.
    const [from, to] = was?.version === is?.version ? [was?.content, is?.content] : [was?.version, is?.version];
    return [{ kind, name, ...(from === undefined ? {} : { before: from }), ...(to === undefined ? {} : { after: to }) }];
  }).sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

interface State { readonly kind: Move['kind']; readonly name: string; readonly version: string; readonly content: string }

function statesOf({ spec }: Lock): Map<string, State> {
  const states: State[] = [
    ...spec.boms.map(({ name, version, digest }): State => ({ kind: 'module', name, version: version === '' ? digest : version, content: digest })),
    ...spec.images.map(({ ref, digest }): State => ({ kind: 'image', name: ref, version: digest, content: digest })),
    ...spec.files.map(({ name, digest }): State => ({ kind: 'file', name, version: digest, content: digest })),
    ...spec.packages.map(({ target, name, arch, version, digest }): State => ({ kind: 'package', name: `${target} ${name}:${arch}`, version, content: digest })),
    ...spec.charts.map(({ name, version, digest }): State => ({ kind: 'chart', name, version, content: digest })),
    ...spec.git.map(({ name, commit, digest }): State => ({ kind: 'git', name, version: commit, content: digest })),
  ];
  const joined = (values: readonly string[]): string => [...new Set(values)].sort().join(', ');
  return new Map([...Map.groupBy(states, ({ kind, name }) => `${kind} ${name}`)].flatMap(([key, group]) => {
    const [first] = group;
    return first === undefined ? [] : [[key, { ...first, version: joined(group.map(({ version }) => version)), content: joined(group.map(({ content }) => content)) }] as const];
  }));
}

/** One line: `image docker.io/library/redis:7: sha256:0123456789ab -> sha256:ba9876543210`. Digests and commits are cut to twelve digits. */
export function moveText({ kind, name, before, after }: Move): string {
  const short = (text: string): string => text.replace(/\b((?:sha256:)?[0-9a-f]{12})[0-9a-f]{28,}\b/g, '$1');
  if (before === undefined) return `new ${kind} ${name}${after === undefined ? '' : `: ${short(after)}`}`;
  return after === undefined ? `no longer ${kind} ${name}: ${short(before)}` : `${kind} ${name}: ${short(before)} -> ${short(after)}`;
}
