// Secrets in configuration text: what must not leave with an archive by accident. Rules after what the makers of each token publish about its form.
import { assignedSecrets, isPlaceholder } from './secret-keys.ts';

/** One secret; never its value. */
export interface SecretFinding {
  readonly line: number;
  readonly rule: string;
  /** The key that it stands under, where there is one. */
  readonly key?: string;
}

interface Rule { readonly rule: string; readonly pattern: RegExp; readonly isReal?: (match: RegExpExecArray) => boolean }

const isLiteral = (value: string | undefined): boolean => value !== undefined && !isPlaceholder(value);

/** Every pattern is linear: no repetition inside a repetition that could match the same text. */
const rules: readonly Rule[] = [
  { rule: 'private-key', pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d|\bAGE-SECRET-KEY-1[0-9A-Z]{50,}/g },
  { rule: 'private-key', pattern: /\bLS0tLS1CRUdJTi[A-Za-z0-9+/]{20,60}/g, isReal: ([text]) => Buffer.from(text, 'base64').toString('latin1').includes('PRIVATE KEY') },
  { rule: 'aws-access-key', pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g },
  { rule: 'google-api-key', pattern: /\bAIza[\w-]{35}\b|\bGOCSPX-[\w-]{28}\b/g },
  { rule: 'azure-key', pattern: /\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}=*|[?&]sig=[A-Za-z0-9%+/]{40,}|\b[\w~.-]{3}8Q~[\w~.-]{34}/g },
  { rule: 'github-token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{40,}/g },
  { rule: 'gitlab-token', pattern: /\bgl(?:pat|dt|rt|ptt|ft|soat|cbt|agent)-[\w-]{20,}/g },
  { rule: 'slack-token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com\/(?:services|workflows)\/[A-Za-z0-9/]{20,}/g },
  { rule: 'package-registry-token', pattern: /\bnpm_[A-Za-z0-9]{36}\b|\bpypi-AgEI[\w-]{50,}|\bdckr_(?:pat|oat)_[\w-]{20,}|\brubygems_[a-f0-9]{48}\b/g },
  { rule: 'vault-token', pattern: /\bhv[sbr]\.[\w-]{20,}|\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}/g },
  { rule: 'cloud-token', pattern: /\bdo[opr]_v1_[a-f0-9]{64}\b|\bdapi[a-f0-9]{32}\b|\b[srp]k_live_[A-Za-z0-9]{16,}|\bSG\.[\w-]{16,}\.[\w-]{32,}|\bhf_[A-Za-z0-9]{30,}|\bsk-(?:ant-|proj-)?[\w-]{32,}|\bLTAI[A-Za-z0-9]{16,24}\b/g },
  { rule: 'json-web-token', pattern: /\beyJ[\w-]{8,4000}\.eyJ[\w-]{8,}\.[\w-]{8,}/g },
  { rule: 'url-password', pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'<>]{0,200}:([^\s/@"'<>]{1,200})@/gi, isReal: ([, password]) => isLiteral(password) },
  { rule: 'authorization-header', pattern: /\bauthorization["']?\s{0,9}[:=]\s{0,9}["']?(?:bearer|basic|token)\s{1,9}([\w.~+/=-]{8,})/gi, isReal: ([, value]) => isLiteral(value) },
  { rule: 'netrc', pattern: /\b(?:machine\s{1,9}\S{1,200}|default)\s{1,9}(?:login\s{1,9}\S{1,200}\s{1,9})?password\s{1,9}(\S{1,200})/g, isReal: ([, value]) => isLiteral(value) },
  { rule: 'docker-auth', pattern: /["']?\b(?:auth|identitytoken)["']?\s{0,9}:\s{0,9}["']?([A-Za-z0-9+/_=-]{8,})/g, isReal: ([text, value = '']) => text.includes('identitytoken') || isUserAndPassword(value) },
  { rule: 'password-hash', pattern: /\$(?:1|5|6|y|gy|7|apr1|2[abxy])\$[./A-Za-z0-9$,=]{16,}/g },
  { rule: 'xml-password', pattern: /<([\w:.-]{0,60}(?:password|passphrase|secret|token))(?:\s[^<>]{0,200})?>([^<>]{1,400})<\//gi, isReal: ([, , value]) => isLiteral(value?.trim()) },
  { rule: 'command-line', pattern: /(?<![\w-])--[a-z-]{0,30}(?:password|passwd|token|secret|api-key)[ \t]{1,9}(?!-)["']?([^\s"']{3,200})/gi, isReal: ([, value = '']) => isLiteral(value) && !/^[A-Z_]+[,.;:)\]]*$/.test(value) },
];

/** Names that say that the whole file is a secret. */
const secretNames: readonly { readonly rule: string; readonly pattern: RegExp }[] = [
  { rule: 'key-store', pattern: /\.(?:p12|pfx|jks|jceks|bks|keystore|kdbx?|keytab|ppk)$|^krb5\.keytab$/i },
  { rule: 'password-file', pattern: /^(?:\.pgpass|\.htpasswd|htpasswd|\.vault[-_]?pass(?:word)?(?:\.txt)?|\.vault-token|\.git-credentials|shadow|gshadow)$/i },
];

function isUserAndPassword(base64: string): boolean {
  const text = Buffer.from(base64, 'base64').toString('latin1');
  return /^[\x20-\x7e]{1,200}:[\x20-\x7e]{1,4096}$/.test(text);
}

const allowed = /longshore:\s?not-a-secret/;

/**
 * Every secret in `text`, by line (from 1). `path` is the file's name, which says a part: key stores, and whether bare words are names or
 * values. What Ansible Vault or SOPS encrypted is none, nor is a line with the comment `longshore: not-a-secret`. Never throws; a value is in
 * no result. Not promised: that every secret is found.
 */
export function scanText(text: string, path: string): SecretFinding[] {
  const name = path.split('/').at(-1) ?? path;
  const named = secretNames.filter(({ pattern }) => pattern.test(name)).map(({ rule }) => ({ line: 1, rule }));
  if (text.startsWith('$ANSIBLE_VAULT;')) return named;
  const lines = new Lines(text);
  const found: SecretFinding[] = [...named, ...matches(text, lines), ...assignedSecrets(text.split('\n'), name), ...kubernetesSecrets(text)];
  const unique = new Map(found.filter(({ line }) => !allowed.test(lines.text(line))).map((finding) => [`${finding.line} ${finding.rule} ${finding.key ?? ''}`, finding]));
  return [...unique.values()].sort((a, b) => a.line - b.line || (a.rule < b.rule ? -1 : 1));
}

/** The same for content that is no text: the forms that need no grammar around them. */
export function scanBinary(bytes: Uint8Array, path: string): SecretFinding[] {
  const name = path.split('/').at(-1) ?? path;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').replaceAll('\0', '');
  const sure = new Set(['private-key', 'aws-access-key', 'github-token', 'gitlab-token', 'vault-token']);
  const found = [...secretNames.filter(({ pattern }) => pattern.test(name)), ...rules.filter(({ rule, pattern, isReal }) => sure.has(rule) && [...text.matchAll(pattern)].some((match) => isReal?.(match) ?? true))];
  return [...new Set(found.map(({ rule }) => rule))].sort().map((rule) => ({ line: 1, rule }));
}

function matches(text: string, lines: Lines): SecretFinding[] {
  return rules.flatMap(({ rule, pattern, isReal }) => [...text.matchAll(pattern)]
    .filter((match) => !/EXAMPLE$/.test(match[0]) && (isReal?.(match) ?? true)).map((match) => ({ line: lines.at(match.index), rule })));
}

/** `kind: Secret` with data: every value in it is one, whatever its key. */
function kubernetesSecrets(text: string): SecretFinding[] {
  if (!/kind["']?[ \t]*:[ \t]*["']?Secret\b/.test(text)) return [];
  let line = 1;
  return text.split(/^---.*$/m).flatMap((document) => {
    const start = line;
    line += document.split('\n').length - 1;
    if (!/(?:^|[{,])(?:[ \t]|-[ \t])*["']?kind["']?[ \t]*:[ \t]*["']?Secret\b/m.test(document)) return [];
    const data = /(?:^|[{,])[ \t]*["']?(?:data|stringData)["']?\s*:/m.exec(document);
    const after = data === null ? '' : document.slice(data.index + data[0].length);
    const rest = /^\s*\{/.test(after) ? after.slice(0, after.indexOf('}') + 1) : after.split(/\n(?=[^\s#])/)[0] ?? '';
    const values = [...rest.matchAll(/(?:^[ \t]+|[{,]\s*)["']?[\w.-]+["']?[ \t]*:[ \t]*["']?([^\s"',{}]+)/gm)].map(([, value]) => value);
    return data !== null && values.some(isLiteral) ? [{ line: start + document.slice(0, data.index).split('\n').length - 1, rule: 'kubernetes-secret' }] : [];
  });
}

/** Line numbers of offsets. */
class Lines {
  private readonly content: string;
  private readonly starts: readonly number[];

  constructor(text: string) {
    this.content = text;
    this.starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  at(offset: number): number {
    let [low, high] = [0, this.starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  text(line: number): string {
    return this.content.slice(this.starts[line - 1], this.starts[line]);
  }
}
