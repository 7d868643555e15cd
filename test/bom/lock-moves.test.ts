import { describe, expect, it } from 'vitest';
import type { Lock } from '../../bom/lock.ts';
import { movesBetween, moveText } from '../../bom/lock-moves.ts';
import { sha } from './support/documents.ts';
import { lockOfEveryKind } from './support/locks.ts';

const plain = lockOfEveryKind();
const texts = (change: Partial<Lock['spec']>): string[] => movesBetween(plain, { ...plain, spec: { ...plain.spec, ...change } }).map(moveText);
const { boms, images, files, packages, charts, git } = plain.spec;
const digest = images[0]?.digest ?? plain.metadata.project;

describe('what moved', () => {
  it.each([
    ['nothing', {}, []],
    ['a tag', { images: images.map((item) => ({ ...item, digest: plain.metadata.project })) }, [`image k8s.gcr.io/pause:3.5: sha256:${'2'.repeat(12)} -> sha256:${'0'.repeat(12)}`]],
    ['a package', { packages: packages.map((item) => (item.name === 'libc6' ? { ...item, version: '2.37', digest } : item)) }, ['package deb12 libc6:amd64: 2.36 -> 2.37']],
    ['a package that was built anew', { packages: packages.map((item) => (item.name === 'libc6' ? { ...item, digest } : item)) }, [`package deb12 libc6:amd64: ${sha('5').slice(0, 19)} -> ${sha('2').slice(0, 19)}`]],
    ['a second version beside the first', { packages: [...packages, ...packages.filter(({ name }) => name === 'libc6').map((item) => ({ ...item, version: '2.37', digest }))] }, ['package deb12 libc6:amd64: 2.36 -> 2.36, 2.37']],
    ['a commit', { git: git.map((item) => ({ ...item, commit: 'b'.repeat(40), digest })) }, ['git g: aaaaaaaaaaaa -> bbbbbbbbbbbb']],
    ['a chart and a module', { charts: charts.map((item) => ({ ...item, version: '1.1.0', digest })), boms: boms.map((item) => ({ ...item, version: '1.11', digest })) }, ['module a: 1.10 -> 1.11', 'chart c: 1.0.0 -> 1.1.0']],
    ['what came and what went', { files: [], images: [...images, ...images.map((item) => ({ ...item, ref: 'docker.io/library/new:1' }))] }, [`new image docker.io/library/new:1: sha256:${'2'.repeat(12)}`, `no longer file ${files[0]?.name ?? ''}: sha256:${'3'.repeat(12)}`]],
  ] satisfies [string, Partial<Lock['spec']>, string[]][])('%s', (_, change, expected) => {
    expect(texts(change)).toEqual(expected);
  });
});
