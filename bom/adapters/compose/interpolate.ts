// Variables in Compose files: compose-spec, "Interpolation".

export interface Interpolated {
  readonly text: string;
  /** Variables that have neither value nor default. */
  readonly unset: readonly string[];
}

/** `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR-default}`, `${VAR:?message}`, `${VAR:+other}`, nested to a bounded depth; `$$` is a dollar. */
export function interpolate(text: string, values: ReadonlyMap<string, string>, depth = 0): Interpolated {
  const unset: string[] = [];
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) { result += text.slice(at); break; }
    result += text.slice(at, dollar);
    const rest = text.slice(dollar + 1);
    const bare = /^[A-Za-z_]\w*/.exec(rest)?.[0];
    if (rest.startsWith('$')) { result += '$'; at = dollar + 2; continue; }
    if (bare !== undefined) {
      const value = values.get(bare);
      if (value === undefined) unset.push(bare);
      result += value ?? '';
      at = dollar + 1 + bare.length;
      continue;
    }
    const end = rest.startsWith('{') ? closing(rest) : -1;
    if (end < 0 || depth > 8) { result += '$'; at = dollar + 1; continue; }
    const inner = braced(rest.slice(1, end), values, depth);
    result += inner.text;
    unset.push(...inner.unset);
    at = dollar + 1 + end + 1;
  }
  return { text: result, unset };
}

function closing(text: string): number {
  let open = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '{') open++;
    else if (text[index] === '}' && --open === 0) return index;
  }
  return -1;
}

function braced(body: string, values: ReadonlyMap<string, string>, depth: number): Interpolated {
  const [, name = '', operator = '', other = ''] = /^([A-Za-z_]\w*)(?:(:?[-?+])(.*))?$/s.exec(body) ?? [];
  if (name === '') return { text: '', unset: [body] };
  const value = values.get(name);
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  switch (operator.at(-1)) {
    case '-': return isSet ? { text: value, unset: [] } : interpolate(other, values, depth + 1);
    case '+': return isSet ? interpolate(other, values, depth + 1) : { text: '', unset: [] };
    default: return isSet ? { text: value, unset: [] } : { text: '', unset: [name] };
  }
}

/** NAME=value lines of an env file; quotes around a value are taken off. */
export function readEnvFile(text: string): Map<string, string> {
  return new Map(text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, /^(["']).*\1$/s.test(value) ? value.slice(1, -1) : value.replace(/\s+#.*$/, '')]];
  }));
}
