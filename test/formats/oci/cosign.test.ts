import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import { parseTrustRoot, type SignatureTrust, whyNoSignature } from '../../../formats/oci/cosign-verify.ts';
import { parsePublicKey } from '../../../formats/oci/public-key.ts';
import { makeSigstore } from '../../support/sigstore.ts';

const simple = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const payloadAbout = (digest: string): Buffer =>
  Buffer.from(JSON.stringify({ critical: { identity: { 'docker-reference': '' }, image: { 'docker-manifest-digest': digest }, type: 'cosign container image signature' }, optional: null }));

/** Made by cosign 2.6.5: `cosign generate-key-pair`, `cosign sign --key cosign.key --tlog-upload=false`, and the same with --new-bundle-format. */
const real = {
  key: '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8SayeRaZLeeSug7iT3br2LAHENfu\npSiowXzG1bf8brIidnTjqgDKtWehQ1oNNh684+1dYryJ6TvgyKNCjo1Emw==\n-----END PUBLIC KEY-----\n',
  manifest: '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":233,"digest":"sha256:389a748f53df9275df0e181bab031bd268d19964eb7c267140e95d7ec14f8956"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":1200,"digest":"sha256:e22b65c1a909b29ce86ea68dee015cfe23daa5d8b22cfba764a09762f97fb23a"}]}',
  payload: '{"critical":{"identity":{"docker-reference":"127.0.0.1:45123/a/b"},"image":{"docker-manifest-digest":"sha256:beb948cddac7a215d4a0131b90c3149c9cb9d0e51e6a9268b1a5ce27963c4f5f"},"type":"cosign container image signature"},"optional":null}',
  signature: 'MEYCIQCwzyIHmqSSNxJ/E/R9IlogIbqpQt74BzEG9yGFVCa8DQIhAKk2NSavQ0VPZeNMZqbk4c1pe+hsdKfiqXbkTiK0FiX/',
  bundle: '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial":{"publicKey":{"hint":"8BypgCcTvTl1HBDdaeGiG1ZwOUe1kAwHA+O84q20K/k="}}, "dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCAic3ViamVjdCI6W3siZGlnZXN0Ijp7InNoYTI1NiI6ImJlYjk0OGNkZGFjN2EyMTVkNGEwMTMxYjkwYzMxNDljOWNiOWQwZTUxZTZhOTI2OGIxYTVjZTI3OTYzYzRmNWYifX1dLCAicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIn0=", "payloadType":"application/vnd.in-toto+json", "signatures":[{"sig":"MEYCIQDjqwDK96bdXWIT8bxt7l/78WnsVpPidz4HKWoY+90GWAIhANhy3ajNXeAPJy+Oo9Kx7tgtNyqjsEI3+gqfvkSOZyup"}]}}',
};
const realManifest = { digest: digestOf(real.manifest), bytes: Buffer.from(real.manifest) };
const manifest = { digest: digestOf('a manifest'), bytes: Buffer.from('a manifest') };
const withKey = (pem: string): SignatureTrust => ({ kind: 'key', key: parsePublicKey(pem, 'key') });

describe('a signature by a key', () => {
  it('is good as cosign itself makes it: simple signing, and a bundle', () => {
    const trust = withKey(real.key);
    const tag = { mediaType: simple, bytes: Buffer.from(real.payload), annotations: { 'dev.cosignproject.cosign/signature': real.signature } };
    expect(whyNoSignature(tag, realManifest, trust)).toBeUndefined();
    expect(whyNoSignature({ mediaType: bundleType, bytes: Buffer.from(real.bundle) }, realManifest, trust)).toBeUndefined();
    expect(whyNoSignature(tag, manifest, trust)).toBe('it is about another image');
    expect(whyNoSignature({ mediaType: bundleType, bytes: Buffer.from(real.bundle) }, manifest, trust)).toBe('it is about another image');
    const changed = { ...tag, bytes: Buffer.from(real.payload.replace('45123', '45124')) };
    expect(whyNoSignature(changed, realManifest, trust)).toBe('signature verification failed');
  });

  it.each([['ec', { namedCurve: 'P-256' }], ['ec', { namedCurve: 'P-384' }], ['rsa', { modulusLength: 2048 }], ['ed25519', {}]] as const)('may be by a key of type %s %o', (type, options) => {
    const { privateKey, publicKey } = generateKeyPairSync(type as 'ec', options as { namedCurve: string });
    const trust = withKey(publicKey.export({ type: 'spki', format: 'pem' }) as string);
    const bytes = payloadAbout(manifest.digest);
    const signature = sign(type === 'ed25519' ? null : 'sha256', bytes, privateKey).toString('base64');
    expect(whyNoSignature({ mediaType: simple, bytes, annotations: { 'dev.cosignproject.cosign/signature': signature } }, manifest, trust)).toBeUndefined();
    expect(whyNoSignature({ mediaType: simple, bytes, annotations: { 'dev.cosignproject.cosign/signature': signature } }, manifest, withKey(real.key))).toBe('signature verification failed');
  });

  it('is none without a signature, in garbage, or in another document', () => {
    const trust = withKey(real.key);
    const [a, b, c] = [{ mediaType: simple, bytes: payloadAbout(manifest.digest) }, { mediaType: simple, bytes: Buffer.from('{') }, { mediaType: bundleType, bytes: Buffer.from('{"dsseEnvelope":7}') }];
    for (const blob of [a, b, c]) expect(whyNoSignature(blob, manifest, trust)).toEqual(expect.any(String));
  });
});

