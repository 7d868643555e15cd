// What `npm ci` on a fresh machine depends on; `npm run lockfile` restores it after a change of packages.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Entry { readonly engines?: unknown; readonly resolved?: string }
const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as { packages: Record<string, Entry> };
const { dependencies, optionalDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Record<'dependencies' | 'optionalDependencies', Record<string, string>>;

it('names no download address', () => {
  expect(Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});

it('has the platform packages of xz, for any Node that runs npm', () => {
  const platforms = Object.entries(packages).filter(([name]) => name.startsWith('node_modules/@napi-rs/lzma-'));
  expect(platforms.map(([name]) => name)).toEqual(expect.arrayContaining(['linux-x64-gnu', 'linux-arm64-gnu', 'linux-x64-musl'].map((each) => `node_modules/@napi-rs/lzma-${each}`)));
  expect(platforms.filter(([, entry]) => entry.engines !== undefined)).toEqual([]);
});

it('pins every runtime package to one version', () => {
  for (const version of Object.values({ ...dependencies, ...optionalDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
