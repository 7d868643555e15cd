// Writes bom/schema/*.json. Run after changing bom/documents: node scripts/generate-schemas.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { editorSchemas } from '../bom/documents/editor-schema.ts';

const folder = resolve(import.meta.dirname, '../bom/schema');
mkdirSync(folder, { recursive: true });
for (const [name, text] of editorSchemas()) {
  writeFileSync(join(folder, name), text);
  console.log(join('bom/schema', name));
}
