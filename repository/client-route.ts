// What lies below /client/: the setup script, and the files that it writes, one by one.
import { type Answer, textAnswer } from './answer.ts';
import { ansiblePlay, cloudConfig, fileList } from './client/automation.ts';
import { filesFor, scriptFor } from './client/files-for.ts';
import type { Exchange } from './exchange.ts';
import type { View } from './view.ts';

export interface ClientFacts {
  readonly view: View;
  readonly exchange: Exchange;
  readonly publicKey: string | undefined;
  readonly ca: string | undefined;
}

/** `segments` follow `/client/`. `?exclusive=yes` makes settings that know no other place. */
export function clientAnswer({ view, exchange, publicKey, ca }: ClientFacts, segments: readonly string[]): Answer | undefined {
  const { origin } = exchange;
  if (origin === undefined) return textAnswer(400, 'the Host header names no host\n');
  const clients = { served: view.served, origin, exclusive: exchange.query.get('exclusive') === 'yes', publicKey, ca };
  const headers = { 'cache-control': 'no-cache' };
  const path = `/${segments.join('/')}`;
  if (path === '/setup.sh') return textAnswer(200, scriptFor(clients), { ...headers, 'content-type': 'text/x-shellscript; charset=utf-8' });
  if (path === '/ansible.yml') return textAnswer(200, ansiblePlay({ origin, ca }), { ...headers, 'content-type': 'application/yaml' });
  if (path === '/cloud-config.yml') return textAnswer(200, cloudConfig({ origin, ca }), { ...headers, 'content-type': 'application/yaml' });
  const files = filesFor(clients);
  if (path === '/files') return textAnswer(200, fileList(files), headers);
  const file = files.find((each) => path === `/files${each.path}`);
  return file === undefined ? undefined : textAnswer(200, file.content, headers);
}
