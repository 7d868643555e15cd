// One image of two 1 GiB layers (BENCH_MIB changes it), the whole way: download, export, verify, import, beside skopeo, cp, openssl and sha256sum.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { longshorePath, must } from '../support/command.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { compare, report } from '../support/measure.ts';

const mebibyte = 1024 * 1024;

interface Blob { readonly mediaType: string; readonly digest: string; readonly size: number }

async function randomBlob(folder: string, mebibytes: number): Promise<Blob> {
  const temporary = join(folder, 'random');
  const file = await open(temporary, 'w');
  for (let done = 0; done < mebibytes; done += 1) await file.write(randomBytes(mebibyte));
  await file.close();
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(temporary)) hash.update(chunk as Buffer);
  const hex = hash.digest('hex');
  await rename(temporary, join(folder, hex));
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${hex}`, size: mebibytes * mebibyte };
}

async function jsonBlob(folder: string, mediaType: string, value: unknown): Promise<Blob> {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(folder, hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

async function makeLayout(layout: string, layerMebibytes: number): Promise<void> {
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const layers = [await randomBlob(blobs, layerMebibytes), await randomBlob(blobs, layerMebibytes)];
  const config = await jsonBlob(blobs, 'application/vnd.oci.image.config.v1+json', { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) } });
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await jsonBlob(blobs, type, { schemaVersion: 2, mediaType: type, config, layers });
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'big' } }] }));
}

export async function bench(folder: string, rounds: number): Promise<void> {
  const mebibytes = Number(process.env.BENCH_MIB ?? 1024);
  const registry = await startDockerRegistry(join(folder, 'registry'));
  try {
    await makeLayout(join(folder, 'layout'), mebibytes);
    await must('skopeo', ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', `oci:${join(folder, 'layout')}:big`, `docker://${registry.host}/bed/big:1`]);
    await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: big, version: "1"}\nspec: {images: [{ref: "${registry.host}/bed/big:1", platforms: [linux/amd64]}]}\n`);
    const longshore = `"${process.execPath}" "${longshorePath}"`;
    const flags = `--insecure-registry ${registry.host}`;
    await must('sh', ['-c', `${longshore} lock -f bom.yaml --store locked ${flags}`], { cwd: folder });
    console.log(report(`download, two layers of ${mebibytes} MiB`, await compare([
      { name: 'skopeo copy to an OCI layout', prepare: 'rm -rf skopeo', command: `skopeo copy -q --insecure-policy --src-tls-verify=false docker://${registry.host}/bed/big:1 oci:skopeo:big` },
      { name: 'longshore download', prepare: 'rm -rf store; cp -r locked store', command: `${longshore} download --store store --quiet ${flags}` },
      { name: 'longshore download, all there', command: `${longshore} download --store store --quiet ${flags}` },
    ], { cwd: folder, rounds })));
    console.log(report('export', await compare([
      { name: 'cp -r of the store, then sync', prepare: 'rm -rf copy', command: 'cp -r store/blobs copy && sync copy' },
      { name: 'tar, then openssl sha256 of it', prepare: 'rm -f plain.tar', command: 'tar cf plain.tar -C store blobs && openssl dgst -sha256 plain.tar' },
      { name: 'longshore export', prepare: 'rm -f big.tar', command: `${longshore} export --store store -o big.tar --quiet` },
    ], { cwd: folder, rounds })));
    console.log(report('verify', await compare([
      { name: 'openssl sha256 of the archive', command: 'openssl dgst -sha256 big.tar' },
      { name: 'sha256sum of the archive', command: 'sha256sum big.tar' },
      { name: 'longshore verify', command: `${longshore} verify big.tar --allow-unsigned --quiet` },
      { name: 'longshore import, in place', prepare: 'rm -rf machine', command: `${longshore} import big.tar --allow-unsigned --store machine --quiet` },
      { name: 'longshore import --copy', prepare: 'rm -rf machine', command: `${longshore} import big.tar --allow-unsigned --copy --store machine --quiet` },
    ], { cwd: folder, rounds })));
  } finally {
    await registry.stop();
  }
}
