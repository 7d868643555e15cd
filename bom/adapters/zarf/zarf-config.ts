// zarf-config files: values that `zarf package create` takes for ###ZARF_PKG_TMPL_X### (package.create.set; TOML, YAML or JSON).
import type { AdapterFile } from '../adapter.ts';
import { readNodes } from '../trees.ts';

export function isZarfConfig(path: string): boolean {
  return /(?:^|\/)zarf-config\.(?:toml|ya?ml|json)$/.test(path);
}

/** By name in upper case, as Zarf reads them; `own` come before those of the files. */
export function createValues(files: readonly AdapterFile[], own: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  const found = files.flatMap((file) => (file.path.endsWith('.toml') ? fromToml(file.text) : fromTree(file)));
  return new Map([...found, ...Object.entries(own)].map(([name, value]) => [name.toUpperCase(), value]));
}

function fromTree(file: AdapterFile): [string, string][] {
  return readNodes(file).documents.flatMap((document) => document.at('package', 'create', 'set').entries.flatMap(([name, { text }]): [string, string][] => (text === undefined ? [] : [[name, text]])));
}

/** `name = "value"` lines below [package.create.set]. */
function fromToml(text: string): [string, string][] {
  let isInside = false;
  return text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const [, section] = /^\s*\[([^\]]*)\]/.exec(line) ?? [];
    if (section !== undefined) isInside = section.replace(/\s/g, '') === 'package.create.set';
    const [, name, double, single, bare] = /^\s*"?([A-Za-z0-9_]+)"?\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s#"']+))/.exec(line) ?? [];
    return isInside && name !== undefined ? [[name, double ?? single ?? bare ?? '']] : [];
  });
}
