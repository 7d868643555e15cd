import { afterEach, describe, expect, it } from 'vitest';
import { indexMediaType, manifestMediaType } from '../../../bom/bundle.ts';
import { type Descriptor, digestOf, hexOf } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import type { BundleEvent } from '../../../bom/events.ts';
import type { LockedImage } from '../../../bom/lock.ts';
import type { BlobReader } from '../../../bom/ports.ts';
import { publishAll } from '../../../importer/targets/publish-all.ts';
import { targetNames } from '../../../importer/targets/registry-names.ts';
import { noise } from '../../support/bytes.ts';
import { configMediaType, type FakeRegistry, startFakeRegistry } from '../../support/fake-registry.ts';
import { FakeUploads } from '../../support/fake-uploads.ts';
import { closeSites, failure, Images, site, siteOf } from '../../support/publish-site.ts';

const signal = new AbortController().signal;
afterEach(closeSites);

/** What was put there, the question about wrong digests left out. */
const puts = (fake: FakeRegistry): string[] => fake.server.seen.filter(({ method, url }) => method === 'PUT' && !url.includes(encodeURIComponent(digestOf('another content')))).map(({ url }) => url);

describe('publishing to a registry', () => {
  it('sends blobs before manifests before tags, and nothing the second time', async () => {
    const { fake, target } = await site();
    const images = new Images();
    const image = images.image('quay.io/team/app:1', ['one', 'two']);
    const first = target([image]);
    expect(await first.publish(image, images.blobs, signal)).toBe('published');
    expect(fake.tags.size).toBe(0);
    await first.commit(signal);
    expect(fake.tags.get('quay.io/team/app:1')).toBe(image.digest);
    const order = puts(fake).map((url) => (url.includes('/blobs/') ? 'blob' : url.includes('sha256:') ? 'manifest' : 'tag'));
    expect(order).toEqual(['blob', 'blob', 'blob', 'manifest', 'tag']);
    const again = target([image]);
    expect(await again.publish(image, images.blobs, signal)).toBe('present');
    await again.commit(signal);
    expect(puts(fake).length).toBe(5);
  });

  it('sends a shared blob once and mounts it elsewhere', async () => {
    const { fake, uploads, target } = await site();
    const images = new Images();
    const base = noise(200_000);
    const all = ['a', 'b', 'c'].map((name) => images.image(`docker.io/x/${name}:1`, [base, name]));
    fake.blobs.clear();
    for (let round = 1; round <= 2; round += 1) {
      const events: BundleEvent[] = [];
      const notify = (event: BundleEvent): void => { events.push(event); };
      const publisher = target(all, { notify });
      await publishAll(publisher, all, { blobs: images.blobs, signal, notify });
      await publisher.commit(signal);
      expect(uploads.received).toBeLessThan(202_000);
      const [planned] = events.flatMap((event) => (event.kind === 'plan' ? [event] : []));
      expect(planned).toMatchObject({ items: all.length, bytes: events.reduce((sum, event) => sum + (event.kind === 'bytes' ? event.bytes : 0), 0) });
    }
  });

  it('goes on where a broken upload stood', async () => {
    const { uploads, target, fake } = await site();
    const images = new Images();
    const layer = noise(3_000_000);
    const image = images.image('a.example/b:1', [layer]);
    uploads.cuts = 3;
    uploads.cutAfter = 500_000;
    await target([image]).publish(image, images.blobs, signal);
    expect(fake.blobs.has(digestOf(layer))).toBe(true);
    expect(uploads.received).toBeLessThan(3_600_000);
  });

  it('tells of bytes as they go, and of those that are sent again once', async () => {
    const { uploads, target } = await site();
    const images = new Images();
    const image = images.image('a.example/b:1', [noise(9_000_000)]);
    const pieces: BlobReader = { has: (digest) => images.blobs.has(digest), open: async function* pieces(blob, range) {
      for await (const whole of images.blobs.open(blob, range)) for (let at = 0; at < whole.length; at += 100_000) yield whole.subarray(at, at + 100_000);
    } };
    Object.assign(uploads, { cuts: 2, cutAfter: 6_000_000 });
    const told: number[] = [];
    await target([image], { notify: (event) => { if (event.kind === 'bytes') told.push(event.bytes); } }).publish(image, pieces, signal);
    expect(Math.max(...told)).toBeLessThan(5_000_000);
    expect(told.reduce((sum, bytes) => sum + bytes, 0)).toBe(image.blobs.reduce((sum, { size }) => sum + size, 0));
  });

  it('sends smaller pieces after 413, no smaller than the registry allows', async () => {
    const { fake, uploads, target } = await site({ maxBodyBytes: 2 << 20, minChunkBytes: 1_500_000 });
    const images = new Images();
    const layer = noise(9_000_000);
    const image = images.image('a.example/b:1', [layer]);
    await target([image]).publish(image, images.blobs, signal);
    expect(fake.blobs.has(digestOf(layer))).toBe(true);
    expect(uploads.chunks).toEqual([1_500_000, 1_500_000, 1_500_000, 1_500_000, 1_500_000, 1_500_000]);
    const hopeless = await site({ maxBodyBytes: 1000 });
    const error = await failure(hopeless.target([image]).publish(image, images.blobs, signal));
    expect(error.code).toBe('TARGET_REFUSED');
    expect(error.facts.details).toMatchObject({ status: 413 });
  });

  it.each([[429], [503], [401]])('survives a %i in the middle of a blob, and the next one', async (status) => {
    const { uploads, target, fake } = await site();
    const images = new Images();
    const layer = noise(2_000_000);
    const image = images.image('a.example/b:1', [layer]);
    uploads.refusals.push(status, ...(status === 401 ? [] : [status]));
    await target([image]).publish(image, images.blobs, signal);
    expect(fake.blobs.has(digestOf(layer))).toBe(true);
    expect(uploads.refusals).toEqual([]);
  });

  it('fails, and names no tag, when a registry refuses for ever', async () => {
    const { uploads, target, fake } = await site();
    const images = new Images();
    const image = images.image('a.example/b:1', [noise(500_000)]);
    uploads.cutAfter = 0;
    uploads.refusals.push(...Array.from({ length: 50 }, () => 429));
    const error = await failure(target([image]).publish(image, images.blobs, signal));
    expect([error.code, fake.tags.size, fake.manifests.size]).toEqual(['TRANSFER_STATUS', 0, 0]);
    uploads.refusals.splice(0, Infinity, ...Array.from({ length: 50 }, () => 401));
    expect((await failure(target([image]).publish(image, images.blobs, signal))).code).toBe('TRANSFER_AUTH');
  });

  it('stops the other images when one fails, and says what failed', async () => {
    const { uploads, target, fake } = await site({ refuseSparse: true });
    const images = new Images();
    const all = [images.sparse('a.example/sparse:1'), ...Array.from({ length: 5 }, (_, at) => images.image(`a.example/big${at}:1`, [noise(3_000_000, at)]))];
    uploads.cuts = 1000;
    uploads.cutAfter = 1000;
    const error = await failure(publishAll(target(all), all, { blobs: images.blobs, signal }));
    expect(['TARGET_REFUSED', 'TRANSFER_CUT']).toContain(error.code);
    // What was on its way when the others were stopped may still arrive; nothing new is asked, and nothing tried again.
    const pause = (ms: number): Promise<void> => new Promise((done) => { setTimeout(done, ms); });
    await pause(300);
    const asked = fake.server.seen.length;
    await pause(1500);
    expect(fake.server.seen.length).toBe(asked);
  });

  it('believes no HEAD that lies, whether the registry looks at what manifests name or not', async () => {
    for (const takesAnyManifest of [false, true]) {
      const { fake, target } = await site({ headLies: true, takesAnyManifest });
      const images = new Images();
      const image = images.image('a.example/b:1', ['one', 'two']);
      await target([image]).publish(image, images.blobs, signal);
      for (const { digest, size } of image.blobs) expect(fake.blobs.get(digest)?.length).toBe(size);
    }
  });

  it('sends what is missing, cut or lost of an image whose manifests are there', async () => {
    const { fake, target } = await site({ takesAnyManifest: true });
    const images = new Images();
    const image = images.image('a.example/b:1', ['one', 'two']);
    await target([image]).publish(image, images.blobs, signal);
    const [, one, two] = image.blobs;
    fake.blobs.delete(one!.digest);
    fake.blobs.set(two!.digest, new TextEncoder().encode('tw'));
    expect(await target([image]).publish(image, images.blobs, signal)).toBe('published');
    for (const { digest, size } of image.blobs) expect(fake.blobs.get(digest)?.length).toBe(size);
    expect(await target([image]).publish(image, images.blobs, signal)).toBe('present');
  });

  it('fails where what was taken is not given again', async () => {
    const { fake, target } = await site({ forgets: true, takesAnyManifest: true });
    const images = new Images();
    const image = images.image('a.example/b:1', ['one']);
    const error = await failure(target([image]).publish(image, images.blobs, signal));
    expect([error.code, fake.manifests.size]).toEqual(['TARGET_REFUSED', 0]);
    expect(image.blobs.some(({ digest }) => error.facts.subject.includes(digest))).toBe(true);
  });

  it.each([true, 'fails'] as const)('says how to go on where sparse indexes are refused, and rewrites them when asked (%s)', async (refuseSparse) => {
    const { fake, target } = await site({ refuseSparse });
    const images = new Images();
    const image = images.sparse('a.example/b:1');
    const error = await failure(target([image]).publish(image, images.blobs, signal));
    expect(error.code).toBe('TARGET_REFUSED');
    expect(error.next).toContain('--rewrite-indexes');
    const rewriting = target([image], { rewriteIndexes: true });
    await rewriting.publish(image, images.blobs, signal);
    await rewriting.commit(signal);
    const [rewrite] = rewriting.rewrites;
    expect(rewrite).toMatchObject({ ref: 'a.example/b:1', from: image.digest });
    expect(fake.tags.get('a.example/b:1')).toBe(rewrite?.to);
    const index = JSON.parse(Buffer.from(fake.manifests.get(rewrite!.to)!.bytes).toString()) as { manifests: Descriptor[]; annotations: object };
    expect(index.manifests.map(({ digest }) => digest)).toEqual([image.manifests[1]!.digest]);
    expect(index.annotations).toEqual({ kept: 'yes' });
    const sent = puts(fake).length;
    const again = target([image], { rewriteIndexes: true });
    expect(await again.publish(image, images.blobs, signal)).toBe('present');
    expect(again.rewrites).toEqual(rewriting.rewrites);
    await again.commit(signal);
    expect(puts(fake).length).toBe(sent);
    const tolerant = await site();
    await tolerant.target([image]).publish(image, images.blobs, signal);
    expect(tolerant.fake.manifests.has(image.digest)).toBe(true);
  });

  it('sends the indexes that stay as they are beside those that are rewritten', async () => {
    const { fake, target } = await site({ refuseSparse: true });
    const images = new Images();
    const [whole, part] = [images.image('a.example/whole:1', ['whole']), images.sparse('a.example/part:1')];
    const complete = images.manifest({ mediaType: indexMediaType, manifests: whole.manifests });
    const root = images.manifest({ mediaType: indexMediaType, manifests: [complete, part.manifests[0]] });
    const image = { ...whole, ...root, ref: 'a.example/b:1', manifests: [root, complete, ...whole.manifests, ...part.manifests], blobs: [...whole.blobs, ...part.blobs] };
    const publisher = target([image], { rewriteIndexes: true });
    await publisher.publish(image, images.blobs, signal);
    expect(fake.manifests.has(complete.digest)).toBe(true);
    expect(publisher.rewrites.map(({ from }) => from)).toEqual([part.digest, root.digest]);
  });

  it('keeps cosign\'s tags, and the tag that stands in for the referrers API where there is none', async () => {
    for (const referrers of [false, true]) {
      const { fake, target } = await site({ referrers });
      const images = new Images();
      const image = images.image('a.example/b:1', ['x']);
      const config = images.blobs.add(configMediaType, '{}');
      const signature = images.manifest({ mediaType: manifestMediaType, config, layers: [] });
      const bundle = images.manifest({ mediaType: manifestMediaType, artifactType: 'x/y', config, layers: [], subject: image.manifests[0] });
      const cosignTag = `sha256-${hexOf(image.digest)}.sig`;
      const full: LockedImage = {
        ...image, manifests: [...image.manifests, signature, bundle], blobs: [...image.blobs, config],
        referrers: [
          { subject: image.digest, ...signature, kind: 'signature', tag: cosignTag },
          { subject: image.digest, ...bundle, artifactType: 'x/y', kind: 'referrer', tag: `sha256-${hexOf(image.digest)}` },
        ],
      };
      // The first run ends before anything is tagged; the second one finds everything there but the lists.
      await target([full]).publish(full, images.blobs, signal);
      const publisher = target([full]);
      expect(await publisher.publish(full, images.blobs, signal)).toBe('present');
      await publisher.commit(signal);
      expect(fake.tags.get(`a.example/b:${cosignTag}`)).toBe(signature.digest);
      const index = fake.manifests.get(fake.tags.get(`a.example/b:sha256-${hexOf(image.digest)}`) ?? '');
      expect(index === undefined).toBe(referrers);
      if (index !== undefined) expect(Buffer.from(index.bytes).toString()).toContain(bundle.digest);
    }
  });

  it('reads every tag back: a registry that keeps an old one is told of', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake, {});
    const fake = await startFakeRegistry({
      fault: (request, response) => {
        if (request.method !== 'PUT' || request.url?.endsWith('/manifests/1') !== true) return uploads.handle(request, response);
        request.resume();
        response.writeHead(201).end();
        return true;
      },
    });
    const images = new Images();
    const [old, image] = [images.image('a.example/b:0', ['old']), images.image('a.example/b:1', ['new'])];
    const site = siteOf(fake, uploads);
    await site.target([old]).publish(old, images.blobs, signal);
    fake.tags.set('a.example/b:1', old.digest);
    const target = site.target([image]);
    await target.publish(image, images.blobs, signal);
    const error = await failure(target.commit(signal));
    expect([error.code, error.facts.subject]).toEqual(['TARGET_REFUSED', `${fake.host}/a.example/b:1`]);
  });

  it('reads every manifest back: a registry that keeps other bytes gets no tag', async () => {
    const uploads: FakeUploads = new FakeUploads(() => fake, {});
    const fake = await startFakeRegistry({
      fault: async (request, response) => {
        if (request.method !== 'GET' || request.url?.includes('/manifests/sha256:') !== true) return uploads.handle(request, response);
        const kept = [...fake.manifests.values()].at(-1);
        response.writeHead(200, { 'content-type': manifestMediaType }).end(Buffer.concat([Buffer.from(kept?.bytes ?? ''), Buffer.from(' ')]));
        return true;
      },
    });
    const images = new Images();
    const image = images.image('a.example/b:1', ['one']);
    const target = siteOf(fake, uploads).target([image]);
    expect((await failure(target.publish(image, images.blobs, signal))).code).toMatch(/^INTEGRITY_/);
    expect(fake.tags.size).toBe(0);
  });
});

