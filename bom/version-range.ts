// How ranges of versions are written: comparators (`>=2.7 <2.8.1`, `=`, `!=`, `^`, `~`, `*`, a bare version is `=`) joined by spaces or commas mean all of them; `||` means any.
// Trailing parts may be left open, as in npm and Helm: `1.x`, `1.2.*`.

/** Every way to be in `range`, as comparators that all have to hold. */
export function comparatorsOf(range: string): readonly (readonly string[])[] {
  return range.split('||').map((part) => part.trim().replace(/(>=|<=|==|!=|[<>=^~])\s+/g, '$1').split(/[\s,]+/).filter((text) => text !== ''));
}

/** Whether it is written as a range, whatever the versions in it look like. */
export function isRange(range: string): boolean {
  return comparatorsOf(range).every((all) => all.length > 0 && all.every((each) => {
    const { bound, open } = openBound(each.replace(/^(?:>=|<=|==|!=|[<>=^~])/, ''));
    return each === '*' || (open ? bound !== '' : /^[^<>=!^~*|]+$/.test(bound) && !/(?:^|\.)[xX](?:\.|$)/.test(bound));
  }));
}

/** `1.2.x` and `1.2.*` are 1.2 with the rest left open. */
export function openBound(text: string): { readonly bound: string; readonly open: boolean } {
  const [, bound] = /^([vV]?\d+(?:\.\d+)*)(?:\.[xX*])+$/.exec(text) ?? [];
  return bound === undefined ? { bound: text, open: false } : { bound, open: true };
}
