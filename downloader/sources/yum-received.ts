// Whole packages as a lock names them: fetched into files by whoever can write there, and checked where they lie.
import { read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Descriptor } from '../../bom/digest.ts';
import type { LockedPackage, LockedRepository } from '../../bom/lock.ts';
import type { Bytes, ContentFile, FileSink, PlainFetch } from '../../bom/ports.ts';
import { RpmKeyring } from '../../formats/rpm/keyring.ts';
import { readRpmHead } from '../../formats/rpm/package-head.ts';
import { RpmVerifier } from '../../formats/rpm/signature.ts';
import { localPath, readStored, streamFrom } from './apt-fetch.ts';
import { contextForLocked, type YumContext } from './yum-access.ts';
import { checkedPackage, checkSigner, type CheckOptions } from './yum-package.ts';

/** The keys that travel with a repository of a lock, each parsed once. */
class LockedKeys {
  private readonly context: YumContext;
  private readonly keyrings = new Map<LockedRepository, Promise<RpmKeyring>>();

  constructor(context: YumContext) { this.context = context; }

  of(repository: LockedRepository): Promise<RpmKeyring> {
    const known = this.keyrings.get(repository) ?? this.read(repository);
    this.keyrings.set(repository, known);
    return known;
  }

  private async read({ keys, id }: LockedRepository): Promise<RpmKeyring> {
    // What is not signed is fetched without the library that reads keys.
    const { parseKeys } = await import('../../formats/pgp/keys.ts');
    const parsed = await Promise.all(keys.map(async ({ digest, size }) => parseKeys(await readStored(this.context, digest, size), `key of ${id}`)));
    return new RpmKeyring(parsed.flat(), this.context.now());
  }
}

async function* skip(bytes: Bytes, count: number): Bytes {
  let left = count;
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** Headers of real packages have up to some megabytes. */
const maxHeadBytes = 32 << 20;

/** Where the index says that the payload begins. Only believed once the headers themselves say so. */
function payloadStart({ stanza, size }: LockedPackage): number | undefined {
  const end = Number(/<rpm:header-range\b[^>]*?\bend="(\d{1,10})"/.exec(stanza)?.[1] ?? 0);
  return end > 0 && end < Math.min(size, maxHeadBytes) ? end : undefined;
}

const readAt = promisify(read);
const chunkBytes = 256 << 10;

/** Small, and written a moment ago: a way to another thread and back takes longer, and waits for files that are synced there. */
function headAt({ fd }: ContentFile, start: number, end: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(end - start);
  let filled = 0;
  for (let got = 1; filled < buffer.length && got > 0; filled += got) got = readSync(fd, buffer, filled, buffer.length - filled, start + filled);
  return buffer.subarray(0, filled);
}

async function* rest({ fd, sizeBytes }: ContentFile, start: number): Bytes {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let at = start, got = 1; at < sizeBytes && got > 0; at += got) {
    got = (await readAt(fd, buffer, 0, Math.min(chunkBytes, sizeBytes - at), at)).bytesRead;
    yield buffer.subarray(0, got);
  }
}

/** Checks a whole package that lies in `file`. Throws `INTEGRITY_SIGNATURE`, `INTEGRITY_DIGEST` and `INTEGRITY_METADATA`. */
async function checkFile(file: ContentFile, { keyring, subject, now, signer }: CheckOptions): Promise<void> {
  const { sizeBytes, tail } = file;
  const head = await readRpmHead(async (start, end) => headAt(file, start, end), { subject, sizeBytes, ...(tail === undefined ? {} : { guessBytes: tail.from }) });
  const verifier = await RpmVerifier.start(head, keyring, { subject, now });
  verifier.headerSigner();
  const { end } = head.headerRange;
  if (tail?.hex === undefined || tail.from !== end || !verifier.skip(tail.hex)) {
    for await (const chunk of rest(file, end)) verifier.update(chunk);
  }
  checkSigner(verifier.finish(), { subject, signer });
}

/**
 * Packages of a lock: `fetch` gives the bytes of one from `offset` on. What the lock says is signed is checked in place of the end: where there is a file that the
 * bytes go into, all of it as it lies there, however much came with an earlier run; else what passes, from its beginning, of which only the rest is handed on.
 */
export class LockedRpms {
  private readonly context: YumContext;
  private readonly keys: LockedKeys;

  constructor(context: YumContext) {
    this.context = context;
    this.keys = new LockedKeys(context);
  }

  async *fetch(artifact: LockedPackage, blob: Descriptor, { offset = 0, into, signal }: { readonly offset?: number; readonly into?: FileSink | undefined; readonly signal: AbortSignal }): Bytes {
    const { urls } = artifact;
    const repository = this.repositoryOf(artifact);
    const context = repository === undefined ? this.context : await contextForLocked(this.context, repository);
    const options = await this.checkFor(artifact, repository);
    if (options === undefined) {
      if (offset < blob.size) yield* streamFrom(context, urls, blob, { offset, into, signal });
      return;
    }
    if (into === undefined) return yield* skip(checkedPackage(streamFrom(context, urls, blob, { offset: 0, signal }), options), offset);
    const start = payloadStart(artifact);
    if (start !== undefined) into.wantTail(start);
    if (offset < blob.size) yield* streamFrom(context, urls, blob, { offset, into, signal });
    await into.ready();
    await checkFile(into, options);
  }

  /** How the first address is asked for all of a package; undefined where it is no matter of one GET that anybody may make. */
  async plain(artifact: LockedPackage): Promise<PlainFetch | undefined> {
    const [url] = artifact.urls;
    const repository = this.repositoryOf(artifact);
    if (url === undefined || localPath(url) !== undefined) return undefined;
    if (repository !== undefined && await contextForLocked(this.context, repository) !== this.context) return undefined;
    if (artifact.signedBy === undefined || repository === undefined) return { url };
    const tailFrom = payloadStart(artifact);
    const check = async (file: ContentFile): Promise<void> => {
      const options = await this.checkFor(artifact, repository);
      if (options !== undefined) await checkFile(file, options);
    };
    return { url, check, ...(tailFrom === undefined ? {} : { tailFrom }) };
  }

  private repositoryOf(artifact: LockedPackage): LockedRepository | undefined {
    return (this.context.previous ?? []).find(({ target, id }) => target === artifact.target && id === artifact.repo);
  }

  /** What a package is checked with; undefined where the lock does not say that it is signed. */
  private async checkFor({ name, version, arch, signedBy }: LockedPackage, repository: LockedRepository | undefined): Promise<CheckOptions | undefined> {
    if (signedBy === undefined || repository === undefined) return undefined;
    return { keyring: await this.keys.of(repository), subject: `package ${name} ${version} ${arch}`, now: this.context.now(), signer: signedBy };
  }
}
