// Groups of several repositories in one comps.xml, as a client that uses all of them sees them: libcomps, union of documents.
import { type Comps, type CompsGroup, parseComps } from './comps.ts';

/** `group` with the packages of `other` that it does not name; both verbatim otherwise. */
function withPackages(group: CompsGroup, text: string, other: CompsGroup): string {
  const known = new Set(group.packages.map(({ name }) => name));
  const missing = [...other.text.matchAll(/<packagereq\b[^>]*>([^<]*)<\/packagereq>/g)].filter(([, name = '']) => !known.has(name.trim())).map(([element]) => `      ${element}\n`);
  const end = text.lastIndexOf('</packagelist>');
  if (missing.length === 0) return text;
  if (end === -1) return text.replace(/<packagelist\s*\/>|(?=<\/group>)/, `<packagelist>\n${missing.join('')}    </packagelist>`);
  return `${text.slice(0, end)}${missing.join('')}    ${text.slice(end)}`;
}

/**
 * One comps.xml of several: groups of one id joined, of environments and everything else the first of an id. Undefined when there is nothing to
 * publish. Throws `INTEGRITY_METADATA` for a document that is not well formed.
 */
export function mergeComps(documents: readonly Uint8Array[], subject: string): Uint8Array | undefined {
  const all: readonly Comps[] = documents.map((bytes, index) => parseComps(bytes, `${subject}, groups ${index + 1}`));
  const groups = new Map<string, { group: CompsGroup; text: string }>();
  for (const group of all.flatMap((comps) => comps.groups)) {
    const before = groups.get(group.id);
    if (before === undefined) groups.set(group.id, { group, text: group.text });
    else groups.set(group.id, { group: { ...before.group, packages: [...before.group.packages, ...group.packages] }, text: withPackages(before.group, before.text, group) });
  }
  const texts = new Map<string, string>();
  for (const { id, text } of all.flatMap((comps) => comps.environments)) if (!texts.has(`environment ${id}`)) texts.set(`environment ${id}`, text);
  for (const { element, id, text } of all.flatMap((comps) => comps.others)) if (!texts.has(`${element} ${id ?? text}`)) texts.set(`${element} ${id ?? text}`, text);
  const parts = [...[...groups.values()].map(({ text }) => text), ...texts.values()];
  if (parts.length === 0) return undefined;
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n<comps>\n${parts.map((text) => `  ${text}\n`).join('')}</comps>\n`);
}
