import { stringify } from 'yaml';

/** A document as YAML 1.2 that reads back as the same text: what looks like a number or a boolean is quoted, no line is folded, no alias is used. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, defaultStringType: 'PLAIN', defaultKeyType: 'PLAIN' });
}
