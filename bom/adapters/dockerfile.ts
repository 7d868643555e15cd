// Base images of a Dockerfile (Dockerfile reference: FROM, ARG before it, COPY --from).
import type { AdapterFile } from './adapter.ts';

export interface DockerfileImage { readonly ref: string; readonly where: string }

/** Images that FROM and COPY --from name, stages and scratch aside; `args` and defaults of ARG filled in, unknown ones left as `${NAME}`. */
export function dockerfileImages({ path, text }: AdapterFile, args: ReadonlyMap<string, string> = new Map()): DockerfileImage[] {
  const values = new Map<string, string>();
  const stages = new Set<string>();
  const found: DockerfileImage[] = [];
  const filled = (word: string): string => word.replace(/\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g, (whole, braced: string | undefined, fallback: string | undefined, bare: string | undefined) =>
    args.get(braced ?? bare ?? '') ?? values.get(braced ?? bare ?? '') ?? fallback ?? `\${${braced ?? bare ?? whole}}`);
  const take = (word: string, line: number): void => {
    const ref = filled(word.replace(/^["']|["']$/g, ''));
    if (ref !== 'scratch' && !stages.has(ref.toLowerCase()) && !/^\d+$/.test(ref)) found.push({ ref, where: `${path}:${line}` });
  };
  for (const { line, words } of instructions(text)) {
    const [instruction = '', ...rest] = words;
    const operands = rest.filter((word) => !word.startsWith('--'));
    if (/^arg$/i.test(instruction)) for (const word of operands) { const [, name, value] = /^(\w+)=(.*)$/.exec(word) ?? []; if (name !== undefined) values.set(name, (value ?? '').replace(/^(["'])(.*)\1$/, '$2')); }
    if (/^from$/i.test(instruction) && operands[0] !== undefined) {
      take(operands[0], line);
      if (/^as$/i.test(operands[1] ?? '') && operands[2] !== undefined) stages.add(operands[2].toLowerCase());
    }
    const from = /^copy$/i.test(instruction) ? rest.find((word) => word.startsWith('--from='))?.slice('--from='.length) : undefined;
    if (from !== undefined) take(from, line);
  }
  return found;
}

/** Instructions with their first line; a backslash at the end of a line joins the next one. */
function instructions(text: string): { line: number; words: string[] }[] {
  const result: { line: number; words: string[] }[] = [];
  let joined = '';
  let start = 1;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*#/.test(line)) continue;
    if (joined === '') start = index + 1;
    joined += `${line.replace(/\\\s*$/, ' ')}`;
    if (/\\\s*$/.test(line)) continue;
    if (joined.trim() !== '') result.push({ line: start, words: joined.trim().split(/\s+/) });
    joined = '';
  }
  if (joined.trim() !== '') result.push({ line: start, words: joined.trim().split(/\s+/) });
  return result;
}
