import type { IncomingMessage, ServerResponse } from 'node:http';
import { digestOf } from '../../bom/digest.ts';
import type { FakeRegistry } from './fake-registry.ts';

export interface UploadFaults {
  /** A longer body gets 413. */
  readonly maxBodyBytes?: number;
  readonly minChunkBytes?: number;
  /** HEAD says that every blob is there. */
  readonly headLies?: boolean;
  /** A manifest is taken whether its blobs are there or not. */
  readonly takesAnyManifest?: boolean;
  /** What is sent is acknowledged and forgotten. */
  readonly forgets?: boolean;
  /** An index whose manifests are not all there is refused. */
  readonly refuseSparse?: true | 'fails';
  /** Where uploads are continued; the registry itself when left out. */
  readonly uploadOrigin?: string;
  /** What is sent is kept under the digest that it was announced with, whatever its own is; or refused without a code where it is another. */
  readonly digests?: 'ignored' | 'ignored in parts' | 'refused';
  /** A body arrives with one byte changed. */
  readonly damages?: boolean;
  /** What every PATCH is answered with, after so many were taken. */
  readonly refuseChunks?: { readonly status: number; readonly after?: number };
  /** Manifests are answered with OCI-Subject. */
  readonly referrers?: boolean;
}

/** Uploads as the distribution specification says, with the faults a test wants. */
export class FakeUploads {
  /** So many bodies are cut, each after `cutAfter` bytes. */
  cuts = 0;
  cutAfter = 100_000;
  /** In turn: a body is cut only when so much was taken before, and the upload is given up then. */
  cutBehind: readonly number[] = [];
  /** Statuses that the next bodies of blobs get, after `cutAfter` bytes of them. */
  readonly refusals: number[] = [];
  readonly uploads = new Map<string, Uint8Array>();
  readonly mounted: string[] = [];
  /** Lengths of the chunks sent by PATCH. */
  readonly chunks: number[] = [];
  private readonly parted = new Set<string>();
  private begun = 0;
  /** Bytes of blob bodies received. */
  received = 0;
  private readonly registry: () => FakeRegistry;
  private readonly faults: UploadFaults;

  constructor(registry: () => FakeRegistry, faults: UploadFaults = {}) {
    this.registry = registry;
    this.faults = faults;
  }

