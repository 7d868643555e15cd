import { BundleError, redactUrl } from '../bom/errors.ts';

/** Characters that mean nothing to a shell: origins stand in the scripts that cluster machines run as root. */
const hostPattern = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/;

/** `https://host:port` as cluster machines reach this one, without a path. Throws `INPUT_FLAG` for anything else. */
export function parseOrigin(text: string, flag: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || !['', '/'].includes(url.pathname) || !hostPattern.test(url.hostname)) {
    throw new BundleError('INPUT_FLAG', { subject: flag, expected: 'https://host:port', actual: redactUrl(text) });
  }
  return url.origin;
}
