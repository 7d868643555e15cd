import type { Command } from 'commander';
import { formatPosition } from '../../bom/documents/yaml-tree.ts';
import { BundleError } from '../../bom/errors.ts';
import type { Lock, LockedPackage } from '../../bom/lock.ts';
import type { Position } from '../../bom/requirement.ts';
import { aggregateInputs, fileOption, type Inputs } from '../aggregation.ts';
import { defineCommand, lockOption, type NetworkFlags, networkOptions } from '../context.ts';
import { readLock } from '../documents.ts';
import { accessOf } from '../remote-modules.ts';

/** From the package back to one that was asked for: who needs whom, and by which relation. */
function chainOf(lock: Lock, item: LockedPackage): readonly LockedPackage[] {
  const chain = [item];
  for (let at = item; at.requiredBy !== undefined && chain.length < 1000;) {
    const wanted = at.requiredBy;
    const next = lock.spec.packages.find((each) => each.name === wanted && each.target === item.target && each.sets.some((set) => item.sets.includes(set)));
    if (next === undefined || chain.includes(next)) break;
    chain.push(next);
    at = next;
  }
  return chain;
}

/** Whether `item`, a name with or without a version behind it, is of that name. */
const isOf = (item: string | undefined, name: string): boolean => item === name || item?.startsWith(`${name} `) === true;

/** Where the documents ask for it: an image, file, chart or git repository of the lock by its name. */
function askedAt(inputs: Inputs | undefined, kind: string, name: string): readonly string[] {
  if (inputs === undefined) return [];
  const wanted: Readonly<Record<string, readonly { readonly at: readonly Position[] }[]>> = {
    image: inputs.images.filter(({ ref }) => ref === name), file: inputs.files.filter((file) => file.name === name),
    chart: inputs.charts.filter((chart) => chart.name === name), git: inputs.git.filter((git) => git.name === name),
  };
  return [...new Set((wanted[kind] ?? []).flatMap(({ at }) => at).map(formatPosition))];
}

/** Where the documents ask for a package: its line in the sets that brought it, else the sets. */
function packageAskedAt(inputs: Inputs | undefined, sets: readonly string[], name: string): readonly string[] {
  const found = (inputs?.packageSets ?? []).filter(({ id }) => sets.includes(id));
  const lines = found.flatMap(({ include }) => include.filter(({ pin, spec }) => pin?.name === name || spec === name || (spec.startsWith(name) && /^[:=/ .-]/.test(spec.slice(name.length)))));
  return [...new Set((lines.length > 0 ? lines.map(({ at }) => at) : found.flatMap(({ at }) => at)).map(formatPosition))];
}

export function registerWhy(program: Command): void {
  defineCommand<{ readonly lock: string; readonly file?: readonly string[] } & NetworkFlags>(program, 'why <name>', {
    description: 'who asked for something in the lock, over which packages, and which options were passed over; with -f also at which line of the documents',
    flags: [lockOption(), fileOption().makeOptionMandatory(false), ...networkOptions()],
    action: async (context, flags, [name = '']) => {
      const lock = readLock(flags.lock);
      const { images, files, packages, packageSets, charts, git } = lock.spec;
      const inputs = flags.file === undefined ? undefined : await aggregateInputs(flags.file, accessOf(context, flags));
      const found = packages.filter((item) => item.name === name).map((item) => ({
        target: item.target, name: item.name, version: item.version, arch: item.arch, repository: item.repo === '' ? item.urls[0] ?? 'a file of its own' : item.repo, reason: item.reason, usedBy: item.usedBy, sets: item.sets,
        at: packageAskedAt(inputs, item.sets, chainOf(lock, item).at(-1)?.name ?? name),
        chain: chainOf(lock, item).map((each) => ({ name: each.name, version: each.version, reason: each.reason })),
        rejected: packageSets.filter((set) => item.sets.includes(set.id)).flatMap((set) => set.rejected ?? []).filter((each) => each.for === name || isOf(each.chosen, name) || isOf(each.option, name)),
      }));
      const others = [
        ...images.filter((image) => image.ref === name || image.ref.includes(name)).map((image) => ({ kind: 'image', name: image.ref, usedBy: image.usedBy, at: askedAt(inputs, 'image', image.ref) })),
        ...files.filter((file) => file.name === name || file.name.includes(name)).map((file) => ({ kind: 'file', name: file.name, usedBy: file.usedBy, at: askedAt(inputs, 'file', file.name) })),
        ...charts.filter((chart) => chart.name.includes(name)).map((chart) => ({ kind: 'chart', name: `${chart.name} ${chart.version}`, usedBy: chart.usedBy, at: askedAt(inputs, 'chart', chart.name) })),
        ...git.filter((item) => item.name.includes(name) || item.url.includes(name)).map((item) => ({ kind: 'git', name: `${item.name} ${item.commit}`, usedBy: item.usedBy, at: askedAt(inputs, 'git', item.name) })),
      ];
      const passedOver = packageSets.flatMap((set) => (set.rejected ?? []).filter((each) => isOf(each.option, name)).map((each) => ({ set: set.id, ...each })));
      if (found.length === 0 && others.length === 0 && passedOver.length === 0) {
        throw new BundleError('RESOLVE_NOT_FOUND', { subject: name, expected: `a package, image, file, chart or git repository of ${flags.lock}`, actual: 'none of that name', next: 'Check the name; `longshore bom show -f PROJECT` lists what is asked for.' });
      }
      context.print({ packages: found, others, passedOver }, [
        ...found.flatMap((item) => [
          `${item.name} ${item.version} ${item.arch} (${item.target}, from ${item.repository}), for ${item.usedBy.join(', ')}`,
          ...item.chain.map((each, depth) => `  ${'  '.repeat(depth)}${each.name} ${each.version}: ${depth === item.chain.length - 1 && each.reason === 'requested' ? 'asked for' : each.reason}`),
          ...item.at.map((place) => `  at ${place}`),
          ...item.rejected.map((each) => `  ${each.for === each.relation ? '' : `${each.for} needs ${each.relation}: `}${each.option} was passed over, ${each.because}${each.chosen === undefined ? '' : `; ${each.chosen} was taken`}`),
        ]),
        ...others.flatMap((item) => [`${item.kind} ${item.name}, for ${item.usedBy.join(', ')}`, ...item.at.map((place) => `  at ${place}`)]),
        ...(found.length > 0 ? [] : passedOver.map((each) => `${name} is not in the lock: ${each.for} needs ${each.relation}, and it was passed over, ${each.because}`)),
      ].join('\n'));
    },
  });
}
