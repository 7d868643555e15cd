// The shared state of LambdaStack modules, `/shared/state.yml`: one mapping that every module keeps its own entry in.
import { Document, isMap, parseDocument } from 'yaml';
import { BundleError } from '../../errors.ts';

export interface ModuleState {
  readonly status: 'initialized' | 'planned' | 'applied';
  /** Facts of the module's own, scalars. */
  readonly [fact: string]: string | number;
}

/** The text with the entry of `module` replaced; everything else stays as it is, comments too. Throws `INPUT_SYNTAX` for a text that is no mapping. */
export function stateText(text: string, module: string, state: ModuleState): string {
  const document = text.trim() === '' ? new Document({ kind: 'state' }) : parsed(text);
  document.set(module, document.createNode(state));
  return document.toString({ lineWidth: 0 });
}

/** The status and facts of `module`; undefined when it has no entry. Throws as {@link stateText}. */
export function moduleState(text: string, module: string): Readonly<Record<string, string>> | undefined {
  if (text.trim() === '') return undefined;
  const entry: unknown = parsed(text).get(module);
  if (!isMap(entry)) return undefined;
  return Object.fromEntries(entry.items.map(({ key, value }) => [String(key), String(value)]));
}

function parsed(text: string): Document.Parsed {
  const document = parseDocument(text, { uniqueKeys: false });
  const [error] = document.errors;
  if (error !== undefined || (document.contents !== null && !isMap(document.contents))) {
    throw new BundleError('INPUT_SYNTAX', { subject: 'state.yml', expected: 'a mapping of modules to their state', actual: error?.message.split('\n')[0] ?? 'something else', next: 'Correct the file in the shared folder: other modules keep their state in it, so it is not replaced.' });
  }
  return document;
}
