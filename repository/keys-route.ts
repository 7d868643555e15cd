// What lies below /keys/: the machine's own key and authority, and the vendors' keys that packages are signed with.
import type { Descriptor } from '../bom/digest.ts';
import { type Answer, textAnswer } from './answer.ts';
import { keyName } from './client/files-for.ts';
import { readSmall, type ServedBlobs } from './content.ts';
import type { Signer } from './mirror/signer.ts';
import type { View } from './view.ts';

const keyLimitBytes = 16 << 20;

/** Undefined when no key has that name. */
export async function keyAnswer(name: string, { view, blobs, signer, ca }: {
  readonly view: View; readonly blobs: ServedBlobs; readonly signer: Signer | undefined; readonly ca: string | undefined;
}): Promise<Answer | undefined> {
  if (name === 'longshore.asc' && signer !== undefined) return textAnswer(200, signer.publicKeyArmored, { 'content-type': 'application/pgp-keys' });
  if (name === 'ca.pem') return ca === undefined ? undefined : textAnswer(200, ca, { 'content-type': 'application/x-pem-file' });
  const vendor = view.served.flatMap(({ lock }) => lock.spec.repositories.flatMap(({ keys }) => keys)).find((key) => keyName(key) === name);
  return vendor === undefined ? undefined : vendorKey(vendor, blobs);
}

/** Armored, which is the only form that rpm takes, whatever form it came in. */
async function vendorKey(key: Descriptor, blobs: ServedBlobs): Promise<Answer | undefined> {
  if (key.size > keyLimitBytes || !(await blobs.has(key.digest))) return undefined;
  const bytes = await readSmall(blobs, key);
  const isArmored = bytes.subarray(0, 200).includes('-----BEGIN PGP');
  const armored = isArmored ? bytes.toString('utf8') : (await (await import('../formats/pgp/keys.ts')).parseKeys(bytes, key.digest)).map((each) => each.key.armor()).join('\n');
  return textAnswer(200, armored, { 'content-type': 'application/pgp-keys' });
}
