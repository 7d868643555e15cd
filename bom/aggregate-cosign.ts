// `verify.cosign` of an image entry -> who has to have signed it.
import type { Entry } from './aggregate-entries.ts';
import { formatPosition } from './documents/yaml-tree.ts';
import { BundleError } from './errors.ts';
import type { CosignName, CosignTrust } from './requirement.ts';

/** Throws `INPUT_FIELD` unless it is a key alone, or an identity and an issuer. */
export function cosignTrust(entry: Entry<'images'>): CosignTrust | undefined {
  const cosign = entry.value.verify?.cosign;
  if (cosign === undefined) return undefined;
  const { key, identity, identityRegexp, issuer, issuerRegexp, trustRoot } = cosign;
  const wrong = (expected: string, actual: string, next: string): BundleError =>
    new BundleError('INPUT_FIELD', { subject: `${formatPosition(entry.at('verify', 'cosign'))}: image ${entry.value.ref}, verify.cosign`, expected, actual, next });
  const names = [identity, identityRegexp, issuer, issuerRegexp, trustRoot].some((each) => each !== undefined);
  if (key !== undefined) {
    if (names) throw wrong('a key, or an identity with its issuer', 'both', 'Keep one of the two.');
    return { kind: 'key', key: entry.pathOf(key, 'verify', 'cosign', 'key') };
  }
  const who = nameOf(identity, identityRegexp);
  const by = nameOf(issuer, issuerRegexp);
  if (who === undefined || by === undefined) {
    throw wrong('key, or one of identity and identityRegexp with one of issuer and issuerRegexp', 'something else', 'Say which key signed, or who signed and who vouches for the name.');
  }
  for (const pattern of [identityRegexp, issuerRegexp]) {
    if (pattern !== undefined && !isPattern(pattern)) throw wrong('a regular expression', JSON.stringify(pattern), 'Correct it; it is looked for anywhere in the text unless ^ and $ hold it.');
  }
  return { kind: 'identity', identity: who, issuer: by, ...(trustRoot === undefined ? {} : { trustRoot: entry.pathOf(trustRoot, 'verify', 'cosign', 'trustRoot') }) };
}

function nameOf(text: string | undefined, pattern: string | undefined): CosignName | undefined {
  if ((text === undefined) === (pattern === undefined)) return undefined;
  return text === undefined ? { text: pattern ?? '', regexp: true } : { text, regexp: false };
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false; // the caller's error quotes it
  }
}
