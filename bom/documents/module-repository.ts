// The ModuleRepository document: a list of modules and where their BOMs are. Wider than the Repository v1 lists of LambdaStack, which an adapter reads.
import { z } from 'zod';
import { annotations, apiVersion, moduleName, optional, scalar, text } from './fields.ts';
import { moduleComponent } from './module-bom.ts';

const listed = moduleComponent.extend({
  /** Where the BOM of this version is: a path or URL, or oci:// reference; without it the module's image carries it. */
  bom: optional(text),
  labels: z.record(z.string(), scalar).optional(),
});

export const moduleRepositorySchema = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('ModuleRepository'),
  metadata: z.strictObject({ name: moduleName, annotations: annotations.optional() }),
  spec: z.strictObject({ modules: z.array(listed).optional() }),
});

export type ModuleRepository = z.output<typeof moduleRepositorySchema>;
