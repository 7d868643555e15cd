// A multi-layer, multi-platform image whose layers are the files of real Debian packages.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { machineSources, makeAptRoot } from './apt-root.ts';
import { must } from './command.ts';

const digest = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface RealImage {
  /** An OCI layout that names the image. */
  readonly layout: string;
  readonly name: string;
  readonly index: string;
  /** architecture -> manifest digest */
  readonly manifests: Readonly<Record<string, string>>;
}

interface Described { readonly mediaType: string; readonly digest: string; readonly size: number }

/** Downloads packages with the machine's apt and makes an OCI layout of them: one layer a package, the first shared by all platforms. */
export async function makeRealImage(folder: string, packages: { readonly shared: string; readonly own: readonly string[] }): Promise<RealImage> {
  const layout = join(folder, 'layout');
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const store = async (mediaType: string, bytes: Uint8Array): Promise<Described> => {
    await writeFile(join(layout, 'blobs/sha256', digest(bytes).slice(7)), bytes);
    return { mediaType, digest: digest(bytes), size: bytes.length };
  };
  const manifests: Record<string, string> = {};
  const listed: unknown[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const debs = await downloadDebs(join(folder, architecture), architecture, [packages.shared, ...packages.own]);
    const layers: Described[] = [];
    const diffIds: string[] = [];
    for (const deb of debs) {
      await must('bash', ['-c', `dpkg-deb --fsys-tarfile "$1" | gzip -n -6 > "$1.tar.gz"`, 'layer', deb]);
      const bytes = await readFile(`${deb}.tar.gz`);
      layers.push(await store('application/vnd.oci.image.layer.v1.tar+gzip', bytes));
      diffIds.push(digest(gunzipSync(bytes)));
    }
    const config = await store('application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } })));
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = await store(type, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers })));
    manifests[architecture] = manifest.digest;
    listed.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const type = 'application/vnd.oci.image.index.v1+json';
  const index = await store(type, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: listed })));
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations: { 'org.opencontainers.image.ref.name': 'real' } }] }));
  return { layout, name: 'real', index: index.digest, manifests };
}

async function downloadDebs(folder: string, architecture: string, names: readonly string[]): Promise<string[]> {
  const root = await makeAptRoot(folder, { architecture, sources: await machineSources() });
  await root.mustApt(['update', '-q']);
  const into = join(folder, 'debs');
  await mkdir(into);
  await must('apt-get', ['download', '-q', ...names], { cwd: into, env: { APT_CONFIG: join(folder, 'apt.conf') } });
  const files = await readdir(into);
  return names.map((name) => join(into, files.find((file) => file.startsWith(`${name}_`)) ?? `${name} was not downloaded`));
}
