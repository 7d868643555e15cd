import type { Command } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import type { Lock, LockedPackage } from '../../bom/lock.ts';
import { defineCommand, lockOption } from '../context.ts';
import { readLock } from '../documents.ts';

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

export function registerWhy(program: Command): void {
  defineCommand<{ readonly lock: string }>(program, 'why <name>', {
    description: 'who asked for something in the lock, over which packages, and which options were passed over',
    flags: [lockOption()],
    action: async (context, flags, [name = '']) => {
      const lock = readLock(flags.lock);
      const { images, files, packages, packageSets } = lock.spec;
      const found = packages.filter((item) => item.name === name).map((item) => ({
        target: item.target, name: item.name, version: item.version, arch: item.arch, repository: item.repo === '' ? item.urls[0] ?? 'a file of its own' : item.repo, reason: item.reason, usedBy: item.usedBy, sets: item.sets,
        chain: chainOf(lock, item).map((each) => ({ name: each.name, version: each.version, reason: each.reason })),
        rejected: packageSets.filter((set) => item.sets.includes(set.id)).flatMap((set) => set.rejected ?? []).filter((each) => each.for === name || isOf(each.chosen, name) || isOf(each.option, name)),
      }));
      const others = [
        ...images.filter((image) => image.ref === name || image.ref.includes(name)).map((image) => ({ kind: 'image', name: image.ref, usedBy: image.usedBy })),
        ...files.filter((file) => file.name === name || file.name.includes(name)).map((file) => ({ kind: 'file', name: file.name, usedBy: file.usedBy })),
      ];
      const passedOver = packageSets.flatMap((set) => (set.rejected ?? []).filter((each) => isOf(each.option, name)).map((each) => ({ set: set.id, ...each })));
      if (found.length === 0 && others.length === 0 && passedOver.length === 0) {
        throw new BundleError('RESOLVE_NOT_FOUND', { subject: name, expected: `a package, image or file of ${flags.lock}`, actual: 'none of that name', next: 'Check the name; `longshore bom show -f PROJECT` lists what is asked for.' });
      }
      context.print({ packages: found, others, passedOver }, [
        ...found.flatMap((item) => [
          `${item.name} ${item.version} ${item.arch} (${item.target}, from ${item.repository}), for ${item.usedBy.join(', ')}`,
          ...item.chain.map((each, depth) => `  ${'  '.repeat(depth)}${each.name} ${each.version}: ${depth === item.chain.length - 1 && each.reason === 'requested' ? 'asked for' : each.reason}`),
          ...item.rejected.map((each) => `  ${each.for === each.relation ? '' : `${each.for} needs ${each.relation}: `}${each.option} was passed over, ${each.because}${each.chosen === undefined ? '' : `; ${each.chosen} was taken`}`),
        ]),
        ...others.map((item) => `${item.kind} ${item.name}, for ${item.usedBy.join(', ')}`),
        ...(found.length > 0 ? [] : passedOver.map((each) => `${name} is not in the lock: ${each.for} needs ${each.relation}, and it was passed over, ${each.because}`)),
      ].join('\n'));
    },
  });
}
