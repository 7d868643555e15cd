// What a page shows to be typed, as far as two pages can be held against each other: program, subcommands and flags.

export interface ShownCommand {
  /** Of the page, from 1. */
  readonly line: number;
  readonly text: string;
  /** The program and its subcommands. */
  readonly words: readonly string[];
  /** Long flags and single letters, without values, sorted. */
  readonly flags: readonly string[];
}

const families = new Set(['bom', 'client', 'modules', 'module', 'repo', 'store', 'instance', 'npm run', 'podman', 'apt-get', 'skopeo']);

/** The commands of one line of a shell: `a && b`, `a; b`, `a | b`; comments and values aside. */
export function commandsIn(text: string, line: number): ShownCommand[] {
  const plain = text.replace(/(?:^|\s)#.*$/gm, '').replace(/"[^"]*"|'[^']*'/g, 'x');
  return plain.split(/&&|\|\||[;|\n]/).flatMap((part) => {
    const [program = '', ...rest] = part.trim().replace(/^npx /, '').split(/\s+/);
    if (program === '') return [];
    const words = [program];
    for (const word of rest) {
      const isSubcommand = /^[a-z][a-z-]*$/.test(word) && (words.length === 1 ? ['longshore', 'npm', 'podman', 'apt-get'].includes(program) : words.length === 2 && families.has(words[1] ?? '') || words.join(' ') === 'npm run');
      if (!isSubcommand) break;
      words.push(word);
    }
    return [{ line, text: part.trim(), words, flags: [...new Set(rest.filter((word) => /^--?[a-zA-Z]/.test(word)).map((word) => word.replace(/=.*$/, '')))].sort() }];
  });
}

/** What blocks without a language, and code within lines that starts with `npx`, show. Bodies of here-documents are no commands. */
export function shownCommands(page: string): ShownCommand[] {
  const shown: ShownCommand[] = [];
  let fence: string | undefined;
  let until: string | undefined;
  for (const [index, line] of page.split('\n').entries()) {
    const mark = /^```(.*)$/.exec(line)?.[1];
    if (mark !== undefined) { fence = fence === undefined ? mark : undefined; continue; }
    if (until !== undefined) { if (line === until) until = undefined; continue; }
    if (fence === '') shown.push(...commandsIn(line, index + 1));
    if (fence === undefined) for (const [, code = ''] of line.matchAll(/`(npx [^`]+)`/g)) shown.push(...commandsIn(code, index + 1));
    until = fence === undefined ? undefined : /<<\s*'?(\w+)'?/.exec(line)?.[1];
  }
  return shown;
}

/** Whether `known` runs what `shown` says: the same program and subcommands with at least its flags. */
export function covers(known: ShownCommand, shown: ShownCommand): boolean {
  return known.words.length >= shown.words.length && shown.words.every((word, at) => known.words[at] === word) && shown.flags.every((flag) => known.flags.includes(flag));
}
