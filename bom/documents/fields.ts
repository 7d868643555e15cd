// What the fields of all documents are made of: zod schemas over a tree of text (yaml-tree.ts).
import { z } from 'zod';
import type { Tree } from './yaml-tree.ts';

export const apiVersion = 'longshore.dev/v1alpha1';

/** Text that says something. */
export const text = z.string().min(1);

/** A field that may be missing or "". */
export function optional<S extends z.ZodType>(schema: S): z.ZodOptional<z.ZodType<z.output<S> | undefined, z.input<S> | undefined>> {
  const blank = z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
  return (blank as unknown as z.ZodType<z.output<S> | undefined, z.input<S> | undefined>).optional();
}

export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
export const count = z.string().regex(/^(?:0|[1-9]\d{0,15})$/, 'a whole number').transform(Number).refine(Number.isSafeInteger, 'a whole number below 2^53');
/** What an editor may also write without quotes. */
export const scalar = z.string();

export const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128, sha1: 40, md5: 32, sha224: 56 };

/** `algo:hex`; identity is sha256, the others are evidence. */
export const anyDigest = z.string().refine((value) => {
  const [algorithm = '', hex = ''] = value.split(':');
  return /^[0-9a-f]+$/.test(hex) && hexLengths[algorithm] === hex.length && value.split(':').length === 2;
}, 'algorithm:hex with sha256, sha512, sha224, sha1 or md5 and lower-case hex digits of the right length');

export const moduleName = z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, 'at most 63 lower-case letters, digits and -, with a letter or digit at both ends');

export const tree: z.ZodType<Tree> = z.unknown() as unknown as z.ZodType<Tree>;
export const annotations = z.record(z.string(), tree);
export const texts = z.array(text);

export const platform = z.string().regex(/^(?:all|[a-z0-9_]+\/[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_.]+)?)$/, 'os/arch[/variant] or all');

export const origin = z.strictObject({
  adapter: optional(text), repo: optional(text), ref: optional(text), commit: optional(text), paths: texts.optional(),
  digest: optional(anyDigest), licence: optional(text),
  /** file:line inside the descriptor. */
  where: optional(text),
});

export const when = z.strictObject({
  features: texts.optional(), components: texts.optional(), targets: texts.optional(), flavors: texts.optional(), arch: texts.optional(), profiles: texts.optional(),
});

/** What every list entry may carry. */
export const entryFields = { id: optional(text), when: when.optional(), licence: optional(text), origin: origin.optional(), annotations: annotations.optional() };

type EntryShape<S> = Omit<typeof entryFields, keyof S> & S;

export function entry<S extends z.ZodRawShape>(shape: S): z.ZodObject<EntryShape<S>, z.core.$strict> {
  return z.strictObject({ ...entryFields, ...shape }) as unknown as z.ZodObject<EntryShape<S>, z.core.$strict>;
}

export type When = z.output<typeof when>;
export type Origin = z.output<typeof origin>;
