// Shell assignments without a shell: NAME="text ${OTHER}". Anything else is code, and named as such.
import type { AdapterFile } from '../adapter.ts';

export interface Assignments {
  readonly values: ReadonlyMap<string, string>;
  readonly lines: ReadonlyMap<string, number>;
  readonly rest: readonly { readonly where: string; readonly text: string; readonly reason: string }[];
}

/** Values with `${OTHER}` and `$OTHER` filled in; a name that nobody assigns stays as `${NAME}`. Total: a name may refer only to earlier lines. */
export function assignmentsOf({ path, text }: AdapterFile): Assignments {
  const values = new Map<string, string>();
  const lines = new Map<string, number>();
  const rest: { where: string; text: string; reason: string }[] = [];
  let heredoc: string | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${path}:${index + 1}`;
    if (heredoc !== undefined) { if (line.trim() === heredoc) heredoc = undefined; else note(rest, where, line); continue; }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, name, double, single, bare] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:"((?:[^"\\`]|\\.)*)"|'([^']*)'|([^\s"'`$;&|<>()]*(?:\$\{?\w+\}?[^\s"'`$;&|<>()]*)*))\s*(?:#.*)?$/.exec(line) ?? [];
    const written = double ?? bare;
    const isCode = name === undefined || (written ?? '').includes('$(');
    if (isCode) { rest.push({ where, text: line, reason: 'shell code, which is never run' }); heredoc = /<<-?\s*["']?(\w+)["']?/.exec(line)?.[1]; continue; }
    values.set(name, single ?? fill(written ?? '', values));
    lines.set(name, index + 1);
  }
  return { values, lines, rest };
}

function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\\(.)|\$\{(\w+)\}|\$(\w+)/g, (_, escaped: string | undefined, braced: string | undefined, bare: string | undefined) =>
    escaped ?? values.get(braced ?? bare ?? '') ?? `\${${braced ?? bare}}`);
}

/** Inside a heredoc only lines that fetch something are worth a person's look. */
function note(rest: { where: string; text: string; reason: string }[], where: string, line: string): void {
  if (/\b(?:FROM|pull|wget|curl|install|clone)\b/.test(line)) rest.push({ where, text: line, reason: 'text that the package writes for its build' });
}
