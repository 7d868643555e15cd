// Archives of one image with many layers and of many small files (BENCH_MIB of content, 2,000 when left out): export, verify, import, beside tar, cp, openssl and
// skopeo; and the time to the first pull from archives of 1, 10 and 40 GB that nobody imported (holes instead of content).
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleOf } from '../../bom/bundle.ts';
import { canonicalJson } from '../../bom/canonical-json.ts';
import type { Descriptor } from '../../bom/digest.ts';
import { layoutVolume, memberHeader, paddingHeader } from '../../formats/archive/layout.ts';
import { planContent } from '../../formats/archive/plan.ts';
import { Store } from '../../store/store.ts';
import { contentOfSample, type Sample, sampleOf } from '../formats/archive/sample-lock.ts';
import { longshorePath, startService } from '../support/command.ts';
import { compare, median, report } from '../support/measure.ts';

const mebibyte = 1024 * 1024;
const imageName = 'docker.io/bed/many:1';

/** Fills a store with `mebibytes` of random content, nine tenths of it layers of 48 MiB, and writes the lock beside it. */
async function fill(folder: string, mebibytes: number): Promise<void> {
  const store = await Store.open(join(folder, 'store'), { create: true });
  const signal = new AbortController().signal;
  const put = async ({ blobs }: Sample, blob: Descriptor): Promise<void> => { await store.put(blob, blobs.open(blob), signal); };
  const layers = Math.max(1, Math.floor((mebibytes * 0.9) / 48));
  const parts: Sample[] = [];
  for (let layer = 0; layer < layers; layer += 1) {
    const part = sampleOf({ images: { [`docker.io/bed/layer:${layer}`]: [randomBytes(48 * mebibyte)] } });
    for (const blob of contentOfSample(part)) await put(part, blob);
    part.blobs.blobs.clear();
    parts.push(part);
  }
  const small = sampleOf({ files: Object.fromEntries(Array.from({ length: Math.ceil(mebibytes * 0.1 * 16) }, (_, index) => [`small/${index}`, randomBytes(64 * 1024)])) });
  for (const blob of contentOfSample(small)) await put(small, blob);
  const many = sampleOf({ images: { [imageName]: [] } });
  const [image] = many.lock.spec.images;
  if (image === undefined) throw new Error('a sample without its image');
  const blobs = parts.flatMap((part) => part.lock.spec.images.flatMap((each) => each.blobs));
  const config = blobs[0];
  const manifest = many.blobs.add(image.mediaType, JSON.stringify({ schemaVersion: 2, mediaType: image.mediaType, config, layers: blobs.filter((blob) => blob.mediaType.includes('layer')) }));
  await put(many, manifest);
  const whole = { ...image, digest: manifest.digest, size: manifest.size, platforms: { 'linux/amd64': manifest.digest }, manifests: [{ ...manifest, platform: 'linux/amd64' }], blobs };
  const lock = { ...small.lock, spec: { ...small.lock.spec, images: [whole] } };
  await store.listInLayout(bundleOf(lock).layoutIndex);
  await writeFile(join(folder, 'longshore.lock.json'), `${canonicalJson(lock)}\n`);
  store.close();
}

/** An archive of `gigabytes` whose large files are holes. */
function writeSparse(path: string, gigabytes: number): void {
  const holes = Array.from({ length: gigabytes * 10 }, (_, index) => `hole-${index}`);
  const sample = sampleOf({ files: Object.fromEntries(holes.map((name) => [name, name])), images: { 'docker.io/library/app:1': ['a layer'] } });
  const lock = { ...sample.lock, spec: { ...sample.lock.spec, files: sample.lock.spec.files.map((file) => ({ ...file, size: 100_000_000 })) } };
  const layout = layoutVolume(planContent({ lock, bundle: bundleOf(lock), files: [] }), 1);
  const fd = openSync(path, 'w');
  ftruncateSync(fd, layout.size);
  writeSync(fd, paddingHeader(layout), 0, layout.paddingBytes, layout.contentStart - layout.paddingBytes);
  for (const member of layout.members) {
    const header = memberHeader(member, layout.time);
    writeSync(fd, header, 0, header.length, member.headerAt);
    const { content } = member;
    const bytes = content.kind === 'bytes' ? content.bytes : content.kind === 'sums' ? layout.sums(new Map())
      : content.kind === 'blob' && member.size < 100_000_000 ? sample.blobs.blobs.get(content.digest) : undefined;
    if (bytes !== undefined) writeSync(fd, bytes, 0, bytes.length, member.contentAt);
  }
  closeSync(fd);
}

