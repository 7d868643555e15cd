// Who may read and write. RFC 7617 (Basic) and the token scheme that every registry client speaks (distribution project, "Token Authentication
// Specification"): with Basic alone, clients either never send their password to a registry that reads openly, or refuse to read without one.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { PasswordFile } from './password-file.ts';

/** A token outlives a slow push of a big blob; it is worthless after the process ends. */
const tokenSeconds = 3600;
/** Wrong passwords of one address before it has to wait, and for how long they count. */
const failureLimit = 20;
const failureWindowMs = 60_000;
/** Addresses whose wrong passwords are counted at once; beyond, the oldest are forgotten. */
const addressLimit = 10_000;

export type Identity =
  | { readonly kind: 'known'; readonly user: string }
  | { readonly kind: 'anonymous' }
  /** A password or token was sent, and it is not good. */
  | { readonly kind: 'refused' }
  /** Too many wrong passwords from this address. */
  | { readonly kind: 'waiting'; readonly seconds: number };

export interface AccessOptions {
  /** Absent: nobody can write. */
  readonly passwords?: PasswordFile;
  /** true: reading needs a password too. */
  readonly readAuth: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Whom an address stands for when passwords are counted: one that has an IPv6 address has all of its /64 (RFC 6177). */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').toLowerCase().split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':').map((group) => group.replace(/^0+(?=.)/, '')));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

export class Access {
  readonly canWrite: boolean;
  readonly readAuth: boolean;
  private readonly passwords: PasswordFile | undefined;
  private readonly now: () => number;
  private readonly key = randomBytes(32);
  private readonly failures = new Map<string, { count: number; since: number }>();
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(options: AccessOptions) {
    this.passwords = options.passwords;
    this.readAuth = options.readAuth;
    this.now = options.now;
    this.canWrite = options.passwords !== undefined;
  }

  /** Who sent `authorization` from `address`. Basic with an empty user counts as anonymous: some clients send it when they have no password. */
  async identify(authorization: string | undefined, address: string): Promise<Identity> {
    const [scheme = '', value = ''] = (authorization ?? '').split(' ', 2);
    if (scheme === '') return { kind: 'anonymous' };
    if (scheme.toLowerCase() === 'bearer') return this.readToken(value);
    if (scheme.toLowerCase() !== 'basic') return { kind: 'refused' };
    const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
    if (user === '' && password === '') return { kind: 'anonymous' };
    return this.checkPassword(user, password, address);
  }

  private async checkPassword(user: string, password: string, address: string): Promise<Identity> {
    if (this.passwords === undefined || user === '') return { kind: 'refused' };
    // Who is known already need not wait because somebody behind the same address guesses.
    if (await this.passwords.isRemembered(user, password)) return { kind: 'known', user };
    return this.inTurn(networkOf(address), (network) => this.tryPassword(user, password, network));
  }

  private async tryPassword(user: string, password: string, network: string): Promise<Identity> {
    const seconds = this.waitSeconds(network);
    if (seconds > 0) return { kind: 'waiting', seconds };
    if (await this.passwords?.verify(user, password) === true) {
      this.failures.delete(network);
      return { kind: 'known', user };
    }
    const failed = this.failures.get(network) ?? { count: 0, since: this.now() };
    failed.count += 1;
    this.failures.set(network, failed);
    const [oldest] = this.failures.keys();
    if (this.failures.size > addressLimit && oldest !== undefined) this.failures.delete(oldest);
    return { kind: 'refused' };
  }

  /** One after the other for each network: what comes all at once is counted as well, and others do not wait behind it. */
  private async inTurn<T>(network: string, work: (network: string) => Promise<T>): Promise<T> {
    const turn = (this.turns.get(network) ?? Promise.resolve()).then(() => work(network));
    const settled = turn.catch(() => undefined);
    this.turns.set(network, settled);
    try {
      return await turn;
    } finally {
      if (this.turns.get(network) === settled) this.turns.delete(network);
    }
  }

  private waitSeconds(network: string): number {
    const failed = this.failures.get(network);
    if (failed === undefined) return 0;
    const leftMs = failed.since + failureWindowMs - this.now();
    if (leftMs <= 0) this.failures.delete(network);
    return leftMs > 0 && failed.count >= failureLimit ? Math.ceil(leftMs / 1000) : 0;
  }

  /** A token for `user`, or for an anonymous client: it says who asks, the decision is made at each request. */
  issueToken(user: string | undefined): { readonly token: string; readonly expiresInSeconds: number } {
    const payload = Buffer.from(JSON.stringify({ user: user ?? '', until: Math.floor(this.now() / 1000) + tokenSeconds })).toString('base64url');
    return { token: `${payload}.${this.sign(payload)}`, expiresInSeconds: tokenSeconds };
  }

  private readToken(token: string): Identity {
    const [payload = '', signature = ''] = token.split('.', 2);
    const expected = Buffer.from(this.sign(payload));
    const actual = Buffer.from(signature);
    if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return { kind: 'refused' };
    const { user, until } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { user: string; until: number };
    if (until * 1000 < this.now()) return { kind: 'refused' };
    return user === '' ? { kind: 'anonymous' } : { kind: 'known', user };
  }

  private sign(payload: string): string {
    return createHmac('sha256', this.key).update(payload).digest('base64url');
  }
}
