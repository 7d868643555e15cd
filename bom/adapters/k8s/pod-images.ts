// Images in Kubernetes objects: pod specs anywhere (Kubernetes API reference, PodSpec), image volumes, and what looks like an image elsewhere.
import { parseReference } from '../../reference.ts';
import { BundleError } from '../../errors.ts';
import type { Fields } from '../draft.ts';
import type { Node } from '../trees.ts';

export interface FoundImage { readonly ref: string; readonly where: string; readonly more: Fields }

const containerLists = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/** Every image of an object and of the objects in a List. Pod specs are taken by shape, wherever they stand. */
export function imagesOf(object: Node): FoundImage[] {
  const found: FoundImage[] = [];
  walk(object, found, isCustom(object), 0);
  return found;
}

function isCustom(object: Node): boolean {
  const group = (object.at('apiVersion').text ?? '').split('/')[0] ?? '';
  return group.includes('.') && !/(?:^|\.)k8s\.io$/.test(group);
}

function walk(node: Node, found: FoundImage[], custom: boolean, depth: number): void {
  if (depth > 60) return;
  for (const item of node.items) walk(item, found, custom, depth + 1);
  if (!node.isMap) return;
  const isObject = node.at('apiVersion').text !== undefined && node.at('kind').text !== undefined;
  if (isObject && depth > 0 && isCustom(node) !== custom) { walk(node, found, isCustom(node), 0); return; }
  if (node.at('kind').text === 'ConfigMap') for (const [, value] of node.at('data').entries) found.push(...guesses(value));
  for (const list of containerLists) for (const container of node.at(list).items) container_(container, found);
  for (const volume of node.at('volumes').items) {
    const ref = volume.at('image', 'reference');
    if (ref.text !== undefined) found.push({ ref: ref.text, where: ref.where, more: {} });
  }
  for (const [key, child] of node.entries) {
    const isImage = custom && key.length < 60 && /^(?:image|.*Image)$/.test(key) && child.text !== undefined && looksLikeImage(child.text, key === 'image');
    if (isImage) found.push({ ref: child.text ?? '', where: child.where, more: key === 'image' ? {} : { confidence: 'guessed' } });
    const repository = custom && /^(?:image|.*Image)$/.test(key) ? child.at('repository').text : undefined;
    if (repository !== undefined) {
      const [registry, tag, digest] = [child.at('registry').text, child.at('tag').text, child.at('digest').text];
      found.push({ ref: `${registry === undefined ? '' : `${registry}/`}${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`, where: child.where, more: { confidence: 'guessed' } });
    }
    const isList = (containerLists as readonly string[]).includes(key);
    walk(child, found, custom && !isList, depth + 1);
  }
}

function container_(container: Node, found: FoundImage[]): void {
  const image = container.at('image');
  if (image.text !== undefined) found.push({ ref: image.text, where: image.where, more: {} });
  for (const variable of container.at('env').items) {
    const value = variable.at('value');
    if ((/IMAGE/i.test(variable.at('name').text ?? '') && looksLikeImage(value.text ?? '', false)) || isQualified(value.text ?? '')) found.push({ ref: value.text ?? '', where: value.where, more: { confidence: 'guessed' } });
  }
  const words = [...container.at('command').items, ...container.at('args').items];
  for (const [index, argument] of words.entries()) {
    const [, flag = '', written] = /^--?([\w.-]+)=(\S+)$/.exec(argument.text ?? '') ?? [];
    const before = /^--?[\w-]*image[\w-]*$/.test(words[index - 1]?.text ?? '');
    const ref = written ?? (before ? argument.text : undefined);
    if (ref !== undefined && (/image/.test(flag) || before ? looksLikeImage(ref, false) : isQualified(ref))) found.push({ ref, where: argument.where, more: { confidence: 'guessed' } });
  }
}

/** `registry.example.org/path:tag` or with a digest, and no port where the tag would be: an image, whatever it is called. */
function isQualified(text: string): boolean {
  return text.length < 400 && /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?\/[a-z0-9._/-]+(?::(?!\d{1,5}$)[\w][\w.-]*|:\d+\.[\w.-]+|@sha256:[0-9a-f]{64})$/.test(text) && looksLikeImage(text, false);
}

/** `image: reference` lines in the text of a ConfigMap. */
function guesses(value: Node): FoundImage[] {
  return [...(value.text ?? '').matchAll(/["']?\bimage["']?\s*[:=]\s*["']?([^\s"',}]+)/g)].flatMap(([, ref = '']) =>
    (looksLikeImage(ref, false) ? [{ ref, where: value.where, more: { confidence: 'guessed' } }] : []));
}

/** Whether text can be a reference; a guess also has a / and a tag or digest. */
function looksLikeImage(text: string, isDeclared: boolean): boolean {
  if (text.length > 400 || /\s/.test(text)) return false;
  if (!isDeclared && !(text.includes('/') && /[:@]/.test(text.slice(text.lastIndexOf('/'))))) return false;
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (error instanceof BundleError) return false;
    throw error;
  }
}
