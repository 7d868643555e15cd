// Values of named keys taken out of configuration text. YAML 1.2.2 (JSON is a part of it), and lines of `key = value`: .env, .ini, .properties, TOML, HCL.
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type ParsedNode } from 'yaml';
import { BundleError } from './errors.ts';
import { redactedMark } from './redacted-mark.ts';

export interface Redacted {
  readonly text: string;
  /** Entries of `keys` that named something here. */
  readonly used: ReadonlySet<string>;
}

interface Cut { readonly start: number; readonly end: number; readonly mark: string }

const yamlName = /\.(?:ya?ml|json|tfstate|tfvars\.json|template)$/i;
const lineName = /\.(?:env|ini|toml|cfg|conf|cnf|properties|tfvars|hcl|tf|sh)$/i;

/**
 * `text` with the values of `keys` replaced by {@link redactedMark}; everything else, the number of lines too, stays as it is. A key is a
 * dotted path from the top of the document (`azure-config.credentials`), where `*` is any one key and `**` any number of them; items of
 * lists are passed through. A whole mapping or list is replaced by one mark; so is what an alias points to. `path` says which language it is.
 * Throws `INPUT_SYNTAX` for YAML or JSON that cannot be read although it mentions one of the keys.
 */
export function redact(text: string, path: string, keys: readonly string[]): Redacted {
  const used = new Set<string>();
  if (keys.length === 0) return { text, used };
  const patterns = keys.map((key) => ({ key, matches: keyPattern(key) }));
  const wanted = (found: readonly string[]): boolean => {
    const joined = found.join('.');
    const hits = patterns.filter(({ matches }) => matches.test(joined));
    for (const { key } of hits) used.add(key);
    return hits.length > 0;
  };
  const isTree = yamlName.test(path) || (!lineName.test(path) && isTreeText(text, path));
  const cuts = isTree ? treeCuts(text, { path, keys, wanted }) : lineCuts(text, wanted);
  return { text: applied(text, cuts), used };
}

/** Whether text of a file whose name says nothing (kubeconfig, .dockercfg) is a mapping or list of YAML or JSON. */
function isTreeText(text: string, path: string): boolean {
  if (!/^\s*[{[]|^[^\n=]{1,200}:(?:\s|$)/m.test(text)) return false;
  try {
    const documents = readDocuments(text, path, true);
    return documents.length > 0 && documents.every(({ contents }) => contents === null || isMap(contents) || isSeq(contents));
  } catch (error) {
    if (error instanceof BundleError) return false;
    throw error;
  }
}

/** `**` swallows keys with their dots; without backtracking into each other, since every other part is literal or one key. */
function keyPattern(key: string): RegExp {
  const parts = key.replace(/\*\*(?:\.\*\*)+/g, '**').split('.');
  const source = parts.map((part, index) => {
    const dot = index === parts.length - 1 ? '' : '\\.';
    if (part === '**') return index === parts.length - 1 ? '.+' : '(?:.+\\.)?';
    return `${part.split('*').map((literal) => literal.replace(/[^\w-]/g, '\\$&')).join('[^.]*')}${dot}`;
  }).join('');
  return new RegExp(`^${source}$`, 's');
}

/** `text` without the cuts, which may lie within each other. Lines inside a cut stay, empty, so that line numbers hold. */
function applied(text: string, cuts: readonly Cut[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, mark } of cuts.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (start < at) continue;
    const removed = text.slice(start, end);
    parts.push(text.slice(at, start), mark, removed.replace(/[^\n]/g, ''));
    at = end;
  }
  return `${parts.join('')}${text.slice(at)}`;
}

interface TreeCutting { readonly path: string; readonly keys: readonly string[]; readonly wanted: (found: readonly string[]) => boolean }

const maxDepth = 100;

function treeCuts(text: string, { path, keys, wanted }: TreeCutting): Cut[] {
  const isMentioned = keys.some((key) => text.includes(key.split('.').at(-1) ?? key));
  const cuts: Cut[] = [];
  for (const document of readDocuments(text, path, isMentioned)) {
    const cut = (node: ParsedNode): void => {
      const target = isAlias(node) ? node.resolve(document) as ParsedNode | undefined : undefined;
      if (target !== undefined) cut(target);
      cuts.push(cutOf(node, text));
    };
    const walk = (node: unknown, found: readonly string[], depth: number): void => {
      if (depth > maxDepth) throw unreadable(path, 1);
      if (isSeq(node)) for (const item of node.items) walk(item, found, depth + 1);
      if (!isMap(node)) return;
      for (const pair of node.items) {
        if (!isPair(pair) || !isScalar(pair.key)) continue;
        const here = [...found, String(pair.key.value)];
        const value = pair.value as ParsedNode | null;
        if (value !== null && value.range[1] > value.range[0] && wanted(here)) cut(value);
        else walk(value, here, depth + 1);
      }
    };
    walk(document.contents, [], 0);
  }
  return cuts;
}

/** The documents that can be read. Throws for one that cannot when a key is mentioned somewhere; the parser's own words, which quote text, are not repeated. */
function readDocuments(text: string, path: string, isMentioned: boolean): readonly Document.Parsed[] {
  const lines = new LineCounter();
  let documents: readonly Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, logLevel: 'silent', lineCounter: lines });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch {
    if (isMentioned) throw unreadable(path, 1);
    return [];
  }
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined && isMentioned) throw unreadable(path, Math.max(1, lines.linePos(error.pos[0]).line));
  return documents.filter(({ errors }) => errors.length === 0);
}

