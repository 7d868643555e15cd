// A process that serves one image of one real layer on 127.0.0.1:5000, for clients in a network namespace: node serve-image.ts LAYER.tar
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { manifestMediaType } from '../../bom/bundle.ts';
import { makeBed, makeLock, servedOf } from '../repository/support.ts';

const tar = readFileSync(process.argv[2] ?? '');
const bed = await makeBed({ listen: [{ host: '127.0.0.1', port: 5000 }], passwords: false });
const config = await bed.add('application/vnd.oci.image.config.v1+json', JSON.stringify({
  architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(tar).digest('hex')}`] },
}));
const layer = await bed.add('application/vnd.oci.image.layer.v1.tar', tar);
const manifest = await bed.add(manifestMediaType, JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaType, config, layers: [layer] }));
bed.served.push(servedOf(makeLock('site', { images: [{
  ref: 'docker.io/library/app:1', ...manifest, sources: [], platforms: { 'linux/amd64': manifest.digest }, manifests: [manifest], blobs: [config, layer], kind: 'image', role: 'image', trust: 'declared', usedBy: [],
}] })));
await bed.service.settled();
console.log(`ready ${manifest.digest}`);
