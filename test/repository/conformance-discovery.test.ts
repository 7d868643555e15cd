// OCI distribution specification 1.1, workflows "Content Discovery" and "Content Management": their requirements, case by case.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bom/digest.ts';
import { type Bed, errorCode, makeBed, makePushable, pushBlob, pushImage } from './support.ts';

interface Listed { readonly digest: string; readonly artifactType?: string; readonly annotations?: Record<string, string>; readonly size: number; readonly mediaType: string }

describe('content discovery', () => {
  let bed: Bed;
  const names = ['Beta', 'alpha', 'v1.10', 'v1.2', 'zeta', '_x'];
  const sorted = ['_x', 'alpha', 'Beta', 'v1.10', 'v1.2', 'zeta'];
  beforeAll(async () => {
    bed = await makeBed();
    for (const name of names) await pushImage(bed, 'disc/tags', name, makePushable(name));
  });
  afterAll(() => bed.close());

  const tags = async (query: string): Promise<string[]> => ((await (await bed.ask(`/v2/disc/tags/tags/list${query}`)).json()) as { tags: string[] }).tags;
  const referrers = async (name: string, subject: string, query = ''): Promise<Listed[]> =>
    ((await (await bed.ask(`/v2/${name}/referrers/${subject}${query}`)).json()) as { manifests: Listed[] }).manifests;

  it('tags come in lexical order', async () => {
    expect(await tags('')).toEqual(sorted);
  });

  it('tags: n limits, a Link leads on, and following it gives every tag once', async () => {
    const seen: string[] = [];
    let next: string | undefined = '/v2/disc/tags/tags/list?n=4';
    while (next !== undefined) {
      const response: Response = await bed.ask(next);
      seen.push(...((await response.json()) as { tags: string[] }).tags);
      next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(sorted);
  });

  it('tags: n=0 is an empty list without a Link', async () => {
    const response = await bed.ask('/v2/disc/tags/tags/list?n=0');
    expect(((await response.json()) as { tags: string[] }).tags).toEqual([]);
    expect(response.headers.get('link')).toBeNull();
  });

  it('tags: last begins behind a tag, with and without n, whether it exists or not', async () => {
    expect(await tags('?last=alpha')).toEqual(sorted.slice(2));
    expect(await tags('?n=2&last=alpha')).toEqual(['Beta', 'v1.10']);
    expect(await tags('?last=carrot&n=1')).toEqual(['v1.10']);
    expect(await tags('?last=zzz')).toEqual([]);
  });

  it('tags: an n that is no count is refused', async () => {
    for (const n of ['-1', 'x', '1e3']) expect((await bed.ask(`/v2/disc/tags/tags/list?n=${n}`)).status).toBe(400);
  });

  it('referrers: an empty index for what nobody refers to, also in an unknown repository', async () => {
    for (const name of ['disc/tags', 'disc/unknown']) {
      const response = await bed.ask(`/v2/${name}/referrers/${digestOf('nobody')}`);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/vnd.oci.image.index.v1+json']);
      expect(await response.json()).toEqual({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });
    }
  });

  it('referrers: a broken digest is 400', async () => {
    for (const digest of ['sha256:abc', 'nonsense', 'latest']) expect((await bed.ask(`/v2/disc/tags/referrers/${digest}`)).status).toBe(400);
  });

  it('referrers: with artifactType (or the config\'s media type) and annotations, filtered on demand', async () => {
    const image = makePushable('subject');
    await pushImage(bed, 'disc/ref', 'v1', image);
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
    const sbom = makePushable('sbom', { subject, artifactType: 'application/vnd.example.sbom', annotations: { 'org.example.kind': 'sbom' } });
    const plain = makePushable('plain', { subject });
    const indexType = 'application/vnd.oci.image.index.v1+json';
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [], subject }));
    await pushImage(bed, 'disc/ref', sbom.digest, sbom);
    await pushImage(bed, 'disc/ref', 'plain', plain);
    await bed.ask('/v2/disc/ref/manifests/index', { method: 'PUT', auth: true, body: index, headers: { 'content-type': indexType } });
    const all = new Map((await referrers('disc/ref', image.digest)).map((item) => [item.digest, item]));
    expect([...all.keys()].sort()).toEqual([sbom.digest, plain.digest, digestOf(index)].sort());
    expect(all.get(sbom.digest)).toEqual({ mediaType: image.mediaType, digest: sbom.digest, size: sbom.bytes.length, artifactType: 'application/vnd.example.sbom', annotations: { 'org.example.kind': 'sbom' } });
    expect(all.get(plain.digest)?.artifactType).toBe('application/vnd.oci.image.config.v1+json');
    expect(all.get(digestOf(index))).not.toHaveProperty('artifactType');
    const filtered = await bed.ask(`/v2/disc/ref/referrers/${image.digest}?artifactType=application/vnd.example.sbom`);
    expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(((await filtered.json()) as { manifests: Listed[] }).manifests.map(({ digest }) => digest)).toEqual([sbom.digest]);
    expect(await referrers('disc/ref', image.digest, '?artifactType=none')).toEqual([]);
    await bed.ask(`/v2/disc/ref/manifests/${sbom.digest}`, { method: 'DELETE', auth: true });
    expect((await referrers('disc/ref', image.digest)).length).toBe(2);
  });

  it('referrers: those pushed before their subject', async () => {
    const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('later'), size: 5 };
    const early = makePushable('early', { subject });
    await pushImage(bed, 'disc/early', 'v1', early);
    expect((await referrers('disc/early', subject.digest)).map(({ digest }) => digest)).toEqual([early.digest]);
  });
});

