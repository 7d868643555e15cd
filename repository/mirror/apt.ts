// The apt mirrors: Debian wiki, DebianRepository/Format; apt-secure(8). Indexes are rendered once for each content; packages come from the blobs.
import { digestOf } from '../../bom/digest.ts';
import type { Lock, LockedTarget } from '../../bom/lock.ts';
import type { Answer } from '../answer.ts';
import type { Served, ServedBlobs } from '../content.ts';
import { aliasOf, candidatesOf, type MirrorOf, mirrorsOf, Pools } from './mirror-of.ts';
import { indexesOf, renderApart, stanzasApartFrom } from './render.ts';
import type { Signer } from './signer.ts';

interface Rendered {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Seconds since 1970 from which on it is to be rendered again. */
  readonly renewAtS: number;
}

const debianArchitecture: Readonly<Record<string, string>> = { '386': 'i386', arm: 'armhf', ppc64le: 'ppc64el', mips64le: 'mips64el' };

/** Begins to make the indexes of a lock's mirrors, whose Release is made when they are published. */
export function beginIndexes(lock: Lock): void {
  for (const { packages, target } of mirrorsOf([{ lock, date: 0 }], 'deb')) {
    if (packages.length < stanzasApartFrom) indexesOf(packages, { target: target.id, architectures: architecturesOf(target) }).catch(() => undefined);
  }
}

function architecturesOf({ arch }: LockedTarget): string[] {
  return arch === 'any' ? [] : [debianArchitecture[arch] ?? arch];
}

/** All apt mirrors of the served locks. Renders at the first question, or in {@link prepare}, and never again. */
export class AptMirrors {
  readonly mirrors: readonly MirrorOf[];
  private readonly signer: Signer | undefined;
  private readonly pools = new Pools();
  private readonly rendered = new Map<MirrorOf, Promise<Rendered>>();

  constructor(served: readonly Served[], signer: Signer | undefined) {
    this.signer = signer;
    this.mirrors = mirrorsOf(served, 'deb');
  }

  /** The mirrors under which a target is found without its project: where only one project has it. */
  alias(target: string): MirrorOf | undefined {
    return aliasOf(this.mirrors, target);
  }

  /** Renders and signs everything, so that a switch to this content shows finished indexes only. */
  async prepare(): Promise<void> {
    for (const mirror of this.mirrors) await this.files(mirror);
  }

  /** `segments` follow `/apt/`. Undefined when no mirror has such a file. */
  async answer(segments: readonly string[], blobs: ServedBlobs): Promise<Answer | undefined> {
    for (const { mirror, path } of candidatesOf(this.mirrors, segments)) {
      const answer = path.startsWith('dists/') ? await this.index(mirror, path) : await this.pools.answer(mirror, path, blobs);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  private async index(mirror: MirrorOf, path: string): Promise<Answer | undefined> {
    const bytes = (await this.files(mirror)).get(path);
    if (bytes === undefined) return undefined;
    const byHash = path.includes('/by-hash/');
    return {
      status: 200,
      headers: {
        'content-type': typeOf(path),
        'cache-control': byHash ? 'public, max-age=31536000, immutable' : 'no-cache',
        'last-modified': new Date(mirror.date * 1000).toUTCString(),
      },
      body: { kind: 'bytes', bytes },
      etag: digestOf(bytes),
    };
  }

  /** Paths of a mirror's indexes, with their bytes. */
  async files(mirror: MirrorOf): Promise<ReadonlyMap<string, Uint8Array>> {
    const rendered = this.rendered.get(mirror) ?? this.render(mirror);
    this.rendered.set(mirror, rendered);
    try {
      const { files, renewAtS } = await rendered;
      if ((this.signer?.releases?.nowS() ?? 0) < renewAtS) return files;
      if (this.rendered.get(mirror) === rendered) this.rendered.set(mirror, this.render(mirror));
      return await this.files(mirror);
    } catch (cause) {
      // Not for ever: the next one who asks tries again.
      this.rendered.delete(mirror);
      throw cause;
    }
  }

  private async render(mirror: MirrorOf): Promise<Rendered> {
    const { target, project, packages } = mirror;
    const validity = this.signer?.releases;
    const date = Math.max(mirror.date, Math.floor(validity?.nowS() ?? 0));
    const { files, release } = await renderApart(packages, { target: target.id, label: project, date, architectures: architecturesOf(target), ...(validity === undefined ? {} : { validUntil: date + validity.validForS }) });
    const all = new Map(files.map(({ path, bytes }) => [path, bytes]));
    if (this.signer !== undefined) {
      const encoder = new TextEncoder();
      const [signed, signature] = await Promise.all([this.signer.clearsign(new TextDecoder().decode(release)), this.signer.detach(release)]);
      all.set(`dists/${target.id}/InRelease`, encoder.encode(signed));
      all.set(`dists/${target.id}/Release.gpg`, encoder.encode(signature));
    }
    return { files: all, renewAtS: validity === undefined ? Number.POSITIVE_INFINITY : date + validity.validForS / 2 };
  }
}

function typeOf(path: string): string {
  if (path.endsWith('.gz')) return 'application/gzip';
  if (path.endsWith('.xz')) return 'application/x-xz';
  if (path.endsWith('.gpg')) return 'application/pgp-signature';
  return path.includes('/by-hash/') ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}
