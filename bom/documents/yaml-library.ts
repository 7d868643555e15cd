import type * as Yaml from 'yaml';

let library: typeof Yaml | undefined;

/** The package `yaml`, loaded when it is first needed: plain documents are read without it, and its seventy files are a tenth of a short run. */
export function yamlLibrary(): typeof Yaml {
  if (library === undefined) {
    const loaded: typeof Yaml = process.getBuiltinModule('node:module').createRequire(import.meta.url)('yaml');
    library = loaded;
  }
  return library;
}
