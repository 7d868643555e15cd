// Credentials of other tools: Docker's config.json with its credential helpers (docker/docker-credential-helpers, README), containers-auth.json(5).
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, checkNotAborted } from '../bom/errors.ts';
import { asciiHost } from '../bom/reference.ts';
import { parseNetrc } from '../formats/netrc.ts';
import { type AuthFile, authKeys, type Credential, credentialOf, parseAuthFile, parseHelperAnswer } from '../formats/oci/auth-file.ts';

export interface Credentials {
  /** For `path` on `host`, the most specific entry first; undefined: ask without. Throws `INPUT_SYNTAX` for a broken file, `TRANSFER_AUTH` for a helper that fails or does not answer. */
  find(host: string, path: string, signal: AbortSignal): Promise<Credential | undefined>;
}

export interface CredentialOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  /** How long a helper may take, the person included whom it asks; a minute when left out. */
  readonly helperTimeoutMs?: number;
}

const defaultHelperTimeoutMs = 60_000;
type AskHelper = (name: string, server: string, signal: AbortSignal) => Promise<Credential | undefined>;

export const anonymous: Credentials = { find: async () => undefined };

/**
 * $LONGSHORE_REGISTRY_AUTH in netrc form (`machine HOST[:PORT] login USER password SECRET`, also `default`), then the credentials that other
 * tools left on this machine: $DOCKER_AUTH_CONFIG (the text itself), $REGISTRY_AUTH_FILE,
 * $XDG_RUNTIME_DIR/containers/auth.json (else /run/containers/<uid>/auth.json), ~/.config/containers/auth.json, $DOCKER_CONFIG/config.json or ~/.docker/config.json; the first
 * that knows the host. Files are read once, when first asked for; a helper is asked once for each server, whatever it answers.
 */
export function createCredentials(options: CredentialOptions): Credentials {
  let files: Promise<readonly AuthFile[]> | undefined;
  const found = new Map<string, Promise<Credential | undefined>>();
  const asked = new Map<string, Promise<Credential | undefined>>();
  const ask: AskHelper = (name, server, signal) => {
    const key = `${name} ${server}`;
    const answer = asked.get(key) ?? askHelper(name, server, { env: options.env, signal, timeoutMs: options.helperTimeoutMs ?? defaultHelperTimeoutMs });
    asked.set(key, answer);
    answer.catch(() => { if (signal.aborted) asked.delete(key); });
    return answer;
  };
  const search = async (host: string, path: string, signal: AbortSignal): Promise<Credential | undefined> => {
    const own = fromEnvironment(options.env, host);
    if (own !== undefined) return own;
    for (const file of await (files ??= readAll(options))) {
      const credential = await inFile(file, `${host}/${path}`, (name, server) => ask(name, server, signal));
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
  return {
    find(host, path, signal) {
      const key = `${host}/${path}`;
      let result = found.get(key);
      if (result === undefined) {
        result = search(host, path, signal);
        found.set(key, result);
        result.catch(() => found.delete(key));
      }
      return result;
    },
  };
}

const ownVariable = 'LONGSHORE_REGISTRY_AUTH';

function fromEnvironment(env: Readonly<Record<string, string | undefined>>, host: string): Credential | undefined {
  const entries = parseNetrc(env[ownVariable] ?? '', ownVariable);
  const entry = entries.find(({ machine }) => machine !== undefined && (asciiHost(machine) ?? machine) === host) ?? entries.find(({ machine }) => machine === undefined);
  return entry === undefined ? undefined : { kind: 'basic', user: entry.login, password: entry.password };
}

async function readAll({ env, homeDir }: { readonly env: Readonly<Record<string, string | undefined>>; readonly homeDir: string }): Promise<AuthFile[]> {
  const places = [
    env['REGISTRY_AUTH_FILE'],
    // What podman and skopeo use where no session set the variable.
    env['XDG_RUNTIME_DIR'] === undefined ? `/run/containers/${process.getuid?.() ?? 0}/auth.json` : join(env['XDG_RUNTIME_DIR'], 'containers/auth.json'),
    join(env['XDG_CONFIG_HOME'] ?? join(homeDir, '.config'), 'containers/auth.json'),
    join(env['DOCKER_CONFIG'] ?? join(homeDir, '.docker'), 'config.json'),
  ].filter((place): place is string => place !== undefined && place !== '');
  const inline = env['DOCKER_AUTH_CONFIG'];
  const result = inline === undefined || inline === '' ? [] : [parseAuthFile(inline, 'DOCKER_AUTH_CONFIG')];
  for (const file of places) {
    const text = await readFile(file, { encoding: 'utf8' }).catch((error: NodeJS.ErrnoException): undefined => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new BundleError('INPUT_MISSING_FILE', { subject: file, expected: 'a readable file of credentials', actual: error.message }, { cause: error });
    });
    if (text !== undefined && text.trim() !== '') result.push(parseAuthFile(text, file));
  }
  return result;
}

async function inFile(file: AuthFile, name: string, ask: (helper: string, server: string) => Promise<Credential | undefined>): Promise<Credential | undefined> {
  const host = name.slice(0, name.indexOf('/'));
  const keys = authKeys(host, name.slice(host.length + 1));
  for (const key of keys) {
    const helper = file.helpers[key];
    if (helper !== undefined) return ask(helper, key);
  }
  const key = keys.find((each) => Object.hasOwn(file.auths, each));
  const entry = key === undefined ? undefined : credentialOf(file.auths[key], `${file.file}: ${key}`);
  if (entry !== undefined) return entry;
  if (file.store === undefined) return undefined;
  return ask(file.store, host === 'docker.io' ? 'https://index.docker.io/v1/' : host);
}

interface Asking { readonly env: Readonly<Record<string, string | undefined>>; readonly signal: AbortSignal; readonly timeoutMs: number }

/** The credential helper protocol gives this text, and no other sign, for "no entry". */
const notFound = 'credentials not found in native keychain';

async function askHelper(name: string, server: string, asking: Asking): Promise<Credential | undefined> {
  const subject = `docker-credential-${name} (${server})`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new BundleError('INPUT_FIELD', { subject, expected: 'the name of a credential helper', actual: JSON.stringify(name) });
  const { code, stdout, failure } = await run(`docker-credential-${name}`, server, asking);
  checkNotAborted(asking.signal, subject);
  if (failure !== undefined) throw helperError(subject, failure.name === 'AbortError' ? `no answer within ${asking.timeoutMs / 1000} s` : failure.message, failure);
  if (code !== 0) {
    if (stdout.trim() === notFound) return undefined;
    throw helperError(subject, `exit code ${code}`);
  }
  return parseHelperAnswer(stdout, subject);
}

function helperError(subject: string, actual: string, cause?: Error): BundleError {
  return new BundleError('TRANSFER_AUTH', { subject, expected: 'a credential, or none', actual, next: 'Check the credential helper that the Docker configuration names.' }, { cause });
}

async function run(command: string, input: string, { env, signal, timeoutMs }: Asking): Promise<{ code: number | null; stdout: string; failure?: Error }> {
  return new Promise((resolve) => {
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const child = spawn(command, ['get'], { env: { ...process.env, ...env }, signal: until, killSignal: 'SIGKILL', stdio: ['pipe', 'pipe', 'ignore'] });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { if (stdout.length < 1 << 20) stdout += text; });
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', (failure) => {
      // What a helper started may live on with its output open; nobody waits for that.
      child.stdout.destroy();
      resolve({ code: null, stdout: '', failure });
    });
    child.on('close', (code) => resolve({ code, stdout }));
  });
}
