// What this machine's apt logs in with: apt_auth.conf(5). Values are read when they are needed and kept nowhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The name under which a lock says that a repository is asked with what the machine's apt has for it. */
export const hostCredential = 'apt_auth.conf';

interface Login { readonly machine: string; readonly login: string; readonly password: string }

function parseLogins(text: string): Login[] {
  const words = text.split('\n').map((line) => line.replace(/(?:^|\s)#.*$/, '')).join(' ').split(/\s+/).filter((word) => word !== '');
  const logins: { machine: string; login: string; password: string }[] = [];
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [word, value = ''] = [words[at], words[at + 1]];
    const last = logins.at(-1);
    if (word === 'machine') logins.push({ machine: value, login: '', password: '' });
    else if (word === 'login' && last !== undefined) last.login = value;
    else if (word === 'password' && last !== undefined) last.password = value;
  }
  return logins;
}

/** Whether apt reads a file of this name in a folder of its settings or logins: apt.conf(5), "FILES". */
export const isPart = (name: string): boolean => /^[A-Za-z0-9_-]+(?:[A-Za-z0-9_.-]*\.conf)?$/.test(name);

function readLogins(root: string): Login[] {
  const folder = join(root, 'etc/apt/auth.conf.d');
  const parts = existsSync(folder) ? readdirSync(folder).filter((name) => isPart(name)).sort().map((name) => join(folder, name)) : [];
  return [join(root, 'etc/apt/auth.conf'), ...parts].filter((path) => existsSync(path)).flatMap((path) => parseLogins(readFileSync(path, 'utf8')));
}

/** `host[:port][/path]`, with a protocol in front where it is not https: passwords go over plain http only when the entry says so. */
function fits(machine: string, url: URL): boolean {
  const [, scheme = 'https', rest = ''] = /^(?:([a-z+]+):\/\/)?(.*)$/.exec(machine) ?? [];
  const [, host = '', path = ''] = /^([^/]+)(\/.*)?$/.exec(rest) ?? [];
  if (url.protocol !== `${scheme}:` || (host !== url.host && host !== url.hostname)) return false;
  return path === '' || path === '/' || url.pathname === path || `${url.pathname}/` === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

/** The header for a URL of this machine's own repositories, by the first entry that fits; undefined when there is none. */
export function hostAptAuthorization(url: string, root = '/'): Record<string, string> | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  const login = readLogins(root).find(({ machine }) => fits(machine, parsed));
  return login === undefined ? undefined : { authorization: `Basic ${Buffer.from(`${login.login}:${login.password}`).toString('base64')}` };
}
