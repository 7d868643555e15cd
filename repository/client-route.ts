// What lies below /client/: the setup script, and the files that it writes, one by one.
import { hostComponent } from '../bom/reference.ts';
import { type Answer, textAnswer } from './answer.ts';
import { ansiblePlay, cloudConfig, fileList } from './client/automation.ts';
import { caPath, type ClientFile, clientFiles } from './client/client-files.ts';
import { setupScript } from './client/setup-script.ts';
import type { Exchange } from './exchange.ts';
import { partsOf } from './registry/library.ts';
import type { View } from './view.ts';

export interface ClientFacts {
  readonly view: View;
  readonly exchange: Exchange;
  readonly publicKey: string | undefined;
  readonly ca: string | undefined;
}

/** Hosts that the served images came from, sorted. */
export function upstreamsOf(view: View): string[] {
  const hosts = view.served.flatMap(({ lock }) => lock.spec.images.map(({ ref }) => partsOf(ref).host)).filter((host) => hostComponent(host) !== '');
  return [...new Set(hosts)].sort();
}

/** The files for clients of this machine under the name that the asking client knows it by. Undefined without a usable Host header. */
export function filesFor({ view, exchange, publicKey, ca }: ClientFacts): readonly ClientFile[] | undefined {
  const { origin } = exchange;
  if (origin === undefined) return undefined;
  return clientFiles({ here: { origin, exclusive: isExclusive(exchange), ...(ca === undefined ? {} : { caPath }) }, publicKey, ca, aptMirrors: view.apt.mirrors, upstreams: upstreamsOf(view) });
}

function isExclusive({ query }: Exchange): boolean {
  return query.get('exclusive') === 'yes';
}

/** `segments` follow `/client/`. `?exclusive=yes` makes settings that know no other place. */
export function clientAnswer(facts: ClientFacts, segments: readonly string[]): Answer | undefined {
  const files = filesFor(facts);
  if (files === undefined || facts.exchange.origin === undefined) return textAnswer(400, 'the Host header names no host\n');
  const headers = { 'cache-control': 'no-cache' };
  const path = `/${segments.join('/')}`;
  if (path === '/setup.sh') return textAnswer(200, setupScript({ origin: facts.exchange.origin, exclusive: isExclusive(facts.exchange), files }), { ...headers, 'content-type': 'text/x-shellscript; charset=utf-8' });
  const source = { origin: facts.exchange.origin, ca: facts.ca };
  if (path === '/ansible.yml') return textAnswer(200, ansiblePlay(source), { ...headers, 'content-type': 'application/yaml' });
  if (path === '/cloud-config.yml') return textAnswer(200, cloudConfig(source), { ...headers, 'content-type': 'application/yaml' });
  if (path === '/files') return textAnswer(200, fileList(files), headers);
  const file = files.find((each) => path === `/files${each.path}`);
  return file === undefined ? undefined : textAnswer(200, file.content, headers);
}
