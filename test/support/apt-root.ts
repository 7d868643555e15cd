// apt in a root of its own: nothing of the machine's apt state is read or written except what is named.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, type Outcome, run } from './command.ts';

export interface AptRoot {
  readonly folder: string;
  apt(args: readonly string[]): Promise<Outcome>;
  /** Throws unless it exits 0; returns stdout. */
  mustApt(args: readonly string[]): Promise<string>;
}

export interface AptRootOptions {
  readonly architecture: string;
  /** Text of a .sources file (deb822). */
  readonly sources: string;
  /** Lines added to apt.conf. */
  readonly extra?: readonly string[];
  /** Text of the dpkg status file; empty means that nothing is installed. */
  readonly status?: string;
  /** A chroot whose apt is asked in place of this machine's; `folder` has to be the same folder in it. */
  readonly chroot?: string;
}

export async function makeAptRoot(folder: string, options: AptRootOptions): Promise<AptRoot> {
  for (const each of ['etc/apt.conf.d', 'etc/preferences.d', 'etc/sources.list.d', 'etc/trusted.gpg.d', 'lists/partial', 'cache/archives/partial', 'dpkg', 'log']) {
    await mkdir(join(folder, each), { recursive: true });
  }
  await writeFile(join(folder, 'dpkg/status'), options.status ?? '');
  await writeFile(join(folder, 'etc/sources.list.d/test.sources'), options.sources);
  const setting = (name: string, value: string): string => `${name} "${value}";`;
  await writeFile(join(folder, 'apt.conf'), [
    setting('Dir', folder), setting('Dir::Etc', join(folder, 'etc')), setting('Dir::Etc::main', '/dev/null'), setting('Dir::Etc::parts', '/dev/null'),
    setting('Dir::Etc::sourcelist', '/dev/null'), setting('Dir::Etc::sourceparts', join(folder, 'etc/sources.list.d')), setting('Dir::Etc::trusted', '/dev/null'),
    setting('Dir::Etc::trustedparts', join(folder, 'etc/trusted.gpg.d')), setting('Dir::Etc::preferences', '/dev/null'),
    setting('Dir::Etc::preferencesparts', join(folder, 'etc/preferences.d')), setting('Dir::State', folder), setting('Dir::State::lists', join(folder, 'lists')),
    setting('Dir::State::status', join(folder, 'dpkg/status')), setting('Dir::State::extended_states', join(folder, 'extended_states')),
    setting('Dir::Cache', join(folder, 'cache')), setting('Dir::Log', join(folder, 'log')),
    setting('Dir::Bin::methods', '/usr/lib/apt/methods'), setting('Dir::Bin::Solvers', '/usr/lib/apt/solvers'), setting('Dir::Bin::Planners', '/usr/lib/apt/planners'),
    setting('APT::Architecture', options.architecture), `APT::Architectures { "${options.architecture}"; };`, setting('APT::Sandbox::User', 'root'),
    setting('APT::Install-Recommends', 'false'), setting('Acquire::Languages', 'none'), setting('Debug::NoLocking', 'true'), ...(options.extra ?? []), '',
  ].join('\n'));
  const env = { APT_CONFIG: join(folder, 'apt.conf'), LC_ALL: 'C' };
  const [program, ...first]: readonly [string, ...string[]] = options.chroot === undefined ? ['apt-get'] : ['chroot', options.chroot, 'apt-get'];
  return {
    folder,
    apt: (args) => run(program, [...first, ...args], { env }),
    mustApt: (args) => must(program, [...first, ...args], { env }),
  };
}

/** The deb822 stanzas and one-line entries of the machine that name its distribution's own archive; third parties are left out. */
export async function machineSources(): Promise<string> {
  const files = ['/etc/apt/sources.list', ...(await readdir('/etc/apt/sources.list.d').catch(() => [])).map((name) => join('/etc/apt/sources.list.d', name))];
  const stanzas: string[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.sources')) {
      for (const stanza of text.split(/\n\s*\n/)) {
        const uris = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
        if (uris !== undefined && isDistribution(uris)) stanzas.push(stanza.split('\n').filter((line) => !line.startsWith('#')).join('\n').trim());
      }
    } else {
      for (const match of text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/gm)) {
        const [, options = '', uri = '', suite = '', components = ''] = match;
        if (!isDistribution(uri)) continue;
        const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
        stanzas.push([`Types: deb`, `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components.trim()}`, ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`])].join('\n'));
      }
    }
  }
  if (stanzas.length === 0) throw new Error('this machine has no apt sources of Debian or Ubuntu');
  return `${stanzas.join('\n\n')}\n`;
}

function isDistribution(uri: string): boolean {
  return /\/(?:debian|debian-security|ubuntu|ubuntu-ports)\/?$/.test(uri);
}