describe('a keyless signature', async () => {
  const sigstore = await makeSigstore();
  const who = { identity: 'https://example.org/team/workflow@main', issuer: 'https://issuer.example.org' };
  const bytes = payloadAbout(manifest.digest);
  const trust = (more: Partial<Extract<SignatureTrust, { kind: 'identity' }>> = {}): SignatureTrust =>
    ({ kind: 'identity', material: parseTrustRoot(sigstore.trustRoot, 'root'), identity: who.identity, issuer: who.issuer, ...more });
  const blobOf = ({ signature, certificate, rekor }: { readonly signature: string; readonly certificate: string; readonly rekor?: string }): Parameters<typeof whyNoSignature>[0] => ({
    mediaType: simple, bytes,
    annotations: { 'dev.cosignproject.cosign/signature': signature, 'dev.sigstore.cosign/certificate': certificate, ...(rekor === undefined ? {} : { 'dev.sigstore.cosign/bundle': rekor }) },
  });

  it('is good when certificate, log and names fit, offline', async () => {
    const signed = await sigstore.sign(bytes, who);
    expect(whyNoSignature(blobOf(signed), manifest, trust())).toBeUndefined();
    expect(whyNoSignature(blobOf(signed), manifest, trust({ identity: /^https:\/\/example\.org\/team\// }))).toBeUndefined();
  });

  it('is good as a bundle over the manifest', async () => {
    const signed = await sigstore.sign(manifest.bytes, who);
    const { body, integratedTime, logIndex, logID, verification } = signed.entry as { body: string; integratedTime: number; logIndex: number; logID: string; verification: { signedEntryTimestamp: string } };
    const bundle = {
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      verificationMaterial: {
        x509CertificateChain: { certificates: [{ rawBytes: signed.certificate.replace(/-----[^-]+-----|\s/g, '') }] },
        tlogEntries: [{
          logIndex: String(logIndex), logId: { keyId: Buffer.from(logID, 'hex').toString('base64') }, kindVersion: { kind: 'hashedrekord', version: '0.0.1' }, integratedTime: String(integratedTime),
          inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp }, canonicalizedBody: body,
        }],
      },
      messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: Buffer.from(manifest.digest.slice(7), 'hex').toString('base64') }, signature: signed.signature },
    };
    const blob = { mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1', bytes: Buffer.from(JSON.stringify(bundle)) };
    expect(whyNoSignature(blob, manifest, trust())).toBeUndefined();
    expect(whyNoSignature(blob, manifest, trust({ issuer: 'https://other.example.org' }))).toBe('its issuer is "https://issuer.example.org"');
  });

  it('is none by another signer, another issuer, another authority, or without its place in the log', async () => {
    const signed = await sigstore.sign(bytes, who);
    expect(whyNoSignature(blobOf(signed), manifest, trust({ identity: 'https://example.org/team' }))).toContain('its signer is "https://example.org/team/workflow@main"');
    expect(whyNoSignature(blobOf(signed), manifest, trust({ issuer: /other/ }))).toContain('its issuer is');
    const { rekor: _, ...unlogged } = signed;
    expect(whyNoSignature(blobOf(unlogged), manifest, trust())).toContain('timestamps');
    const elsewhere = await (await makeSigstore()).sign(bytes, who);
    expect(whyNoSignature(blobOf(elsewhere), manifest, trust())).toEqual(expect.any(String));
    const lied = await sigstore.sign(bytes, { ...who, logged: Buffer.from('something else') });
    expect(whyNoSignature(blobOf(lied), manifest, trust())).toEqual(expect.any(String));
    const { certificate: mine } = await sigstore.sign(bytes, { ...who, identity: 'https://evil.example.org' });
    expect(whyNoSignature(blobOf({ ...signed, certificate: mine }), manifest, trust())).toEqual(expect.any(String));
    expect(whyNoSignature({ mediaType: simple, bytes, annotations: { 'dev.cosignproject.cosign/signature': signed.signature } }, manifest, trust())).toBe('it carries no certificate');
  });

  it('needs a trust root that is one', () => {
    const codeOf = (text: string): string => {
      try { parseTrustRoot(text, 'root'); return 'fine'; } catch (error) { return error instanceof BundleError ? error.code : 'uncoded'; }
    };
    expect([codeOf('{'), codeOf('{}'), codeOf('[]'), codeOf('{"certificateAuthorities":[{}]}')]).toEqual(['INPUT_KEY', 'INPUT_KEY', 'INPUT_KEY', 'INPUT_KEY']);
  });
});
