// The table of ARCHITECTURE.md, "Who may import whom": folders, packages, and what pure folders may not touch.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const nouns = ['bom', 'formats', 'store', 'transport'];
const folders: Readonly<Record<string, readonly string[]>> = {
  bom: [],
  formats: ['bom'],
  store: ['bom', 'formats'],
  transport: ['bom', 'formats'],
  downloader: nouns,
  exporter: nouns,
  importer: nouns,
  repository: nouns,
  bin: [...nouns, 'downloader', 'exporter', 'importer', 'repository'],
};
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  undici: ['transport'],
  'p-queue': ['transport', 'downloader', 'importer'],
  'better-sqlite3': ['store'],
  tar: ['formats/archive', 'downloader'],
  commander: ['bin'],
  ora: ['bin'],
  yaml: ['bom', 'formats'],
  zod: ['bom', 'formats'],
  openpgp: ['formats'],
  saxes: ['formats'],
  '@napi-rs/lzma': ['formats'],
  bcryptjs: ['repository'],
  '@sigstore/verify': ['formats'],
  '@sigstore/bundle': ['formats'],
  '@sigstore/protobuf-specs': ['formats'],
};
/** Node modules that pure folders may use: computation on bytes, no I/O. */
const pure = ['node:crypto', 'node:zlib', 'node:buffer', 'node:util', 'node:path', 'node:path/posix', 'node:assert'];

interface Edge { readonly from: string; readonly to: string }

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

function importsOf(file: string): Edge[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(/(?:^|[\n;])\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+\.ts)['"]/g);
  return [...found].map((match) => ({ from: file, to: match[1] ?? match[2] ?? match[3] ?? '' }));
}

const edges = Object.keys(folders).flatMap(sources).flatMap(importsOf);
const own = edges.filter((edge) => edge.to.startsWith('.')).map((edge) => ({ from: edge.from, to: relative(root, resolve(root, dirname(edge.from), edge.to)) }));
const top = (path: string): string => path.split('/')[0] ?? '';

describe('the import table', () => {
  it('sees the code', () => {
    expect(own.length).toBeGreaterThan(20);
  });

  it('has no edge between folders that the table does not allow', () => {
    const wrong = own.filter(({ from, to }) => top(from) !== top(to) && !(folders[top(from)] ?? []).includes(top(to)));
    expect(wrong).toEqual([]);
  });

  it('names relative imports with .ts', () => {
    expect(own.filter(({ to }) => !to.endsWith('.ts'))).toEqual([]);
  });

  it('keeps every package in its home', () => {
    const wrong = edges
      .filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'))
      .map(({ from, to }) => ({ from, name: to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : top(to) }))
      .filter(({ from, name }) => !(packageHomes[name] ?? []).some((home) => from.startsWith(`${home}/`)));
    expect(wrong).toEqual([]);
  });

  it('keeps I/O out of bom and formats', () => {
    const wrong = edges.filter(({ from, to }) => ['bom', 'formats'].includes(top(from)) && to.startsWith('node:') && !pure.includes(to));
    expect(wrong).toEqual([]);
    const clocks = [...sources('bom'), ...sources('formats')].filter((file) =>
      /\bDate\.now\(|new Date\(\)|Math\.random\(|(?:await|return|=) fetch\(|process\.(?:env|cwd)/.test(readFileSync(join(root, file), 'utf8')));
    expect(clocks).toEqual([]);
  });

  it('has no cycle between files', () => {
    const next = Map.groupBy(own, (edge) => edge.from);
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') { cycles.push([...path.slice(path.indexOf(file)), file].join(' -> ')); return; }
      state.set(file, 'open');
      for (const edge of next.get(file) ?? []) visit(edge.to, [...path, file]);
      state.set(file, 'done');
    };
    for (const edge of own) visit(edge.from, []);
    expect(cycles).toEqual([]);
  });
});
