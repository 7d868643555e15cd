import { generateKeyPairSync, sign, createHash, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { parseMinisignKey, parseMinisignSignature, verifyMinisign } from '../../formats/minisign.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const id = Buffer.from('0102030405060708', 'hex');
const keyText = (key: KeyObject): string => Buffer.concat([Buffer.from('Ed'), id, key.export({ format: 'der', type: 'spki' }).subarray(12)]).toString('base64');
const content = Buffer.from('content');
const covered = createHash('blake2b512').update(content).digest();

function signature(algorithm: 'ED' | 'Ed', comment = 'of this'): string {
  const own = sign(null, algorithm === 'ED' ? covered : content, privateKey);
  const global = sign(null, Buffer.concat([own, Buffer.from(comment)]), privateKey);
  return `untrusted comment: x\n${Buffer.concat([Buffer.from(algorithm), id, own]).toString('base64')}\ntrusted comment: ${comment}\n${global.toString('base64')}\n`;
}

describe('a minisign signature', () => {
  const key = parseMinisignKey(`untrusted comment: minisign public key\n${keyText(publicKey)}\n`, 'key');

  it('of either form is good for its content only', () => {
    expect(key.id).toBe('0807060504030201');
    expect(() => verifyMinisign(parseMinisignSignature(signature('ED'), 's'), covered, key, 's')).not.toThrow();
    expect(() => verifyMinisign(parseMinisignSignature(signature('Ed'), 's'), content, key, 's')).not.toThrow();
    expect(() => verifyMinisign(parseMinisignSignature(signature('ED'), 's'), content, key, 's')).toThrow(BundleError);
    expect(() => verifyMinisign(parseMinisignSignature(signature('ED').replace('of this', 'of that'), 's'), covered, key, 's')).toThrow(/trusted comment/);
    expect(() => verifyMinisign(parseMinisignSignature(signature('ED'), 's'), covered, { ...key, id: '0000000000000000' }, 's')).toThrow(BundleError);
  });

  it('that is none, and keys that are none, are refused', () => {
    for (const text of ['', 'x', signature('ED').replace('ED', ''), `${signature('ED')}more\n`, signature('ED').split('\n').slice(0, 2).join('\n')]) expect(() => parseMinisignSignature(text === signature('ED') ? '' : text, 's')).toThrow(BundleError);
    for (const text of ['', 'RWQ', `${keyText(publicKey)}\n${keyText(publicKey)}`]) expect(() => parseMinisignKey(text, 's')).toThrow(BundleError);
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => {
      expect(() => parseMinisignSignature(text, 's')).toThrow(BundleError);
      expect(() => parseMinisignKey(text, 's')).toThrow(BundleError);
    }), { numRuns: 300 });
  });
});