describe('names in the target', () => {
  const named = (ref: string, more: Partial<LockedImage> = {}): LockedImage => new Images().image(ref, ['x'], more);
  const one = (image: LockedImage, template?: string): unknown => targetNames([image], template).get(image.ref);

  it('come from a template, or from the image itself', () => {
    expect(one(named('quay.io/team/app:1'))).toEqual({ path: 'quay.io/team/app', tag: '1' });
    expect(one(named('r.example:5000/team/app:1'))).toEqual({ path: 'r.example_5000/team/app', tag: '1' });
    expect(one(named('quay.io/team/app:1'), '{path}')).toEqual({ path: 'team/app', tag: '1' });
    expect(one(named('quay.io/team/app:1'), 'mirror/{name}')).toEqual({ path: 'mirror/app', tag: '1' });
    expect(one(named(`quay.io/team/app@${digestOf('x')}`))).toEqual({ path: 'quay.io/team/app' });
    expect(one(named('quay.io/team/app:1', { as: 'own/name:2' }))).toEqual({ path: 'own/name', tag: '2' });
    expect(one(named('quay.io/team/app:1', { as: 'own/name' }))).toEqual({ path: 'own/name', tag: '1' });
  });

  it('collide before anything is sent', () => {
    const [a, b] = [named('quay.io/x/app:1'), named('docker.io/x/app:1')];
    expect(() => targetNames([a, b], '{path}')).toThrow(BundleError);
    expect(targetNames([a, b]).size).toBe(2);
    expect(() => targetNames([a], '{path}/{nonsense}')).toThrow(BundleError);
    expect(() => targetNames([a], 'UPPER/{path}')).toThrow(BundleError);
    // Also while there is nothing to name.
    expect(() => targetNames([], 'UPPER/{path}')).toThrow(expect.objectContaining({ code: 'INPUT_FLAG' }));
  });
});
