// Shell assignments without a shell: NAME="text ${OTHER}". Anything else is code, and named as such.
import type { AdapterFile } from '../adapter.ts';

export interface Assignments {
  readonly values: ReadonlyMap<string, string>;
  readonly lines: ReadonlyMap<string, number>;
  /** Lines of code. */
  readonly rest: readonly { readonly where: string; readonly text: string; readonly reason: string }[];
  /** Lines of heredocs: text that a package writes for its build. */
  readonly written: readonly { readonly where: string; readonly text: string }[];
}

/** Code that only ties other lines together, or talks. */
const glue = /^\s*(?:fi|else|then|done|do|esac|;;|\{|\}|exit\b.*|echo\b.*|cd\b.*|\))\s*(?:#.*)?$/;

/** Values with `${OTHER}` and `$OTHER` filled in; a name that nobody assigns stays as `${NAME}`. Total: a name may refer only to earlier lines. */
export function assignmentsOf({ path, text }: AdapterFile): Assignments {
  const values = new Map<string, string>();
  const lines = new Map<string, number>();
  const rest: { where: string; text: string; reason: string }[] = [];
  const written: { where: string; text: string }[] = [];
  let heredoc: string | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${path}:${index + 1}`;
    if (heredoc !== undefined) { if (line.trim() === heredoc) heredoc = undefined; else written.push({ where, text: line }); continue; }
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, name, double, single, bare] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:"((?:[^"\\`]|\\.)*)"|'([^']*)'|([^\s"'`$;&|<>()]*(?:\$\{?\w+\}?[^\s"'`$;&|<>()]*)*))\s*(?:#.*)?$/.exec(line) ?? [];
    const value = double ?? bare;
    const isCode = name === undefined || (value ?? '').includes('$(');
    if (isCode) { if (!glue.test(line)) rest.push({ where, text: line, reason: 'shell code, which is never run' }); heredoc = /<<-?\s*["']?(\w+)["']?/.exec(line)?.[1]; continue; }
    values.set(name, single ?? fill(value ?? '', values));
    lines.set(name, index + 1);
  }
  return { values, lines, rest, written };
}

function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\\(.)|\$\{(\w+)\}|\$(\w+)/g, (_, escaped: string | undefined, braced: string | undefined, bare: string | undefined) =>
    escaped ?? values.get(braced ?? bare ?? '') ?? `\${${braced ?? bare}}`);
}
