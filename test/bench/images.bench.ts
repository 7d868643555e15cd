// Fourteen images that share their base, and one of two 1 GiB layers: registry -> store, store -> registry, each again with nothing to do, beside skopeo, and crane where it is on the PATH.
// BENCH_MIB (default 1024) is the size of a large layer; the images are scaled along with it. BENCH_PEER=crane or skopeo: that one alone. BENCH_PART=many or large: those images alone.
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestMediaType } from '../../bom/bundle.ts';
import { type Descriptor, digestFromHex, digestOf } from '../../bom/digest.ts';
import type { Bytes } from '../../bom/ports.ts';
import { createHttpClient } from '../../transport/http.ts';
import { createRegistryPool, type RegistrySession } from '../../transport/registry.ts';
import { pushBlob, pushManifest } from '../../transport/registry-push.ts';
import { must, projectRoot, run } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { compare, type Contestant, type Figures, report } from '../support/measure.ts';

const mebibyte = 1 << 20;
const signal = new AbortController().signal;

/** Incompressible, and with gzip's first bytes: clients look at those before they decide to compress. */
async function* layerBytes(seed: Uint8Array, size: number): Bytes {
  yield Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
  for (let left = size - 10; left > 0; left -= seed.length) yield seed.subarray(0, Math.min(left, seed.length));
}

interface Layer { readonly seed: Uint8Array; readonly size: number }

const layerOf = (size: number): Layer => ({ seed: randomBytes(mebibyte), size: Math.round(size) });

async function pushLayer(session: RegistrySession, path: string, { seed, size }: Layer): Promise<Descriptor> {
  const hash = createHash('sha256');
  for await (const chunk of layerBytes(seed, size)) hash.update(chunk);
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestFromHex(hash.digest('hex')), size };
  await pushBlob(session, { path, blob, open: () => layerBytes(seed, size), partBytes: Infinity, signal });
  return blob;
}

async function pushImage(session: RegistrySession, path: string, layers: readonly Layer[]): Promise<number> {
  const parts: Descriptor[] = [];
  for (const layer of layers) parts.push(await pushLayer(session, path, layer));
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: { path } }, rootfs: { type: 'layers', diff_ids: parts.map(({ digest }) => digest) } }));
  const blob = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length };
  await pushBlob(session, { path, blob, open: async function* whole() { yield config; }, signal });
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaType, config: blob, layers: parts }));
  await pushManifest(session, { path, reference: '1', mediaType: manifestMediaType, bytes, signal });
  return parts.reduce((sum, { size }) => sum + size, 0);
}

const sizes = [52, 40, 75, 18, 160, 90, 33, 120, 210, 65, 95, 48, 140, 88];

async function fill(registry: DockerRegistry, mebibytes: number): Promise<void> {
  const http = createHttpClient({ env: {} });
  const session = createRegistryPool({ http, insecureHosts: [registry.host] }).session(registry.host);
  const unit = (mebibytes / 1024) * mebibyte * 1.1;
  const base = [layerOf(27 * unit), layerOf(12 * unit)];
  for (const [number, size] of sizes.entries()) await pushImage(session, `bench/i${number}`, [...base, layerOf(size * unit), layerOf(200_000)]);
  await pushImage(session, 'bench/big', [layerOf(mebibytes * mebibyte), layerOf(mebibytes * mebibyte)]);
  await http.close();
}

interface Set { readonly title: string; readonly names: readonly string[] }

export async function bench(folder: string, rounds: number): Promise<void> {
  const mebibytes = Number(process.env.BENCH_MIB ?? 1024);
  const source = await startDockerRegistry(join(folder, 'source'));
  const target = await startDockerRegistry(join(folder, 'target'));
  try {
    await fill(source, mebibytes);
    const sets: readonly Set[] = [{ title: 'fourteen images that share their base', names: sizes.map((_, number) => `i${number}`) }, { title: `one image, two layers of ${mebibytes} MiB`, names: ['big'] }];
    const wanted = process.env.BENCH_PART;
    for (const set of sets.filter((_, number) => wanted === undefined || wanted === ['many', 'large'][number])) await benchSet(set, { folder, rounds, source, target });
  } finally {
    await source.stop();
    await target.stop();
  }
}

interface Place { readonly folder: string; readonly rounds: number; readonly source: DockerRegistry; readonly target: DockerRegistry }

