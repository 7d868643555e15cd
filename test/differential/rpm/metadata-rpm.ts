// An .rpm that has relations but no content: enough for `rpm --justdb -i`. Paths are among what it provides, which is the same to a solver.
import { formatEvr } from '../../../formats/rpm/evr.ts';
import { rpmTag } from '../../../formats/rpm/header.ts';
import type { RpmRelation } from '../../../formats/rpm/relation.ts';
import { basicTags, makeRpm, type TagValue } from '../../support/rpm-file.ts';
import type { MadePackage } from './debian-universe.ts';

const flagOf = { '=': 8, '<': 2, '<=': 10, '>': 4, '>=': 12 } as const;
const tagsOf = {
  provides: [rpmTag.provideName, rpmTag.provideVersion, rpmTag.provideFlags], requires: [rpmTag.requireName, rpmTag.requireVersion, rpmTag.requireFlags], conflicts: [rpmTag.conflictName, rpmTag.conflictVersion, rpmTag.conflictFlags],
  obsoletes: [rpmTag.obsoleteName, rpmTag.obsoleteVersion, rpmTag.obsoleteFlags], recommends: [rpmTag.recommendName, rpmTag.recommendVersion, rpmTag.recommendFlags],
  suggests: [rpmTag.suggestName, rpmTag.suggestVersion, rpmTag.suggestFlags], supplements: [rpmTag.supplementName, rpmTag.supplementVersion, rpmTag.supplementFlags], enhances: [rpmTag.enhanceName, rpmTag.enhanceVersion, rpmTag.enhanceFlags],
} as const;

const strings = (value: readonly string[]): TagValue => ({ type: 'strings', value });

function relationTags(kind: keyof typeof tagsOf, relations: readonly RpmRelation[]): (readonly [number, TagValue])[] {
  if (relations.length === 0) return [];
  const [name, version, flags] = tagsOf[kind];
  return [
    [name, strings(relations.map((each) => each.name))], [version, strings(relations.map(({ evr }) => (evr === undefined ? '' : formatEvr(evr))))],
    [flags, { type: 'int32', value: relations.map(({ op }) => (op === undefined ? 0 : flagOf[op])) }],
  ];
}

export function metadataRpm({ name, evr, arch, deps, files }: MadePackage): Buffer {
  const kinds = Object.keys(tagsOf) as (keyof typeof tagsOf)[];
  return makeRpm(name, {
    tags: basicTags(name, [
      [rpmTag.version, { type: 'string', value: evr.version }], [rpmTag.release, { type: 'string', value: evr.release }], [rpmTag.arch, { type: 'string', value: arch }],
      // OS and PAYLOADFORMAT, without which rpm installs nothing.
      [1021, { type: 'string', value: 'linux' }], [1124, { type: 'string', value: 'cpio' }],
      ...(evr.epoch === 0 ? [] : [[rpmTag.epoch, { type: 'int32', value: [evr.epoch] }]] as const),
      ...kinds.flatMap((kind) => relationTags(kind, kind === 'provides' ? [...deps.provides, ...files.map((path) => ({ name: path }))] : deps[kind])),
    ]),
  });
}
