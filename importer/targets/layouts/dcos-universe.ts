// A package repository for DC/OS clusters: one JSON document per Universe version, whose addresses all lead to the repository machine.
import { universeAnnotation } from '../../../bom/adapters/universe/universe.ts';
import type { ParsedBom } from '../../../bom/documents/document.ts';
import { BundleError } from '../../../bom/errors.ts';
import type { Lock } from '../../../bom/lock.ts';
import type { BlobReader } from '../../../bom/ports.ts';
import { canonicalReference, parseReference } from '../../../bom/reference.ts';
import { targetNames } from '../registry-names.ts';
import type { Layout } from './layout.ts';
import { moduleBoms } from './module-boms.ts';

export interface UniverseOptions {
  /** Where the repository machine is reached: `https://repo01:5000`. */
  readonly baseUrl: string;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };
type Skipped = Layout['skipped'][number];

interface Places {
  /** Upstream URL -> address on the repository machine. */
  readonly urls: ReadonlyMap<string, string>;
  /** Canonical reference -> reference on the repository machine. */
  readonly images: ReadonlyMap<string, string>;
}

/** `dcos package repo add` wants this type, by its version. */
export const universeMediaType = (version: number): string => `application/vnd.dcos.universe.repo+json;charset=utf-8;version=v${version}`;
const versions = [3, 4, 5] as const;

/**
 * `repo-v3.json`, `repo-v4.json`, `repo-v5.json` (packages that each version knows) and `universe.conf`, which tells nginx their types. A module that
 * came from a Universe is written with all of its files, a module of any other origin with its assets alone. Addresses that the lock does not hold
 * stay as they are and are told in `skipped`.
 */
export async function universeLayout(lock: Lock, blobs: BlobReader, { baseUrl }: UniverseOptions): Promise<Layout> {
  if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) throw new BundleError('INPUT_FLAG', { subject: '--base-url', expected: 'the address of the repository machine: https://repo01:5000', actual: baseUrl });
  const base = baseUrl.replace(/\/+$/, '');
  const skipped: Skipped[] = [];
  const images = imagePlaces(lock, new URL(base).host);
  const packages: JsonObject[] = [];
  for (const { bom } of await moduleBoms(lock, blobs)) {
    const { name } = bom.value.metadata;
    const places = { urls: urlPlaces(lock, base, name), images };
    const entry = originalPackage(bom, places, skipped) ?? assetsOnly(bom, lock, places);
    if (!/^[a-z][a-z0-9-]*[a-z0-9]$/.test(String(entry['name']))) skipped.push({ what: `module ${name}`, because: 'a package name is a letter, then letters, digits and -' });
    else if (entry['version'] === undefined || entry['version'] === '') skipped.push({ what: `module ${name}`, because: 'a package has a version' });
    else packages.push(entry);
  }
  if (packages.length === 0) throw new BundleError('INPUT_FIELD', { subject: lock.metadata.name, expected: 'at least one module that can be a package', actual: skipped.map(({ what, because }) => `${what}: ${because}`).join('; ') || 'no modules' });
  const files = versions.map((version) => ({
    path: `repo-v${version}.json`, content: new TextEncoder().encode(`${JSON.stringify({ packages: packages.filter((entry) => Number.parseInt(String(entry['packagingVersion']), 10) <= version) }, null, 1)}\n`),
  }));
  const conf = versions.map((version) => `location = /repo-v${version}.json { types { } default_type "${universeMediaType(version)}"; }\n`).join('');
  return { files: [...files, { path: 'universe.conf', content: new TextEncoder().encode(conf) }], skipped };
}

/** An address that several files have leads to the one of this module. */
function urlPlaces({ spec: { files } }: Lock, base: string, module: string): Places['urls'] {
  const own = files.filter(({ usedBy }) => usedBy.includes(module));
  return new Map([...files, ...own].flatMap((file) => file.urls.map((url) => [url, `${base}/files/${file.name.split('/').map(encodeURIComponent).join('/')}`] as const)));
}

function imagePlaces({ spec: { images } }: Lock, host: string): Places['images'] {
  return new Map([...targetNames(images)].map(([ref, { path, tag }]) => {
    const digest = images.find((image) => image.ref === ref)?.digest ?? '';
    return [canonicalReference(ref), `${host}/${path}${tag === undefined ? `@${digest}` : `:${tag}`}`] as const;
  }));
}

