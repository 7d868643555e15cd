// A sigstore instance in memory: a certificate authority, a certificate log and a transparency log, and the trust root that names them.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { initializeCA, initializeCTLog, initializeTLog } from '@sigstore/mock';

const oidIssuer = '1.3.6.1.4.1.57264.1.1';

export interface KeylessSignature { readonly certificate: string; readonly signature: string; readonly rekor: string; readonly entry: Record<string, unknown> }

export interface Sigstore {
  /** trusted_root.json */
  readonly trustRoot: string;
  /** Signs as `identity` (an address), as `issuer` calls it. `logged`: what the log is told was signed, when that is something else. */
  sign(payload: Uint8Array, who: { readonly identity: string; readonly issuer: string; readonly logged?: Uint8Array }): Promise<KeylessSignature>;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const pem = (der: Uint8Array, label = 'CERTIFICATE'): string => `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').match(/.{1,64}/g)?.join('\n')}\n-----END ${label}-----\n`;

export async function makeSigstore(): Promise<Sigstore> {
  const pair = (): ReturnType<typeof generateKeyPairSync> => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificateLog = await initializeCTLog(pair());
  const authority = await initializeCA(pair(), certificateLog);
  const log = await initializeTLog('https://rekor.example.org', pair());
  const validFor = { start: new Date(Date.now() - 60_000).toISOString() };
  const logOf = (publicKey: Buffer, baseUrl: string): object => ({
    baseUrl, hashAlgorithm: 'SHA2_256', logId: { keyId: sha256(publicKey).toString('base64') },
    publicKey: { rawBytes: publicKey.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
  });
  return {
    trustRoot: JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [logOf(log.publicKey, 'https://rekor.example.org')], ctlogs: [logOf(certificateLog.publicKey, 'https://ct.example.org')], timestampAuthorities: [],
      certificateAuthorities: [{ subject: {}, uri: '', validFor, certChain: { certificates: [{ rawBytes: Buffer.from(authority.rootCertificate as Uint8Array).toString('base64') }] } }],
    }),
    async sign(payload, { identity, issuer, logged = payload }) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const der = await authority.issueCertificate({ publicKey: publicKey.export({ type: 'spki', format: 'der' }), subjectAltName: identity, extensions: [{ oid: oidIssuer, value: issuer, legacy: true }] }) as Uint8Array;
      const signature = sign('sha256', payload, privateKey).toString('base64');
      const certificate = pem(der);
      const answer = await log.log({
        apiVersion: '0.0.1', kind: 'hashedrekord',
        spec: { data: { hash: { algorithm: 'sha256', value: sha256(logged).toString('hex') } }, signature: { content: signature, publicKey: { content: Buffer.from(certificate).toString('base64') } } },
      });
      const [entry] = Object.values(answer as Record<string, { body: string; integratedTime: number; logIndex: number; logID: string; verification: { signedEntryTimestamp: string } }>);
      if (entry === undefined) throw new Error('the log took nothing');
      const { body, integratedTime, logIndex, logID, verification } = entry;
      return {
        certificate, signature, entry: { ...entry }, rekor: JSON.stringify({ SignedEntryTimestamp: verification.signedEntryTimestamp, Payload: { body, integratedTime, logIndex, logID } }),
      };
    },
  };
}
