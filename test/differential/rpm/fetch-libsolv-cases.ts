// bin/pinned-node test/differential/rpm/fetch-libsolv-cases.ts FOLDER: unpacks Debian's source package of libsolv there, by the machine's own apt.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { machineSources, makeAptRoot } from '../../support/apt-root.ts';
import { must } from '../../support/command.ts';

const target = resolve(process.argv[2] ?? '.');
const root = await mkdtemp(join(tmpdir(), 'longshore-libsolv-'));
try {
  const sources = (await machineSources()).replaceAll(/^Types:.*$/gm, 'Types: deb-src');
  const apt = await makeAptRoot(root, { architecture: 'amd64', sources });
  await apt.mustApt(['update', '-qq']);
  await mkdir(target, { recursive: true });
  const uris = await apt.mustApt(['source', '-qq', '--print-uris', '--download-only', 'libsolv']);
  const [, uri = ''] = /^'([^']+\.orig\.tar\.\w+)'/m.exec(uris) ?? [];
  await must('/usr/lib/apt/apt-helper', ['download-file', uri, join(root, 'libsolv.tar')], { env: { APT_CONFIG: join(root, 'apt.conf') } });
  await must('tar', ['-xf', join(root, 'libsolv.tar'), '-C', target, '--strip-components=1', '--wildcards', '*/test/testcases', '*/LICENSE.BSD']);
  process.stdout.write(`${(await readdir(join(target, 'test/testcases'), { recursive: true })).filter((name) => name.endsWith('.t')).length} cases in ${target}\n`);
} finally {
  await rm(root, { recursive: true, force: true });
}
