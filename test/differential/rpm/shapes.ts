/** Kinds of small universes; `every` leaves out nothing. */
import type { RpmShape } from './random-rpms.ts';

const base: RpmShape = { conflicts: 0, obsoletes: 0, rich: 0, architectures: ['mixed'], repositories: 1, twins: false };

export const shapes: Readonly<Record<string, RpmShape>> = {
  plain: base,
  conflicts: { ...base, conflicts: 0.25 },
  obsoletes: { ...base, obsoletes: 0.15, conflicts: 0.05 },
  rich: { ...base, rich: 0.35, conflicts: 0.05 },
  architectures: { ...base, architectures: ['x86_64', 'i686'] },
  twins: { ...base, architectures: ['x86_64', 'i686'], twins: true, obsoletes: 0.05 },
  repositories: { ...base, repositories: 2 },
  every: { conflicts: 0.15, obsoletes: 0.1, rich: 0.2, architectures: ['mixed', 'i686'], repositories: 2, twins: true },
};
