import { afterEach, describe, expect, it } from 'vitest';
import { noise } from '../../support/bytes.ts';
import { closeSites, failure, Images, site } from '../../support/publish-site.ts';

const signal = new AbortController().signal;
afterEach(closeSites);

/** Contents on either side of the size from which on a registry is asked whether it looks at digests. */
const sizes = [100_000, 9_000_000];
const registries = [undefined, 'refused', 'ignored'] as const;

describe('a blob that the store has damaged', () => {
  it.each(registries.flatMap((digests) => sizes.flatMap((size) => (['flipped', 'cut'] as const).map((damage) => ({ digests, size, damage })))))('is named, and no image gets there: %j', async ({ digests, size, damage }) => {
    const { fake, target } = await site(digests === undefined ? {} : { digests });
    const images = new Images();
    const image = images.image('a.example/b:1', [noise(size)]);
    const { digest } = image.blobs[1]!;
    const bytes = Uint8Array.from(images.blobs.blobs.get(digest)!);
    bytes[size - 1]! ^= 1;
    images.blobs.blobs.set(digest, damage === 'flipped' ? bytes : bytes.subarray(1));
    const error = await failure(target([image]).publish(image, images.blobs, signal));
    expect([error.code, error.facts.subject]).toEqual([damage === 'flipped' ? 'INTEGRITY_DIGEST' : 'INTEGRITY_SIZE', digest]);
    expect([fake.blobs.has(digest), fake.manifests.size, fake.tags.size]).toEqual([false, 0, 0]);
  });
});

describe('a registry that takes any digest', () => {
  it('is told apart once, by what it does with a wrong one, before anything large is sent', async () => {
    for (const [digests, warnings] of [[undefined, 0], ['refused', 0], ['ignored', 1]] as const) {
      const { fake, uploads, target } = await site(digests === undefined ? {} : { digests });
      const images = new Images();
      const all = [1, 2].map((seed) => images.image(`a.example/b${seed}:1`, [noise(9_000_000, seed), noise(9_500_000, seed)]));
      const told: string[] = [];
      const publisher = target(all, { notify: (event) => { if (event.kind === 'warning') told.push(event.message); } });
      for (const image of all) await publisher.publish(image, images.blobs, signal);
      await publisher.commit(signal);
      for (const { digest, size } of all.flatMap(({ blobs }) => blobs)) expect(fake.blobs.get(digest)?.length).toBe(size);
      expect([told.length, fake.tags.size]).toEqual([warnings, 2]);
      expect(uploads.received).toBeLessThan(37_000_000 + 2000);
    }
  });

  it('has what it was sent read back', async () => {
    const { fake, target } = await site({ digests: 'ignored', damages: true });
    const images = new Images();
    const image = images.image('a.example/b:1', [noise(9_000_000)]);
    const error = await failure(target([image]).publish(image, images.blobs, signal));
    expect([error.code, fake.manifests.size]).toEqual(['INTEGRITY_DIGEST', 0]);
    expect(error.facts.subject).toContain(fake.host);
  });

  it('has what it has already read, and replaced where it is wrong', async () => {
    const { fake, target } = await site({ digests: 'ignored' });
    const images = new Images();
    const image = images.image('a.example/b:1', ['right', 'fine']);
    const [, wrong, right] = image.blobs;
    fake.blobs.set(wrong!.digest, new TextEncoder().encode('wrong'));
    fake.blobs.set(right!.digest, new TextEncoder().encode('fine'));
    await target([image]).publish(image, images.blobs, signal);
    expect(Buffer.from(fake.blobs.get(wrong!.digest)!).toString()).toBe('right');
    expect(fake.server.seen.some(({ method, url }) => method === 'PUT' && url.includes(encodeURIComponent(right!.digest)))).toBe(false);
  });

  it('has small contents read back, too', async () => {
    const { fake, target } = await site({ digests: 'ignored', damages: true });
    const images = new Images();
    const image = images.image('a.example/b:1', ['small']);
    const error = await failure(target([image]).publish(image, images.blobs, signal));
    expect([error.code, fake.manifests.size]).toEqual(['INTEGRITY_DIGEST', 0]);
  });
});
