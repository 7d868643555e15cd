// The commands of a page of docs/, as docs/README.md says they are marked.

export interface Step {
  /** Of the page, from 1. */
  readonly line: number;
  /** Machine it is on; undefined: the page's first. */
  readonly on?: string;
  readonly kind: 'command' | 'script' | 'file';
  /** The command, the script, or the file's content. */
  readonly text: string;
  /** Of a file. */
  readonly path?: string;
  /** What a console block shows below the command; `…` stands for anything. */
  readonly output: readonly string[];
  /** Exit status that the page announces with `# exits N`. */
  readonly status: number;
  /** Ends in `&`: stays until the page ends. */
  readonly background: boolean;
}

export interface Page {
  readonly steps: readonly Step[];
  /** Blocks of commands that are neither run nor said not to be. */
  readonly unmarked: readonly number[];
}

interface Block { readonly line: number; readonly words: readonly string[]; readonly lines: readonly string[]; readonly before: string }

/** Reads a page; throws for a fence that does not end. */
export function parsePage(text: string): Page {
  const steps: Step[] = [];
  const unmarked: number[] = [];
  for (const block of blocksOf(text)) {
    const [language = '', ...marks] = block.words;
    const on = marks.find((mark) => mark.startsWith('on='))?.slice(3);
    const path = marks.find((mark) => mark.startsWith('file='))?.slice(5);
    const base = { line: block.line + 1, ...(on === undefined ? {} : { on }) };
    if (path !== undefined) steps.push({ ...base, kind: 'file', path, text: `${block.lines.join('\n')}\n`, output: [], status: 0, background: false });
    else if (marks.includes('run') && language === 'console') steps.push(...commandsOf(block, on));
    else if (marks.includes('run')) steps.push({ ...base, kind: 'script', text: block.lines.join('\n'), output: [], status: 0, background: false });
    else if (['console', 'sh', 'shell', 'bash'].includes(language) && !/^<!-- not run: .+ -->$/.test(block.before)) unmarked.push(block.line);
  }
  return { steps, unmarked };
}

function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^(```+)\s*(.*)$/.exec(lines[at] ?? '');
    if (fence === null) continue;
    const end = lines.indexOf(fence[1] ?? '', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: this block does not end`);
    const before = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? '';
    blocks.push({ line: at + 1, words: (fence[2] ?? '').split(/\s+/), lines: lines.slice(at + 1, end), before });
    at = end;
  }
  return blocks;
}

/** `machine$ command` or `$ command`, continued while a line ends in a backslash; what follows is output. */
function commandsOf({ line, lines }: Block, on: string | undefined): Step[] {
  const steps: { line: number; on?: string; text: string; output: string[] }[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const prompt = /^([a-z][a-z0-9-]*)?[$#] (.*)$/.exec(lines[at] ?? '');
    const last = steps.at(-1);
    if (prompt === null) {
      if ((lines[at] ?? '').trim() === '') continue;
      if (last === undefined) throw new Error(`line ${line + 1 + at}: output before the first command`);
      last.output.push(lines[at] ?? '');
      continue;
    }
    const machine = prompt[1] ?? on;
    let text = prompt[2] ?? '';
    const started = line + 1 + at;
    while (text.endsWith('\\')) { at += 1; text = `${text.slice(0, -1)}${(lines[at] ?? '').trim()}`; }
    steps.push({ line: started, ...(machine === undefined ? {} : { on: machine }), text, output: [] });
  }
  return steps.map(({ text, ...step }) => {
    const [, command = text, status] = /^(.*?)\s+# exits (\d+)$/.exec(text) ?? [];
    const background = /\s&(?:\s+#.*)?$/.test(command);
    return { ...step, kind: 'command' as const, text: background ? command.replace(/\s&(?:\s+#.*)?$/, '') : command, status: Number(status ?? 0), background };
  });
}

/** Lines that `shown` promises and `printed` does not have, in order; spaces at both ends do not count. */
export function missingOutput(shown: readonly string[], printed: string): string[] {
  const have = printed.split('\n').map((line) => line.trim());
  const missing: string[] = [];
  let from = 0;
  for (const line of shown) {
    if (line.trim() === '…') continue;
    const pattern = new RegExp(`^${line.trim().split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
    const at = have.findIndex((each, index) => index >= from && pattern.test(each));
    if (at < 0) missing.push(line);
    else from = at + 1;
  }
  return missing;
}
