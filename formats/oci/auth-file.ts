// Docker's config.json (docker/cli, "config file"; credential helper protocol) and containers-auth.json(5).
import { z } from 'zod';
import { BundleError } from '../../bom/errors.ts';

/** What proves who we are to a registry. `identity` is a refresh token for its token service; `bearer` goes to the registry as it is. */
export type Credential =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** One file of credentials, its entries unread. */
export interface AuthFile {
  readonly file: string;
  readonly auths: Readonly<Record<string, unknown>>;
  /** host -> name of the helper that knows it. */
  readonly helpers: Readonly<Record<string, string>>;
  /** The helper for all other hosts. */
  readonly store?: string;
}

const schema = z.object({
  auths: z.record(z.string(), z.unknown()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

/** Throws `INPUT_SYNTAX`; `file` names the text, of which nothing is quoted. */
export function parseAuthFile(text: string, file: string): AuthFile {
  try {
    const { auths, credHelpers, credsStore } = schema.parse(JSON.parse(text));
    return { file, auths: auths ?? {}, helpers: credHelpers ?? {}, ...(credsStore == null || credsStore === '' ? {} : { store: credsStore }) };
  } catch (cause) {
    // The parser's message can quote the text, and the text holds secrets: it goes neither into the message nor into the cause.
    throw new BundleError('INPUT_SYNTAX', { subject: file, expected: 'JSON with auths, credHelpers or credsStore', actual: cause instanceof SyntaxError ? 'no JSON' : 'another form' });
  }
}

/** Keys under which a host may stand, most specific first: `host/a/b`, `host/a`, `host`, then Docker's older spellings. */
export function authKeys(host: string, path: string): string[] {
  const parts = path.split('/');
  const paths = parts.map((_, at) => `${host}/${parts.slice(0, parts.length - at).join('/')}`);
  const hub = host === 'docker.io' ? ['https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io'] : [];
  return [...paths, host, ...hub, `https://${host}`, `https://${host}/`, `https://${host}/v1/`, `https://${host}/v2/`, `http://${host}`, `http://${host}/`];
}

const entrySchema = z.object({
  auth: z.string().optional(), username: z.string().optional(), password: z.string().optional(),
  identitytoken: z.string().optional(), registrytoken: z.string().optional(),
});

/** An entry of `auths`; undefined for an empty one, which `docker login` leaves beside a helper. Throws `INPUT_FIELD`. */
export function credentialOf(entry: unknown, subject: string): Credential | undefined {
  const result = entrySchema.safeParse(entry);
  if (!result.success) throw new BundleError('INPUT_FIELD', { subject, expected: 'auth, username and password, identitytoken or registrytoken as text', actual: 'another form' });
  const { auth, username, password, identitytoken, registrytoken } = result.data;
  if (registrytoken) return { kind: 'bearer', token: registrytoken };
  if (identitytoken) return { kind: 'identity', token: identitytoken };
  if (username) return { kind: 'basic', user: username, password: password ?? '' };
  if (!auth) return undefined;
  const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  if (colon < 0) throw new BundleError('INPUT_FIELD', { subject, expected: 'auth: base64 of user:password', actual: 'something else' });
  return { kind: 'basic', user: text.slice(0, colon), password: text.slice(colon + 1) };
}

const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** What a credential helper answered to `get`; undefined for an empty entry. Throws `INPUT_FIELD`. */
export function parseHelperAnswer(text: string, subject: string): Credential | undefined {
  const answer = helperAnswer.safeParse(parseJson(text));
  if (!answer.success) throw new BundleError('INPUT_FIELD', { subject, expected: 'JSON with Username and Secret', actual: 'another form' });
  const { Username, Secret } = answer.data;
  if (Username === '' && Secret === '') return undefined;
  return Username === '<token>' ? { kind: 'identity', token: Secret } : { kind: 'basic', user: Username, password: Secret };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // safeParse then says that the answer has another form
  }
}
