// Secrets by the name of what they are assigned to: `password: hunter2`, `TOKEN=…`, `{"name": "DB_PASSWORD", "value": "…"}`.
import { redactedMark } from './redacted-mark.ts';

export interface AssignedSecret { readonly line: number; readonly rule: 'secret-value'; readonly key: string }

/**
 * true for what stands where a value would: a reference, a template, a mark. Compared as a whole, so that a password with such a part is still one.
 */
export function isPlaceholder(value: string): boolean {
  const text = value.trim();
  if (text.length < 3 || text === redactedMark || /^[*xX.?-]+$/.test(text)) return true;
  if (/^(?:true|false|null|none|nil|undefined|yes|no|off|on|string|str|text|bool|boolean|int|integer|number|object|array|required|optional|sensitive|enabled|disabled|always|never|redacted|masked)$/i.test(text)) return true;
  const [, fallback] = /^\$\{[\w.]+(?::?[-=]|:(?![?+=-]))([^}]*)\}$/.exec(text) ?? [];
  if (fallback !== undefined) return isPlaceholder(fallback);
  if (/^(?:(?:\$\{\{[^}]*\}\}|\$\{[^}]*\}|\{\{[^}]*\}\})+|\$\([^)]*\)|\$[A-Z_][A-Z0-9_]*|\$[a-z_]+|\$\d|%\w+%|%\(\w+\)s|<[^<>]*>|\{\{.*\}\}|\{%.*%\}|\[\[.*\]\]|#\{[^}]*\}#?|@\w+@|__\w+__|###\w+###)$/s.test(text)) return true;
  return /^(?:ENC\[|\$ANSIBLE_VAULT|!vault\b|!ENV\b|(?:vault|env|file|op|ref|awssm|gcpsm|azurekv|secretref)(?::|\+)|arn:aws:|projects\/[^/]+\/secrets\/)/i.test(text)
    || /^(?:~|\.{1,2}|\/(?:etc|var|run|opt|home|usr|mnt|root|tmp|srv|data|secrets?))\/[\w./@-]*$/.test(text);
}


/** Keys that end in one of these, at the start of a word. */
const secretKey = new RegExp(`(?:^|[_.-])(?:${[
  'pass(?:word|wd|phrase|code)(?:_?b64|_?base64)?', 'pwd', 'pw', 'pass', 'secret', 'token', 'psk', 'credentials?',
  '(?:api|access|private|secret|encryption|encrypt|signing|master|account|shared|unseal|session|storage|license)[_-]?key', 'client[_-]key[_-]data', 'connection[_-]?string',
].join('|')})$`);
/** Compound words without a boundary, as in rootpw and mysqlpassword. */
const joinedKey = /(?:password|passwd|passphrase|apikey|rootpw|bindpw|dbpass)$/;
/** Such keys name a file, a reference or a rule, or are of public things. */
const innocentKey = /(?:public|ssh[_-]?host)[_-]?key$|(?:next|page|continue|continuation|pad|eos|bos|unk|cancellation)[_-]?token$/;
/** Languages in which a bare word is a name and only quoted text a value. */
const codeName = /\.(?:tf|hcl|py|js|mjs|cjs|ts|go|java|rb|rs|c|h|cpp|cs|php|lua|groovy|gradle|kts?|scala|jsonnet|libsonnet|cue|rego)$/i;
const proseName = /\.(?:md|rst|txt|adoc)$/i;
const templateName = /\.(?:j2|tmpl|tpl|sh|bash)$/i;

