// `image:` lines of chart templates, filled in as far as values and simple pipelines go (helm.sh/docs/chart_template_guide). Nothing is rendered.
import type { AdapterFile } from '../adapter.ts';
import { type BomDraft, isTemplated, linesOf } from '../draft.ts';
import { Node } from '../trees.ts';

export interface ChartValues {
  readonly values: Node;
  readonly chart: Node;
  /** Paths below values.yaml that an image was taken from, joined with dots. */
  readonly taken: ReadonlySet<string>;
  /** References that were found already. */
  readonly refs: ReadonlySet<string>;
}

const maxTemplates = 2000;

/** Literal references are rendered ones; those with expressions are guesses when they can be filled in, and else unresolved unless values say their image. */
export function templateImages(draft: BomDraft, templates: readonly AdapterFile[], known: ChartValues): void {
  const files = templates.slice(0, maxTemplates);
  const defined = definitions(files);
  const refs = new Set(known.refs);
  for (const file of files.filter(({ path }) => /\.ya?ml$/.test(path))) {
    for (const { where, text } of linesOf(draft, file)) {
      const [, written = ''] = /^\s*(?:-\s+)?["']?image["']?\s*:\s*([^#\s].*?)\s*(?:\s#.*)?$/.exec(text) ?? [];
      const value = unquoted(written);
      if (value === '' || value === '|' || value === '>-') continue;
      const filled = value.includes('{{') ? unquoted(filledIn(value, known) ?? '') : value;
      if (filled !== '' && !isTemplated(filled)) { if (!refs.has(filled)) take(draft, filled, where, !value.includes('{{')); refs.add(filled); }
      else if (!isCovered(value, known, defined)) draft.unresolved(where, value, 'an image that only the rendered chart says');
    }
  }
}

function take(draft: BomDraft, ref: string, where: string, isLiteral: boolean): void {
  draft.image(ref, where, { confidence: isLiteral ? 'rendered' : 'guessed' });
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, '$2');
}

/** Bodies of `define`, by name. */
function definitions(files: readonly AdapterFile[]): ReadonlyMap<string, string> {
  return new Map(files.flatMap(({ text }) => text.split(/\{\{-?\s*define\s+/).slice(1).map((part): [string, string] => [/^"([^"]*)"/.exec(part)?.[1] ?? '', part.slice(0, 8192)])));
}

/** Whether every expression speaks of a part of the values that an image was taken from. */
function isCovered(text: string, { taken }: ChartValues, defined: ReadonlyMap<string, string>): boolean {
  const paths = valuePaths(text, defined, 0);
  return paths.some((path) => [...taken].some((one) => one === path || one.startsWith(`${path}.`) || path.startsWith(`${one}.`)));
}

function valuePaths(text: string, defined: ReadonlyMap<string, string>, depth: number): string[] {
  const own = [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path);
  const inner = depth > 3 ? [] : [...text.matchAll(/(?:include|template)\s+"([^"]+)"/g)].flatMap(([, name = '']) => valuePaths(defined.get(name) ?? '', defined, depth + 1));
  return [...own, ...inner];
}

/** The text with its expressions replaced; undefined when one of them is more than values, chart fields and a few filters. */
function filledIn(text: string, known: ChartValues): string | undefined {
  let isKnown = true;
  const filled = text.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_, expression: string) => {
    const value = pipeline(expression, known);
    isKnown &&= value !== undefined;
    return value ?? '';
  });
  return isKnown ? filled : undefined;
}

function pipeline(expression: string, known: ChartValues): string | undefined {
  const [first = '', ...filters] = expression.split(/\s*\|\s*/);
  let value = call(words(first), known);
  for (const filter of filters) {
    const [name = '', argument] = words(filter);
    if (name === 'default' && argument !== undefined) value = value === undefined || value === '' ? operand(argument, known) : value;
    else if (!['quote', 'squote', 'toString', 'trim'].includes(name)) return undefined;
  }
  return value === '' ? undefined : value;
}

function words(text: string): string[] {
  return [...text.matchAll(/"[^"]*"|`[^`]*`|[^\s"`]+/g)].map(([word]) => word);
}

/** An operand, `default A B`, or `printf "%s" A`. */
function call([name = '', ...operands]: readonly string[], known: ChartValues): string | undefined {
  if (name === 'default' && operands.length === 2) return operand(operands[1] ?? '', known) || operand(operands[0] ?? '', known);
  if (name === 'printf') {
    const values = operands.slice(1).map((each) => operand(each, known));
    const format = /^"(?:[^"%]|%s)*"$/.test(operands[0] ?? '') ? operands[0]?.slice(1, -1).split('%s') : undefined;
    if (format === undefined || format.length !== values.length + 1 || values.some((value) => value === undefined || value === '')) return undefined;
    return format.map((part, index) => `${part}${values[index] ?? ''}`).join('');
  }
  return operands.length === 0 ? operand(name, known) : undefined;
}

/** A text, a value, or a field of the chart; '' for a value that is there and empty, or not there. */
function operand(word: string, { values, chart }: ChartValues): string | undefined {
  if (/^["`].*["`]$/.test(word)) return word.slice(1, -1);
  const [, path] = /^\$?\.Values\.([\w.-]+)$/.exec(word) ?? [];
  if (path !== undefined) { const node = values.at(...path.split('.')); return node.isMap || node.isList ? undefined : node.text ?? ''; }
  const [, field] = /^\$?\.Chart\.(AppVersion|Version|Name)$/.exec(word) ?? [];
  return field === undefined ? undefined : chart.at(`${field.charAt(0).toLowerCase()}${field.slice(1)}`).text ?? '';
}