function unreadable(path: string, line: number): BundleError {
  return new BundleError('INPUT_SYNTAX', {
    subject: `${path}:${line}`, expected: 'YAML or JSON, because a key of redact is mentioned in it', actual: 'text that cannot be read as such', next: 'Correct the file, or leave it out with exclude.',
  });
}

/** A node without the white space behind it. */
function cutOf(node: ParsedNode, text: string): Cut {
  const [start, valueEnd] = node.range;
  return { start, end: start + text.slice(start, valueEnd).trimEnd().length, mark: `"${redactedMark}"` };
}

const assignment = /^(?:[^\S\n]*(?:export[^\S\n]+|set[^\S\n]+)?)(["']?)([\w.@/-]+)\1[^\S\n]*(=|:)[^\S\n]*/;

/** Lines of `key = value` or `key: value`, below `[section]` headings. */
function lineCuts(text: string, wanted: (found: readonly string[]) => boolean): Cut[] {
  const cuts: Cut[] = [];
  let section: readonly string[] = [];
  for (let at = 0; at < text.length;) {
    const lineEnd = endOfLine(text, at);
    const line = text.slice(at, lineEnd);
    const heading = /^\s*\[+\s*([^\]]+?)\s*\]+\s*(?:[#;].*)?$/.exec(line);
    const match = heading === null ? assignment.exec(line) : null;
    let end = lineEnd;
    if (heading !== null) section = (heading[1] ?? '').replace(/["']/g, '').split('.');
    if (match !== null) {
      const key = match[2] ?? '';
      const start = at + match[0].length;
      end = valueEnd(text, start);
      const isWanted = [[...section, key], [key]].some((found) => wanted(found));
      if (isWanted && text.slice(start, end).trim() !== '') cuts.push({ start, end, mark: redactedMark });
    }
    at = Math.max(end, lineEnd) === lineEnd ? lineEnd + 1 : endOfLine(text, end) + 1;
  }
  return cuts;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** Where the value that starts at `start` ends: quotes, triple quotes and here-documents run over lines, and so does a backslash at an end of line. */
function valueEnd(text: string, start: number): number {
  const lineEnd = endOfLine(text, start);
  const quote = /^(?:"""|'''|["'`])/.exec(text.slice(start, start + 3))?.[0];
  if (quote !== undefined) {
    const close = closing(text, start + quote.length, quote);
    return close < 0 ? text.length : endOfLine(text, close);
  }
  const here = /^<<[-~]?["']?(\w+)["']?/.exec(text.slice(start, lineEnd))?.[1];
  if (here !== undefined) {
    const rest = new RegExp(`^[^\\S\\n]*${here}[^\\S\\n]*$`, 'm').exec(text.slice(lineEnd));
    return rest === null ? text.length : lineEnd + rest.index + rest[0].length;
  }
  let end = lineEnd;
  while (end < text.length && /\\\r?$/.test(text.slice(Math.max(start, end - 2), end))) end = endOfLine(text, end + 1);
  return text[end - 1] === '\r' ? end - 1 : end;
}

function closing(text: string, from: number, quote: string): number {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1)) if (text[at - 1] !== '\\') return at + quote.length;
  return -1;
}
