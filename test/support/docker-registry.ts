import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { freePort, type Service, startService } from './command.ts';

export interface DockerRegistry extends Service {
  /** host:port */
  readonly host: string;
}

/** Debian's docker-registry on loopback, with its storage below `folder`. With `user`, a password is asked for (user:password). */
export async function startDockerRegistry(folder: string, options: { readonly user?: string } = {}): Promise<DockerRegistry> {
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
  await writeFile(join(folder, 'config.yml'), `${lines.join('\n')}\n`);
  const service = await startService('docker-registry', ['serve', join(folder, 'config.yml')], {
    ready: () => fetch(`http://${host}/v2/`).then((answer) => answer.status < 500, () => false),
  });
  return { ...service, host };
}
