// .helmignore: Helm documentation, "The .helmignore file". Patterns as Go's filepath.Match; no `**`.

interface Rule { readonly pattern: RegExp; readonly negated: boolean; readonly foldersOnly: boolean; readonly whole: boolean }

/** A test for what `helm package` leaves out. `path` counts from the chart's folder. */
export function parseIgnore(text: string): (path: string, isFolder: boolean) => boolean {
  const rules = ['templates/.?*', ...text.split(/\r?\n/)].map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')).map(ruleOf);
  return (path, isFolder) => {
    for (const { pattern, negated, foldersOnly, whole } of rules) {
      if (foldersOnly && !isFolder) continue;
      const isMatch = pattern.test(whole ? path : path.split('/').at(-1) ?? path);
      // As in Helm, a negated rule leaves out what it does not match.
      if (negated ? !isMatch : isMatch) return true;
    }
    return false;
  };
}

function ruleOf(line: string): Rule {
  const negated = line.startsWith('!');
  const bare = (negated ? line.slice(1) : line).replace(/\/$/, '');
  const rooted = bare.startsWith('/');
  const pattern = bare.replace(/^\//, '');
  return { pattern: new RegExp(`^${source(pattern)}$`, 's'), negated, foldersOnly: line.endsWith('/'), whole: rooted || pattern.includes('/') };
}

function source(glob: string): string {
  return glob.replace(/\*+|\?|\[\^?[^\]]+\]|\\.|[\s\S]/g, (piece) => {
    if (piece.startsWith('*')) return '[^/]*';
    if (piece === '?') return '[^/]';
    if (piece.length > 2 && piece.startsWith('[')) return piece;
    const literal = piece.length === 2 ? piece.slice(1) : piece;
    return literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
}
