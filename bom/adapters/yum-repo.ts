// .repo files: sections of key = value (dnf.conf(5), "Repo options").
import type { Fields } from './draft.ts';

export interface IniSection { readonly name: string; readonly line: number; readonly values: ReadonlyMap<string, string> }

/** Sections in order; a line that begins with white space continues the value before it. Anything else is passed over. */
export function readIni(text: string): IniSection[] {
  const sections: { name: string; line: number; values: Map<string, string> }[] = [];
  let key = '';
  for (const [index, line] of text.replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
    const values = sections.at(-1)?.values;
    const header = /^\s*\[([^\]]+)\]\s*$/.exec(line);
    const pair = /^([A-Za-z_][\w.-]*)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (header !== null) sections.push({ name: header[1] ?? '', line: index + 1, values: new Map() });
    else if (/^\s*(?:[#;]|$)/.test(line)) continue;
    else if (pair !== null) { key = (pair[1] ?? '').toLowerCase(); values?.set(key, pair[2] ?? ''); }
    else if (/^\s/.test(line) && key !== '') values?.set(key, `${values.get(key) ?? ''} ${line.trim()}`.trim());
  }
  return sections;
}

/** Fields of a packageRepositories entry; undefined without an address. */
export function repositoryFields(values: ReadonlyMap<string, string>): Fields | undefined {
  const flag = (name: string): boolean | undefined => (values.has(name) ? /^(?:1|true|yes|on)$/i.test(values.get(name) ?? '') : undefined);
  const address = (['baseurl', 'mirrorlist', 'metalink'] as const).find((name) => (values.get(name) ?? '') !== '');
  if (address === undefined) return undefined;
  const [first = ''] = (values.get(address) ?? '').split(/[\s,]+/);
  const keys = (values.get('gpgkey') ?? '').split(/[\s,]+/).filter((url) => /^https?:/.test(url));
  const entries = { gpgcheck: flag('gpgcheck'), repoGpgcheck: flag('repo_gpgcheck'), moduleHotfixes: flag('module_hotfixes') };
  return {
    [address]: first, ...Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)),
    ...(keys.length === 0 ? {} : { gpgKeys: keys.map((url) => ({ url })) }),
    ...(/^\d+$/.test(values.get('priority') ?? '') ? { priority: values.get('priority') } : {}),
  };
}
