// How ranges of versions are written: comparators (`>=2.7 <2.8.1`, `=`, `!=`, `^`, `~`, `*`, a bare version is `=`) joined by spaces or commas mean all of them; `||` means any.

/** Every way to be in `range`, as comparators that all have to hold. */
export function comparatorsOf(range: string): readonly (readonly string[])[] {
  return range.split('||').map((part) => part.trim().replace(/(>=|<=|==|!=|[<>=^~])\s+/g, '$1').split(/[\s,]+/).filter((text) => text !== ''));
}

/** Whether it is written as a range, whatever the versions in it look like. */
export function isRange(range: string): boolean {
  return comparatorsOf(range).every((all) => all.length > 0 && all.every((each) => /^(?:\*|(?:>=|<=|==|!=|[<>=^~])?[^<>=!^~*|]+)$/.test(each)));
}
