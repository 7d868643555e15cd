// Debian's docker-registry with signed tokens that end in the middle of a blob, and connections that break there: from it, and into it.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noise } from '../support/bytes.ts';
import { longshore } from '../support/command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { pushLayers } from '../support/small-image.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTokenService, type TokenService } from '../support/token-service.ts';

const user = 'anna:s3cret';
/** Bytes of a connection after which the first one that gets there breaks. */
const breakAfter = 3_000_000;

let folder: string;
let registry: DockerRegistry;
let tokens: TokenService;
let relay: Server;
let host: string;
let breaks = 0;
let open = Promise.resolve();
const sockets = new Set<Socket>();

/** Every connection ends, and the next ones wait until no token given so far is taken: what follows needs another one, which then lasts. */
function breakAll(): void {
  breaks -= 1;
  open = tokens.ended();
  tokens.give(300, true);
  for (const socket of sockets) socket.destroy();
}

function pass(socket: Socket): void {
  const to = connect(Number(registry.host.split(':')[1]), '127.0.0.1');
  for (const [from, into] of [[socket, to], [to, socket]] as const) {
    let bytes = 0;
    sockets.add(from);
    from.on('error', () => undefined).on('close', () => { sockets.delete(from); into.destroy(); }).on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > breakAfter && breaks > 0) breakAll();
      else into.write(chunk);
    });
  }
}

beforeAll(async () => {
  folder = await temporaryFolder('tokens');
  tokens = await startTokenService(folder, user);
  registry = await startDockerRegistry(join(folder, 'registry'), { tokens });
  relay = createServer((socket) => {
    socket.pause();
    void open.then(() => { pass(socket); socket.resume(); });
  });
  await new Promise<void>((done) => { relay.listen(0, '127.0.0.1', done); });
  host = `127.0.0.1:${(relay.address() as AddressInfo).port}`;
  await pushLayers(folder, `${registry.host}/team/tool:1`, { layers: [noise(8_000_000)], credentials: user });
  await writeFile(join(folder, 'tool.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: tool, version: "1"}\nspec: {images: [{ref: "${host}/team/tool:1", platforms: [all]}]}\n`);
});

afterAll(async () => {
  relay.close();
  for (const socket of sockets) socket.destroy();
  await registry.stop();
  await tokens.close();
});

async function cli(args: readonly string[]): Promise<void> {
  const [login, password] = user.split(':');
  const outcome = await longshore([...args, '--insecure-registry', host], { cwd: folder, env: { LONGSHORE_REGISTRY_AUTH: `machine ${host} login ${login} password ${password}` } });
  expect(outcome.status, outcome.stderr).toBe(0);
}

/** Once, with tokens that end while everything is broken off; nobody tells for how long they are good. */
async function fading(args: readonly string[]): Promise<void> {
  tokens.give(2, false);
  const before = tokens.given.length;
  breaks = 1;
  await cli(args);
  const scopes = tokens.given.slice(before);
  expect([breaks, new Set(scopes).size < scopes.length]).toEqual([0, true]);
}

describe('tokens that end in the middle of a blob', () => {
  it('are renewed, from a registry and into one', async () => {
    const archive = join(folder, 'tool.tar');
    await cli(['lock', '-f', 'tool.yaml', '--store', 'store']);
    await fading(['download', '--store', 'store']);
    expect((await longshore(['export', '--store', 'store', '-o', archive], { cwd: folder })).status).toBe(0);
    await fading(['publish', archive, '--allow-unsigned', '--registry', host, '--name-template', 'copy/{name}']);
    const below = join(folder, 'registry/docker/registry/v2/repositories');
    const linked = (path: string): Promise<string[]> => readdir(join(below, path, '_layers/sha256'));
    expect((await linked('copy/tool')).toSorted()).toEqual((await linked('team/tool')).toSorted());
    const current = (path: string): Promise<string> => readFile(join(below, path, '_manifests/tags/1/current/link'), 'utf8');
    expect(await current('copy/tool')).toBe(await current('team/tool'));
  });
});