/** Whether a program is on this machine. */
async function has(program: string): Promise<boolean> {
  return (await run('sh', ['-c', `command -v ${program}`])).status === 0;
}

/** Without the peers that were not asked for. */
function compareWanted(contestants: readonly Contestant[], options: { readonly cwd: string; readonly rounds: number }): Promise<Figures[]> {
  const peer = process.env.BENCH_PEER;
  return compare(contestants.filter(({ name }) => peer === undefined || name.startsWith(peer) || name.startsWith('longshore')), options);
}

async function benchSet({ title, names }: Set, { folder, rounds, source, target }: Place): Promise<void> {
  const longshore = `"${join(projectRoot, 'bin/longshore')}"`;
  const images = names.map((name) => `    - {ref: "${source.host}/bench/${name}:1", platforms: [linux/amd64]}`).join('\n');
  await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: bench, version: "1"}\nspec:\n  images:\n${images}\n`);
  const flags = `--insecure-registry ${source.host} --insecure-registry ${target.host}`;
  await must('sh', ['-c', `rm -rf locked skopeo synced crane; ${longshore} lock -f bom.yaml --store locked ${flags}`], { cwd: folder });
  const copy = 'skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false';
  const sync = 'skopeo --insecure-policy sync --src-tls-verify=false --dest-tls-verify=false';
  const each = (command: (name: string) => string): string => names.map(command).join(' && ');
  const crane = await has('crane');
  const pull = each((name) => `${copy} docker://${source.host}/bench/${name}:1 oci:skopeo:${name}`);
  console.log(report(`registry -> store: ${title}`, await compareWanted([
    { name: 'skopeo copy to an OCI layout', prepare: 'rm -rf skopeo; sync', command: pull },
    { name: 'skopeo sync to folders', prepare: 'rm -rf synced; mkdir synced; sync', command: each((name) => `${sync} --src docker --dest dir ${source.host}/bench/${name} synced >/dev/null 2>&1`) },
    ...(crane ? [{ name: 'crane pull to OCI layouts', prepare: 'rm -rf crane; mkdir crane; sync', command: each((name) => `crane pull --insecure --format=oci ${source.host}/bench/${name}:1 crane/${name}`) }] : []),
    // What longshore says is stored is on the disk; the others leave that to the kernel.
    { name: 'skopeo copy, then sync -f', prepare: 'rm -rf skopeo; sync', command: `${pull} && sync -f skopeo` },
    ...(crane ? [{ name: 'crane pull, then sync -f', prepare: 'rm -rf crane; mkdir crane; sync', command: `${each((name) => `crane pull --insecure --format=oci ${source.host}/bench/${name}:1 crane/${name}`)} && sync -f crane` }] : []),
    { name: 'longshore download', prepare: 'rm -rf store; cp -r locked store; sync', command: `${longshore} download --store store --quiet ${flags}` },
    { name: 'skopeo copy, all there', command: pull },
    { name: 'longshore download, all there', command: `${longshore} download --store store --quiet ${flags}` },
  ], { cwd: folder, rounds })));
  await must('sh', ['-c', `rm -rf machine bench.tar; ${longshore} export --store store -o bench.tar --quiet && ${longshore} import bench.tar --allow-unsigned --store machine --quiet`], { cwd: folder });
  // What one leaves to be done on the disk is not the next one's to wait for.
  const wipe = 'rm -rf target/docker; sync';
  const publish = `${longshore} publish --registry ${target.host} --store machine --quiet --name-template '{path}' ${flags}`;
  const push = each((name) => `${copy} oci:skopeo:${name} docker://${target.host}/bench/${name}:1`);
  console.log(report(`store -> registry: ${title}`, await compareWanted([
    { name: 'skopeo copy from an OCI layout', prepare: wipe, command: push },
    { name: 'skopeo sync from folders', prepare: wipe, command: each((name) => `${sync} --src dir --dest docker synced/${name}:1 ${target.host}/bench >/dev/null 2>&1`) },
    ...(crane ? [{ name: 'crane push from OCI layouts', prepare: wipe, command: each((name) => `crane push --insecure crane/${name} ${target.host}/bench/${name}:1`) }] : []),
    { name: 'longshore publish', prepare: wipe, command: publish },
    { name: 'skopeo copy, all there', command: push },
    { name: 'longshore publish, all there', command: publish },
  ], { cwd: folder, rounds })));
}
