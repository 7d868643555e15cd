/** How often a property is tried: as the test says, times what `npm run fuzz` asks for. */
export function runs(count: number): number {
  return Math.ceil(count * factor);
}

/** The time that a bounded property may take, in the same proportion. */
export function runMs(ms: number): number {
  return Math.ceil(ms * factor);
}

const factor = Number(process.env.FUZZ_FACTOR ?? 1);
