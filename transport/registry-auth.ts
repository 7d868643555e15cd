// Authentication: RFC 9110, section 11; RFC 6750; distribution/distribution "Token Authentication Specification" and its OAuth2 form.
import { BundleError, redactUrl } from '../bom/errors.ts';
import type { Credential } from '../formats/oci/auth-file.ts';
import type { Credentials } from './credentials.ts';
import { basicAuthorization, protocolError, type Send, type WebRequest, type WebResponse } from './http-send.ts';
import { collect } from './http.ts';

export interface Challenge { readonly scheme: string; readonly params: Readonly<Record<string, string>> }

/** The challenges of a WWW-Authenticate header, schemes in lower case. What cannot be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; params: Record<string, string> }[] = [];
  const token = /\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y;
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, name = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    const last = found.at(-1);
    if (value === undefined) found.push({ scheme: name.toLowerCase(), params: {} });
    else if (last !== undefined) last.params[name.toLowerCase()] = value;
  }
  return found;
}

export interface AuthorizerOptions {
  readonly host: string;
  readonly origin: string;
  readonly send: Send;
  readonly credentials: Credentials;
}

/** Adds credentials for one registry, and renews them when a token runs out in the middle of the work. */
export interface Authorizer {
  /** `actions` on the repository `path`, e.g. `pull`; the narrowest scope that does. */
  sendFor(path: string, actions: 'pull' | 'pull,push', more?: readonly string[]): Send;
}

interface Token { readonly authorization: string; readonly expiresMs: number }

const tokenBytes = 1 << 20;
/** Bodies in a row that may meet a 401, each with renewed credentials. */
const mostRefusedBodies = 2;

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const tokens = new Map<string, Promise<Token | undefined>>();
  let challenge: Challenge | undefined;

  const authorize = (path: string, scopes: readonly string[], signal: AbortSignal): Promise<Token | undefined> => {
    if (challenge === undefined) return Promise.resolve(undefined);
    const key = scopes.join(' ');
    const asked = challenge;
    let token = tokens.get(key);
    if (token === undefined) {
      token = options.credentials.find(options.host, path, signal).then((credential) => makeToken(asked, { ...options, credential, scopes, signal }));
      tokens.set(key, token);
      token.catch(() => tokens.delete(key));
    }
    return token;
  };

  return {
    sendFor: (path, actions, more = []) => {
      const scopes = [`repository:${path}:${actions}`, ...more];
      const key = scopes.join(' ');
      let refusedBodies = 0;
      return async (request) => {
        if (new URL(request.url).origin !== new URL(options.origin).origin) return options.send(request);
        let token = await authorize(path, scopes, request.signal);
        if (token !== undefined && token.expiresMs <= performance.now()) {
          tokens.delete(key);
          token = await authorize(path, scopes, request.signal);
        }
        const response = await options.send(withAuthorization(request, token));
        const asked = ownChallenge(response, options.origin);
        const isStream = typeof request.body === 'function';
        if (asked === undefined) {
          if (isStream) refusedBodies = 0;
          return response;
        }
        response.discard();
        challenge = asked;
        const known = tokens.get(key);
        if (known !== undefined && (await known) === token) tokens.delete(key);
        const renewed = await authorize(path, scopes, request.signal);
        if (isStream) {
          // What the registry took of the body stays taken: whoever sends it has to ask where to go on.
          refusedBodies += 1;
          if (refusedBodies > mostRefusedBodies) throw await refused(options, path, request);
          throw new BundleError('TRANSFER_CUT', { subject: redactUrl(request.url), expected: 'credentials that last for the whole body', actual: 'status 401' });
        }
        const again = await options.send(withAuthorization(request, renewed));
        if (ownChallenge(again, options.origin) === undefined) return again;
        again.discard();
        throw await refused(options, path, request);
      };
    },
  };
}

function withAuthorization(request: WebRequest, token: Token | undefined): WebRequest {
  return token === undefined ? request : { ...request, headers: { ...request.headers, authorization: token.authorization } };
}

