// Image configurations as go-containerregistry reads and writes them: pkg/v1/config.go of 0.4.1 to 0.20.2, and Go's encoding/json.
import { BundleError } from '../../bom/errors.ts';

/** What differs between releases of Go: since 1.22, backspaces and form feeds are written by name. */
export interface GoRelease { readonly namesEscapes: boolean }

type Encode = (value: unknown, at: string) => string | undefined;
type Field = readonly [name: string, encode: Encode];
type JsonObject = Readonly<Record<string, unknown>>;

export interface GoImageConfig {
  readonly history: readonly JsonObject[];
  /** The members of `values` in the order of Go's `ConfigFile`, as JSON; what `values` leaves out is as Go has it empty. */
  readonly members: (values: JsonObject) => readonly string[];
  readonly document: JsonObject;
  readonly text: (value: string) => string;
}

/**
 * Reads a configuration as Go does: unknown fields are passed over, names of fields match in any case, null is nothing. Throws `INTEGRITY_METADATA` where
 * Go refuses it, and for numbers beyond 2^53.
 */
export function parseGoImageConfig(bytes: Uint8Array, release: GoRelease, subject: string): GoImageConfig {
  const document = asObject(parseJson(bytes, subject), subject);
  const text = (value: string): string => goString(value, release);
  const fields = fieldsOf(text);
  for (const [name, encode] of fields) encode(valueOf(document, name), `${subject}: ${name}`);
  const history = valueOf(document, 'history') ?? [];
  if (!Array.isArray(history)) throw unlike(`${subject}: history`, 'a list', history);
  return { document, text, history: history.map((entry: unknown, at) => asObject(entry ?? {}, `${subject}: history ${at + 1}`)), members: (values) => fields.flatMap(([name, encode]) => member(name, encode(valueOf(values, name), name), text)) };
}

/** The value of a field by its name in any case, as Go finds it: of several the last that is not null. */
export function valueOf(object: JsonObject, name: string): unknown {
  const wanted = folded(name);
  return Object.entries(object).findLast(([key, value]) => value !== null && folded(key) === wanted)?.[1];
}

const folded = (name: string): string => name.toUpperCase().toLowerCase();

function member(name: string, encoded: string | undefined, text: (value: string) => string): readonly string[] {
  return encoded === undefined ? [] : [`${text(name)}:${encoded}`];
}

function fieldsOf(text: (value: string) => string): readonly Field[] {
  const string: Encode = (value, at) => { const found = asString(value, at); return found === '' ? undefined : text(found); };
  const always = (encode: Encode, empty: string): Encode => (value, at) => encode(value, at) ?? empty;
  const flag: Encode = (value, at) => {
    if (value !== undefined && typeof value !== 'boolean') throw unlike(at, 'true or false', value);
    return value === true ? 'true' : undefined;
  };
  const whole: Encode = (value, at) => {
    if (value !== undefined && !Number.isSafeInteger(value)) throw unlike(at, 'a whole number', value);
    return value === undefined || Number(value) === 0 ? undefined : String(value);
  };
  const strings: Encode = (value, at) => {
    if (value !== undefined && !Array.isArray(value)) throw unlike(at, 'a list of texts', value);
    const items = (value ?? []).map((item: unknown) => text(asString(item ?? undefined, at)));
    return items.length === 0 ? undefined : `[${items.join(',')}]`;
  };
  const map = (encode: Encode): Encode => (value, at) => {
    const entries = Object.entries(asObject(value ?? {}, at)).map(([key, item]) => [Buffer.from(key), encode(item ?? undefined, at)] as const);
    const sorted = entries.sort(([left], [right]) => Buffer.compare(left, right));
    return sorted.length === 0 ? undefined : `{${sorted.map(([key, item]) => `${text(key.toString())}:${item}`).join(',')}}`;
  };
  const struct = (fields: readonly Field[]): Encode => (value, at) => {
    const object = asObject(value ?? {}, at);
    return `{${fields.flatMap(([name, encode]) => member(name, encode(valueOf(object, name), `${at}.${name}`), text)).join(',')}}`;
  };
  const set = map((value, at) => { asObject(value ?? {}, at); return '{}'; });
  const labels = map(always(string, '""'));
  const health = struct([['Test', strings], ['Interval', whole], ['Timeout', whole], ['StartPeriod', whole], ['Retries', whole]]);
  const config = struct([
    ['AttachStderr', flag], ['AttachStdin', flag], ['AttachStdout', flag], ['Cmd', strings], ['Healthcheck', (value, at) => (value === undefined ? undefined : health(value, at))], ['Domainname', string],
    ['Entrypoint', strings], ['Env', strings], ['Hostname', string], ['Image', string], ['Labels', labels], ['OnBuild', strings], ['OpenStdin', flag], ['StdinOnce', flag], ['Tty', flag], ['User', string],
    ['Volumes', set], ['WorkingDir', string], ['ExposedPorts', set], ['ArgsEscaped', flag], ['NetworkDisabled', flag], ['MacAddress', string], ['StopSignal', string], ['Shell', strings],
  ]);
  return [
    ['architecture', always(string, '""')], ['author', string], ['container', string], ['created', goTime], ['docker_version', string], ['os', always(string, '""')],
    // Metadata of layers never have one.
    ['rootfs', () => '{"type":"","diff_ids":null}'], ['config', config],
  ];
}

/** The zero of Go's time where there is none; else RFC 3339 without trailing zeros, UTC as Z. */
function goTime(value: unknown, at: string): string {
  if (value === undefined) return '"0001-01-01T00:00:00Z"';
  const found = /^(\d{4}-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-4]):[0-5]\d)$/.exec(asString(value, at));
  const day = new Date(`${found?.[1]?.slice(0, 10)}T00:00:00Z`);
  if (found === null || Number.isNaN(day.getTime()) || day.getUTCDate() !== Number(found[3])) throw unlike(at, 'a time of RFC 3339', value);
  const fraction = (found[5] ?? '').slice(0, 9).replace(/0+$/, '');
  return `"${found[1]}${fraction === '' ? '' : `.${fraction}`}${/^[+-]00:00$/.test(found[6] ?? '') ? 'Z' : found[6]}"`;
}

/** A text as Go's encoding/json writes it: what HTML and JavaScript take for their own is escaped. */
function goString(value: string, { namesEscapes }: GoRelease): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return `"${value.toWellFormed().replace(/["\\<>&\u0000-\u001f\u2028\u2029]/g, (found) => {
    const short = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', ...(namesEscapes ? { '\b': '\\b', '\f': '\\f' } : {}) }[found];
    return short ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  })}"`;
}

function parseJson(bytes: Uint8Array, subject: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new BundleError('INTEGRITY_METADATA', { subject, expected: 'a JSON document', actual: (cause as Error).message.slice(0, 200) }, { cause });
  }
}

function asString(value: unknown, at: string): string {
  if (value !== undefined && typeof value !== 'string') throw unlike(at, 'a text', value);
  return value ?? '';
}

function asObject(value: unknown, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unlike(at, 'an object', value);
  return value as JsonObject;
}

function unlike(subject: string, expected: string, actual: unknown): BundleError {
  return new BundleError('INTEGRITY_METADATA', { subject, expected, actual: JSON.stringify(actual)?.slice(0, 100) ?? 'nothing' });
}
