import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../../../bom/adapters/adapter.ts';
import { digestOf } from '../../../bom/digest.ts';
import type { ParsedBom } from '../../../bom/documents/document.ts';
import type { ModuleBom } from '../../../bom/documents/module-bom.ts';

/** Real descriptors beside the project, where somebody put them; a checkout does not have them. */
export const casesFolder = resolve(import.meta.dirname, '../../../../shared/cases');
export const hasCases = existsSync(join(casesFolder, 'EXPECTED.json'));

export interface List { readonly rows: number; readonly unique: number; readonly listSha256: string }

export function expectedCases(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return hasCases ? JSON.parse(readFileSync(join(casesFolder, 'EXPECTED.json'), 'utf8')) as Record<string, Record<string, unknown>> : {};
}

export function loadFolder(path: string, adapter: Adapter): AdapterFile[] {
  const root = join(casesFolder, path);
  return readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((name) => adapter.wants(name)).sort()
    .map((name) => ({ path: name, text: readFileSync(join(root, name), 'utf8') }));
}

export function loadFile(path: string): AdapterFile {
  return { path: path.split('/').at(-1) ?? path, text: readFileSync(join(casesFolder, path), 'utf8') };
}

/** rows, unique and the digest of the sorted unique lines. */
export function listOf(items: readonly string[]): List {
  const unique = [...new Set(items)].sort();
  return { rows: items.length, unique: unique.length, listSha256: digestOf(unique.join('\n')).slice('sha256:'.length) };
}

export function convertOne(adapter: Adapter, files: readonly AdapterFile[], options?: AdapterOptions): { readonly bom: ParsedBom; readonly value: ModuleBom; readonly spec: NonNullable<ModuleBom['spec']>; readonly warnings: readonly string[] } {
  const { boms: [bom], warnings } = adapter.convert(files, options);
  if (bom === undefined) throw new Error('no BOM');
  return { bom, value: bom.value, spec: bom.value.spec ?? {}, warnings };
}

export function convertText(adapter: Adapter, path: string, text: string, options?: AdapterOptions): ReturnType<typeof convertOne> {
  return convertOne(adapter, [{ path, text }], options);
}

export type { Converted };
