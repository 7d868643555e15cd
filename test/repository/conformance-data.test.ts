// The manifest cases of the opencontainers conformance suite, under its own names: each set of content is pushed, listed, asked for, pulled and deleted.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../bom/bundle.ts';
import { type Bed, errorCode, makeBed, randomText } from './support.ts';

type Algorithm = 'sha256' | 'sha512';
type Json = Readonly<Record<string, unknown>>;
interface Entry { readonly mediaType: string; readonly digest: string; readonly size: number }

const repository = 'conformance/repo1';
const ociConfig = 'application/vnd.oci.image.config.v1+json';
const ociLayer = 'application/vnd.oci.image.layer.v1.tar';
const emptyType = 'application/vnd.oci.empty.v1+json';
const exampleType = 'application/vnd.example.oci.conformance.v1';
const platforms = [{ os: 'linux', architecture: 'amd64' }, { os: 'linux', architecture: 'arm64' }];

interface Shape {
  readonly more?: Json;
  readonly config?: { readonly mediaType: string; readonly text: string };
  readonly layers?: number;
  readonly layerType?: string;
  readonly plain?: boolean;
  /** Fields put into each descriptor: what a `data` field needs is given as 'data'. */
  readonly inline?: boolean;
}

/** Manifests and blobs to push, in an order in which they can be. */
class Content {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests: { readonly entry: Entry; readonly bytes: Buffer; readonly document: Json }[] = [];
  readonly tags = new Map<string, string>();
  readonly algorithm: Algorithm;

  constructor(algorithm: Algorithm = 'sha256') {
    this.algorithm = algorithm;
  }

  digest(bytes: Uint8Array): string {
    return `${this.algorithm}:${createHash(this.algorithm).update(bytes).digest('hex')}`;
  }

  blob(mediaType: string, bytes: Buffer, inline = false): Entry {
    const digest = this.digest(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...(inline ? { data: bytes.toString('base64') } : {}) };
  }

  manifest(mediaType: string, document: Json, tag?: string): Entry {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }));
    const entry = { mediaType, digest: this.digest(bytes), size: bytes.length };
    this.manifests.push({ entry, bytes, document });
    if (tag !== undefined) this.tags.set(tag, entry.digest);
    return entry;
  }

  image(shape: Shape = {}, tag?: string): Entry {
    const layers = Array.from({ length: shape.layers ?? 2 }, () => {
      const bytes = Buffer.from(randomText(1000));
      return this.blob(shape.layerType ?? (shape.plain === true ? ociLayer : `${ociLayer}+gzip`), shape.plain === true ? bytes : gzipSync(bytes), shape.inline);
    });
    const text = shape.config?.text ?? JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, id: randomText(16) });
    const config = this.blob(shape.config?.mediaType ?? ociConfig, Buffer.from(text), shape.inline);
    return this.manifest(manifestMediaType, { config, layers, ...shape.more }, tag);
  }

  index(entries: readonly (Entry & { readonly platform?: Json })[], more: Json = {}, tag?: string): Entry {
    return this.manifest(indexMediaType, { manifests: entries, ...more }, tag);
  }

  platformIndex(shape: Shape = {}, more: Json = {}, tag?: string): Entry {
    return this.index(platforms.map((platform) => ({ ...this.image(shape), platform })), more, tag);
  }
}

const artifact: Shape = { more: { artifactType: exampleType }, config: { mediaType: emptyType, text: '{}' }, layers: 1, layerType: exampleType };
const greeting = (): Json => ({ annotations: { 'org.example.greeting': 'hello', 'org.example.id': randomText(12) } });

