// An outside to lock from: Debian's docker-registry behind a password, a web server, the machine's own apt archive. And what a user writes about it.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { hostSystem } from '../../scripts/quickstart/documents.ts';
import { noise } from './bytes.ts';
import { longshore, must, type Outcome } from './command.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { makeRealImage, type RealImage } from './real-image.ts';

const user = 'puller:s3cret-pull';

export interface Outside {
  readonly folder: string;
  readonly registry: DockerRegistry;
  readonly image: RealImage;
  /** host/path:tag as BOMs name it. */
  readonly imageName: string;
  readonly web: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Requests the web server got: method, path, range. */
  readonly requests: readonly string[];
  /** What the web server sent in bodies. */
  readonly sent: { bytes: number };
  readonly target: string;
  /** Runs longshore in `folder` with the Docker config that knows the registry's password. */
  longshore(args: readonly string[], started?: (child: import('node:child_process').ChildProcess) => void): Promise<Outcome>;
  stop(): Promise<void>;
}

export async function startOutside(folder: string, options: { readonly packages: readonly string[]; readonly fileBytes?: number; readonly smallFiles?: number; readonly bytesPerSecond?: number }): Promise<Outside> {
  const host = hostSystem();
  if (host === undefined) throw new Error('the end-to-end tests need a Debian or Ubuntu with apt sources');
  const registry = await startDockerRegistry(join(folder, 'registry'), { user });
  const image = await makeRealImage(join(folder, 'image'), { shared: 'tzdata', own: ['jq', 'hello'] });
  const imageName = `${registry.host}/team/tool:1.0`;
  await must('skopeo', ['copy', '-q', '--all', '--insecure-policy', '--dest-tls-verify=false', '--dest-creds', user, `oci:${image.layout}:${image.name}`, `docker://${imageName}`]);
  await mkdir(join(folder, 'docker'));
  await writeFile(join(folder, 'docker/config.json'), JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from(user).toString('base64') } } }));
  const many = Array.from({ length: options.smallFiles ?? 0 }, (_, index) => [`many-${index}.bin`, noise(20_000 + index, 100 + index)] as const);
  const files = { 'big.bin': noise(options.fileBytes ?? 20_000_000, 5), 'small.txt': Buffer.from('a small file\n'), ...Object.fromEntries(many) };
  const requests: string[] = [];
  const sent = { bytes: 0 };
  const server = serveFiles({ files, requests, sent, ...(options.bytesPerSecond === undefined ? {} : { bytesPerSecond: options.bytesPerSecond }) });
  const port = await new Promise<number>((done) => { server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)); });
  const web = `http://127.0.0.1:${port}`;
  const target = `${host.os}-${host.release}`;
  await writeDocuments(folder, { imageName, web, files, target, host, packages: options.packages });
  return {
    folder, registry, image, imageName, web, files, requests, sent, target,
    longshore: (args, started) => longshore(args, { cwd: folder, env: { DOCKER_CONFIG: join(folder, 'docker') }, ...(started === undefined ? {} : { started }) }),
    stop: async () => { server.closeAllConnections(); server.close(); await registry.stop(); },
  };
}

function writable(response: ServerResponse): Promise<void> {
  return new Promise((done) => {
    const go = (): void => { response.off('drain', go).off('close', go); done(); };
    response.on('drain', go).on('close', go);
  });
}

interface FileServer { readonly files: Readonly<Record<string, Buffer>>; readonly requests: string[]; readonly sent: { bytes: number }; readonly bytesPerSecond?: number }

function serveFiles({ files, requests, sent, bytesPerSecond }: FileServer): Server {
  return createServer((request, response) => {
    const content = files[(request.url ?? '').slice(1)];
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    if (content === undefined) { response.writeHead(404).end('no such file'); return; }
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = content.subarray(start);
    const headers = { 'content-length': body.length, etag: '"1"', 'accept-ranges': 'bytes' };
    if (start > 0) response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
    else response.writeHead(200, headers);
    if (request.method === 'HEAD') response.end();
    else void send(response, body);
  });

  async function send(response: ServerResponse, body: Buffer): Promise<void> {
    const portion = 64 * 1024;
    for (let at = 0; at < body.length && !response.destroyed; at += portion) {
      const part = body.subarray(at, at + portion);
      sent.bytes += part.length;
      if (!response.write(part)) await writable(response);
      if (bytesPerSecond !== undefined) await new Promise((done) => setTimeout(done, (part.length / bytesPerSecond) * 1000));
    }
    response.end();
  }
}

interface DocumentFacts {
  readonly imageName: string; readonly web: string; readonly files: Readonly<Record<string, Buffer>>; readonly target: string;
  readonly host: { readonly os: string; readonly release: string; readonly arch: string }; readonly packages: readonly string[];
}

async function writeDocuments(folder: string, facts: DocumentFacts): Promise<void> {
  const digest = (name: string): string => `sha256:${createHash('sha256').update(facts.files[name] ?? '').digest('hex')}`;
  const { host, target } = facts;
  await writeFile(join(folder, 'app.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: app, version: "1.10"}
spec:
  images:
    - {ref: "${facts.imageName}", platforms: [linux/amd64, linux/arm64]}
  files:
    - {urls: ["${facts.web}/gone.bin", "${facts.web}/big.bin"], digest: "${digest('big.bin')}", saveAs: app/big.bin}
    - {urls: ["${facts.web}/small.txt"], digest: "${digest('small.txt')}", saveAs: small.txt}
${Object.keys(facts.files).filter((name) => name.startsWith('many-')).map((name) => `    - {urls: ["${facts.web}/${name}"], digest: "${digest(name)}", saveAs: "${name}"}\n`).join('')}`);
  await writeFile(join(folder, 'base.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: base, version: "0.2"}
spec:
  targets:
    - {id: ${target}, family: debian, os: ${host.os}, release: "${host.release}", arch: ${host.arch}}
  images:
    - {ref: "${facts.imageName}", platforms: [linux/amd64]}
  packageRepositories:
    - {id: system, manager: deb, targets: [${target}], system: true}
  packages:
    - id: tools
      manager: deb
      target: ${target}
      dependencies: closure
      include: [${facts.packages.map((name) => `{name: ${name}}`).join(', ')}]
`);
  await writeFile(join(folder, 'project.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: Project
metadata: {name: site}
spec:
  modules: [{bom: app.yaml}, {bom: base.yaml}]
`);
}

/** Starts `longshore serve …` on a free port of loopback; gives its address. */
export async function startServe(args: readonly string[], cwd: string): Promise<{ readonly url: string; readonly host: string; stop(): Promise<void> }> {
  const { startService, longshorePath } = await import('./command.ts');
  const pattern = /"(http:\/\/[^"]+)"/;
  const service = await startService(process.execPath, [longshorePath, 'serve', ...args, ...(args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']), '--json'], { cwd, ready: (output) => pattern.test(output) });
  const url = pattern.exec(service.output())?.[1] ?? '';
  return { url, host: new URL(url).host, stop: () => service.stop() };
}
