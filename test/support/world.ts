// The content of the internet that a test or a page needs: a folder of hosts, which replay-server.ts answers for.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeRepository, type SmallPackage } from '../../scripts/quickstart/deb-repository.ts';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { clearsign } from '../../formats/pgp/signature.ts';
import { must } from './command.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Described { readonly mediaType: string; readonly digest: string; readonly size: number }

export interface MadeReference { readonly ref: string; readonly digest: string }

/** What stands below `folder` is served as `http(s)://<first part>/<rest>`; `v2/` of a host as its registry. */
export class World {
  readonly folder: string;
  readonly hosts = new Set<string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A file by its address without scheme: `downloads.example.org/app.tgz`. Returns its digest. */
  async addFile(address: string, content: Uint8Array | string): Promise<string> {
    const path = join(this.folder, address);
    this.hosts.add(address.split('/')[0] ?? '');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return `sha256:${sha256(typeof content === 'string' ? Buffer.from(content) : content)}`;
  }

  /** An index of the platforms, each with one layer that holds `files`; reachable by `ref` (host/path:tag) and by digest. */
  async addImage(ref: string, options: { readonly files?: Readonly<Record<string, string>>; readonly platforms?: readonly string[] } = {}): Promise<MadeReference> {
    const [, host = '', path = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(ref) ?? [];
    const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
    const put = async (place: string, mediaType: string, bytes: Buffer): Promise<Described> => {
      const digest = `sha256:${sha256(bytes)}`;
      await this.addFile(`${server}/v2/${path}/${place}/${digest}`, bytes);
      return { mediaType, digest, size: bytes.length };
    };
    const layer = await layerOf({ 'etc/name': `${ref}\n`, ...options.files });
    const manifests: object[] = [];
    for (const platform of options.platforms ?? ['linux/amd64', 'linux/arm64']) {
      const [os, architecture] = platform.split('/');
      const config = await put('blobs', 'application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify({ os, architecture, config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer.tar)}`] } })));
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      const content = { schemaVersion: 2, mediaType, config, layers: [await put('blobs', 'application/vnd.oci.image.layer.v1.tar+gzip', layer.gzip)] };
      manifests.push({ ...await put('manifests', mediaType, Buffer.from(JSON.stringify(content))), platform: { os, architecture } });
    }
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
    const { digest } = await put('manifests', mediaType, index);
    await this.addFile(`${server}/v2/${path}/manifests/${tag}`, index);
    return { ref, digest };
  }

  /** A signed apt repository at `<address>` (suite stable, component main), its public key at `<address>/archive.asc`. */
  async addApt(address: string, packages: readonly SmallPackage[]): Promise<void> {
    const now = new Date();
    const key = await makeSigningKey({ name: 'Replayed archive', date: now });
    const signer = await parseSigningKey(Buffer.from(key.privateKey), 'replayed archive');
    await makeRepository(join(this.folder, address), packages, (text) => clearsign(text, signer, now));
    await this.addFile(`${address}/archive.asc`, key.publicKey);
  }
}

async function layerOf(files: Readonly<Record<string, string>>): Promise<{ readonly tar: Buffer; readonly gzip: Buffer }> {
  const folder = await mkdtemp('/tmp/longshore-layer-');
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, 'root', name)), { recursive: true });
      await writeFile(join(folder, 'root', name), content);
    }
    await must('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-cf', 'layer.tar', '-C', 'root', '.'], { cwd: folder });
    await must('gzip', ['-nk', 'layer.tar'], { cwd: folder });
    return { tar: await readFile(join(folder, 'layer.tar')), gzip: await readFile(join(folder, 'layer.tar.gz')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What every page of docs/ finds outside; docs/README.md lists it for those who write one. */
export async function makeUsualWorld(folder: string): Promise<World> {
  const world = new World(folder);
  for (const ref of ['docker.io/library/nginx:1.25', 'docker.io/library/nginx:1.27', 'docker.io/library/redis:7', 'quay.io/acme/kafka:2.8.1', 'quay.io/acme/kafka:3.0.0', 'registry.example.org/team/tool:1.0']) await world.addImage(ref);
  for (const name of ['app-1.10.tgz', 'app-1.11.tgz', 'tool-1.2.tar.gz']) await world.addFile(`downloads.example.org/${name}`, `content of ${name}\n`.repeat(5000));
  await world.addApt('deb.example.org/debian', [
    { name: 'greeter', version: '1.0-1', depends: 'greeter-data (>= 1.0)', description: 'greets' },
    { name: 'greeter-data', version: '1.0-1', description: 'what greeter says' },
    { name: 'unrelated', version: '7', description: 'must not travel' },
  ]);
  return world;
}
