// Certificates of the machine's own authority: RFC 5280 (profile), RFC 5480 and 5758 (ECDSA with P-256 and SHA-256).
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { bitString, boolean, explicit, implicit, integer, octetString, oid, sequence, set, time, utf8String } from './der.ts';

export interface CertificateAndKey {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

const dayMs = 86_400_000;
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const names = { common: '2.5.4.3', organization: '2.5.4.10' };

/** A new authority, with a key of its own or one that is given (PEM; throws when it is none). It signs server certificates only: no authority below it (path length 0). */
export function makeAuthority(options: { readonly name: string; readonly now: Date; readonly days: number; readonly key?: string }): CertificateAndKey {
  const privateKey = options.key === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : createPrivateKey(options.key);
  const publicKey = createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const subject = nameOf(options.name);
  const certificate = certify({
    subject, issuer: subject, publicKey, signer: privateKey, now: options.now, days: options.days,
    extensions: [
      extension('2.5.29.19', sequence(boolean(true), integer(Buffer.from([0]))), true),
      // keyCertSign and cRLSign: bits 5 and 6.
      extension('2.5.29.15', bitString(Buffer.from([0b0000_0110]), 1), true),
      extension('2.5.29.14', octetString(keyId(publicKey))),
    ],
  });
  return { certificate, key: options.key ?? pemOf(privateKey) };
}

/** A server certificate for DNS names and IP addresses, the first of which is its common name. 397 days is what clients accept at most. */
export function issueServerCertificate(authority: CertificateAndKey, options: { readonly hosts: readonly string[]; readonly now: Date; readonly days: number }): CertificateAndKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = new X509Certificate(authority.certificate);
  const certificate = certify({
    subject: nameOf(options.hosts[0] ?? 'longshore'), issuer: subjectOf(issuer), publicKey, signer: authority.key, now: options.now, days: options.days,
    extensions: [
      extension('2.5.29.19', sequence(), true),
      // digitalSignature: bit 0.
      extension('2.5.29.15', bitString(Buffer.from([0b1000_0000]), 7), true),
      extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
      extension('2.5.29.17', sequence(...options.hosts.map(generalName))),
      extension('2.5.29.14', octetString(keyId(publicKey))),
      extension('2.5.29.35', sequence(implicit(0, keyId(issuer.publicKey)))),
    ],
  });
  return { certificate, key: pemOf(privateKey) };
}

/** SHA-256 of the certificate, as browsers and openssl write it. */
export function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}

interface Certified {
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject | string;
  readonly now: Date;
  readonly days: number;
  readonly extensions: readonly Uint8Array[];
}

function certify({ subject, issuer, publicKey, signer, now, days, extensions }: Certified): string {
  // An hour back: clocks in closed networks drift.
  const validity = sequence(time(new Date(now.getTime() - 3_600_000)), time(new Date(now.getTime() + days * dayMs)));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(explicit(0, integer(Buffer.from([2]))), integer(serial), ecdsaWithSha256, issuer, validity, subject, spkiOf(publicKey), explicit(3, sequence(...extensions)));
  const whole = sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, signer)));
  const base64 = Buffer.from(whole).toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function nameOf(common: string): Uint8Array {
  const attribute = (id: string, text: string): Uint8Array => set(sequence(oid(id), utf8String(text)));
  return sequence(attribute(names.organization, 'longshore'), attribute(names.common, common.slice(0, 64)));
}

/** The subject of a certificate that {@link makeAuthority} made: rebuilt from its two attributes, byte for byte. */
function subjectOf(certificate: X509Certificate): Uint8Array {
  return nameOf(/(?:^|\n)CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '');
}

function generalName(host: string): Uint8Array {
  if (isIPv4(host)) return implicit(7, Buffer.from(host.split('.').map(Number)));
  return isIPv6(host) ? implicit(7, ipv6Bytes(host)) : implicit(2, Buffer.from(host, 'ascii'));
}

function ipv6Bytes(address: string): Uint8Array {
  // The URL parser writes the canonical form; what is left is to fill in the zeros.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' });
}

/** RFC 5280, section 4.2.1.2, method 1, over the public point: what follows the 26 bytes that start every P-256 key. */
function keyId(key: KeyObject): Uint8Array {
  return createHash('sha1').update(spkiOf(key).subarray(26)).digest();
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
