// Many rpms of a plausible shape: some dozens of files, a dozen relations, ten changelog entries. Chosen, not measured on a distribution.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rpmTag } from '../../formats/rpm/header.ts';
import { noise } from '../support/bytes.ts';
import { basicTags, makeRpm, type TagValue } from '../support/rpm-file.ts';
import { makeSignedRpm, type Sign } from '../support/rpm-signing.ts';

export interface RpmShape {
  readonly files: number;
  readonly requires: number;
  readonly changelogs: number;
  readonly payloadBytes: number;
}

export const usualRpm: RpmShape = { files: 60, requires: 12, changelogs: 10, payloadBytes: 256 << 10 };

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const strings = (value: readonly string[]): TagValue => ({ type: 'strings', value });
const numbers = (value: readonly number[]): TagValue => ({ type: 'int32', value });

function tagsOf(index: number, count: number, { files, requires, changelogs }: RpmShape): Map<number, TagValue> {
  const name = `mass-${index}`;
  const folders = ['/usr/bin/', `/usr/share/doc/${name}/`, `/usr/lib64/${name}/`, `/usr/share/${name}/plugins/available/`];
  return basicTags(name, [
    [rpmTag.provideName, strings([name, `${name}(x86-64)`])], [rpmTag.provideVersion, strings(['1-2', '1-2'])], [rpmTag.provideFlags, numbers([8, 8])],
    [rpmTag.requireName, strings(range(requires).map((each) => `mass-${(index + each * 7 + 1) % count}(x86-64)`))],
    [rpmTag.requireVersion, strings(range(requires).map(() => ''))], [rpmTag.requireFlags, numbers(range(requires).map(() => 16_384))],
    [rpmTag.baseNames, strings(range(files).map((each) => `${name}-part-${each}.data`))], [rpmTag.dirNames, strings(folders)], [rpmTag.dirIndexes, numbers(range(files).map((each) => each % folders.length))],
    [rpmTag.fileModes, { type: 'int16', value: range(files).map(() => 0o100644) }], [rpmTag.fileFlags, numbers(range(files).map(() => 0))],
    [rpmTag.changelogTime, numbers(range(changelogs).map((each) => 1_700_000_000 - each * 86_400))],
    [rpmTag.changelogName, strings(range(changelogs).map((each) => `A Packager <packager@example.org> - 1-${changelogs - each}`))],
    [rpmTag.changelogText, strings(range(changelogs).map((each) => `- Rebuild for the library of round ${each}\n- Resolves: example ${each * 7919}`))],
  ]);
}

/** `mass-0` and so on below `folder`/Packages; each requires some of the others. `sign`: over their headers. */
export async function writeRpms(folder: string, count: number, { shape = usualRpm, sign }: { readonly shape?: RpmShape; readonly sign?: Sign } = {}): Promise<void> {
  await mkdir(join(folder, 'Packages'), { recursive: true });
  for (let index = 0; index < count; index += 1) {
    const name = `mass-${index}`;
    const parts = { tags: tagsOf(index, count, shape), payload: noise(shape.payloadBytes, index + 1) };
    await writeFile(join(folder, `Packages/${name}-1-2.noarch.rpm`), sign === undefined ? makeRpm(name, parts) : await makeSignedRpm(name, { header: sign }, parts));
  }
}
