import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestMediaType } from '../../bom/bundle.ts';
import type { Descriptor } from '../../bom/digest.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { type Bed, makeBed, makeImage, makeLock, makePushable, pushImage, servedOf } from './support.ts';

interface Listed { readonly digest: string; readonly artifactType?: string; readonly annotations?: Readonly<Record<string, string>> }

describe('what a lock carries beside an image', () => {
  let bed: Bed;
  let image: LockedImage;
  let signature: Descriptor;
  let broken: Descriptor;
  beforeAll(async () => {
    bed = await makeBed();
    const plain = await makeImage(bed, 'docker.io/library/app:1.0');
    const subject = { mediaType: plain.mediaType, digest: plain.digest, size: plain.size };
    const empty = await bed.add('application/vnd.oci.empty.v1+json', '{}');
    signature = await bed.add(manifestMediaType, JSON.stringify({
      schemaVersion: 2, mediaType: manifestMediaType, artifactType: 'application/vnd.example.signature', config: empty, layers: [empty], subject, annotations: { 'org.example.by': 'ops' },
    }));
    // A lock may say that it refers; what the manifest itself says decides.
    broken = await bed.add(manifestMediaType, JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaType, config: empty, layers: [empty] }));
    const referrer = (blob: Descriptor, tag?: string): NonNullable<LockedImage['referrers']>[number] => ({ ...blob, subject: plain.digest, kind: 'signature', ...(tag === undefined ? {} : { tag }) });
    image = {
      ...plain, referrers: [referrer(signature, `sha256-${plain.digest.slice(7)}.sig`), referrer(broken)],
      manifests: [...plain.manifests, signature, broken], blobs: [...plain.blobs, empty],
    };
    bed.served.push(servedOf(makeLock('site', { images: [image] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  const referrers = async (query = ''): Promise<readonly Listed[]> =>
    ((await (await bed.ask(`/v2/library/app/referrers/${image.digest}${query}`)).json()) as { manifests: Listed[] }).manifests;

  it('is listed with what its manifest says of itself', async () => {
    expect(await referrers()).toEqual([{ mediaType: manifestMediaType, digest: signature.digest, size: signature.size, artifactType: 'application/vnd.example.signature', annotations: { 'org.example.by': 'ops' } }]);
    expect(await referrers('?artifactType=application/vnd.example.sbom')).toEqual([]);
    expect((await referrers('?ns=docker.io')).length).toBe(1);
    expect((await referrers('?ns=quay.io')).length).toBe(0);
  });

  it('is found by digest and by the tag of older clients', async () => {
    for (const reference of [signature.digest, `sha256-${image.digest.slice(7)}.sig`]) {
      expect((await bed.ask(`/v2/docker.io/library/app/manifests/${reference}`)).headers.get('docker-content-digest')).toBe(signature.digest);
    }
  });

  it('stands in one list with what was pushed here', async () => {
    const pushed = makePushable('signed here', { subject: { mediaType: image.mediaType, digest: image.digest, size: image.size }, artifactType: 'application/vnd.example.signature' });
    await pushImage(bed, 'docker.io/library/app', pushed.digest, pushed);
    expect((await referrers()).map(({ digest }) => digest).sort()).toEqual([signature.digest, pushed.digest].sort());
  });
});