const sets: Readonly<Record<string, () => Content>> = {
  'image': () => built((content) => content.image({}, 'image')),
  'image-uncompressed': () => built((content) => content.image({ plain: true }, 'image-uncompressed')),
  'large-manifest': () => built((content) => content.image({
    more: { annotations: Object.fromEntries(Array.from({ length: 390 }, (_, at) => [`large-${at}`, 'A'.repeat(10_000)])) },
  }, 'large-manifest')),
  'index': () => built((content) => content.platformIndex({}, {}, 'index')),
  'nested-index': () => built((content) => content.index([content.platformIndex(), content.platformIndex()], {}, 'index-of-index')),
  'empty-index': () => built((content) => content.index([], {}, 'empty')),
  'artifact': () => built((content) => content.image(artifact, 'artifact')),
  'artifact-index': () => built((content) => content.platformIndex(artifact, { artifactType: exampleType }, 'artifact-index')),
  'artifact-without-layers': () => built((content) => {
    const empty = content.blob(emptyType, Buffer.from('{}'));
    content.manifest(manifestMediaType, { artifactType: exampleType, config: empty, layers: [empty] }, 'artifact-without-layers');
  }),
  'artifacts-with-subject': () => built((content) => {
    const subject = content.image({}, 'image');
    content.image({ more: { subject } });
    content.image({ ...artifact, more: { artifactType: exampleType, subject, ...greeting() } }, 'tagged-artifact1');
    content.image({ ...artifact, layerType: 'application/octet-stream', more: { artifactType: `${exampleType}+other`, subject, ...greeting() } }, 'tagged-artifact2');
  }),
  'index-with-subject': () => built((content) => {
    const subject = content.platformIndex({}, {}, 'index');
    content.platformIndex(artifact, { artifactType: exampleType, subject, ...greeting() }, 'tagged-artifact');
  }),
  'missing-subject': () => built((content) => {
    const subject = { mediaType: manifestMediaType, digest: content.digest(Buffer.from(randomText(30))), size: 123 };
    content.image({ ...artifact, more: { artifactType: exampleType, subject, ...greeting() } }, 'tagged-artifact');
  }),
  'data-field': () => built((content) => content.image({ inline: true }, 'data-field')),
  'non-distributable-layers': () => built((content) => {
    const config = content.blob(ociConfig, Buffer.from(randomText(100)));
    const forbidden = ['', '+gzip'].map((suffix) => ({
      mediaType: `application/vnd.oci.image.layer.nondistributable.v1.tar${suffix}`, digest: content.digest(Buffer.from(randomText(20))), size: 123_456, urls: ['https://store.example.org/layer'],
    }));
    content.manifest(manifestMediaType, { config, layers: [...forbidden, content.blob(ociLayer, Buffer.from(randomText(200)))] }, 'non-distributable-image');
  }),
  'custom-fields': () => built((content) => content.platformIndex({ more: { 'org.example.field': randomText(10) } }, { 'org.example.field': randomText(10) }, 'custom-fields')),
  'no-layers': () => built((content) => content.image({ layers: 0 }, 'no-layers')),
  'sparse (index)': () => built((content) => {
    const absent = { mediaType: manifestMediaType, digest: content.digest(Buffer.from(randomText(30))), size: 1024, platform: { os: 'linux', architecture: 'arm64' } };
    content.index([{ ...content.image(), platform: { os: 'linux', architecture: 'amd64' } }, absent], {}, 'sparse-index');
  }),
  'sha512': () => built((content) => content.platformIndex(), new Content('sha512')),
};

function built(fill: (content: Content) => unknown, content = new Content()): Content {
  fill(content);
  return content;
}