  /** The `fault` of a fake registry: answers what belongs to pushes. */
  readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const url = new URL(request.url ?? '/', 'http://x');
    if (request.method === 'HEAD' && this.faults.headLies === true && url.pathname.includes('/blobs/')) {
      response.writeHead(200, { 'content-length': 1 }).end();
      return true;
    }
    const [, subject] = /\/referrers\/(sha256:[0-9a-f]{64})$/.exec(url.pathname) ?? [];
    if (subject !== undefined && this.faults.referrers === true) return this.referrers(subject, response);
    if (url.pathname.endsWith('/blobs/uploads/') && request.method === 'POST') return this.begin(url, response);
    if (url.pathname.includes('/blobs/uploads/')) return this.upload(url, request, response);
    if (url.pathname.includes('/manifests/') && request.method === 'PUT') return this.manifest(url, request, response);
    return false;
  };

  private referrers(subject: string, response: ServerResponse): boolean {
    const manifests = [...this.registry().manifests].flatMap(([digest, { mediaType, bytes }]) => {
      const document = JSON.parse(Buffer.from(bytes).toString()) as { subject?: { digest: string } };
      return document.subject?.digest === subject ? [{ mediaType, digest, size: bytes.length }] : [];
    });
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' }).end(JSON.stringify({ schemaVersion: 2, manifests }));
    return true;
  }

  private begin(url: URL, response: ServerResponse): boolean {
    const mount = url.searchParams.get('mount');
    if (mount !== null && this.registry().blobs.has(mount) && url.searchParams.get('from') !== null) {
      this.mounted.push(mount);
      response.writeHead(201, { location: `/v2/x/blobs/${mount}` }).end();
      return true;
    }
    const id = String((this.begun += 1));
    this.uploads.set(id, new Uint8Array(0));
    this.answer(response, { path: url.pathname + id, id, status: 202 });
    return true;
  }

  private answer(response: ServerResponse, { path, id, status }: { path: string; id: string; status: number }): void {
    const length = this.uploads.get(id)?.length ?? 0;
    const least = this.faults.minChunkBytes === undefined ? {} : { 'oci-chunk-min-length': String(this.faults.minChunkBytes) };
    response.writeHead(status, { location: `${this.faults.uploadOrigin ?? ''}${path}?_state=a%2Bb`, range: `0-${Math.max(0, length - 1)}`, ...least }).end();
  }

  private async upload(url: URL, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const id = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    const before = this.uploads.get(id);
    if (before === undefined || url.searchParams.get('_state') !== 'a+b') { response.writeHead(404).end(); return true; }
    if (request.method === 'GET') { this.answer(response, { path: url.pathname, id, status: 204 }); return true; }
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > (this.faults.maxBodyBytes ?? Infinity)) { response.writeHead(413, { connection: 'close' }).end(); return true; }
    const start = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
    if (start !== undefined && Number(start) !== before.length) { response.writeHead(416).end(); return true; }
    const { refuseChunks } = this.faults;
    if (refuseChunks !== undefined && request.method === 'PATCH' && this.chunks.length >= (refuseChunks.after ?? 0)) {
      await this.take(id, request, Infinity);
      response.writeHead(refuseChunks.status).end();
      return true;
    }
    const refusal = length > 0 ? this.refusals.shift() : undefined;
    if (refusal !== undefined) {
      await this.take(id, request, this.cutAfter);
      const challenge = refusal === 401 ? { 'www-authenticate': 'Basic realm="fake"' } : { 'retry-after': '0' };
      response.writeHead(refusal, { ...challenge, connection: 'close' }).end();
      return true;
    }
    const cut = length > 0 && this.cuts > 0 && before.length >= (this.cutBehind[0] ?? 0);
    if (cut) this.cuts -= 1;
    await this.take(id, request, cut ? this.cutAfter : Infinity);
    if (cut) {
      const [first, ...others] = this.cutBehind;
      if (first !== undefined) { this.uploads.delete(id); this.cutBehind = [...others, first]; }
      response.destroy();
      return true;
    }
    if (request.method === 'PATCH') {
      this.chunks.push(length);
      this.parted.add(id);
    }
    if (request.method === 'PATCH') this.answer(response, { path: url.pathname, id, status: 202 });
    else this.finish(url, id, response);
    return true;
  }

  private async take(id: string, request: IncomingMessage, limit: number): Promise<void> {
    let taken = 0;
    const parts = [this.uploads.get(id) ?? new Uint8Array(0)];
    try {
      for await (const chunk of request as AsyncIterable<Uint8Array>) {
        const part = chunk.subarray(0, limit - taken);
        taken += part.length;
        this.received += part.length;
        parts.push(part);
        if (taken >= limit) return;
      }
    } finally {
      this.uploads.set(id, Buffer.concat(parts));
    }
  }

  private finish(url: URL, id: string, response: ServerResponse): void {
    const bytes = Uint8Array.from(this.uploads.get(id) ?? []);
    if (this.faults.damages === true && bytes.length > 0) bytes[0] = (bytes[0] ?? 0) ^ 1;
    const digest = url.searchParams.get('digest') ?? '';
    if (digestOf(bytes) !== digest && this.faults.digests !== 'ignored' && !(this.faults.digests === 'ignored in parts' && this.parted.has(id))) {
      response.writeHead(400).end(this.faults.digests === 'refused' ? 'no' : '{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}');
      return;
    }
    if (this.faults.forgets !== true) this.registry().blobs.set(digest, bytes);
    response.writeHead(201).end();
  }

  private async manifest(url: URL, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const registry = this.registry();
    const document = JSON.parse(bytes.toString()) as { config?: { digest: string }; layers?: { digest: string }[]; manifests?: { digest: string }[]; subject?: { digest: string } };
    const blobs = [document.config, ...(document.layers ?? [])].flatMap((entry) => (entry === undefined ? [] : [entry.digest]));
    const children = this.faults.refuseSparse !== undefined ? document.manifests ?? [] : [];
    if ((this.faults.takesAnyManifest !== true && blobs.some((digest) => !registry.blobs.has(digest))) || children.some(({ digest }) => !registry.manifests.has(digest))) {
      response.writeHead(this.faults.refuseSparse === 'fails' ? 500 : 404).end('{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}');
      return true;
    }
    const [, path = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
    const digest = digestOf(bytes);
    registry.manifests.set(digest, { mediaType: request.headers['content-type'] ?? '', bytes });
    if (!reference.startsWith('sha256:')) registry.tags.set(`${path}:${reference}`, digest);
    const subject = this.faults.referrers === true && document.subject !== undefined ? { 'oci-subject': document.subject.digest } : {};
    response.writeHead(201, { 'docker-content-digest': digest, ...subject }).end();
    return true;
  }
}
