// The Project document: what one site wants. README "Documents".
import { z } from 'zod';
import { annotations, apiVersion, flag, moduleName, optional, scalar, text, texts, tree } from './fields.ts';
import { preference, systemRepository, target } from './module-bom.ts';

const module = z.strictObject({
  bom: optional(text), adapter: optional(text), from: optional(text), select: texts.optional(), headersFrom: texts.optional(), options: z.record(z.string(), tree).optional(), annotations: annotations.optional(),
}).refine((value) => (value.bom !== undefined) !== (value.from !== undefined), 'either bom, or adapter and from');

/** What an overlay changes: the kind of entry and its id, name, reference or URL; `module` alone (or beside it) limits it to one module. */
const overlayMatch = z.strictObject({
  module: optional(text), image: optional(text), file: optional(text), repository: optional(text), packages: optional(text), chart: optional(text), git: optional(text),
}).refine((value) => Object.entries(value).filter(([key, item]) => key !== 'module' && item !== undefined).length <= 1, 'one kind of entry');

const overlay = z.strictObject({
  match: overlayMatch,
  /** Fields of the matched entries, replaced as a whole. */
  set: z.record(z.string(), tree).optional(),
  unset: texts.optional(),
  /** With a match of a module alone: entries added to its lists. */
  add: z.record(z.string(), tree).optional(),
  remove: flag.optional(),
  reason: optional(text),
  annotations: annotations.optional(),
});

const credential = z.strictObject({ env: optional(text), file: optional(text), header: optional(text), user: optional(text), hosts: texts.optional() })
  .refine((value) => (value.env === undefined) !== (value.file === undefined), 'either env or file');

const policy = z.strictObject({
  unpinned: z.enum(['resolve', 'fail']).optional(),
  firstUse: z.enum(['allow', 'fail']).optional(),
  guessed: z.enum(['allow', 'warn', 'fail']).optional(),
  unresolved: z.enum(['allow', 'warn', 'fail']).optional(),
  weakDigest: z.enum(['upgrade', 'fail']).optional(),
  /** `redistributable`: what happens to content whose licence its BOM says may not be passed on. */
  licence: z.strictObject({ deny: texts.optional(), allow: texts.optional(), redistributable: z.enum(['allow', 'warn', 'fail']).optional() }).optional(),
});

export const projectSchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Project'),
  metadata: z.strictObject({ name: moduleName, version: optional(text), labels: z.record(z.string(), scalar).optional(), annotations: annotations.optional() }),
  spec: z.strictObject({
    modules: z.array(module).optional(),
    /** Lists of modules on offer (ModuleRepository, Repository v1 of LambdaStack): files, folders and the addresses that `modules` takes. */
    moduleRepositories: texts.optional(),
    /** Ids of targets that modules declare, or targets of the project's own. */
    targets: z.array(z.union([text, target])).optional(),
    select: z.strictObject({
      components: texts.optional(), features: texts.optional(), flavors: texts.optional(), profiles: texts.optional(), withWeak: flag.optional(),
    }).optional(),
    values: z.record(z.string(), z.string()).optional(),
    overlays: z.array(overlay).optional(),
    hostRewrites: z.record(z.string(), text).optional(),
    systemRepositories: z.record(z.string(), z.array(systemRepository)).optional(),
    /** Before those of the modules. */
    preferences: z.array(preference).optional(),
    credentials: z.record(z.string(), credential).optional(),
    policy: policy.optional(),
    /** Facts of the destination: `cluster.<name>` in requirements. */
    cluster: z.record(z.string(), scalar).optional(),
    repository: z.strictObject({ host: optional(text), listen: optional(text), tls: optional(text), layouts: texts.optional() }).optional(),
    export: z.strictObject({
      includeTools: flag.optional(), includeModules: flag.optional(), includeConfigs: flag.optional(), split: optional(text), sign: optional(text), runtime: texts.optional(),
    }).optional(),
  }).optional(),
});

export type Project = z.output<typeof projectSchema>;
export type ProjectSpec = NonNullable<Project['spec']>;
export type Overlay = z.output<typeof overlay>;
export type Policy = z.output<typeof policy>;
