// What the entries of a lock have in common.
import { z } from 'zod';
import { type Digest, isDigest } from './digest.ts';

export const digest = z.string().refine(isDigest, 'expected sha256: and 64 lower-case hex digits') as unknown as z.ZodType<Digest>;
export const size = z.int().min(0);
export const descriptor = z.strictObject({ mediaType: z.string(), digest, size });
/** How far an artifact can be trusted: its digest stood in a document, or a signature covers it, or it was believed on first use. */
export const trust = z.enum(['declared', 'verified', 'first-use']);
export const usedBy = z.array(z.string());
/** As the documents name it; several joined with AND. */
export const licence = z.string().optional();

export type Trust = z.infer<typeof trust>;
