// Records what crane writes of the images of test/support/crane-images.ts: `node test/conformance/crane-sums.ts NAME=PATH…` with the programs to ask, for
// instance `0.4.1=bin/crane`; run.sh builds them and calls this. Needs Debian's docker-registry. Writes test/support/crane-sums.json.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startService } from '../support/command.ts';
import { type Blob, type CraneImage, craneImages, craneRegistry } from '../support/crane-images.ts';

const folder = await mkdtemp(join(tmpdir(), 'crane-sums-'));
await writeFile(join(folder, 'config.yml'), `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: '${craneRegistry}', secret: record}\n`);
await mkdir(join(folder, 'data'));
const registry = await startService('docker-registry', ['serve', join(folder, 'config.yml')], { ready: () => fetch(`http://${craneRegistry}/v2/`).then((answer) => answer.ok, () => false) });

async function push({ name, config, layers, manifest, reference }: CraneImage): Promise<void> {
  const base = `http://${craneRegistry}/v2/team/${name}`;
  const put = async (address: URL | string, { bytes, mediaType }: Blob): Promise<void> => {
    const answer = await fetch(address, { method: 'PUT', body: Buffer.from(bytes), headers: { 'content-type': mediaType } });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
  };
  for (const blob of [config, ...layers]) {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location') ?? '', base);
    location.searchParams.set('digest', blob.digest);
    await put(location, { ...blob, mediaType: 'application/octet-stream' });
  }
  const tag = /:([^:@/]+)(?:@|$)/.exec(reference.slice(reference.lastIndexOf('/')))?.[1] ?? 'latest';
  await put(`${base}/manifests/${reference.includes('@') ? manifest.digest : tag}`, manifest);
}

async function sumOf(crane: string, image: CraneImage, format: string): Promise<string | null> {
  const file = join(folder, 'image.tar');
  await rm(file, { force: true });
  const outcome = await run(crane, ['pull', '--insecure', `--format=${format}`, image.reference, file]);
  return outcome.status === 0 ? createHash('sha1').update(await readFile(file)).digest('hex') : null;
}

try {
  const cranes = process.argv.slice(2).map((each) => { const [name = '', path = ''] = each.split('='); return { name, path }; });
  const sums: Record<string, Record<string, Record<string, string | null>>> = {};
  for (const image of craneImages) {
    await push(image);
    const of: Record<string, Record<string, string | null>> = {};
    for (const { name, path } of cranes) of[name] = { legacy: await sumOf(path, image, 'legacy'), tarball: await sumOf(path, image, 'tarball') };
    sums[image.name] = of;
  }
  await writeFile(join(import.meta.dirname, '../support/crane-sums.json'), `{\n${Object.entries(sums).map(([name, of]) => `  ${JSON.stringify(name)}: ${JSON.stringify(of)}`).join(',\n')}\n}\n`);
} finally {
  await registry.stop();
  await rm(folder, { recursive: true });
}
