/**
 * For every parse of a document by its schema: zod writes and compiles code for each schema at its first use, which takes longer than that code saves. A document of
 * 500 packages is read in four fifths of the time, one of 30,000 in the same.
 */
export const withoutCode = { jitless: true } as const;
