import fc from 'fast-check';
import { Parser, type ReadEntry } from 'tar';
import { describe, expect, it } from 'vitest';
import { bundleOf } from '../../../bom/bundle.ts';
import { contentOf } from '../../../bom/lock.ts';
import { digestOf } from '../../../bom/digest.ts';
import { streamVolume } from '../../../exporter/volume-writer.ts';
import { layoutVolume, type VolumeLayout } from '../../../formats/archive/layout.ts';
import { manifestBytes, manifestPath, parseManifest, piecesOf } from '../../../formats/archive/manifest.ts';
import { type ArchiveContent, planContent, type SmallFile } from '../../../formats/archive/plan.ts';
import { encodeEntry, entryBytes } from '../../../formats/archive/tar-header.ts';
import { type Sample, sampleArbitrary, sampleOf } from './sample-lock.ts';
import { runs } from '../../support/runs.ts';

const signal = new AbortController().signal;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const index: SmallFile = { path: 'apt/debian-12-amd64/dists/debian-12-amd64/Release', bytes: text('Suite: debian-12-amd64\n') };

function plan(sample: Sample, split?: number): ArchiveContent {
  return planContent({ lock: sample.lock, bundle: bundleOf(sample.lock), files: [index], ...(split === undefined ? {} : { split: { volumeBytes: split, signatureBytes: 4096 } }) });
}

/** The volume's bytes; cut blobs are read whole and cut here. */
async function bytesOf(sample: Sample, content: ArchiveContent, layout: VolumeLayout): Promise<Buffer> {
  const named = new Map(content.fromStore.map((blob) => [blob.digest, blob]));
  const parts: Uint8Array[] = [];
  for await (const chunk of streamVolume(layout, sample.blobs, { named, signal })) parts.push(chunk);
  return Buffer.concat(parts);
}

async function entriesOf(tar: Buffer): Promise<Map<string, { readonly type: string; readonly linkpath: string | undefined; readonly bytes: Buffer; readonly mode: number | undefined; readonly mtime: Date | undefined }>> {
  const entries = new Map<string, { type: string; linkpath: string | undefined; bytes: Buffer; mode: number | undefined; mtime: Date | undefined }>();
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({ strict: true, onReadEntry: (entry: ReadEntry) => {
      const chunks: Buffer[] = [];
      entry.on('data', (chunk: Buffer) => chunks.push(chunk));
      entry.on('end', () => entries.set(entry.path, { type: entry.type, linkpath: entry.linkpath, bytes: Buffer.concat(chunks), mode: entry.mode, mtime: entry.mtime }));
    } });
    parser.on('end', resolve);
    parser.on('error', reject);
    parser.end(tar);
  });
  return entries;
}

describe('a header', () => {
  it('is as long as its length says', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }), fc.constantFrom(0, 1, 2 ** 33 - 1, 2 ** 33, 2 ** 40), fc.boolean(), (path, size, isLink) => {
      const entry = isLink ? { path: 'files/x', type: 'Link' as const, size: 0, linkpath: path, mode: 0o644 } : { path, type: 'File' as const, size, mode: 0o644 };
      expect(entryBytes(entry)).toBe(encodeEntry(entry, 1_700_000_000).length);
    }), { numRuns: runs(2000) });
  });
});

