// What `@name` stands for: a group or an environment of comps.xml, or a module with its profiles; dnf(8), "Specifying Groups" and "Specifying Modules".
import { BundleError } from '../../bom/errors.ts';
import { globToRegExp, isGlob } from '../../formats/deb/version.ts';
import type { Comps, CompsGroup, CompsPackage } from '../../formats/rpm/comps.ts';
import { type ActiveModules, byNumber } from './solv-modules.ts';

/** A package that a group or profile names; what does not exist is passed over, as dnf does. */
export interface GroupMember {
  readonly name: string;
  /** Wanted only when this one is there. */
  readonly condition?: string;
  /** Of a module: `name-epoch:version-release.arch` of its packages. These alone and those of hotfix repositories are meant, where there are any. */
  readonly artifacts?: ReadonlySet<string>;
}

/** dnf.conf(5), "group_package_types". */
const usualTypes: readonly CompsPackage['type'][] = ['mandatory', 'default', 'conditional'];

function membersOf(group: CompsGroup, types: readonly string[]): GroupMember[] {
  return group.packages.filter(({ type }) => types.includes(type)).map(({ name, type, requires }) => (type === 'conditional' && requires !== undefined ? { name, condition: requires } : { name }));
}

const named = (wanted: string) => (item: { readonly id: string; readonly name: string }): boolean => {
  const pattern = isGlob(wanted) ? globToRegExp(wanted) : undefined;
  return pattern === undefined ? item.id === wanted || item.name === wanted : pattern.test(item.id) || pattern.test(item.name);
};

/** Members of every group and environment of that id or name, of the types that stand behind a slash (`core/mandatory,optional`), else of the usual ones; undefined when there is none. Groups that an environment only offers are not taken, whether by default or not, as with dnf 4. Throws `RESOLVE_NOT_FOUND` for a type that there is not. */
export function groupMembers(comps: readonly Comps[], spec: string): GroupMember[] | undefined {
  const [wanted = '', written] = spec.split('/');
  const types = written?.split(',') ?? usualTypes;
  const groups = comps.flatMap((each) => each.groups);
  const environments = comps.flatMap((each) => each.environments).filter(named(wanted));
  const direct = groups.filter(named(wanted));
  if (environments.length === 0 && direct.length === 0) return undefined;
  const unknown = types.find((type) => ![...usualTypes, 'optional'].includes(type));
  if (unknown !== undefined) throw new BundleError('RESOLVE_NOT_FOUND', { subject: `@${spec}`, expected: 'after the slash mandatory, default, conditional or optional, several with commas', actual: unknown });
  const ids = new Set(environments.flatMap((item) => item.groups));
  const all = [...new Set([...direct, ...groups.filter(({ id }) => ids.has(id))])];
  return all.flatMap((group) => membersOf(group, types));
}

/** `name`, `name:stream`, `name/profile`, `name:stream/profile`, also with version, context and architecture, which choose nothing here. */
export function parseModuleSpec(text: string): { readonly name: string; readonly stream?: string; readonly profile?: string } | undefined {
  const [, name, stream, profile] = /^([^:/\s]+)(?::([^:/\s]*)(?::[^/\s]*)?)?(?:\/(\S+))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return { name, ...(stream === undefined || stream === '' ? {} : { stream }), ...(profile === undefined ? {} : { profile }) };
}

/** Packages of the profiles of a module's newest build; undefined when there is no such module. */
export function moduleMembers(modules: ActiveModules, wanted: string): GroupMember[] | undefined {
  const spec = parseModuleSpec(wanted);
  if (spec === undefined || !modules.all.some(({ name }) => name === spec.name)) return undefined;
  const stream = spec.stream ?? modules.streamOf(spec.name);
  const builds = modules.streams.filter((item) => item.name === spec.name && item.stream === stream);
  if (stream === undefined || builds.length === 0) {
    throw new BundleError('RESOLVE_UNSOLVABLE', { subject: `module ${wanted}`, expected: 'a stream that can be enabled', actual: stream === undefined ? 'no stream is named and none is the default' : `stream ${stream} needs streams that are not enabled` });
  }
  const newest = builds.reduce((best, item) => (byNumber(item.version, best.version) > 0 ? item : best));
  const known = Object.keys(newest.profiles);
  const { profile: wantedProfile = '' } = spec;
  const matching = isGlob(wantedProfile) ? known.filter((name) => globToRegExp(wantedProfile).test(name)) : [];
  const profiles = spec.profile === undefined ? modules.defaultProfiles(spec.name, stream) : matching.length > 0 ? matching : [spec.profile];
  const missing = profiles.find((profile) => !known.includes(profile));
  if (missing !== undefined || profiles.length === 0) {
    throw new BundleError('RESOLVE_NOT_FOUND', { subject: `module ${wanted}`, expected: `one of the profiles ${known.sort().join(', ') || '(none)'}`, actual: missing ?? 'none named and no default', next: `Name a profile: @${spec.name}:${stream}/PROFILE.` });
  }
  const artifacts = new Set(builds.flatMap((item) => item.artifacts));
  return [...new Set(profiles.flatMap((profile) => newest.profiles[profile] ?? []))].map((name) => ({ name, artifacts }));
}