describe('content management', () => {
  let bed: Bed;
  beforeAll(async () => { bed = await makeBed(); });
  afterAll(() => bed.close());
  const remove = (path: string): Promise<Response> => bed.ask(path, { method: 'DELETE', auth: true });
  const status = async (path: string): Promise<number> => (await bed.ask(path)).status;

  it('a tag is deleted, its manifest stays', async () => {
    const image = makePushable('tagged');
    await pushImage(bed, 'man/tag', 'v1', image);
    expect((await remove('/v2/man/tag/manifests/v1')).status).toBe(202);
    expect([await status('/v2/man/tag/manifests/v1'), await status(`/v2/man/tag/manifests/${image.digest}`)]).toEqual([404, 200]);
    expect(((await (await bed.ask('/v2/man/tag/tags/list')).json()) as { tags: string[] }).tags).toEqual([]);
    expect((await remove('/v2/man/tag/manifests/v1')).status).toBe(404);
  });

  it('a manifest is deleted, and with it every tag that names it', async () => {
    const image = makePushable('whole');
    for (const tag of ['a', 'b']) await pushImage(bed, 'man/whole', tag, image);
    await pushImage(bed, 'man/whole', 'other', makePushable('other'));
    expect((await remove(`/v2/man/whole/manifests/${image.digest}`)).status).toBe(202);
    for (const reference of [image.digest, 'a', 'b']) expect(await status(`/v2/man/whole/manifests/${reference}`)).toBe(404);
    expect(await status('/v2/man/whole/manifests/other')).toBe(200);
    const again = await remove(`/v2/man/whole/manifests/${image.digest}`);
    expect([again.status, await errorCode(again)]).toEqual([404, 'MANIFEST_UNKNOWN']);
  });

  it('a blob is deleted from its repository only', async () => {
    const content = Buffer.from('shared blob');
    for (const name of ['man/blob', 'man/keeps']) await pushBlob(bed, name, content);
    const path = `blobs/${digestOf(content)}`;
    expect((await remove(`/v2/man/blob/${path}`)).status).toBe(202);
    await pushBlob(bed, 'man/blob', Buffer.from('so that the repository exists'));
    expect([await status(`/v2/man/blob/${path}`), await status(`/v2/man/keeps/${path}`)]).toEqual([404, 200]);
    expect((await remove(`/v2/man/blob/${path}`)).status).toBe(404);
  });

  it('nothing is deleted from an unknown repository, nor under a broken digest', async () => {
    expect((await remove(`/v2/man/none/manifests/${digestOf('x')}`)).status).toBe(404);
    await pushBlob(bed, 'man/some', Buffer.from('x'));
    expect((await remove('/v2/man/some/blobs/sha256:abc')).status).toBe(400);
  });

  it('a repository whose last tag and manifest were deleted lists no tags, and is not in the catalog', async () => {
    const image = makePushable('the last one');
    await pushImage(bed, 'man/emptied', 'v1', image);
    for (const path of ['manifests/v1', `manifests/${image.digest}`, ...image.blobs.map(({ digest }) => `blobs/${digest}`)]) expect((await remove(`/v2/man/emptied/${path}`)).status).toBe(202);
    const tags = await bed.ask('/v2/man/emptied/tags/list');
    expect([tags.status, ((await tags.json()) as { tags: string[] }).tags]).toEqual([200, []]);
    expect(((await (await bed.ask('/v2/_catalog')).json()) as { repositories: string[] }).repositories).not.toContain('man/emptied');
  });

  it('deletions last over a restart', async () => {
    await pushImage(bed, 'man/durable', 'v1', makePushable('gone'));
    await pushImage(bed, 'man/durable', 'v2', makePushable('kept'));
    await remove('/v2/man/durable/manifests/v1');
    const second = await makeBed({ folder: bed.folder });
    expect([(await second.ask('/v2/man/durable/manifests/v1')).status, (await second.ask('/v2/man/durable/manifests/v2')).status]).toEqual([404, 200]);
    await second.close();
  });
});