const assignment = /(?<![\w$.@-])(["']?)([A-Za-z_][\w.-]{0,100})\1[ \t]{0,20}(:=|=>|=|:)(?![=~])[ \t]{0,20}/g;

/** Literal values of keys that name secrets. `name` is the file's name. Linear in the text. */
export function assignedSecrets(lines: readonly string[], name: string): AssignedSecret[] {
  const language = languageOf(name);
  const found: AssignedSecret[] = [];
  /** A key whose value follows below it: in a block, as `value:`, or as an element called `value`. */
  let open: { readonly key: string; readonly indent: number; readonly until: number; readonly kind: 'block' | 'entry' } | undefined;
  for (const [index, line] of lines.entries()) {
    const indent = line.length - line.trimStart().length;
    if (open?.kind === 'block' && line.trim() !== '') {
      const isBelow = indent > open.indent;
      if (isBelow && isValueLine(line)) found.push({ line: index + 1, rule: 'secret-value', key: open.key });
      open = isBelow && !isValueLine(line) ? { ...open, kind: 'entry' } : undefined;
    }
    if (open !== undefined && index > open.until) open = undefined;
    for (const match of line.matchAll(assignment)) {
      const [, quote = '', key = '', operator = ''] = match;
      const isEntry = open?.kind === 'entry' && /^(?:value|default)$/i.test(key);
      if (!isEntry && !/^name$/i.test(key) && !isSecretKey(key)) continue;
      const start = match.index + match[0].length;
      const value = valueAt(line, start, quote !== '');
      const isNamed = /^name$/i.test(key) && isSecretKey(value.text);
      if (isNamed) open = { key: value.text, indent, until: index + 2, kind: 'entry' };
      else if (isEntry && isLiteralValue(value, language)) found.push({ line: index + 1, rule: 'secret-value', key: open?.key ?? key });
      else if (isSecretKey(key)) {
        if (value.text === '{' || (value.text === '' && operator !== '=')) open = { key, indent, until: index + 4, kind: value.text === '{' ? 'entry' : 'block' };
        else if (/^[|>][-+0-9]*$/.test(value.text)) open = { key, indent, until: index + 4, kind: 'block' };
        else if (isLiteralValue(value, language) && !isHarmless(key, value.text)) found.push({ line: index + 1, rule: 'secret-value', key });
      }
    }
  }
  return found;
}

function isSecretKey(key: string): boolean {
  const words = key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return (secretKey.test(words) || joinedKey.test(words)) && !innocentKey.test(words);
}

interface Value { readonly text: string; readonly isQuoted: boolean }

/** The value that starts at `start`: quoted text, or text up to a comment, or up to what ends it within brackets. */
function valueAt(line: string, start: number, isQuotedKey: boolean): Value {
  const rest = line.slice(start, start + 4096);
  const quoted = /^(["'`])((?:(?!\1)[^\\]|\\.)*)/.exec(rest);
  if (quoted !== null) return { text: quoted[2] ?? '', isQuoted: true };
  if (/^[[{]/.test(rest) && !rest.startsWith('{{') && !rest.startsWith('[[')) return { text: rest.slice(0, 1), isQuoted: false };
  const bare = /^(?:\{\{[^}]*\}\}|\$\{\{[^}]*\}\}|\$\{[^}]*\}|\$\([^)]*\)|<[^<>]*>)+(?=[\s,;}\]]|$)/.exec(rest)?.[0] ?? rest.replace(/^["'`]/, '').replace(/["'`].*$|\s(?:[#;]|\/\/).*$/, '');
  const before = line.slice(Math.max(0, start - 4096), start);
  const isWithin = isQuotedKey || before.lastIndexOf('{') > before.lastIndexOf('}') || before.lastIndexOf('[') > before.lastIndexOf(']');
  return { text: (isWithin ? bare.replace(/[,}\]].*$/s, '') : bare).replace(/[;,]$/, '').trim(), isQuoted: false };
}

type Language = 'data' | 'code' | 'prose' | 'template';

function languageOf(name: string): Language {
  if (codeName.test(name)) return 'code';
  if (proseName.test(name)) return 'prose';
  return templateName.test(name) ? 'template' : 'data';
}

function isLiteralValue({ text, isQuoted }: Value, language: Language): boolean {
  if (text === '{' || text === '[') return false;
  if (!isQuoted && language === 'code') return false;
  if (!isQuoted && language === 'prose' && !/^(?=.*[A-Za-z])(?=.*[^A-Za-z.,;:])\S{6,}$/.test(text)) return false;
  if (!isQuoted && language === 'template' && /^[A-Za-z_][\w.]*\(/.test(text)) return false;
  // A YAML alias names what stands elsewhere; an anchor stands before the value.
  const bare = isQuoted ? text : text.replace(/^&\S+\s+/, '');
  return !isPlaceholder(bare) && (isQuoted || !/^\*[\w-]+$/.test(bare));
}

/** Names of credentials rather than credentials, paths, and counts. */
function isHarmless(key: string, value: string): boolean {
  if (/credentials?$/i.test(key)) return !(value.length >= 12 && /\d/.test(value) && /[A-Za-z]/.test(value));
  if (/token$/i.test(key) && /^\d{1,6}$/.test(value)) return true;
  return /pwd$/i.test(key) && value.startsWith('/');
}

/** A line below a key that is its value, and not a further key or item. */
function isValueLine(line: string): boolean {
  const text = line.trim();
  return !/^(?:-(?:\s|$)|#|["']?[\w.\/-]+["']?\s*:(?:\s|$)|[{}[\],])/.test(text) && !isPlaceholder(text.replace(/^["']|["']$/g, ''));
}
