// The repository machine's key when several processes look for it at once.
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { machineKey } from '../../bin/machine-key.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('machine-key');
const now = new Date('2026-03-01T00:00:00Z');

it('is one key, whoever makes it first, and the one on the disk', async () => {
  const root = join(folder, 'a');
  const keys = await Promise.all([machineKey(root, now), machineKey(root, now), machineKey(root, now)]);
  const later = await machineKey(root, now);
  expect(new Set([...keys, later].map(({ signer }) => signer.fingerprint)).size).toBe(1);
  expect(new Set([...keys, later].map(({ publicKey }) => publicKey)).size).toBe(1);
  expect(await readFile(join(root, 'keys/machine.asc'), 'utf8')).toBe(later.publicKey);
  expect((await stat(join(root, 'keys/machine.key'))).mode & 0o777).toBe(0o600);
});

it('gets its public part back when that is missing', async () => {
  const root = join(folder, 'b');
  const { publicKey } = await machineKey(root, now);
  await rm(join(root, 'keys/machine.asc'));
  expect((await machineKey(root, now)).publicKey).toBe(publicKey);
  expect(await readFile(join(root, 'keys/machine.asc'), 'utf8')).toBe(publicKey);
});
