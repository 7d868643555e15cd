import { aggregate, type Aggregated, type AggregateOptions, defaultProject } from '../../../bom/aggregate.ts';
import { type ParsedBom, parseModuleBom, parseProject } from '../../../bom/documents/document.ts';
import { BundleError } from '../../../bom/errors.ts';

export const hex = (digit: string): string => digit.repeat(64);
export const sha = (digit: string): string => `sha256:${hex(digit)}`;

/** A BOM in /boms of which only metadata and spec are written. */
export function bom(name: string, spec: string, metadata = ''): ParsedBom {
  return parseModuleBom(`apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: ${name}${metadata === '' ? '' : `, ${metadata}`}}\n${spec === '' ? '' : `spec:\n${indent(spec)}`}`, `${name}.yaml`, { folder: '/boms' });
}

export function project(spec: string): AggregateOptions['project'] {
  return parseProject(`apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\n${spec === '' ? '' : `spec:\n${indent(spec)}`}`, 'project.yaml', { folder: '/site' });
}

export function aggregated(boms: readonly ParsedBom[], spec?: string, more: Partial<AggregateOptions> = {}): Aggregated {
  return aggregate({ boms, project: spec === undefined ? defaultProject(boms, 'folder') : project(spec), ...more });
}

export function indent(text: string): string {
  return text.trim().split('\n').map((line) => `  ${line}`).join('\n');
}

/** The BundleError that `run` throws. */
export function refusal(run: () => unknown): BundleError {
  try {
    run();
  } catch (error) {
    if (error instanceof BundleError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