/** Milliseconds from the start of `serve` on an archive to the manifest of its image. */
async function firstPull(path: string, cwd: string): Promise<number> {
  const started = performance.now();
  const pattern = /"(http:\/\/[^"]+)"/;
  const service = await startService(process.execPath, [longshorePath, 'serve', path, '--allow-unsigned', '--listen', '127.0.0.1:0', '--json'], { cwd, ready: (output) => pattern.test(output) });
  try {
    const response = await fetch(new URL('/v2/docker.io/library/app/manifests/1', pattern.exec(service.output())?.[1]));
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`status ${response.status}`);
    return performance.now() - started;
  } finally {
    await service.stop();
  }
}

export async function bench(folder: string, rounds: number): Promise<void> {
  const mebibytes = Number(process.env.BENCH_MIB ?? 2000);
  const longshore = `"${process.execPath}" "${longshorePath}"`;
  await fill(folder, mebibytes);
  console.log(report(`export, ${mebibytes} MiB`, await compare([
    { name: 'tar, then openssl sha256 of it', prepare: 'rm -f plain.tar', command: 'tar cf plain.tar -C store blobs && openssl dgst -sha256 plain.tar' },
    { name: 'the same, on the disk', prepare: 'rm -f plain.tar', command: 'tar cf plain.tar -C store blobs && sync plain.tar && openssl dgst -sha256 plain.tar' },
    { name: 'skopeo copy to an oci-archive', prepare: 'rm -f skopeo.tar', command: `skopeo copy -q --insecure-policy oci:store:${imageName} oci-archive:skopeo.tar:big` },
    { name: 'longshore export', prepare: 'rm -f site.tar', command: `${longshore} export --store store -o site.tar --quiet` },
    { name: 'longshore export --split 500MB', prepare: 'rm -f volumes.tar.*', command: `${longshore} export --store store -o volumes.tar --split 500MB --quiet` },
  ], { cwd: folder, rounds })));
  console.log(report('verify', await compare([
    { name: 'openssl sha256 of the archive', command: 'openssl dgst -sha256 site.tar' },
    { name: 'sha256sum of the archive', command: 'sha256sum site.tar' },
    { name: 'longshore verify', command: `${longshore} verify site.tar --allow-unsigned --quiet` },
    { name: 'longshore verify --quick', command: `${longshore} verify site.tar --allow-unsigned --quick --quiet` },
  ], { cwd: folder, rounds })));
  console.log(report('import', await compare([
    { name: 'cp of the archive, then sync', prepare: 'rm -f copy.tar', command: 'cp site.tar copy.tar && sync copy.tar' },
    { name: 'longshore import, in place', prepare: 'rm -rf machine', command: `${longshore} import site.tar --allow-unsigned --store machine --quiet` },
    { name: 'longshore import, all there', command: `${longshore} import site.tar --allow-unsigned --store machine --quiet` },
    { name: 'longshore import --copy', prepare: 'rm -rf machine', command: `${longshore} import site.tar --allow-unsigned --copy --store machine --quiet` },
  ], { cwd: folder, rounds })));
  console.log('start of serve to the first pull, archive not imported');
  for (const gigabytes of [1, 10, 40]) {
    writeSparse(join(folder, 'sparse.tar'), gigabytes);
    const milliseconds: number[] = [];
    for (let round = 0; round < rounds; round += 1) milliseconds.push(await firstPull('sparse.tar', folder));
    console.log(`  ${String(gigabytes).padStart(2)} GB ${median(milliseconds).toFixed(0).padStart(6)} ms`);
  }
}
