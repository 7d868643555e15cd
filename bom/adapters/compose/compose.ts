// Compose files (compose-spec): services with their images and builds; version 1 files without `services`, too.
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, type Fields } from '../draft.ts';
import { dockerfileImages } from '../dockerfile.ts';
import { type Node, readNodes } from '../trees.ts';
import { composePath, projectsOf } from './compose-projects.ts';
import { interpolate, readEnvFile } from './interpolate.ts';

/**
 * Each folder is a project of its own: its compose.yaml with the override beside it, as Compose reads them; any other Compose file there is an
 * alternative, and its images come too. `select` names files instead that are merged in this order, as `-f a -f b` does. `values` and the .env
 * files of the folder fill in variables.
 */
export const compose: Adapter = {
  name: 'compose', version: 3,
  summary: 'Compose files: images, builds and their bases; variables from .env and --set; select the files to merge',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path) || /(?:^|\/)(?:\.env|[\w.-]*Dockerfile[\w.-]*)$/.test(path),
  detect: (files) => files.some(({ path, text }) => (composePath.test(path) ? /^\s*["']?(?:services|image|build)["']?\s*:/m.test(text) : files.length === 1 && isComposeText(text))),
  convert: (files, options = {}) => new Compose(files, options).convert(),
};

/** Services with images, and none of what other formats with services have. */
function isComposeText(text: string): boolean {
  return /^services:/m.test(text) && /^\s+(?:image|build):/m.test(text) && !/^(?:apiVersion|kind|deploy|marathon|etcd|stages|jobs|pipeline):/m.test(text);
}

/** What several files say of one service: fields of later ones win. */
interface Field { readonly node: Node; readonly file: string; /** The build that this one is laid over. */ readonly under?: Field | undefined }
type Service = ReadonlyMap<string, Field>;

/** Fields of `over` win; a build keeps what it lays over, since its parts are merged one by one. */
function laidOver(base: Service, over: Service): Service {
  const build = over.get('build');
  return new Map([...base, ...over, ...(build === undefined ? [] : [['build', { ...build, under: build.under ?? base.get('build') }] as const])]);
}

class Compose {
  private readonly files: readonly AdapterFile[];
  private readonly options: AdapterOptions;
  private readonly draft: BomDraft;
  private readonly warnings: string[] = [];
  private readonly seen = new Set<string>();
  private readonly ids = new Set<string>();
  private project = 'compose';

  constructor(files: readonly AdapterFile[], options: AdapterOptions) {
    this.files = files;
    this.options = options;
    this.draft = new BomDraft(compose, files, options);
  }

  convert(): Converted {
    const projects = projectsOf(this.files.filter(({ path, text }) => composePath.test(path) || (this.files.length === 1 && /services|image|build/.test(text))), this.options.select ?? [], this.warnings);
    for (const { merged, alternatives } of projects) {
      const services = new Map<string, Service>();
      const roots = merged.filter(({ path }) => !this.seen.has(path));
      for (const file of roots) this.read(file, services);
      for (const [name, service] of services) this.service(name, service, services);
      for (const file of alternatives.filter(({ path }) => !this.seen.has(path))) this.alternative(file, services);
    }
    return { boms: [this.draft.build(projects.length > 1 ? 'compose' : this.project)], warnings: this.warnings };
  }

  /** What a file changes of the services of its folder, and those that it adds. */
  private alternative(file: AdapterFile, services: ReadonlyMap<string, Service>): void {
    const own = new Map<string, Service>();
    this.read(file, own);
    const all = new Map([...services, ...[...own].map(([name, service]) => [name, laidOver(services.get(name) ?? new Map(), service)] as const)]);
    for (const [name, service] of own) {
      const isNew = !services.has(name) || ['image', 'build', 'extends', 'platform', 'volumes'].some((key) => service.has(key));
      if (isNew) this.service(name, all.get(name) ?? service, all);
    }
  }

  /** Variables for a file: the .env of its folder comes before those of folders around it, what the caller gives before all. */
  private valuesFor(path: string): ReadonlyMap<string, string> {
    const folder = posix.dirname(posix.normalize(path));
    const around = this.files.map((file) => ({ file, home: posix.dirname(posix.normalize(file.path)) }))
      .filter(({ file, home }) => /(?:^|\/)\.env$/.test(file.path) && (home === '.' || home === folder || folder.startsWith(`${home}/`))).sort((a, b) => a.home.length - b.home.length);
    return new Map([...around.flatMap(({ file }) => [...readEnvFile(file.text)]), ...Object.entries(this.options.values ?? {})]);
  }

  private read(file: AdapterFile, services: Map<string, Service>): void {
    if (this.seen.has(file.path)) return;
    this.seen.add(file.path);
    const { documents, warnings, broken } = readNodes(file);
    this.warnings.push(...warnings);
    for (const [index, line] of file.text.split('\n').entries()) if (/:\s*!(?:reset|override)\b/.test(line)) this.draft.unresolved(`${file.path}:${index + 1}`, line, 'a tag that changes how files are merged, and is not applied');
    for (const { where, message } of broken) this.draft.unresolved(where, 'part of the file', /\{\{|\{%/.test(file.text) ? 'a template: render it first' : message);
    for (const document of documents) {
      this.project = document.at('name').text ?? this.project;
      for (const [name, model] of document.at('models').entries) this.model(name, model, file.path);
      for (const item of document.at('include').items) for (const path of item.text === undefined ? item.at('path').texts : [item.text]) this.include(path, file.path, item.where, services);
      const isFirstVersion = !document.at('services').exists && document.entries.some(([, node]) => node.at('image').exists || node.at('build').exists);
      for (const [name, node] of (isFirstVersion ? document : document.at('services')).entries) {
        if (name.startsWith('x-') || !node.isMap) continue;
        services.set(name, laidOver(services.get(name) ?? new Map(), new Map(node.entries.map(([key, value]) => [key, { node: value, file: file.path }] as const))));
      }
    }
  }

  private include(written: string, from: string, where: string, services: Map<string, Service>): void {
    const path = interpolate(written, this.valuesFor(from)).text;
    const file = this.find(path, from);
    if (file === undefined) this.draft.unresolved(where, `include ${path}`, /^(?:oci|https?|git|ssh):|^git@/.test(path) ? 'a Compose file elsewhere: fetch it and convert it too' : 'a file that is not among those given');
    else this.read(file, services);
  }

  private find(path: string, from: string): AdapterFile | undefined {
    const wanted = posix.normalize(posix.join(posix.dirname(from), path));
    return this.files.find((file) => posix.normalize(file.path) === wanted);
  }

  /** Models of `models:` are OCI artifacts that the engine pulls (compose-spec, "Models"). */
  private model(name: string, model: Node, from: string): void {
    const ref = this.text(model.at('model'), from);
    if (ref !== undefined) this.draft.image(ref, model.where, { id: name, kind: 'artifact', platforms: ['all'] });
    else if (!model.at('model').exists) this.draft.unresolved(model.where, `model ${name}`, 'without a model');
  }

  private service(name: string, own: Service, services: ReadonlyMap<string, Service>): void {
    const where = [...own.values()][0]?.node.where ?? name;
    const service = this.extended(own, services, { name, where, depth: 0 });
    const get = (key: string): Node | undefined => service.get(key)?.node;
    const fileOf = (key: string): string => service.get(key)?.file ?? '';
    const stated = get('platform');
    const platform = stated === undefined ? undefined : this.text(stated, fileOf('platform'), true);
    const profiles = get('profiles')?.texts ?? [];
    const more: Fields = { ...(platform === undefined ? {} : { platforms: [platform] }), ...(profiles.length === 0 ? {} : { when: { profiles } }) };
    const image = get('image');
    const ref = image === undefined ? undefined : this.text(image, fileOf('image'));
    const field = service.get('build');
    if (field !== undefined) this.build(name, ref, field, more);
    else if (image !== undefined && ref !== undefined) this.draft.image(ref, image.where, { ...this.id(name), ...more });
    else if (image === undefined && get('provider') === undefined && !own.has('extends')) this.draft.unresolved(where, `service ${name}`, 'neither image nor build');
    for (const volume of get('volumes')?.items ?? []) {
      const source = volume.at('type').text === 'image' ? this.text(volume.at('source'), fileOf('volumes')) : undefined;
      if (source !== undefined) this.draft.image(source, volume.where, more);
    }
  }

  /** The name of the first service that has it. */
  private id(name: string): Fields {
    if (this.ids.has(name)) return {};
    this.ids.add(name);
    return { id: name };
  }

  /** A service with what it takes over from those it extends (compose-spec, "extends"): its own fields win. */
  private extended(service: Service, services: ReadonlyMap<string, Service>, { name, where, depth }: { readonly name: string; readonly where: string; readonly depth: number }): Service {
    const parent = service.get('extends');
    const base = parent?.node.at('service').text ?? parent?.node.text;
    if (parent === undefined || base === undefined) return service;
    const path = parent.node.at('file').text;
    const others = path === undefined ? services : this.servicesOf(path, parent.file);
    const found = others?.get(base);
    if (others === undefined || found === undefined || depth > 20) {
      if (!service.has('image') && !service.has('build')) this.draft.unresolved(where, `service ${name} extends ${base}`, depth > 20 ? 'services that extend each other' : 'its base is not among the files given');
      return service;
    }
    const whole = this.extended(found, others, { name: base, where, depth: depth + 1 });
    const hasOwnBuild = service.has('build') && service.get('build')?.node.isMap === true && service.get('build')?.node.at('context').exists !== true;
    return laidOver(new Map([...whole].filter(([key]) => key !== 'extends' && key !== 'profiles' && !(key === 'build' && service.has('image') && !service.has('build')) && !(key === 'image' && service.has('build') && !service.has('image') && !hasOwnBuild))), service);
  }

  private servicesOf(path: string, from: string): ReadonlyMap<string, Service> | undefined {
    const file = this.find(path, from);
    if (file === undefined) return undefined;
    return new Map(readNodes(file).documents.flatMap((document) => document.at('services').entries.filter(([, node]) => node.isMap)
      .map(([name, node]) => [name, new Map(node.entries.map(([key, value]) => [key, { node: value, file: file.path }] as const))] as const)));
  }

  private build(name: string, ref: string | undefined, field: Field, more: Fields): void {
    const { node: build } = field;
    const layers = layersOf(field);
    const base: string[] = [];
    const take = (text: string, where: string, values: ReadonlyMap<string, string>): void => {
      const { text: image, unset } = interpolate(text, values);
      if (unset.length > 0) this.draft.unresolved(where, text, `${unset.join(', ')} has no value`);
      else if (this.draft.image(image, where, { role: 'base', ...more })) base.push(image);
    };
    const { node: placed, file: from } = layers.find(({ node }) => node.text !== undefined || node.at('context').exists) ?? field;
    const values = this.valuesFor(from);
    const context = interpolate(placed.text ?? placed.at('context').text ?? '.', values).text || '.';
    const said = (key: string): string | undefined => layers.map(({ node }) => node.at(key).text).find((text) => text !== undefined);
    const inline = said('dockerfile_inline');
    const isElsewhere = /^(?:https?|git|ssh):\/\/|^git@/.test(context);
    const path = isElsewhere ? context : posix.join(context, interpolate(said('dockerfile') ?? 'Dockerfile', values).text);
    const file = this.find(path, from);
    const args = new Map(layers.toReversed().flatMap(({ node }) => argumentsOf(node, values)));
    if (inline !== undefined) for (const found of dockerfileImages({ path: build.where, text: inline }, args)) take(found.ref, build.where, values);
    else if (file !== undefined) for (const found of dockerfileImages(file, args)) take(found.ref, found.where, values);
    else this.draft.unresolved(build.where, `build of ${name}`, `${path} is not among the files given, so its base images are not known`);
    const contexts = [...build.at('additional_contexts').entries.map(([, value]) => ({ text: value.text ?? '', where: value.where })), ...build.at('additional_contexts').items.map((item) => ({ text: item.text?.replace(/^[^=]*=/, '') ?? '', where: item.where }))];
    for (const { text, where } of contexts) {
      if (text.startsWith('docker-image://')) take(text.slice('docker-image://'.length), where, values);
      else if (/^(?:https?|git|ssh):\/\//.test(text)) this.draft.unresolved(where, text, 'a build context elsewhere');
    }
    for (const value of build.at('cache_from').items) {
      const ref = value.text?.includes('=') === true ? /(?:^|,)ref=([^,]+)/.exec(value.text)?.[1] : value.text;
      if (ref !== undefined) take(ref, value.where, values);
    }
    this.draft.add('produces', { image: ref ?? `${this.project}-${name}`, ...(base.length === 0 ? {} : { base }), origin: { where: build.where } });
  }

  /** The text with variables filled in; unresolved when one has no value. */
  private text(node: Node, from: string, mayBeEmpty = false): string | undefined {
    if (node.text === undefined) return undefined;
    const { text, unset } = interpolate(node.text, this.valuesFor(from));
    if (unset.length === 0 && text !== '') return text;
    if (unset.length === 0 && mayBeEmpty) return undefined;
    this.draft.unresolved(node.where, node.text, `${unset.join(', ') || 'it'} has no value`);
    return undefined;
  }
}

/** A build and those it lays over, its own first. */
function layersOf(field: Field): Field[] {
  const layers: Field[] = [];
  for (let one: Field | undefined = field; one !== undefined && layers.length < 20; one = one.under) layers.push(one);
  return layers;
}

/** `args` as a mapping or as NAME=value lines; a name without a value has that of the environment. */
function argumentsOf(build: Node, values: ReadonlyMap<string, string>): [string, string][] {
  const written = [
    ...build.at('args').items.map(({ text = '' }): [string, string | undefined] => (text.includes('=') ? [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] : [text, undefined])),
    ...build.at('args').entries.map(([key, { text }]): [string, string | undefined] => [key, text]),
  ];
  return written.flatMap(([name, text]): [string, string][] => { const value = text ?? values.get(name); return value === undefined ? [] : [[name, value]]; });
}
