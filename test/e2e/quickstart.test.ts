// The README's first command, as it runs on this machine and as it runs on one that is no Debian.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const script = join(projectRoot, 'scripts/quickstart.ts');
const proofs = [/pulled \S+\/team\/greeter:1\.0 for amd64: the upstream's digest/, /for arm64: the upstream's digest/, /the same bytes/, /every \.deb checked/, /nothing is left running/];

it('goes the whole way with the machine’s own apt sources, and leaves nothing running', async () => {
  const folder = await temporaryFolder('quickstart');
  const { status, stdout, stderr } = await run(process.execPath, [script], { cwd: folder });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toContain("this machine's own apt sources");
  for (const proof of proofs) expect(stdout).toMatch(proof);
  const { stdout: processes } = await run('pgrep', ['-af', folder]);
  expect(processes.split('\n').filter((line) => line.includes('longshore'))).toEqual([]);
});

it('goes the whole way on a system without apt', async () => {
  const folder = await temporaryFolder('quickstart');
  await writeFile(join(folder, 'os-release'), 'ID=other\nVERSION_ID="1"\n');
  // A mount of its own hides what the machine is.
  const { status, stdout } = await run('unshare', ['-m', 'sh', '-c', `mount --bind os-release "$(readlink -f /etc/os-release)" && exec "$0" "$1"`, process.execPath, script], { cwd: folder });
  expect(stdout).toContain('a small signed apt repository was generated');
  for (const proof of proofs) expect(stdout).toMatch(proof);
  expect(stdout).toContain('2 packages (greeter');
  expect(status).toBe(0);
});
