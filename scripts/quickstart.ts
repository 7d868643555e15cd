// The whole way, once, on this machine: what two modules require travels from their BOMs to a repository machine, and a client reads it
// there. Everything stays on loopback (the machine's own apt sources excepted), and nothing is left running.
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { hash as bcryptHash } from 'bcryptjs';
import { clearsign } from '../formats/pgp/signature.ts';
import { makeSigningKey, parseSigningKey } from '../formats/pgp/keys.ts';
import { formatBytes } from '../bin/render.ts';
import { proveApt } from './quickstart/apt-client.ts';
import { makeRepository } from './quickstart/deb-repository.ts';
import { documents, hostSystem } from './quickstart/documents.ts';
import { makeImage, pullImage, pushImage } from './quickstart/image.ts';
import { fact, heading, longshore, Services } from './quickstart/steps.ts';

const work = join(process.cwd(), 'longshore-quickstart');
const services = new Services();
let fileServer: Server | undefined;

async function serveFolder(folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path.includes('..')) { response.writeHead(400).end(); return; }
    readFile(join(folder, path)).then(
      (content) => response.writeHead(200, { 'content-length': content.length }).end(request.method === 'HEAD' ? undefined : content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  fileServer = server;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return `http://127.0.0.1:${address.port}`;
}

async function smallRepository(web: string): Promise<{ uri: string; suite: string; key: string }> {
  const key = await makeSigningKey({ name: 'Quickstart archive', date: new Date() });
  const signer = await parseSigningKey(Buffer.from(key.privateKey), 'quickstart key');
  const { suite } = await makeRepository(join(work, 'upstream/apt'), [
    { name: 'greeter', version: '1.0-1', depends: 'greeter-data (>= 1.0)', description: 'greets' },
    { name: 'greeter-data', version: '1.0-1', description: 'what greeter says' },
    { name: 'unrelated', version: '7', description: 'must not travel' },
  ], (text) => clearsign(text, signer, new Date()));
  await writeFile(join(work, 'apt.asc'), key.publicKey);
  return { uri: `${web}/apt`, suite, key: 'apt.asc' };
}

async function main(): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'upstream'), { recursive: true });

  heading('The outside: a registry, a web server and an apt repository that play the upstream');
  const password = randomBytes(9).toString('base64url');
  await writeFile(join(work, 'upstream/htpasswd'), `publisher:${await bcryptHash(password, 6)}\n`);
  const upstream = await services.serve(['--store', 'upstream/registry', '--htpasswd', 'upstream/htpasswd', '--listen', '127.0.0.1:0'], work);
  const image = await makeImage(join(work, 'upstream/image'));
  await pushImage(upstream, 'team/greeter', '1.0', image, `publisher:${password}`);
  fact(`pushed team/greeter:1.0, two platforms, ${image.index.digest.slice(0, 19)}…`);
  const content = randomBytes(3_000_000);
  await writeFile(join(work, 'upstream/settings.bin'), content);
  const web = await serveFolder(join(work, 'upstream'));
  const host = hostSystem();
  fact(host === undefined ? 'no apt sources on this machine: a small signed apt repository was generated' : `OS packages come from this machine's own apt sources (${host.os} ${host.release}, ${host.arch})`);
  const packages = host === undefined ? ['greeter'] : ['jq'];
  const texts = documents({
    upstream: new URL(upstream).host, packages,
    file: { url: `${web}/settings.bin`, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` },
    ...(host === undefined ? { repository: await smallRepository(web) } : { host }),
  });
  for (const [name, text] of Object.entries(texts)) await writeFile(join(work, name), text);
  const insecure = ['--insecure-registry', new URL(upstream).host];

  heading('BOM -> lock: every artifact by digest');
  await longshore(['bom', 'check', '-f', 'greeter.yaml', '-f', 'base-system.yaml'], work);
  await longshore(['lock', '-f', 'project.yaml', ...insecure], work);
  await longshore(['plan', '--store', 'store'], work);

  heading('lock -> store: fetched and verified');
  await longshore(['download', '--store', 'store', ...insecure], work);

  heading('store -> archive: one signed file that crosses the gap');
  await longshore(['keygen', '--name', 'Quickstart operations', '-o', 'ops'], work);
  await longshore(['export', '--store', 'store', '-o', 'quickstart.tar', '--sign', 'ops.key'], work);
  await longshore(['verify', 'quickstart.tar', '--key', 'ops.asc'], work);

  heading('archive -> repository machine');
  await longshore(['import', 'quickstart.tar', '--key', 'ops.asc', '--store', 'machine'], work);
  const inside = await services.serve(['--store', 'machine', '--listen', '127.0.0.1:0'], work);
  fact(`serving on ${inside}`);

  heading('The inside: a client reads what the modules required');
  // A repository name cannot hold the colon of a port.
  const name = new URL(upstream).host.replace(':', '_');
  for (const architecture of ['amd64', 'arm64']) {
    const pulled = await pullImage(inside, `${name}/team/greeter`, '1.0', architecture);
    if (pulled.digest !== image.index.digest) throw new Error(`the index has digest ${pulled.digest}, upstream has ${image.index.digest}`);
    fact(`pulled ${name}/team/greeter:1.0 for ${architecture}: the upstream's digest, ${pulled.blobs} blobs, ${formatBytes(pulled.bytes)}, every digest checked`);
  }
  const file = Buffer.from(await (await fetch(`${inside}/files/greeter/settings.bin`)).arrayBuffer());
  if (!file.equals(content)) throw new Error('the file came out changed');
  fact(`read files/greeter/settings.bin: ${formatBytes(file.length)}, the same bytes`);
  const target = host === undefined ? 'small' : `${host.os}-${host.release}`;
  const apt = await proveApt(inside, 'quickstart', target, packages);
  fact(`read the apt mirror as apt does: InRelease signed by the machine's key, Packages as it says, ${apt.packages} packages (${packages.join(', ')} and what it needs), ${formatBytes(apt.bytes)}, every .deb checked`);

  const { size } = await stat(join(work, 'quickstart.tar'));
  heading(`Done. The archive has ${formatBytes(size)}; nothing is left running; the work folder is ${work}`);
  console.log(`
Try next (npx runs the longshore of this checkout):
  npx longshore inspect longshore-quickstart/quickstart.tar
  npx longshore serve longshore-quickstart/quickstart.tar --key longshore-quickstart/ops.asc     # straight from the archive: then open http://127.0.0.1:5000/
  npx longshore status --store longshore-quickstart/machine
  npx longshore template                                              # a project of your own`);
}

try {
  await main();
} finally {
  await services.stopAll();
  fileServer?.closeAllConnections();
  fileServer?.close();
}
