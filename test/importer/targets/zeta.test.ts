import { describe, expect, it } from 'vitest';
import { checkStages, type Staged } from '../../../importer/targets/layouts/zeta.ts';

const stage = (app: string, version: string, files: Readonly<Record<string, string>>): Staged => ({ app, version, files: Object.entries(files).map(([path, digest]) => ({ path: `${app}/stage/${path}`, digest, size: 1 })) });

describe('what is staged for Zeta', () => {
  it('may share files, replace itself, and renew scripts', () => {
    const before = [stage('spark', '1', { 'packages/common.tgz': 'a', 'packages/spark-1.tgz': 'b', 'install.sh': 'c' })];
    checkStages([stage('spark', '2', { 'packages/common.tgz': 'a', 'packages/spark-2.tgz': 'd', 'install.sh': 'e' })], before);
    checkStages([stage('spark', '1', { 'packages/common.tgz': 'f' })], before);
    checkStages([stage('kafka', '1', { 'packages/common.tgz': 'g' })], before);
  });

  it.each([
    ['a package of another version', [stage('spark', '2', { 'packages/common.tgz': 'z' })], 'unstage spark@1'],
    ['one app and version twice', [stage('gogs', '1', { 'packages/x': 'a' }), stage('gogs', '1', { 'packages/y': 'a' })], 'short'],
    ['two versions at once with one name', [stage('gogs', '1', { 'packages/x': 'a' }), stage('gogs', '2', { 'packages/x': 'b' })], 'unstage gogs@1'],
  ])('refuses to replace %s', (_, wanted, next) => {
    expect(() => checkStages(wanted, [stage('spark', '1', { 'packages/common.tgz': 'a' })])).toThrow(expect.objectContaining({ code: 'RESOLVE_CONFLICT', next: expect.stringContaining(next) as string }) as Error);
  });
});