/** What a 401 of the registry itself asks for; a 401 of a host that it redirected to is not its challenge. */
function ownChallenge(response: WebResponse, origin: string): Challenge | undefined {
  if (response.status !== 401 || new URL(response.url).origin !== new URL(origin).origin) return undefined;
  const challenges = parseChallenges(response.headers['www-authenticate'] ?? '');
  return challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic') ?? { scheme: 'none', params: {} };
}

async function refused(options: AuthorizerOptions, path: string, request: WebRequest): Promise<BundleError> {
  const credential = await options.credentials.find(options.host, path, request.signal);
  return new BundleError('TRANSFER_AUTH', {
    subject: `${options.host}/${path}`,
    expected: credential === undefined ? 'a repository that exists and can be read without a login' : 'credentials that this repository accepts',
    actual: `status 401 for ${request.method} ${redactUrl(request.url)} ${credential === undefined ? 'without credentials' : 'with credentials'}`,
    next: `Check the name, or log in with \`docker login ${options.host}\` or \`podman login ${options.host}\`.`,
    details: { status: 401 },
  });
}

interface Grant extends AuthorizerOptions { readonly credential: Credential | undefined; readonly scopes: readonly string[]; readonly signal: AbortSignal }

async function makeToken(challenge: Challenge, grant: Grant): Promise<Token | undefined> {
  const { credential } = grant;
  if (credential?.kind === 'bearer') return { authorization: `Bearer ${credential.token}`, expiresMs: Infinity };
  if (challenge.scheme === 'basic') {
    return credential?.kind === 'basic' ? { authorization: basicAuthorization(credential.user, credential.password), expiresMs: Infinity } : undefined;
  }
  return challenge.scheme === 'bearer' ? fetchToken(challenge, grant) : undefined;
}

async function fetchToken({ params }: Challenge, grant: Grant): Promise<Token> {
  const realm = realmOf(params['realm'], grant);
  const response = await grant.send(tokenRequest(realm, params['service'], grant));
  const body = await collect(response.body(), realm.href, tokenBytes);
  if (response.status !== 200) throw tokenRefused(response.status, realm, grant);
  const { access_token: access, token = access, expires_in: lifeS } = parseObject(body);
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw protocolError(realm.href, 'a token', 'an answer without one');
  // A minute is the specification's default; renewed a little early, since the registry's clock decides.
  const lifeMs = Math.max(typeof lifeS === 'number' ? lifeS : 60, 1) * 1000;
  return { authorization: `Bearer ${token}`, expiresMs: performance.now() + lifeMs * 0.9 };
}

function realmOf(realm: string | undefined, { host, origin }: Grant): URL {
  if (realm === undefined || !URL.canParse(realm)) throw protocolError(origin, 'a challenge with the address of a token service', JSON.stringify(realm ?? ''));
  const url = new URL(realm);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && origin.startsWith('http:'))) {
    throw new BundleError('TRANSFER_TLS', { subject: host, expected: 'a token service on https', actual: redactUrl(realm) });
  }
  return url;
}

function tokenRequest(realm: URL, service: string | undefined, { credential, scopes, signal }: Grant): WebRequest {
  if (credential?.kind === 'identity') {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'longshore', scope: scopes.join(' '), refresh_token: credential.token });
    if (service !== undefined) form.set('service', service);
    const body = new TextEncoder().encode(form.toString());
    return { method: 'POST', url: realm.href, body, headers: { 'content-type': 'application/x-www-form-urlencoded' }, signal };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers = credential?.kind === 'basic' ? { authorization: basicAuthorization(credential.user, credential.password) } : {};
  return { method: 'GET', url: url.href, headers, signal };
}

function tokenRefused(status: number, realm: URL, { host, credential }: Grant): BundleError {
  const denied = status === 401 || status === 403 || status === 400;
  return new BundleError(denied ? 'TRANSFER_AUTH' : 'TRANSFER_STATUS', {
    subject: host,
    expected: `a token of ${redactUrl(realm.origin)}`,
    actual: `status ${status} ${credential === undefined ? 'without credentials' : 'with the stored credentials'}`,
    next: `Log in with \`docker login ${host}\` or \`podman login ${host}\`.`,
    details: { status },
  });
}

function parseObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // the caller then says that there is no token
  }
}
