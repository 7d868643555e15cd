// Which machines packages are solved for and images are carried for: README "Targets".
import { canonicalJson } from './canonical-json.ts';
import type { ParsedBom, ParsedProject } from './documents/document.ts';
import type { BomTarget } from './documents/module-bom.ts';
import { didYouMean } from './documents/suggest.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { Position, Target } from './requirement.ts';

const archNames: Readonly<Record<string, string>> = {
  'x86_64': 'amd64', 'x86-64': 'amd64', 'x64': 'amd64', 'aarch64': 'arm64', 'armv8': 'arm64', 'i386': '386', 'i686': '386', 'armhf': 'arm', 'armv7': 'arm', 'armv7l': 'arm',
  'ppc64el': 'ppc64le', 'noarch': 'any', 'all': 'any',
};
const rpmNames: Readonly<Record<string, string>> = { 'amd64': 'x86_64', 'arm64': 'aarch64', '386': 'i686', 'arm': 'armv7hl' };

/** Go's name of an architecture, from any of the usual spellings. */
export function normalArch(arch: string): string {
  return archNames[arch] ?? arch;
}

/** os/arch[/variant] with Go's names; `all` stays. */
export function normalPlatform(platform: string): string {
  const [os = '', arch, ...variant] = platform.split('/');
  return arch === undefined ? os : [os, normalArch(arch), ...variant].join('/');
}

export interface ModuleTargets {
  /** The selected targets; empty when nobody declares one. */
  readonly selected: readonly Target[];
  /** Those of them that a module serves. */
  of(bom: ParsedBom): readonly Target[];
}

interface Declared { readonly target: Target; readonly at: Position; readonly by: string }

/**
 * The targets that the project selects among those that it and its modules declare (all of them when it names none).
 * Throws `RESOLVE_CONFLICT` when one id means two things, or a module serves none of the selected; `RESOLVE_NOT_FOUND` for an unknown id.
 */
export function selectTargets(boms: readonly ParsedBom[], project: ParsedProject): ModuleTargets {
  const declared = new Map<string, Declared>();
  for (const [index, target] of (project.value.spec?.targets ?? []).entries()) {
    if (typeof target !== 'string') declare(declared, target, project.positionOf(['spec', 'targets', index]), `project ${project.value.metadata.name}`);
  }
  for (const bom of boms) {
    for (const [index, target] of (bom.value.spec?.targets ?? []).entries()) declare(declared, target, bom.positionOf(['spec', 'targets', index]), `module ${bom.value.metadata.name}`);
  }
  const wanted = project.value.spec?.targets ?? [];
  const concrete = [...declared.values()].filter(({ target }) => target.family !== 'any');
  const ids = wanted.length > 0 ? wanted.map((target) => (typeof target === 'string' ? target : target.id)) : (concrete.length > 0 ? concrete : [...declared.values()]).map(({ target }) => target.id);
  const selected = [...new Set(ids)].sort().map((id) => {
    const found = declared.get(id);
    if (found !== undefined) return found.target;
    const index = wanted.indexOf(id);
    const known = [...declared.keys()].sort();
    throw new BundleError('RESOLVE_NOT_FOUND', {
      subject: formatPosition(project.positionOf(['spec', 'targets', index])), expected: `a target that a module declares (${known.join(', ') || 'none does'})`, actual: id,
      next: didYouMean(id, known) ?? 'Correct the id, or write the target with id, family, os, release and arch.',
    });
  });
  const served = new Map(boms.map((bom) => [bom, servedBy(bom, selected)]));
  return { selected, of: (bom) => served.get(bom) ?? selected };
}

function declare(declared: Map<string, Declared>, written: BomTarget, at: Position, by: string): void {
  const target = targetOf(written);
  const before = declared.get(target.id);
  if (before === undefined) { declared.set(target.id, { target, at, by }); return; }
  if (canonicalJson(before.target) === canonicalJson(target)) return;
  throw new BundleError('RESOLVE_CONFLICT', {
    subject: `target ${target.id}`, expected: 'one meaning of a target id',
    actual: `${canonicalJson(before.target)} (${before.by}, ${formatPosition(before.at)}) and ${canonicalJson(target)} (${by}, ${formatPosition(at)})`,
    next: 'Give one of them another id, or make both the same.',
  });
}

function targetOf({ annotations: _, ...written }: BomTarget): Target {
  const arch = normalArch(written.arch);
  const isRpm = written.family === 'rhel' || written.family === 'suse';
  const basearch = written.basearch ?? (isRpm ? rpmNames[arch] ?? arch : undefined);
  const releasever = written.releasever ?? (isRpm ? written.release : undefined);
  return {
    id: written.id, family: written.family, arch,
    ...(written.os === undefined ? {} : { os: written.os }),
    ...(written.release === undefined ? {} : { release: written.release }),
    ...(written.foreignArches === undefined ? {} : { foreignArches: written.foreignArches.map(normalArch) }),
    ...(releasever === undefined ? {} : { releasever }),
    ...(basearch === undefined ? {} : { basearch }),
  };
}

function servedBy(bom: ParsedBom, selected: readonly Target[]): readonly Target[] {
  const own = bom.value.spec?.targets ?? [];
  if (own.length === 0 || selected.length === 0) return selected;
  const any = own.filter((target) => target.family === 'any').map((target) => normalArch(target.arch));
  const served = selected.filter((target) => own.some(({ id }) => id === target.id) || any.some((arch) => arch === 'any' || arch === target.arch));
  if (served.length > 0) return served;
  throw new BundleError('RESOLVE_CONFLICT', {
    subject: `${formatPosition(bom.positionOf(['spec', 'targets']))}: module ${bom.value.metadata.name}`,
    expected: `one of the selected targets: ${selected.map(({ id }) => id).join(', ')}`, actual: `it serves ${own.map(({ id }) => id).join(', ')}`,
    next: 'Select a target that the module serves, or leave the module out.',
  });
}

/** Platforms of images that do not say their own: those of the targets, everything where an architecture is open. */
export function platformsOf(targets: readonly Target[]): readonly string[] {
  if (targets.length === 0 || targets.some(({ arch }) => arch === 'any')) return ['all'];
  return [...new Set(targets.map(({ arch }) => `linux/${arch}`))].sort();
}
