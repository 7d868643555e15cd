// Reads an apt mirror the way apt does: key, InRelease, the Packages file that it vouches for, then packages.
// On purpose apart from longshore's own source, but for the OpenPGP check.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { verifyClearsigned } from '../../formats/pgp/signature.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function get(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  if (answer.status !== 200) throw new Error(`${url}: status ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

/** Throws unless everything that `wanted` and its mirror name is there, signed and unchanged. Returns counts. */
export async function proveApt(base: string, project: string, target: string, wanted: readonly string[]): Promise<{ packages: number; bytes: number }> {
  const keys = await parseKeys(await get(`${base}/keys/longshore.asc`), 'key of the repository machine');
  const mirror = `${base}/apt/${project}/${target}`;
  const signed = await get(`${mirror}/dists/${target}/InRelease`);
  const { text } = await verifyClearsigned(signed, keys, { subject: 'InRelease', now: new Date() });
  const release = Buffer.from(text).toString();
  const entry = /^ ([0-9a-f]{64}) +(\d+) (main\/binary-\S+\/Packages\.gz)$/m.exec(release);
  if (entry === null) throw new Error('Release lists no Packages.gz');
  const [, digest, size, path] = entry;
  const index = await get(`${mirror}/dists/${target}/${path}`);
  if (sha256(index) !== digest || index.length !== Number(size)) throw new Error(`${path} is not what InRelease says`);
  const stanzas = gunzipSync(index).toString().split('\n\n').filter((stanza) => stanza.trim() !== '');
  const field = (stanza: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
  for (const name of wanted) if (!stanzas.some((stanza) => field(stanza, 'Package') === name)) throw new Error(`${name} is not in the mirror`);
  let bytes = 0;
  for (const stanza of stanzas) {
    const deb = await get(`${mirror}/${field(stanza, 'Filename')}`);
    if (sha256(deb) !== field(stanza, 'SHA256')) throw new Error(`${field(stanza, 'Package')} is not what Packages says`);
    bytes += deb.length;
  }
  return { packages: stanzas.length, bytes };
}
