// Distribution's token authentication ("Token Authentication Specification"), for a real docker-registry: signed tokens that end soon.
import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './command.ts';
import { startFaultServer } from './fault-server.ts';

export interface TokenService {
  readonly realm: string;
  /** PEM of the certificate that vouches for the tokens. */
  readonly certificate: string;
  /** Scopes of the tokens given, in order. */
  readonly given: readonly string[];
  /** For how long docker-registry takes the tokens given from now on, and whether clients are told or have to find out. */
  give(lifeS: number, tells: boolean): void;
  /** When none of the tokens given since `give` was called is taken any more. */
  ended(): Promise<void>;
  close(): Promise<void>;
}

/** docker-registry takes tokens for so long after their end. */
const leewayS = 60;

/** Whoever knows `user` (user:password) gets tokens. */
export async function startTokenService(folder: string, user: string): Promise<TokenService> {
  const [key, certificate] = [join(folder, 'token-key.pem'), join(folder, 'token-cert.pem')];
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=tokens']);
  const signingKey = createPrivateKey(await readFile(key));
  const x5c = [(await readFile(certificate, 'utf8')).replace(/-----[^-]+-----|\s/g, '')];
  const given: string[] = [];
  let [lifeS, tells, lastEndMs] = [300, true, 0];
  const server = await startFaultServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://x');
    if (request.headers.authorization !== `Basic ${Buffer.from(user).toString('base64')}`) { response.writeHead(401).end(); return; }
    const scopes = searchParams.getAll('scope');
    given.push(...scopes);
    const nowS = Math.floor(Date.now() / 1000);
    const endS = nowS + lifeS;
    lastEndMs = Math.max(lastEndMs, (endS + 1) * 1000);
    const claims = {
      iss: 'tokens', sub: 'anna', aud: searchParams.get('service'), jti: String(given.length), iat: nowS, nbf: nowS - 5, exp: endS - leewayS,
      access: scopes.map((scope) => { const [type, name, actions = ''] = scope.split(':'); return { type, name, actions: actions.split(',') }; }),
    };
    const text = [{ typ: 'JWT', alg: 'ES256', x5c }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const token = `${text}.${sign('sha256', Buffer.from(text), { key: signingKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token, ...(tells ? { expires_in: lifeS } : {}) }));
  });
  return {
    realm: `http://${server.host}/token`, certificate, given, close: () => server.close(),
    give: (...now) => { [lifeS, tells] = now; lastEndMs = 0; },
    ended: () => new Promise((done) => { setTimeout(done, Math.max(0, lastEndMs - Date.now())); }),
  };
}
