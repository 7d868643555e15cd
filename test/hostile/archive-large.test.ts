import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleOf } from '../../bom/bundle.ts';
import { digestOf } from '../../bom/digest.ts';
import { layoutVolume, memberHeader, paddingHeader } from '../../formats/archive/layout.ts';
import { planContent } from '../../formats/archive/plan.ts';
import { ArchiveBlobs } from '../../importer/archive-blobs.ts';
import { openArchive } from '../../importer/archive-file.ts';
import { verifyArchive } from '../../importer/verify.ts';
import { sampleOf } from '../formats/archive/sample-lock.ts';

const size = 9 * 2 ** 30 + 1;
const folder = mkdtempSync(join(tmpdir(), 'longshore-large-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hasGnuTar = ((): boolean => { try { return execFileSync('tar', ['--version']).toString().includes('GNU tar'); } catch { return false; } })();

/** An archive with one blob of 9 GiB, which is a hole in the file. */
function writeSparse(path: string): void {
  const small = sampleOf({ files: { huge: 'its digest does not matter here', 'small.txt': 'small' } });
  const lock = { ...small.lock, spec: { ...small.lock.spec, files: small.lock.spec.files.map((file) => (file.name === 'huge' ? { ...file, size } : file)) } };
  const content = planContent({ lock, bundle: bundleOf(lock), files: [] });
  const layout = layoutVolume(content, 1);
  const fd = openSync(path, 'w');
  ftruncateSync(fd, layout.size);
  writeSync(fd, paddingHeader(layout), 0, layout.paddingBytes, layout.contentStart - layout.paddingBytes);
  for (const member of layout.members) {
    const header = memberHeader(member, layout.time);
    writeSync(fd, header, 0, header.length, member.headerAt);
    const blob = member.content.kind === 'blob' && member.size < size ? small.blobs.blobs.get(member.content.digest) : undefined;
    const bytes = member.content.kind === 'bytes' ? member.content.bytes : member.content.kind === 'sums' ? layout.sums(new Map()) : blob;
    if (bytes !== undefined) writeSync(fd, bytes, 0, bytes.length, member.contentAt);
  }
  closeSync(fd);
}

describe('a blob of 9 GiB', () => {
  it('has its size in an extended header, and everything after it is found', async () => {
    const path = join(folder, 'large.tar');
    writeSparse(path);
    const signal = new AbortController().signal;
    const result = await verifyArchive([path], { keys: [], allowUnsigned: true, quick: true, concurrency: 1, now: new Date(0), notify: () => undefined, signal });
    expect(result.bytes).toBeGreaterThan(size);
    const blobs = new ArchiveBlobs(await openArchive([path]));
    const chunks: Uint8Array[] = [];
    for await (const chunk of blobs.open({ mediaType: 'x', digest: digestOf('small'), size: 5 })) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('small');
    if (hasGnuTar) expect(execFileSync('tar', ['-tvf', path]).toString()).toMatch(new RegExp(` ${size} .* blobs/sha256/`));
  });
});
