// Compose files (compose-spec): services with their images and builds; version 1 files without `services`, too.
import { posix } from 'node:path';
import type { Adapter, AdapterFile, AdapterOptions, Converted } from '../adapter.ts';
import { BomDraft, type Fields } from '../draft.ts';
import { dockerfileImages } from '../dockerfile.ts';
import { type Node, readNodes } from '../trees.ts';
import { interpolate, readEnvFile } from './interpolate.ts';

const composePath = /(?:^|\/)(?:[\w.-]*compose[\w.-]*)\.(?:ya?ml|json)$/;

/** Files in the order given override each other, as `-f a -f b` does. `values` and `.env` fill in variables. */
export const compose: Adapter = {
  name: 'compose', version: 1,
  summary: 'Compose files: images, builds and their bases; variables from .env and --set',
  wants: (path) => /\.(?:ya?ml|json)$/.test(path) || /(?:^|\/)(?:\.env|[\w.-]*Dockerfile[\w.-]*)$/.test(path),
  detect: (files) => files.some(({ path, text }) => composePath.test(path) && /^\s*["']?(?:services|image|build)["']?\s*:/m.test(text)),
  convert: (files, options = {}) => new Compose(files, options).convert(),
};

/** What several files say of one service: fields of later ones win. */
type Service = ReadonlyMap<string, { readonly node: Node; readonly file: string }>;

class Compose {
  private readonly files: readonly AdapterFile[];
  private readonly draft: BomDraft;
  private readonly values: ReadonlyMap<string, string>;
  private readonly warnings: string[] = [];
  private readonly included = new Set<string>();
  private project = 'compose';

  constructor(files: readonly AdapterFile[], options: AdapterOptions) {
    this.files = files;
    this.draft = new BomDraft(compose, files, options);
    const env = files.filter(({ path }) => /(?:^|\/)\.env$/.test(path)).map(({ text }) => readEnvFile(text));
    this.values = new Map([...env.flatMap((map) => [...map]), ...Object.entries(options.values ?? {})]);
  }

  convert(): Converted {
    const roots = this.files.filter(({ path, text }) => composePath.test(path) || (this.files.length === 1 && /services|image/.test(text)));
    const services = new Map<string, Service>();
    for (const file of roots) this.read(file, services);
    for (const [name, service] of services) this.service(name, service, services);
    return { boms: [this.draft.build(this.project)], warnings: this.warnings };
  }

  private read(file: AdapterFile, services: Map<string, Service>): void {
    if (this.included.has(file.path)) return;
    this.included.add(file.path);
    const { documents, warnings, broken } = readNodes(file);
    this.warnings.push(...warnings);
    for (const [index, line] of file.text.split('\n').entries()) if (/:\s*!(?:reset|override)\b/.test(line)) this.draft.unresolved(`${file.path}:${index + 1}`, line, 'a tag that changes how files are merged, and is not applied');
    for (const { where, message } of broken) this.draft.unresolved(where, 'part of the file', message);
    for (const document of documents) {
      this.project = document.at('name').text ?? this.project;
      for (const item of document.at('include').items) for (const path of item.text === undefined ? item.at('path').texts : [item.text]) this.include(path, file.path, item.where, services);
      const isFirstVersion = !document.at('services').exists && document.entries.some(([, node]) => node.at('image').exists || node.at('build').exists);
      for (const [name, node] of (isFirstVersion ? document : document.at('services')).entries) {
        if (name.startsWith('x-') || !node.isMap) continue;
        services.set(name, new Map([...services.get(name) ?? [], ...node.entries.map(([key, value]) => [key, { node: value, file: file.path }] as const)]));
      }
    }
  }

  private include(path: string, from: string, where: string, services: Map<string, Service>): void {
    const file = this.find(path, from);
    if (file === undefined) this.draft.unresolved(where, `include ${path}`, 'a file that is not among those given');
    else this.read(file, services);
  }

  private find(path: string, from: string): AdapterFile | undefined {
    const wanted = posix.normalize(posix.join(posix.dirname(from), path));
    return this.files.find((file) => posix.normalize(file.path) === wanted);
  }

  private service(name: string, service: Service, services: ReadonlyMap<string, Service>): void {
    const get = (key: string): Node | undefined => service.get(key)?.node;
    const where = [...service.values()][0]?.node.where ?? name;
    this.extended(name, service, services, where);
    const platform = get('platform')?.text;
    const profiles = get('profiles')?.texts ?? [];
    const more: Fields = { ...(platform === undefined ? {} : { platforms: [platform] }), ...(profiles.length === 0 ? {} : { when: { profiles } }) };
    const build = get('build');
    const image = get('image');
    const ref = image === undefined ? undefined : this.text(image);
    if (build !== undefined) this.build(name, ref, build, service.get('build')?.file ?? '', more);
    else if (image !== undefined && ref !== undefined) this.draft.image(ref, image.where, { id: name, ...more });
    else if (image === undefined && get('provider') === undefined && get('extends') === undefined) this.draft.unresolved(where, `service ${name}`, 'neither image nor build');
    for (const volume of get('volumes')?.items ?? []) {
      const source = volume.at('type').text === 'image' ? this.text(volume.at('source')) : undefined;
      if (source !== undefined) this.draft.image(source, volume.where, more);
    }
  }

  /** A service that extends another takes its image over when it has none itself. */
  private extended(name: string, service: Service, services: ReadonlyMap<string, Service>, where: string): void {
    const parent = service.get('extends');
    if (parent === undefined || service.has('image') || service.has('build')) return;
    const [path, base = parent.node.text] = [parent.node.at('file').text, parent.node.at('service').text];
    if (base === undefined || base === name) return;
    const found = path === undefined ? services.get(base) : this.fromFile(path, base, parent.file);
    const image = found?.get('image')?.node;
    const ref = image === undefined ? undefined : this.text(image);
    if (image !== undefined && ref !== undefined) this.draft.image(ref, image.where, { id: name });
    else if (found === undefined) this.draft.unresolved(where, `service ${name} extends ${base}`, 'its base is not among the files given');
  }

  private fromFile(path: string, name: string, from: string): Service | undefined {
    const file = this.find(path, from);
    const node = file === undefined ? undefined : readNodes(file).documents[0]?.at('services', name);
    return node?.isMap === true ? new Map(node.entries.map(([key, value]) => [key, { node: value, file: file?.path ?? '' }])) : undefined;
  }

  private build(name: string, ref: string | undefined, build: Node, from: string, more: Fields): void {
    const base: string[] = [];
    const take = (text: string, where: string): void => {
      const { text: image, unset } = interpolate(text, this.values);
      if (unset.length > 0) this.draft.unresolved(where, text, `${unset.join(', ')} has no value`);
      else if (this.draft.image(image, where, { role: 'base', ...more })) base.push(image);
    };
    const context = build.text ?? build.at('context').text ?? '.';
    const inline = build.at('dockerfile_inline').text;
    const path = posix.join(context, build.at('dockerfile').text ?? 'Dockerfile');
    const file = this.find(path, from);
    const args = new Map(build.at('args').entries.flatMap(([key, value]) => (value.text === undefined ? [] : [[key, value.text] as const])));
    if (inline !== undefined) for (const found of dockerfileImages({ path: build.where, text: inline }, args)) take(found.ref, build.where);
    else if (file !== undefined) for (const found of dockerfileImages(file, args)) take(found.ref, found.where);
    else this.draft.unresolved(build.where, `build of ${name}`, `${path} is not among the files given, so its base images are not known`);
    for (const [, value] of build.at('additional_contexts').entries) if (value.text?.startsWith('docker-image://') === true) take(value.text.slice('docker-image://'.length), value.where);
    for (const value of build.at('cache_from').items) if (value.text !== undefined && !value.text.includes('=')) take(value.text, value.where);
    this.draft.add('produces', { image: ref ?? `${this.project}-${name}`, ...(base.length === 0 ? {} : { base }), origin: { where: build.where } });
  }

  /** The text with variables filled in; unresolved when one has no value. */
  private text(node: Node): string | undefined {
    if (node.text === undefined) return undefined;
    const { text, unset } = interpolate(node.text, this.values);
    if (unset.length === 0 && text !== '') return text;
    this.draft.unresolved(node.where, node.text, `${unset.join(', ') || 'it'} has no value`);
    return undefined;
  }
}
