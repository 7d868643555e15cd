// NO_PROXY, of which there is no specification: the forms that curl, Go (golang.org/x/net/http/httpproxy) and wget agree on, and networks as curl and Go take them.
import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** Whether `url` is asked without a proxy. */
export type NoProxy = (url: URL) => boolean;

const standardPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Entries are set apart by commas or blanks: `*`; `example.org` and `.example.org`, each with every host below; `*.example.org`, only those below; addresses; networks such as
 * `10.0.0.0/8` and `fd00::/8`, for hosts that are written as an address (no name is looked up). Each but a network may end with `:PORT`; an IPv6 address then stands in
 * brackets. An entry of another form counts for nothing, as in those programs.
 */
export function parseNoProxy(text: string): NoProxy {
  const matchers = text.split(/[,\s]+/).filter((entry) => entry !== '').map(matcherOf);
  return (url) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
    const port = Number(url.port) || standardPorts[url.protocol];
    return matchers.some((matches) => matches(host, port));
  };
}

type Matcher = (host: string, port: number | undefined) => boolean;

function matcherOf(entry: string): Matcher {
  const network = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(entry);
  if (network !== null) return inNetwork(network[1] ?? '', Number(network[2]));
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const name = (bracketed ?? plain ?? entry).toLowerCase();
  const ofPort: Matcher = (_, asked) => port === undefined || Number(port) === asked;
  const ofHost = name === '*' ? () => true : isIP(name) === 0 ? ofName(name) : inNetwork(name, isIP(name) === 4 ? 32 : 128);
  return (host, asked) => ofPort(host, asked) && ofHost(host, asked);
}

function ofName(written: string): Matcher {
  const onlyBelow = written.startsWith('*.');
  const name = domainToASCII(written.replace(/^\*?\./, '').replace(/\.$/, ''));
  return (host) => name !== '' && isIP(host) === 0 && ((host === name && !onlyBelow) || host.endsWith(`.${name}`));
}

function inNetwork(address: string, bits: number): Matcher {
  const family = isIP(address);
  if (family === 0 || bits > (family === 4 ? 32 : 128)) return () => false;
  const list = new BlockList();
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  return (host) => isIP(host) !== 0 && list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}
