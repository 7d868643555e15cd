// JSON Schema (draft 2020-12) of the documents, for editors: generated from the schemas that the parser uses.
import { z } from 'zod';
import { count, flag, scalar, text } from './fields.ts';
import { moduleBomSchema } from './module-bom.ts';
import { moduleRepositorySchema } from './module-repository.ts';
import { projectSchema } from './project.ts';

const documents = { ModuleBOM: moduleBomSchema, Project: projectSchema, ModuleRepository: moduleRepositorySchema } as const;

/** File name below bom/schema -> its text. */
export function editorSchemas(): ReadonlyMap<string, string> {
  return new Map(Object.entries(documents).map(([kind, schema]) => [`${kind}.json`, `${JSON.stringify(editorSchema(kind, schema), undefined, 1)}\n`]));
}

/** Scalars are read by their source text, so an editor may accept a bare number where text is meant, and "" where nothing is; own keys start with x-. */
function editorSchema(title: string, schema: z.ZodType): unknown {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...z.toJSONSchema(schema, {
      io: 'input', unrepresentable: 'any', reused: 'ref',
      override: ({ zodSchema, jsonSchema }) => {
        const written = jsonSchema as Record<string, unknown>;
        const known = zodSchema as unknown;
        const { def } = zodSchema._zod;
        const inner: unknown = def.type === 'pipe' ? def.in : known;
        const isBlankable = def.type === 'pipe' && (def.in as z.core.$ZodType)._zod.def.type === 'transform';
        if (isBlankable) replace(written, { anyOf: [{ ...written }, { const: '' }] });
        else if (known === flag || inner === flag) replace(written, { type: 'boolean' });
        else if (known === count) replace(written, { type: 'integer', minimum: 0 });
        else if (known === text || known === scalar) replace(written, { ...written, type: ['string', 'number', 'boolean'] });
        if (written['additionalProperties'] === false) written['patternProperties'] = { '^x-': {} };
      },
    }),
  };
}

function replace(target: Record<string, unknown>, value: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(target)) if (key !== 'id') delete target[key];
  Object.assign(target, value);
}