describe('an archive plan', () => {
  it('places every blob where a plain tar reader finds it', async () => {
    await fc.assert(fc.asyncProperty(sampleArbitrary, fc.boolean(), async (sample, signed) => {
      const content = plan(sample);
      const layout = layoutVolume(content, 1, signed ? { manifest: text('a signature\n'), files: [{ path: 'keys/longshore.asc', bytes: text('a key') }] } : undefined);
      const tar = await bytesOf(sample, content, layout);
      expect(tar.length).toBe(layout.size);
      expect(layout.contentStart % 4096).toBe(0);
      const entries = await entriesOf(tar);
      const manifest = parseManifest(entries.get(manifestPath)?.bytes ?? Buffer.alloc(0), 'test');
      expect(digestOf(manifestBytes(manifest))).toBe(content.archive);
      for (const blob of manifest.blobs) {
        const at = layout.contentStart + blob.offset;
        expect(digestOf(tar.subarray(at, at + blob.size))).toBe(blob.digest);
      }
      const wanted = new Set([...contentOf(sample.lock).keys(), ...bundleOf(sample.lock).generated.map((blob) => blob.digest)]);
      expect(new Set(manifest.blobs.map((blob) => blob.digest))).toEqual(wanted);
      const lines = (entries.get('SHA256SUMS')?.bytes.toString() ?? '').trimEnd().split('\n');
      expect(lines.map((line) => line.slice(66)).sort()).toEqual([...entries.keys()].filter((path) => path !== 'SHA256SUMS').sort());
      for (const line of lines) {
        const entry = entries.get(line.slice(66));
        const target = entry?.type === 'Link' ? entries.get(entry.linkpath ?? '') : entry;
        const real = target?.type === 'Link' ? entries.get(target.linkpath ?? '') : target;
        expect(digestOf(real?.bytes ?? 'missing')).toBe(`sha256:${line.slice(0, 64)}`);
      }
      for (const entry of entries.values()) expect(entry.mtime?.getTime()).toBe(Date.parse('2026-01-02T03:04:05Z'));
    }), { numRuns: runs(60) });
  });

  it('has a manifest that no signature changes, and links for every name', async () => {
    const sample = sampleOf({ files: { 'a/b.txt': 'b' }, debs: { hello: 'a deb' }, runtimes: { node: 'a runtime' } });
    const content = plan(sample);
    const signed = layoutVolume(content, 1, { manifest: text('s'.repeat(900)), files: [] });
    const entries = await entriesOf(await bytesOf(sample, content, signed));
    expect(digestOf(entries.get(manifestPath)?.bytes ?? '')).toBe(content.archive);
    const link = (path: string): unknown => ({ type: entries.get(path)?.type, linkpath: entries.get(path)?.linkpath });
    expect(link('files/a/b.txt')).toEqual({ type: 'Link', linkpath: `blobs/sha256/${digestOf('b').slice(7)}` });
    expect(link('apt/debian-12-amd64/pool/main/h/hello/hello_1.0_amd64.deb')).toEqual({ type: 'Link', linkpath: `blobs/sha256/${digestOf('a deb').slice(7)}` });
    expect(entries.get('longshore/bin/linux-x64/node')).toMatchObject({ type: 'File', mode: 0o755 });
    expect(link(`blobs/sha256/${digestOf('a runtime').slice(7)}`)).toEqual({ type: 'Link', linkpath: 'longshore/bin/linux-x64/node' });
    expect([...entries].filter(([path, { mode }]) => mode !== 0o644 && !path.startsWith('longshore/bin/') && path !== `blobs/sha256/${digestOf('a runtime').slice(7)}`)).toEqual([]);
  });

  it('fits volumes of any size, and every byte of every blob is in one of them', () => {
    fc.assert(fc.property(sampleArbitrary, fc.integer({ min: 160_000, max: 400_000 }), fc.integer({ min: 1, max: 600_000 }), (base, volumeBytes, big) => {
      const sample = sampleOf({ files: { 'big.bin': new Uint8Array(big), ...Object.fromEntries(base.lock.spec.files.map((file) => [file.name, file.name.repeat(500)])) } });
      const content = plan(sample, volumeBytes);
      const found = new Map<string, number>();
      const layouts = content.volumes.map((_, at) => layoutVolume(content, at + 1, { manifest: text('s'.repeat(900)), files: [] }));
      for (const layout of layouts) expect(layout.size).toBeLessThanOrEqual(volumeBytes);
      for (const blob of parseManifest(content.manifestBytes, 'test').blobs) {
        for (const piece of piecesOf(blob)) {
          const layout = layouts[piece.volume - 1];
          const member = layout?.members.find((each) => each.contentAt === layout.contentStart + piece.offset && each.size === piece.size && each.content.kind !== 'link');
          expect(member?.path).toContain(blob.digest.slice(7));
          found.set(blob.digest, (found.get(blob.digest) ?? 0) + piece.size);
        }
        expect(found.get(blob.digest)).toBe(blob.size);
      }
    }), { numRuns: runs(60) });
  });

  it('names only what changed on top of a base', () => {
    const before = sampleOf({ files: { a: 'a', b: 'b' } });
    const after = sampleOf({ files: { a: 'a', c: 'c' }, sequence: 2 });
    const held = new Set([...contentOf(before.lock).keys()]);
    const content = planContent({
      lock: after.lock, bundle: bundleOf(after.lock), files: [],
      delta: { holds: (digest) => held.has(digest), base: [{ project: 'site', sequence: 1, bundle: bundleOf(before.lock).index.digest }] },
    });
    expect(content.manifest.blobs.some((blob) => blob.digest === digestOf('a'))).toBe(false);
    expect(content.manifest.blobs.some((blob) => blob.digest === digestOf('c'))).toBe(true);
    expect(content.manifest.required?.count).toBe(2);
    expect(content.fromStore.map((blob) => blob.what)).toEqual(['file c']);
  });

  it.each([
    ['../out', 'leaves its folder'], ['/etc/passwd', 'is absolute'], ['a//b', 'has an empty segment'], ['a\nb', 'has a line break'], ['a\\b', 'has a backslash'],
  ])('refuses a name that cannot be unpacked: %j (%s)', (name) => {
    expect(() => plan(sampleOf({ files: { [name]: 'x' } }))).toThrowError(expect.objectContaining({ code: 'INPUT_FIELD' }));
  });

  it('refuses a name that is also a folder', () => {
    expect(() => plan(sampleOf({ files: { a: 'x', 'a/b': 'y' } }))).toThrowError(expect.objectContaining({ code: 'INPUT_FIELD' }));
  });

  it('refuses volumes without room', () => {
    expect(() => plan(sampleOf({ files: { a: 'x' } }), 50_000)).toThrowError(expect.objectContaining({ code: 'INPUT_FLAG' }));
  });
});
