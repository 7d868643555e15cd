import { readFileSync } from 'node:fs';

/** Of package.json, which stands one folder up in a checkout and in what is published. */
export const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
