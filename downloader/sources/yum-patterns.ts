// Which packages a pattern means: dnf.conf(5), "excludepkgs" and "includepkgs": names, or the forms of dnf(8), "Specifying packages", with globs.
import { type Evr, formatEvr } from '../../formats/rpm/evr.ts';

export interface NamedPackage { readonly name: string; readonly evr: Evr; readonly arch: string }

/** A shell glob as a pattern over the whole text: `*`, `?` and sets in brackets. */
function globPattern(glob: string): RegExp {
  const source = glob.replace(/\[(!?)([^\]]+)\]|[.+^${}()|\\\[\]]|\*|\?/g, (sign: string, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`;
    return sign === '*' ? '.*' : sign === '?' ? '.' : `\\${sign}`;
  });
  return new RegExp(`^${source}$`, 's');
}

/** Whether one of `patterns` means the package: by N, N.A, N-V, N-V-R, N-V-R.A, each with the epoch where one is written. No pattern means none. */
export function packageMatcher(patterns: readonly string[]): (item: NamedPackage) => boolean {
  if (patterns.length === 0) return () => false;
  const plain = new Set(patterns.filter((pattern) => !/[*?[]/.test(pattern)));
  const globs = patterns.filter((pattern) => /[*?[]/.test(pattern)).map(globPattern);
  return ({ name, evr, arch }) => {
    if (plain.has(name) || globs.some((glob) => glob.test(name))) return true;
    const full = `${evr.epoch}:${evr.version}-${evr.release}`;
    const bare = formatEvr({ ...evr, epoch: 0 });
    const forms = [`${name}.${arch}`, `${name}-${evr.version}`, `${name}-${bare}`, `${name}-${bare}.${arch}`, `${name}-${full}`, `${name}-${full}.${arch}`];
    return forms.some((form) => plain.has(form) || globs.some((glob) => glob.test(form)));
  };
}
