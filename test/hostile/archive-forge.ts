import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Header } from 'tar';
import { afterAll, beforeAll, expect } from 'vitest';
import { canonicalJson } from '../../bom/canonical-json.ts';
import { digestOf } from '../../bom/digest.ts';
import type { ErrorCode } from '../../bom/errors.ts';
import { decodeHeader, encodeEntry, encodePadding, paddedSize, type TarEntry } from '../../formats/archive/tar-header.ts';
import { sumText } from '../../formats/archive/sums.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';
import { Workbench } from '../importer/workbench.ts';

/** One member as it stands in the file; `entry` is absent for padding. */
export interface Segment {
  readonly header: Buffer;
  /** Without padding. */
  readonly body: Buffer;
  readonly entry?: TarEntry;
}

export const time = Date.parse('2026-01-02T03:04:05Z') / 1000;
export const victim = sampleOf({ date: '2026-01-02T03:04:05Z', files: { 'a.txt': 'hello', 'b.txt': 'jello', 'c.txt': 'see' }, debs: { hello: 'a deb' } });

/** Members of an archive of this format. */
export function explode(tar: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; ;) {
    const header = decodeHeader(tar.subarray(at), 'forge');
    if (header.kind === 'end' || header.kind === 'more') return segments;
    const size = header.kind === 'entry' ? header.entry.size : 0;
    const from = at + header.headerBytes;
    segments.push({ header: tar.subarray(at, from), body: tar.subarray(from, from + size), ...(header.kind === 'entry' ? { entry: header.entry } : {}) });
    at = from + paddedSize(size);
  }
}

export function assemble(segments: readonly Segment[]): Buffer {
  const parts = segments.flatMap(({ header, body }) => [header, body, Buffer.alloc(paddedSize(body.length) - body.length)]);
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export function member(path: string, body: string | Buffer, more: Partial<TarEntry> = {}): Segment {
  const bytes = Buffer.from(body);
  const entry: TarEntry = { path, type: 'File', size: bytes.length, mode: 0o644, ...more };
  return { header: encodeEntry(entry, time), body: bytes, entry };
}

export function link(path: string, linkpath: string): Segment {
  return member(path, '', { type: 'Link', linkpath });
}

/** A header of any kind, which this format never writes. */
export function raw(fields: ConstructorParameters<typeof Header>[0] & object, body = Buffer.alloc(0)): Segment {
  const block = Buffer.alloc(512);
  new Header({ mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', devmaj: 0, devmin: 0, mtime: new Date(time * 1000), size: body.length, ...fields }).encode(block);
  return { header: block, body };
}

export interface LooseManifest { [key: string]: unknown; blobs: { digest: string; size: number; offset: number; volume: number }[]; files: { path: string; digest: string; size: number }[]; volumes: { number: number; size: number; links: unknown }[] }

/** The archive with another manifest, aligned again. */
export function withManifest(segments: readonly Segment[], change: (manifest: LooseManifest) => void): Segment[] {
  const manifest = JSON.parse(segments[0]?.body.toString() ?? '') as LooseManifest;
  change(manifest);
  return realign([member('longshore/manifest.json', `${canonicalJson(manifest)}\n`), ...segments.slice(1)]);
}

/** Padding of the right size after a change in the head. */
export function realign(segments: readonly Segment[]): Segment[] {
  const padding = segments.findIndex((segment) => segment.entry === undefined);
  const before = segments.slice(0, padding).reduce((sum, { header, body }) => sum + header.length + paddedSize(body.length), 0);
  const bytes = Math.ceil((before + 1024) / 4096) * 4096 - before;
  return [...segments.slice(0, padding), { header: encodePadding(bytes, time, { number: 1, of: 1 }), body: Buffer.alloc(0) }, ...segments.slice(padding + 1)];
}

/** SHA256SUMS made again, so that nothing but the threat itself is wrong. */
export function resum(segments: readonly Segment[]): Segment[] {
  const digests = new Map<string, ReturnType<typeof digestOf>>();
  for (const { entry, body } of segments.slice(0, -1)) {
    if (entry !== undefined) digests.set(entry.path, entry.type === 'Link' ? digests.get(entry.linkpath ?? '') ?? digestOf('') : digestOf(body));
  }
  return [...segments.slice(0, -1), member('SHA256SUMS', sumText([...digests].map(([path, digest]) => ({ path, digest }))))];
}

export const indexOf = (segments: readonly Segment[], path: string): number => segments.findIndex((segment) => segment.entry?.path === path);

/** `segments` with `added` before the member at `path`. */
export function insertBefore(segments: readonly Segment[], path: string, ...added: readonly Segment[]): Segment[] {
  const at = indexOf(segments, path);
  return [...segments.slice(0, at), ...added, ...segments.slice(at)];
}

export function replace(segments: readonly Segment[], path: string, by: Segment): Segment[] {
  return segments.map((segment) => (segment.entry?.path === path ? by : segment));
}

/** Everything below a folder, with sizes and content. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // The index database is a cache that reading may touch.
    .filter((name) => !name.startsWith('index.db')).sort()
    .map((name) => { const path = `${folder}/${name}`; return statSync(path).isFile() ? `${name} ${digestOf(readFileSync(path))}` : name; });
}

/** An archive to forge, and a repository machine that serves an earlier one. Call at the top of a test file. */
export function forge(): { readonly segments: () => Segment[]; readonly bytes: () => Buffer; readonly refuses: (tar: Buffer, ...codes: ErrorCode[]) => Promise<void>; readonly accepts: (tar: Buffer) => Promise<void> } {
  const bench: { now?: Workbench; tar: Buffer } = { tar: Buffer.alloc(0) };
  beforeAll(async () => {
    const now = new Workbench();
    bench.now = now;
    const store = await now.store('upstream', victim);
    await now.export(victim, store, 'a.tar');
    bench.tar = readFileSync(now.path('a.tar'));
  });
  afterAll(() => bench.now?.close());
  let count = 0;
  const attempt = async (tar: Buffer): Promise<{ readonly verified: unknown; readonly imported: unknown; readonly untouched: boolean }> => {
    const now = bench.now as Workbench;
    const path = now.path(`forged-${count += 1}.tar`);
    writeFileSync(path, tar);
    const machine = await now.store(`machine-${count}`);
    const before = snapshot(machine.root);
    const code = (cause: unknown): unknown => (cause as { code?: unknown }).code ?? cause;
    const verified = await now.verify([path]).catch(code);
    const imported = await now.import(machine, [path]).catch(code);
    return { verified, imported, untouched: snapshot(machine.root).join('\n') === before.join('\n') };
  };
  return {
    segments: () => explode(bench.tar),
    bytes: () => Buffer.from(bench.tar),
    refuses: async (tar, ...codes) => {
      const { verified, imported, untouched } = await attempt(tar);
      expect(codes).toContain(verified);
      expect(codes).toContain(imported);
      expect(untouched).toBe(true);
    },
    accepts: async (tar) => {
      const { verified } = await attempt(tar);
      expect(verified).toMatchObject({ signature: { state: 'unsigned' } });
    },
  };
}
