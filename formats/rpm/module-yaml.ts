// The part of a modulemd document that is needed: YAML 1.2 through the yaml package, after leaving out what is large and not needed.
import { yamlLibrary } from '../../bom/documents/yaml-library.ts';
import { BundleError } from '../../bom/errors.ts';

export type YamlValue = string | null | readonly YamlValue[] | YamlMap;
export interface YamlMap { readonly [key: string]: YamlValue }

/** Keys of `data` that nobody reads: build machinery and prose. */
const unread = new Set(['description', 'xmd', 'components', 'buildopts', 'references', 'license', 'api', 'filter', 'tracker', 'community', 'intents', 'translations']);
const maxDocumentBytes = 32 << 20;

interface Reduced { readonly text: string; readonly artifacts: readonly string[] | undefined }

/**
 * Leaves out `unread` keys, and takes artifacts that are plain scalars one a line. Sound for block mappings: what belongs to a key of `data` at
 * indentation 2 stands at a larger one (a list may stand at the same), so a line `  key:` is always a key of it.
 */
function reduce(text: string): Reduced {
  const kept: string[] = [];
  let artifacts: string[] | undefined;
  let mode: 'keep' | 'drop' | 'artifacts' = 'keep';
  let inData = false;
  for (const line of text.split('\n')) {
    if (/^\S/.test(line) && !line.startsWith('#')) {
      inData = /^data:[ ]*$/.test(line);
      mode = 'keep';
    }
    const key = inData ? /^ {2}([a-z_]+):(.*)$/.exec(line) : null;
    if (key !== null) mode = unread.has(key[1] ?? '') ? 'drop' : key[1] === 'artifacts' && key[2]?.trim() === '' && artifacts === undefined ? 'artifacts' : 'keep';
    else if (mode === 'artifacts' && /^ {4}rpms:[ ]*$/.test(line)) {
      artifacts = [];
      continue;
    }
    const plain = mode === 'artifacts' && artifacts !== undefined ? /^ {4}(?: {2})?- ([A-Za-z0-9_][A-Za-z0-9_.:+~^-]*)$/.exec(line)?.[1] : undefined;
    if (plain !== undefined) artifacts?.push(plain);
    else if (mode === 'artifacts' && key === null && line.trim() !== '') return { text, artifacts: undefined };
    else if (mode !== 'drop' && !(mode === 'artifacts')) kept.push(line);
  }
  return { text: kept.join('\n'), artifacts };
}

/** The document's value; every scalar as text. Throws `INTEGRITY_METADATA` for what is no YAML, and for aliases, which a bomb is made of. */
export function readModuleYaml(text: string, subject: string): YamlValue {
  const refused = (actual: string): BundleError => new BundleError('INTEGRITY_METADATA', { subject, expected: `a YAML document of at most ${maxDocumentBytes} bytes, without aliases`, actual });
  if (text.length > maxDocumentBytes) throw refused(`${text.length} characters`);
  const reduced = reduce(text);
  const document = yamlLibrary().parseDocument(reduced.text, { schema: 'failsafe', logLevel: 'silent' });
  const [problem] = document.errors;
  if (problem !== undefined) throw refused(problem.message.split('\n', 1)[0] ?? '');
  let value: YamlValue;
  try {
    value = document.toJS({ maxAliasCount: 0 }) as YamlValue;
  } catch (cause) {
    if (cause instanceof ReferenceError) throw refused(cause.message);
    throw cause;
  }
  if (reduced.artifacts === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const root = value as YamlMap;
  return { ...root, data: { ...(root.data as YamlMap), artifacts: { rpms: reduced.artifacts } } };
}
