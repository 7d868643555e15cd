// Addresses of git repositories: git-clone(1), "GIT URLS". Only what cannot run a command or read an option is let through.
import { isAbsolute } from 'node:path';
import { BundleError, redactUrl } from '../bom/errors.ts';
import { checkNoCredential } from '../bom/url-credential.ts';

const protocols: ReadonlySet<string> = new Set(['https:', 'http:', 'ssh:', 'file:']);

/**
 * `written` as git may be given it: https, http, ssh (`user@host:path` too) or file. Throws `INPUT_URL` for other transports (`ext::`, `git://`),
 * options in disguise and relative paths, `INPUT_CREDENTIAL` for a password inside.
 */
export function gitAddress(written: string, subject: string): string {
  const text = written.replace(/^git\+(?=[a-z]+:\/\/)/, '');
  const [, user = '', host = '', path = ''] = /^(?:([A-Za-z0-9_.-]+)@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)([^:].*)$/s.exec(text) ?? [];
  const address = host === '' ? text : `ssh://${user === '' ? '' : `${user}@`}${host}/${path.replace(/^\/+/, '')}`;
  checkNoCredential(address, subject);
  if (/[\u0000-\u0020\u007f\\]/.test(address) || !URL.canParse(address)) throw refused(subject, written);
  const { protocol, hostname, username, pathname } = new URL(address);
  if (!protocols.has(protocol)) throw refused(subject, written);
  // Programs that ssh is told to run (ProxyCommand, Match exec) get host and user in a shell.
  if (protocol === 'ssh:' && !(/^(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9a-fA-F:.]+\])$/.test(hostname) && /^[A-Za-z0-9._~+-]*$/.test(username))) throw refused(subject, written);
  if (protocol === 'file:' ? hostname !== '' && hostname !== 'localhost' : hostname === '' || hostname.startsWith('-') || username.startsWith('-')) throw refused(subject, written);
  // ssh hands the path to a shell on the other side; a path that begins with - would be an option there.
  if (pathname.startsWith('/-') || decodeURIComponentSafe(pathname).startsWith('/-')) throw refused(subject, written);
  return address;
}

/** A submodule's address: as {@link gitAddress}, or relative to the repository that names it (gitmodules(5), "submodule.<name>.url"). */
export function submoduleAddress(written: string, parent: string, subject: string): string {
  if (!/^\.\.?\//.test(written)) return gitAddress(written, subject);
  const base = new URL(parent.endsWith('/') ? parent : `${parent}/`);
  return gitAddress(new URL(written, base).href.replace(/\/$/, ''), subject);
}

/** A revision that cannot be an option and that git reads as one name. Throws `INPUT_FIELD`. */
export function checkRevision(ref: string, subject: string): string {
  const isGood = /^[A-Za-z0-9_@][A-Za-z0-9_@./+-]*$/.test(ref) && !ref.includes('..') && !ref.includes('@{') && !ref.endsWith('.lock') && ref.length <= 250;
  if (isGood) return ref;
  throw new BundleError('INPUT_FIELD', { subject, expected: 'a branch, a tag or a commit', actual: JSON.stringify(ref.slice(0, 200)) });
}

/** A path inside a tree: relative, without `.` and `..`. Throws `INPUT_FIELD`. */
export function checkTreePath(path: string, subject: string): string {
  const clean = path.replace(/^\.?\/+/, '').replace(/\/+$/, '');
  if (!isAbsolute(clean) && !/[\u0000-\u001f\u007f\\:*?[\]]/.test(clean) && clean.split('/').every((part) => part !== '..' && part !== '.' && !part.startsWith('-'))) return clean;
  throw new BundleError('INPUT_FIELD', { subject, expected: 'a path inside the repository', actual: JSON.stringify(path.slice(0, 200)) });
}

function decodeURIComponentSafe(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is a character of the path
  }
}

function refused(subject: string, written: string): BundleError {
  return new BundleError('INPUT_URL', {
    subject, expected: 'the address of a git repository: https://, http://, ssh://, user@host:path or file:///', actual: JSON.stringify(redactUrl(written).slice(0, 200)),
    next: 'Other transports of git can run programs; use one of these.',
  });
}
