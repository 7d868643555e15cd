// containers-registries.conf(5), version 2: [[registry]] and [[registry.mirror]] tables, of the TOML that such files use.
import { BundleError } from '../../bom/errors.ts';

export interface RegistryMirror {
  /** host[:port][/path] in place of the prefix. */
  readonly location: string;
  readonly insecure: boolean;
  /** Which pulls it may serve. */
  readonly pull: 'all' | 'digest-only' | 'tag-only';
}

export interface RegistryRule {
  /** host[:port][/path] that names begin with; `*.example.org` stands for every host below. */
  readonly prefix: string;
  /** What replaces the prefix; the prefix itself when left out. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
}

interface Table { readonly name: string; readonly line: number; readonly values: Map<string, string | boolean> }

/** The rules of a registries.conf, in order. Other tables and keys are passed over. Throws `INPUT_SYNTAX` with the line. */
export function parseRegistriesConf(text: string, file: string): RegistryRule[] {
  const rules: (RegistryRule & { readonly mirrors: RegistryMirror[]; readonly byDigestOnly: boolean })[] = [];
  for (const { name, line, values } of tables(text, file)) {
    const textOf = (key: string): string => String(values.get(key) ?? '');
    if (name === 'registry') {
      const prefix = textOf('prefix') || textOf('location');
      if (prefix === '') throw syntax(file, line, 'prefix or location in [[registry]]', 'neither');
      rules.push({
        prefix, location: textOf('location') || prefix, insecure: values.get('insecure') === true, blocked: values.get('blocked') === true, mirrors: [],
        byDigestOnly: values.get('mirror-by-digest-only') === true,
      });
    } else if (name === 'registry.mirror') {
      const rule = rules.at(-1);
      if (rule === undefined || textOf('location') === '') throw syntax(file, line, 'a location, below its [[registry]]', 'something else');
      const pull = textOf('pull-from-mirror') || (rule.byDigestOnly ? 'digest-only' : 'all');
      if (pull !== 'all' && pull !== 'digest-only' && pull !== 'tag-only') throw syntax(file, line, 'pull-from-mirror: all, digest-only or tag-only', pull);
      rule.mirrors.push({ location: textOf('location'), insecure: values.get('insecure') === true, pull });
    }
  }
  return rules.map(({ prefix, location, insecure, blocked, mirrors }) => ({ prefix, location, insecure, blocked, mirrors }));
}

function tables(text: string, file: string): Table[] {
  const result: Table[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    const header = /^\[\[?\s*([A-Za-z0-9_."-]+)\s*\]\]?\s*(?:#.*)?$/.exec(line)?.[1];
    if (header !== undefined) result.push({ name: header.replaceAll('"', ''), line: at + 1, values: new Map() });
    const pair = /^("?)([A-Za-z0-9_-]+)\1\s*=\s*(?:"((?:[^"\\]|\\["\\])*)"|'([^']*)'|(true|false))\s*(?:#.*)?$/.exec(line);
    const value = pair?.[3]?.replace(/\\(["\\])/g, '$1') ?? pair?.[4] ?? (pair?.[5] === undefined ? undefined : pair[5] === 'true');
    const relevant = result.at(-1)?.name.startsWith('registry') === true;
    if (pair?.[2] !== undefined && value !== undefined) result.at(-1)?.values.set(pair[2], value);
    else if (relevant && header === undefined && line !== '' && !line.startsWith('#')) throw syntax(file, at + 1, 'key = "text", or key = true', 'something else');
  }
  return result;
}

function syntax(file: string, line: number, expected: string, actual: string): BundleError {
  return new BundleError('INPUT_SYNTAX', { subject: `${file}:${line}`, expected, actual });
}

export interface Endpoint {
  readonly host: string;
  readonly path: string;
  readonly insecure: boolean;
}

/**
 * Where `host/path` is to be asked for, in order: the mirrors of the longest matching rule, then its location; just itself when no rule
 * matches. Empty when the rule blocks it.
 */
export function endpointsOf(rules: readonly RegistryRule[], name: { readonly host: string; readonly path: string }, by: 'digest' | 'tag'): Endpoint[] {
  const full = `${name.host}/${name.path}`;
  const matches = rules.flatMap((rule) => {
    const matched = matchedPrefix(rule.prefix, full, name.host);
    return matched === undefined ? [] : [{ rule, matched }];
  });
  const best = matches.toSorted((a, b) => b.rule.prefix.length - a.rule.prefix.length)[0];
  if (best === undefined) return [{ ...name, insecure: false }];
  const { rule, matched } = best;
  if (rule.blocked) return [];
  const rest = full.slice(matched.length);
  const at = (location: string, insecure: boolean): Endpoint[] => {
    const place = location.startsWith('*.') ? full : location + rest;
    const slash = place.indexOf('/');
    return slash < 0 ? [] : [{ host: place.slice(0, slash), path: place.slice(slash + 1), insecure }];
  };
  const mirrors = rule.mirrors.filter(({ pull }) => pull === 'all' || pull === `${by}-only`);
  return [...mirrors.flatMap((mirror) => at(mirror.location, mirror.insecure)), ...at(rule.location, rule.insecure)];
}

function matchedPrefix(prefix: string, full: string, host: string): string | undefined {
  if (prefix.startsWith('*.')) return host.endsWith(prefix.slice(1)) ? host : undefined;
  return full === prefix || full.startsWith(`${prefix}/`) ? prefix : undefined;
}
