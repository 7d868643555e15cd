// Content that a collection takes away, or moves, while it is being asked for.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../bom/digest.ts';
import type { Served, ServedBlobs } from '../../repository/content.ts';
import { serve, type Service } from '../../repository/serve.ts';
import type { Store } from '../../store/store.ts';
import { noise } from '../support/bytes.ts';
import { type Bed, errorCode, makeBed, makeFile, makeImage, makeLock, servedOf } from './support.ts';

type Place = Awaited<ReturnType<Store['locate']>>;

interface Losses {
  /** Called after each answer about where a blob lies, before anyone opens it. */
  readonly lose: (digest: Digest) => Promise<void>;
  readonly inOnePiece: boolean;
  readonly moved: (place: Place) => Place;
}

function losing(store: Store, { lose, inOnePiece, moved }: Losses): ServedBlobs {
  return {
    has: (digest) => store.has(digest),
    locate: async (digest) => {
      const place = inOnePiece ? moved(await store.locate(digest)) : undefined;
      await lose(digest);
      return place;
    },
    open: async function* open(blob, range) {
      await lose(blob.digest);
      yield* store.open(blob, range);
    },
  };
}

describe('content that goes while it is asked for', () => {
  let bed: Bed;
  let service: Service | undefined;
  const layer = noise(300_000, 3);
  const path = (digest: Digest): string => join(bed.folder, 'store/blobs/sha256', digest.slice(7));

  beforeEach(async () => { bed = await makeBed(); });
  afterEach(async () => {
    await service?.close(0);
    await bed.close();
  });

  async function serving(lose: (digest: Digest) => Promise<void>, inOnePiece = true, moved: (place: Place) => Place = (place) => place): Promise<{ ask(path: string): Promise<Response>; failures: () => Promise<string> }> {
    const served: Served[] = [];
    const lock = makeLock('site', { images: [await makeImage(bed, 'docker.io/library/app:1', { layer })], files: [await makeFile(bed, 'big.txt', 'x'.repeat(100_000)), await makeFile(bed, 'small.txt', 'small')] });
    service = await serve({ contents: () => served, blobs: losing(bed.store, { lose, inOnePiece, moved }), listen: [{ host: '127.0.0.1', port: 0 }] });
    served.push(servedOf(lock));
    await service.settled();
    const origin = service.addresses[0] ?? '';
    return { ask: (name) => fetch(`${origin}${name}`), failures: async () => /^longshore_http_failures_total (\d+)$/m.exec(await (await fetch(`${origin}/metrics`)).text())?.[1] ?? '' };
  }

  it.each([['in one piece', true], ['cut over volumes', false]])('is not found, which is no failure of the machine: %s', async (_, inOnePiece) => {
    const { ask, failures } = await serving((digest) => rm(path(digest), { force: true }), inOnePiece);
    const blob = await ask(`/v2/docker.io/library/app/blobs/${digestOf(layer)}`);
    expect([blob.status, blob.headers.get('docker-content-digest'), blob.headers.get('etag'), await errorCode(blob)]).toEqual([404, null, null, 'BLOB_UNKNOWN']);
    const manifest = await ask('/v2/docker.io/library/app/manifests/1');
    expect([manifest.status, await errorCode(manifest)]).toEqual([404, 'MANIFEST_UNKNOWN']);
    for (const name of ['big.txt', 'small.txt']) {
      const file = await ask(`/files/${name}`);
      expect([name, file.status, file.headers.get('repr-digest'), await file.text()]).toEqual([name, 404, null, 'what has this name was collected just now\n']);
    }
    expect(await failures()).toBe('0');
  });

  it('is served from where it lies now when it only moved', async () => {
    let asked = 0;
    const { ask } = await serving(async () => undefined, true, (place) => (asked++ === 0 && place !== undefined ? { ...place, path: `${place.path}.before` } : place));
    const blob = await ask(`/v2/docker.io/library/app/blobs/${digestOf(layer)}`);
    expect([asked, blob.status, digestOf(new Uint8Array(await blob.arrayBuffer()))]).toEqual([2, 200, digestOf(layer)]);
  });
});
