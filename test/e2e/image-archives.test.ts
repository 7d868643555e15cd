// Archives as skopeo writes them, out of Debian's docker-registry; gzip and zstd of the machine.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, digestOf } from '../../bom/digest.ts';
import type { LockedImage } from '../../bom/lock.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool } from '../../transport/registry.ts';
import { pushBlob, pushManifest } from '../../transport/registry-push.ts';
import { noise } from '../support/bytes.ts';
import { longshoreJson, must } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { MemoryBlobs } from '../support/memory-blobs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const signal = new AbortController().signal;
const layers = [noise(300_000, 4), noise(200_000, 5)];
let folder: string;
let registry: DockerRegistry;
let upstream: { readonly manifest: Descriptor; readonly config: Descriptor };

beforeAll(async () => {
  folder = await temporaryFolder('archives');
  registry = await startDockerRegistry(join(folder, 'registry'));
  const http = createHttpClient({ env: {} });
  const session = createRegistryPool({ http, insecureHosts: [registry.host] }).session(registry.host);
  const blobs = new MemoryBlobs();
  const config = blobs.add('application/vnd.oci.image.config.v1+json', JSON.stringify({ os: 'linux', architecture: 'amd64', config: {}, rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer)) } }));
  const parts = layers.map((layer) => blobs.add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer)));
  for (const blob of [config, ...parts]) await pushBlob(session, { path: 'team/app', blob, open: () => blobs.open(blob), signal });
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaType, config, layers: parts }));
  await pushManifest(session, { path: 'team/app', reference: '1', mediaType: manifestMediaType, bytes, signal });
  await http.close();
  upstream = { manifest: { mediaType: manifestMediaType, digest: digestOf(bytes), size: bytes.length }, config };
});

afterAll(async () => { await registry.stop(); });

async function copyTo(target: string): Promise<void> {
  await must('skopeo', ['copy', '-q', '--insecure-policy', '--src-tls-verify=false', `docker://${registry.host}/team/app:1`, target]);
}

/** What `longshore lock` makes of an archive, with everything in the store. */
async function lock(path: string, format: string): Promise<LockedImage> {
  const site = await temporaryFolder('archive-site');
  await writeFile(join(site, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: m, version: "1"}\nspec: {images: [{ref: "quay.io/team/app:1", platforms: [linux/amd64], archive: {path: "${path}", format: ${format}}}]}\n`);
  const flags = ['--store', join(site, 'store'), '--lock', join(site, 'lock.json')];
  await must(process.execPath, [join(import.meta.dirname, '../../bin/longshore.ts'), 'lock', '-f', join(site, 'bom.yaml'), ...flags]);
  await longshoreJson(['download', ...flags]);
  const { spec } = JSON.parse(await must('cat', [join(site, 'lock.json')])) as { spec: { images: LockedImage[] } };
  await must('skopeo', ['inspect', `oci:${join(site, 'store')}:quay.io/team/app:1`]);
  return spec.images[0] as LockedImage;
}

describe('archives of other tools', () => {
  it('OCI archives keep the digest, plain and compressed', async () => {
    const archive = join(folder, 'oci.tar');
    await copyTo(`oci-archive:${archive}:quay.io/team/app:1`);
    await must('gzip', ['-k', archive]);
    await must('zstd', ['-q', '-k', archive]);
    for (const path of [archive, `${archive}.gz`, `${archive}.zst`]) {
      expect(await lock(path, 'oci')).toMatchObject({ digest: upstream.manifest.digest, sources: [], platforms: { 'linux/amd64': upstream.manifest.digest } });
    }
  });

  it('layout folders too', async () => {
    await copyTo(`oci:${join(folder, 'layout')}:1`);
    expect((await lock(join(folder, 'layout'), 'oci')).digest).toBe(upstream.manifest.digest);
  });

  it('docker archives keep config and layers', async () => {
    const archive = join(folder, 'docker.tar');
    await copyTo(`docker-archive:${archive}:quay.io/team/app:1`);
    const image = await lock(archive, 'docker');
    expect(image.blobs.slice(1).map(({ digest }) => digest)).toEqual(layers.map((layer) => digestOf(layer)));
  });
});
