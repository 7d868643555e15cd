import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parseModuleBom } from '../../bom/documents/document.ts';
import { epirepoBom } from '../../bin/epirepo-bom.ts';
import { temporaryFolder } from '../support/temporary.ts';

async function warningsFor(names: readonly string[]): Promise<readonly string[] | undefined> {
  const folder = await temporaryFolder('epirepo-bom');
  for (const name of names) {
    await mkdir(dirname(join(folder, 'tree', name)), { recursive: true });
    await writeFile(join(folder, 'tree', name), name);
  }
  const out = join(folder, 'bom.yaml');
  const result = await epirepoBom(join(folder, 'tree'), out, new AbortController().signal);
  if (result !== undefined) expect(parseModuleBom(await readFile(out, 'utf8'), out).value.spec?.files).toHaveLength(names.length);
  return result?.warnings;
}

it('packages without an index are carried, and it is said that they are only files', async () => {
  expect(await warningsFor(['files/a.tgz', 'packages/b.deb', 'packages/sub/c.deb', 'packages/d.rpm'])).toEqual([
    expect.stringMatching(/^2 \.deb files below packages\/ have no index: .*dpkg-scanpackages/), expect.stringMatching(/^1 \.rpm files .*\(the first: packages\/d\.rpm\).*createrepo_c/),
  ]);
});

it.each([
  ['an index beside them', ['files/a', 'packages/Packages.gz', 'packages/b.deb']],
  ['an index above them', ['files/a', 'packages/Packages', 'packages/pool/b.deb']],
  ['metadata of yum', ['files/a', 'packages/repodata/repomd.xml', 'packages/b.rpm']],
  ['no packages', ['files/a', 'packages/readme']],
])('nothing is said of %s', async (_, names) => {
  expect(await warningsFor(names)).toEqual([]);
});

it('an index of one kind is none of the other, nor of a folder beside it', async () => {
  expect(await warningsFor(['files/a', 'packages/x/Packages', 'packages/xy/b.deb', 'packages/x/c.rpm'])).toHaveLength(2);
});

it('another folder is no such tree', async () => {
  expect(await warningsFor(['other/a'])).toBeUndefined();
});
