// The yum mirrors: createrepo_c(8), dnf.conf(5). Indexes are rendered once for each content; packages come from the blobs.
import { digestOf } from '../../bom/digest.ts';
import type { Answer } from '../answer.ts';
import type { Served, ServedBlobs } from '../content.ts';
import { candidatesOf, type MirrorOf, mirrorsOf, Pools } from './mirror-of.ts';
import type { RenderOptions } from './render-yum.ts';
import type { Signer } from './signer.ts';

/** All yum mirrors of the served locks. Renders at the first question, or in {@link prepare}, and never again. */
export class YumMirrors {
  readonly mirrors: readonly MirrorOf[];
  private readonly signer: Signer | undefined;
  private readonly options: RenderOptions;
  private readonly pools = new Pools();
  private readonly rendered = new Map<MirrorOf, Promise<ReadonlyMap<string, Uint8Array>>>();

  constructor(served: readonly Served[], signer: Signer | undefined, options: RenderOptions = {}) {
    this.signer = signer;
    this.options = options;
    this.mirrors = mirrorsOf(served, 'rpm');
  }

  /** Renders and signs everything, so that a switch to this content shows finished indexes only. */
  async prepare(blobs: ServedBlobs): Promise<void> {
    for (const mirror of this.mirrors) await this.files(mirror, blobs);
  }

  /** `segments` follow `/yum/`. Undefined when no mirror has such a file. */
  async answer(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    for (const { mirror, path } of candidatesOf(this.mirrors, segments)) {
      const answer = path.startsWith('repodata/') ? await this.index(mirror, path, blobs) : await this.pools.answer(mirror, path, blobs);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  private async index(mirror: MirrorOf, path: string, blobs: ServedBlobs): Promise<Answer | undefined> {
    const bytes = (await this.files(mirror, blobs)).get(path);
    if (bytes === undefined) return undefined;
    return {
      status: 200,
      headers: {
        'content-type': typeOf(path),
        'cache-control': path.startsWith('repodata/repomd.xml') ? 'no-cache' : 'public, max-age=31536000, immutable',
        'last-modified': new Date(mirror.date * 1000).toUTCString(),
      },
      body: { kind: 'bytes', bytes },
      etag: digestOf(bytes),
    };
  }

  /** Paths of a mirror's indexes, with their bytes. */
  async files(mirror: MirrorOf, blobs: ServedBlobs): Promise<ReadonlyMap<string, Uint8Array>> {
    const rendered = this.rendered.get(mirror) ?? this.render(mirror, blobs);
    this.rendered.set(mirror, rendered);
    try {
      return await rendered;
    } catch (cause) {
      // Not for ever: the next one who asks tries again.
      this.rendered.delete(mirror);
      throw cause;
    }
  }

  private async render(mirror: MirrorOf, blobs: ServedBlobs): Promise<ReadonlyMap<string, Uint8Array>> {
    // What renders them is large, and of no use where there are none.
    const { renderYum } = await import('./render-yum.ts');
    const { files, repomd } = await renderYum(mirror, blobs, this.options);
    const all = new Map(files.map(({ path, bytes }) => [path, bytes]));
    if (this.signer !== undefined) {
      const encoder = new TextEncoder();
      all.set('repodata/repomd.xml.asc', encoder.encode(await this.signer.detach(repomd)));
      // zypper looks for the key beside the signature.
      all.set('repodata/repomd.xml.key', encoder.encode(this.signer.publicKeyArmored));
    }
    return all;
  }
}

function typeOf(path: string): string {
  if (path.endsWith('.gz')) return 'application/gzip';
  if (path.endsWith('.asc')) return 'application/pgp-signature';
  if (path.endsWith('.key')) return 'application/pgp-keys';
  return 'text/xml; charset=utf-8';
}