function originalPackage(bom: ParsedBom, places: Places, skipped: Skipped[]): JsonObject | undefined {
  const kept = bom.value.metadata.annotations?.[universeAnnotation];
  if (typeof kept !== 'object' || Array.isArray(kept)) return undefined;
  const texts = kept as Readonly<Record<string, unknown>>;
  const { name } = bom.value.metadata;
  const json = (file: string): JsonObject | undefined => {
    const text = texts[file];
    return typeof text === 'string' && text.trim() !== '' ? jsonObject(text, `module ${name}, ${file}`) : undefined;
  };
  const rewrite = (value: Json, at: string): Json => {
    if (Array.isArray(value)) return value.map((item: Json, index) => rewrite(item, `${at}[${index}]`));
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewrite(item, `${at}.${key}`)]));
    if (typeof value !== 'string' || value === '') return value;
    const moved = /^https?:/.test(value) ? places.urls.get(value) : at.includes('.docker.') ? imageInside(value, places) : value;
    if (moved === undefined) skipped.push({ what: `${name}: ${at} ${value}`, because: 'the bundle does not have it: its address stays' });
    return moved ?? value;
  };
  const [config, resource, command] = [json('config.json'), json('resource.json'), json('command.json')];
  const template = texts['marathon.json.mustache'];
  const revision = Number(bom.value.metadata.labels?.['revision'] ?? 0);
  return {
    ...json('package.json'), releaseVersion: Number.isInteger(revision) ? revision : 0,
    ...(config === undefined ? {} : { config }), ...(command === undefined ? {} : { command: rewrite(command, 'command') }),
    ...(resource === undefined ? {} : { resource: rewrite(resource, 'resource') }),
    ...(typeof template === 'string' ? { marathon: { v2AppMustacheTemplate: Buffer.from(movedTemplate(template, places)).toString('base64') } } : {}),
  };
}

function jsonObject(text: string, subject: string): JsonObject {
  const fail = (actual: string, cause?: unknown): BundleError => new BundleError('INPUT_FIELD', { subject, expected: 'a JSON object, as the Universe has it', actual, next: 'Correct the annotation in the module\'s BOM.' }, { cause });
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch (cause) {
    throw fail((cause as Error).message.slice(0, 200), cause);
  }
  throw fail('something else');
}

function imageInside(ref: string, { images }: Places): string | undefined {
  try {
    return images.get(canonicalReference(ref));
  } catch (error) {
    if (error instanceof BundleError) return undefined;
    throw error;
  }
}

/** Images that a template names itself, past resource.json. */
function movedTemplate(template: string, places: Places): string {
  return template.replace(/("image"\s*:\s*")([^"{}]+)(")/g, (whole, before: string, ref: string, after: string) => {
    const moved = imageInside(ref, places);
    return moved === undefined ? whole : `${before}${moved}${after}`;
  });
}

/** A package of a module that never was one: what it carries, under aliases; it brings no Marathon app. */
function assetsOnly(bom: ParsedBom, lock: Lock, { urls, images }: Places): JsonObject {
  const { name, version = '', labels = {}, origin } = bom.value.metadata;
  const mine = <T extends { readonly usedBy: readonly string[] }>(list: readonly T[]): T[] => list.filter(({ usedBy }) => usedBy.includes(name));
  const docker = Object.fromEntries(mine(lock.spec.images).map(({ ref }) => [alias(parseReference(ref).path.split('/').at(-1) ?? ref), images.get(canonicalReference(ref)) ?? ref]));
  const uris = Object.fromEntries(mine(lock.spec.files).flatMap((file) => { const url = file.urls[0]; const place = url === undefined ? undefined : urls.get(url); return place === undefined ? [] : [[alias(file.name.split('/').at(-1) ?? file.name), place]]; }));
  return {
    packagingVersion: '4.0', name, version, releaseVersion: 0, maintainer: origin?.repo ?? 'site', description: `${labels['name'] ?? name} ${version}`, tags: [labels['kind'] ?? 'module'],
    resource: { assets: { ...(Object.keys(uris).length === 0 ? {} : { uris }), ...(Object.keys(docker).length === 0 ? {} : { container: { docker } }) } },
  };
}

function alias(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'file';
}
