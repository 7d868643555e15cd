// Revisions of DC/OS packages: folders with package.json and its parts, or a repository as clusters fetch it (repo/meta/schema/v*-repo-schema.json).
import type { AdapterFile } from '../adapter.ts';
import { Node, type Reading, readNodes } from '../trees.ts';

export const partNames = ['package.json', 'resource.json', 'config.json', 'command.json', 'marathon.json.mustache', 'marathon.json'] as const;
export type PartName = (typeof partNames)[number];

export interface Template { readonly text: string; readonly where: (line: number) => string }

export interface Revision {
  readonly name: string;
  readonly version: string;
  readonly revision: number;
  readonly isSelected: boolean;
  readonly package: Node;
  /** What its origin names. */
  readonly sources: readonly AdapterFile[];
  /** Its own files word for word, by name. */
  readonly kept: Readonly<Record<string, string>>;
  readonly template: Template | undefined;
  part(name: 'resource.json' | 'config.json' | 'command.json'): { readonly node: Node; readonly broken: Reading['broken'] };
}

const nothing = (where: string): { node: Node; broken: Reading['broken'] } => ({ node: new Node(undefined, [], () => where), broken: [] });

function nameOf(path: string): string {
  return path.split('/').at(-1) ?? path;
}

/** The package that a folder holds; the folder's name is its revision when it is a number. */
export function revisionOfFolder(folder: string, members: readonly AdapterFile[], warnings: string[]): Revision[] {
  const file = members.find(({ path }) => nameOf(path) === 'package.json');
  if (file === undefined) return [];
  const { documents: [document], broken } = readNodes(file);
  warnings.push(...broken.map(({ where, message }) => `${where}: ${message}`));
  if (document === undefined || !document.at('packagingVersion').exists) return [];
  const template = members.find(({ path }) => nameOf(path) === 'marathon.json.mustache') ?? members.find(({ path }) => nameOf(path) === 'marathon.json');
  const parts = folder.split('/');
  return [{
    ...described(document, parts.at(-2) ?? 'package', Number(/^\d+$/.test(parts.at(-1) ?? '') ? parts.at(-1) : 0)),
    sources: members, kept: Object.fromEntries(members.map((member) => [member === template ? 'marathon.json.mustache' : nameOf(member.path), member.text] as const).sort()),
    template: template === undefined ? undefined : { text: template.text, where: (line) => `${template.path}:${line}` },
    part: (name) => {
      const found = members.find(({ path }) => nameOf(path) === name);
      if (found === undefined) return nothing(name);
      const reading = readNodes(found);
      return { node: reading.documents[0] ?? nothing(found.path).node, broken: reading.broken };
    },
  }];
}

/** The packages of a repository in one file; empty for any other JSON. */
export function revisionsOfRepository(file: AdapterFile, warnings: string[]): Revision[] {
  const { documents: [document], broken } = readNodes(file);
  const packages = document?.at('packages').items ?? [];
  if (!packages.some((item) => item.at('packagingVersion').exists)) return [];
  warnings.push(...broken.map(({ where, message }) => `${where}: ${message}`));
  const written = keptOf(file, warnings);
  return packages.flatMap((item, index): Revision[] => {
    if (!item.at('packagingVersion').exists) { warnings.push(`${item.where}: an entry of packages without packagingVersion is passed over`); return []; }
    const template = item.at('marathon', 'v2AppMustacheTemplate');
    const text = template.text === undefined ? undefined : Buffer.from(template.text, 'base64').toString('utf8');
    const part = (name: string): { node: Node; broken: Reading['broken'] } => ({ node: item.at(name), broken: [] });
    return [{
      ...described(item, 'package', Number(item.at('releaseVersion').text ?? 0) || 0), sources: [file], kept: written[index] ?? {},
      template: text === undefined ? undefined : { text, where: () => template.where }, part: (name) => part(name.replace('.json', '')),
    }];
  });
}

function described(document: Node, fallback: string, revision: number): Pick<Revision, 'name' | 'version' | 'revision' | 'isSelected' | 'package'> {
  return { name: document.at('name').text ?? fallback, version: document.at('version').text ?? '', revision, isSelected: document.at('selected').isTrue, package: document };
}

/** Every package as the files that it would be in a Universe; numbers and booleans as they are, so not from the tree. */
function keptOf(file: AdapterFile, warnings: string[]): readonly Readonly<Record<string, string>>[] {
  let value: unknown;
  try {
    value = JSON.parse(file.text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    warnings.push(`${file.path}: not strict JSON, so that its packages cannot be written back to a Universe`);
    return [];
  }
  const { packages } = isRecord(value) ? value : {};
  return (Array.isArray(packages) ? packages : []).map((item: unknown) => (isRecord(item) ? filesOf(item) : {}));
}

function filesOf({ resource, config, command, marathon, releaseVersion: _, ...rest }: Readonly<Record<string, unknown>>): Record<string, string> {
  const template = isRecord(marathon) ? marathon['v2AppMustacheTemplate'] : undefined;
  const parts = Object.entries({ 'package.json': rest, 'resource.json': resource, 'config.json': config, 'command.json': command }).filter(([, part]) => part !== undefined);
  return {
    ...Object.fromEntries(parts.map(([name, part]) => [name, JSON.stringify(part, undefined, 2)])),
    ...(typeof template === 'string' ? { 'marathon.json.mustache': Buffer.from(template, 'base64').toString('utf8') } : {}),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
