import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, run, startService } from './command.ts';

/** A folder on loopback as Debian's nginx serves it: a server that favours nobody who is measured against another. `own` holds its files. */
export async function serveByNginx(folder: string, own: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const address = `127.0.0.1:${await freePort()}`;
  await mkdir(own, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${own};`).join(' ');
  await writeFile(join(own, 'nginx.conf'), `daemon off; pid ${own}/pid; error_log ${own}/error.log; user root; worker_processes auto;
events {} http { default_type application/octet-stream; access_log off; sendfile on; tcp_nopush on; ${temporary} server { listen ${address}; root ${folder}; } }\n`);
  const url = `http://${address}`;
  const { stop } = await startService('nginx', ['-c', join(own, 'nginx.conf')], { ready: async () => (await run('curl', ['-sS', `${url}/`])).status === 0 });
  return { url, stop };
}
