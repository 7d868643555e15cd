import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { freePort, type Service, startService } from './command.ts';

export interface DockerRegistry extends Service {
  /** host:port */
  readonly host: string;
}

export interface DockerRegistryOptions {
  /** A password is asked for (user:password). */
  readonly user?: string;
  /** Tokens are asked for, of this service. */
  readonly tokens?: { readonly realm: string; readonly certificate: string };
}

/** Debian's docker-registry on loopback, with its storage below `folder`. */
export async function startDockerRegistry(folder: string, options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  await mkdir(folder, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const lines = [
    'version: 0.1', 'log: {level: error, accesslog: {disabled: true}}', 'storage:', `  filesystem: {rootdirectory: ${folder}}`, '  delete: {enabled: true}',
    `http: {addr: '${host}', secret: test}`,
  ];
  if (options.user !== undefined) {
    const [user = '', password = ''] = options.user.split(':');
    await writeFile(join(folder, 'htpasswd'), `${user}:${hashSync(password, 4)}\n`);
    lines.push(`auth: {htpasswd: {realm: test, path: ${join(folder, 'htpasswd')}}}`);
  }
  if (options.tokens !== undefined) lines.push(`auth: {token: {realm: '${options.tokens.realm}', service: test, issuer: tokens, rootcertbundle: ${options.tokens.certificate}}}`);
  await writeFile(join(folder, 'config.yml'), `${lines.join('\n')}\n`);
  const service = await startService('docker-registry', ['serve', join(folder, 'config.yml')], {
    ready: () => fetch(`http://${host}/v2/`).then((answer) => answer.status < 500, () => false),
  });
  return { ...service, host };
}