describe('content', () => {
  let bed: Bed;
  beforeAll(async () => { bed = await makeBed(); });
  afterAll(() => bed.close());

  const pushBlobs = async ({ blobs }: Content): Promise<void> => {
    for (const [digest, body] of blobs) {
      const started = await bed.ask(`/v2/${repository}/blobs/uploads/`, { method: 'POST', auth: true });
      expect((await bed.ask(`${started.headers.get('location')}?digest=${digest}`, { method: 'PUT', auth: true, body: new Uint8Array(body), headers: { 'content-type': 'application/octet-stream' } })).status).toBe(201);
    }
  };
  const putManifest = async (reference: string, mediaType: string, body: Buffer): Promise<Response> =>
    bed.ask(`/v2/${repository}/manifests/${reference}`, { method: 'PUT', auth: true, body: new Uint8Array(body), headers: { 'content-type': mediaType } });

  /** manifest-by-digest, manifest-by-tag; with `tagParams` every manifest gets tags in its query. */
  const push = async (content: Content, tagParams = false): Promise<void> => {
    await pushBlobs(content);
    for (const [at, { entry, bytes, document }] of content.manifests.entries()) {
      if (tagParams) content.tags.set(`param-${content.algorithm}-${at}`, entry.digest);
      const tags = tagParams ? [...content.tags].filter(([, digest]) => digest === entry.digest).map(([tag]) => tag) : [];
      const query = tags.map((tag, number) => `${number === 0 ? '?' : '&'}tag=${tag}`).join('');
      const done = await putManifest(`${entry.digest}${query}`, entry.mediaType, bytes);
      expect([done.status, done.headers.get('docker-content-digest')]).toEqual([201, entry.digest]);
      expect(done.headers.get('oci-subject')).toBe((document['subject'] as Entry | undefined)?.digest ?? null);
      if (tagParams) expect((done.headers.get('oci-tag') ?? '').split(', ').sort()).toEqual(tags.sort());
      if (tagParams) continue;
      for (const [tag, digest] of content.tags) if (digest === entry.digest) expect((await putManifest(tag, entry.mediaType, bytes)).status).toBe(201);
    }
  };
  const expectListed = async ({ tags }: Content): Promise<void> => {
    const list = async (query = ''): Promise<string[]> => ((await (await bed.ask(`/v2/${repository}/tags/list${query}`)).json()) as { tags: string[] }).tags;
    const all = await list();
    expect(all).toEqual(expect.arrayContaining([...tags.keys()]));
    const half = Math.floor(all.length / 2);
    if (half > 0) expect(await list(`?last=${all[half - 1]}`)).toEqual(all.slice(half));
  };
  /** head and pull, by tag and by digest; blobs too. */
  const expectPulled = async ({ manifests, tags, blobs }: Content): Promise<void> => {
    for (const { entry, bytes } of manifests) {
      for (const reference of [entry.digest, ...[...tags].filter(([, digest]) => digest === entry.digest).map(([tag]) => tag)]) {
        for (const method of ['HEAD', 'GET']) {
          const response = await bed.ask(`/v2/${repository}/manifests/${reference}`, { method });
          const { headers, status } = response;
          expect([status, headers.get('content-type'), headers.get('content-length'), headers.get('docker-content-digest')]).toEqual([200, entry.mediaType, String(bytes.length), entry.digest]);
          if (method === 'GET') expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
        }
      }
    }
    for (const [digest, bytes] of blobs) {
      const response = await bed.ask(`/v2/${repository}/blobs/${digest}`);
      expect([response.status, Buffer.from(await response.arrayBuffer()).equals(bytes)]).toEqual([200, true]);
      expect((await bed.ask(`/v2/${repository}/blobs/${digest}`, { method: 'HEAD' })).headers.get('content-length')).toBe(String(bytes.length));
    }
  };
  const expectReferrers = async ({ manifests }: Content): Promise<void> => {
    const referring = manifests.flatMap(({ entry, document }) => {
      const subject = document['subject'] as Entry | undefined;
      const artifactType = document['artifactType'] ?? (document['config'] as Entry | undefined)?.mediaType;
      const { annotations } = document;
      return subject === undefined ? [] : [{ subject: subject.digest, listed: { ...entry, artifactType, ...(annotations === undefined ? {} : { annotations }) } }];
    });
    for (const [subject, group] of Map.groupBy(referring, (each) => each.subject)) {
      const wanted = group.map(({ listed }) => listed);
      const ask = async (query = ''): Promise<[string | null, Json[]]> => {
        const response = await bed.ask(`/v2/${repository}/referrers/${subject}${query}`);
        return [response.headers.get('oci-filters-applied'), ((await response.json()) as { manifests: Json[] }).manifests];
      };
      const sorted = (list: readonly Json[]): Json[] => [...list].sort((a, b) => (String(a['digest']) < String(b['digest']) ? -1 : 1));
      expect(sorted((await ask())[1])).toEqual(sorted(wanted));
      for (const { artifactType } of wanted) {
        const [applied, list] = await ask(`?artifactType=${encodeURIComponent(String(artifactType))}`);
        expect([applied, sorted(list)]).toEqual(['artifactType', sorted(wanted.filter((each) => each.artifactType === artifactType))]);
      }
    }
  };
  /** Tags, then manifests from the top, then blobs; each gone at once. */
  const expectDeleted = async ({ manifests, tags, blobs }: Content): Promise<void> => {
    const references = [...tags.keys(), ...manifests.toReversed().map(({ entry }) => entry.digest)].map((reference) => `manifests/${reference}`);
    for (const path of new Set([...references, ...[...blobs.keys()].map((digest) => `blobs/${digest}`)])) {
      expect([path, (await bed.ask(`/v2/${repository}/${path}`, { method: 'DELETE', auth: true })).status]).toEqual([path, 202]);
      expect((await bed.ask(`/v2/${repository}/${path}`, { method: 'HEAD' })).status).toBe(404);
    }
  };

  const round = async (content: Content, tagParams = false): Promise<void> => {
    await push(content, tagParams);
    await expectListed(content);
    await expectPulled(content);
    await expectReferrers(content);
    await expectDeleted(content);
  };

  it('ping', async () => {
    expect((await bed.ask('/v2/', { auth: true })).status).toBe(200);
  });

  it('empty: tag list and referrers', async () => {
    expect((await bed.ask('/v2/conformance/never/tags/list')).status).toBe(404);
    const referrers = await bed.ask(`/v2/conformance/never/referrers/sha256:${'a'.repeat(64)}`);
    expect([referrers.status, referrers.headers.get('content-type'), await referrers.json()]).toEqual([200, indexMediaType, { schemaVersion: 2, mediaType: indexMediaType, manifests: [] }]);
  });

  it.each(Object.entries(sets))('%s', (_, make) => round(make()));

  it('tag-param-sha256', () => round(built((content) => content.platformIndex({}, {}, 'tag-param-sha256')), true));
  it('tag-param-sha512', () => round(built((content) => content.platformIndex({}, {}, 'tag-param-sha512'), new Content('sha512')), true));

  it('bad-digest-image', async () => {
    const content = sets['image']?.() as Content;
    await pushBlobs(content);
    for (const { entry, bytes } of content.manifests) {
      const refused = await putManifest(entry.digest, entry.mediaType, Buffer.concat([bytes, Buffer.from('  ')]));
      expect([refused.status, await errorCode(refused)]).toEqual([400, 'DIGEST_INVALID']);
      expect((await bed.ask(`/v2/${repository}/manifests/${entry.digest}`, { method: 'HEAD' })).status).toBe(404);
    }
  });

  it.each([['by-digest', `sha256:${'b'.repeat(64)}`], ['by-tag', 'missing-tag']])('missing-manifest %s', async (_, reference) => {
    const response = await bed.ask(`/v2/${repository}/manifests/${reference}`);
    expect([response.status, await errorCode(response)]).toEqual([404, 'MANIFEST_UNKNOWN']);
  });

  it('invalid-digest-format: manifest-put and manifest-get', async () => {
    const content = built((each) => each.image({ layers: 1 }));
    await pushBlobs(content);
    for (const { entry, bytes } of content.manifests) expect((await putManifest('sha256:baddigeststring', entry.mediaType, bytes)).status).toBe(400);
    expect([404, 400]).toContain((await bed.ask(`/v2/${repository}/manifests/sha256:baddigeststring`)).status);
  });
});
