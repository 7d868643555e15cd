// What becomes of output that cannot be written: a full disk, a reader that went away, a working directory that was removed.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { launcherPath, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

const sh = (script: string, cwd?: string) => run('bash', ['-c', script, launcherPath], cwd === undefined ? {} : { cwd });

it('a disk that is full under stdout is a storage error, not a defect', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(launcherPath, ['--version'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => { told += chunk.toString(); });
  const status = await new Promise((done) => child.once('close', done));
  expect(told).toContain('the disk is full');
  expect(told).toContain('STORAGE_SPACE');
  expect(status).toBe(6);
});

it('a reader that leaves does not end the work, whichever of stdout and stderr it read', async () => {
  const folder = await temporaryFolder('output');
  // The write end has no reader any more when the program begins.
  const gone = 'exec 3> >(true); wait $!;';
  expect(await sh(`${gone} "$0" --version >&3; echo $?`, folder)).toMatchObject({ stdout: '0\n' });
  expect(await sh(`${gone} "$0" keygen --name x -o a >&3 2>&3; echo $?; ls`, folder)).toMatchObject({ stdout: '0\na.asc\na.key\n' });
  expect(await sh(`${gone} "$0" keygen --name x -o a 2>&3; echo $?`, folder)).toMatchObject({ stdout: '2\n' });
});

it('a working directory that was removed is an input error', async () => {
  const folder = await temporaryFolder('gone');
  const cwd = join(folder, 'cwd');
  await mkdir(cwd);
  const outcome = await sh('rmdir "$PWD"; "$0" lock -f x.yaml --store store; echo $?', cwd);
  expect(outcome.stdout).toBe('2\n');
  expect(outcome.stderr).not.toContain('defect');
});
