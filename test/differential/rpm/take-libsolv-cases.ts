// bin/pinned-node test/differential/rpm/take-libsolv-cases.ts FOLDER: copies the cases that fit out of an unpacked libsolv (see fetch-libsolv-cases.ts),
// with its licence, and lists those left out with the reason.
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readLibsolvCase } from './libsolv-case.ts';

const source = process.argv[2] ?? '.';
const folder = join(source, 'test/testcases');
const target = join(import.meta.dirname, '../../fixtures/libsolv');
const leftOut: string[] = [];
for (const file of (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.t')).sort()) {
  const read = readLibsolvCase(await readFile(join(folder, file), 'utf8'));
  if ('leftOut' in read) leftOut.push(`| ${file} | ${read.leftOut} |`);
  else {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await copyFile(join(folder, file), join(target, file));
  }
}
await copyFile(join(source, 'LICENSE.BSD'), join(target, 'LICENSE.BSD'));
await writeFile(join(target, 'README.md'), `# libsolv's test cases

From libsolv's source (BSD, see LICENSE.BSD), unchanged, by \`take-libsolv-cases.ts\`. Of a case with several jobs, those up to the first that does not
fit are asserted. Left out, because they ask for what is not asked of a list of packages to install, on an empty machine or on one that has something:

| case | reason |
|---|---|
${leftOut.join('\n')}
`);
