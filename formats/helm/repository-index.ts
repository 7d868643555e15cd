// index.yaml of chart repositories: Helm documentation, "Chart Repository Guide", "The index file".
import { errorOf, readTrees, type Tree } from '../../bom/documents/yaml-tree.ts';
import { type Digest, digestFromHex, hexOf, isDigest } from '../../bom/digest.ts';
import { BundleError } from '../../bom/errors.ts';
import type { LockedChart } from '../../bom/lock.ts';

/** The largest public index has some 20 MB. */
export const maxIndexBytes = 64 << 20;

export interface IndexedChart {
  readonly version: string;
  /** As written: absolute, or relative to the index. */
  readonly urls: readonly string[];
  readonly digest?: Digest;
}

/**
 * Versions of one chart in an index; undefined when the index does not have it. Only its own lines are parsed where the index is in the usual
 * form, since indexes grow to thousands of charts. Throws `INTEGRITY_METADATA`.
 */
export function chartVersions(index: string, name: string, subject: string): readonly IndexedChart[] | undefined {
  const trees = /^\s*\{/.test(index) ? fromJson(index, name, subject) : fromYaml(index, name, subject);
  return trees?.map((tree): IndexedChart => {
    const entry = typeof tree === 'object' && !Array.isArray(tree) ? (tree as Readonly<Record<string, Tree>>) : {};
    const text = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
    const hex = text('digest').replace(/^sha256:/, '').toLowerCase();
    return {
      version: text('version'), urls: Array.isArray(entry['urls']) ? (entry['urls'] as readonly Tree[]).filter((url) => typeof url === 'string') : [],
      ...(isDigest(`sha256:${hex}`) ? { digest: digestFromHex(hex) } : {}),
    };
  });
}

function fromJson(index: string, name: string, subject: string): readonly Tree[] | undefined {
  try {
    const { entries } = JSON.parse(index) as { readonly entries?: Readonly<Record<string, unknown>> };
    const found = typeof entries === 'object' && entries !== null && Object.hasOwn(entries, name) ? entries[name] : undefined;
    return Array.isArray(found) ? (found as readonly Tree[]) : undefined;
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'the index of a chart repository', actual: (cause as Error).message.slice(0, 200) }, { cause });
  }
}

function fromYaml(index: string, name: string, subject: string): readonly Tree[] | undefined {
  const found = linesOf(index, name);
  if (found === undefined && !/^entries:/m.test(index)) throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'the index of a chart repository', actual: 'a document without entries' });
  const { documents: [document], problems: [problem] } = readTrees(found ?? (/^entries:[ \t]*\S/m.test(index) ? index : 'entries: {}'), subject, { duplicates: 'last', ignoreTags: true });
  if (problem !== undefined) throw new BundleError('INTEGRITY_METADATA', errorOf(problem).facts);
  const entries = document?.tree as { readonly entries?: Readonly<Record<string, Tree>> } | undefined;
  const versions = typeof entries?.entries === 'object' && Object.hasOwn(entries.entries, name) ? entries.entries[name] : undefined;
  return Array.isArray(versions) ? (versions as readonly Tree[]) : undefined;
}

/** The lines of one chart in block style, below `entries:`; undefined when there are none like that. */
function linesOf(index: string, name: string): string | undefined {
  const start = /^entries:[ \t]*(?:#.*)?\r?$/m.exec(index);
  if (start === null) return undefined;
  const body = index.slice(start.index + start[0].length + 1);
  const indent = /^([ ]+)[^\s#-]/m.exec(body)?.[1] ?? '';
  if (indent === '') return undefined;
  const quoted = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const own = new RegExp(`^${indent}(?:${quoted}|"${quoted}"|'${quoted}'):[ \\t]*\\r?$`, 'm').exec(body);
  if (own === null) return undefined;
  const after = body.slice(own.index + own[0].length + 1);
  // The next chart, or the next key of the document: a line that is indented no more and begins no item.
  const end = new RegExp(`^(?:${indent}(?=[^ \\t\\r\\n#-])|[^ \\t\\r\\n#-])`, 'm').exec(after);
  return `entries:\n${own[0]}\n${end === null ? after : after.slice(0, end.index)}`;
}

/** Charts as an index: JSON, which is YAML; sorted, so that the same charts give the same bytes. `created` is in seconds since 1970. */
export function renderChartIndex(charts: readonly (LockedChart & { readonly created: number })[]): string {
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const entries = new Map<string, unknown[]>();
  for (const { name, version, path, digest, metadata, created } of charts) {
    entries.set(name, [...(entries.get(name) ?? []), { ...metadata, name, version, urls: [path], digest: hexOf(digest), created: date(created) }]);
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return JSON.stringify({ apiVersion: 'v1', entries: Object.fromEntries(sorted), generated: date(Math.max(0, ...charts.map(({ created }) => created))) });
}
