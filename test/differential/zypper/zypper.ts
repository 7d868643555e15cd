// Real zypper over repositories of metadata, in a root of its own: zypper(8), "install", "--dry-run".
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, run } from '../../support/command.ts';
import type { DnfAnswer, DnfOracle } from '../rpm/dnf.ts';

export interface ZypperRepository {
  readonly id: string;
  readonly path: string;
  /** Lines of its section beside its address. */
  readonly settings?: readonly string[];
}

const unescape = (text: string): string => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))).replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&apos;/g, "'").replace(/&amp;/g, '&');

/** Everything that is there afterwards and was not before. Patterns and products that stand in packages are told twice by zypper and counted once, as packages. */
function chosenIn(xml: string): string[] {
  const lists = [...xml.matchAll(/<to-(?:install|upgrade|downgrade|change-arch)>(.*?)<\/to-[a-z-]+>/gs)].map(([, list = '']) => list).join('');
  return [...lists.matchAll(/<solvable type="package" name="([^"]*)" edition="([^"]*)" arch="([^"]*)"/g)].map(([, name = '', edition = '', arch = '']) => unescape(`${name}-${edition.replace(/^0:/, '')}.${arch}`)).sort();
}

/** zypper with `repositories` and nothing else, x86_64, with the one setting of SUSE's zypp.conf that is no default; the headers of `installed` go into the root's rpm database. */
export async function openZypper(repositories: readonly ZypperRepository[], installed: readonly string[] = []): Promise<DnfOracle> {
  const root = await mkdtemp(join(tmpdir(), 'longshore-zypper-'));
  await mkdir(join(root, 'etc/zypp/repos.d'), { recursive: true });
  await writeFile(join(root, 'etc/zypp/zypp.conf'), `[main]\narch = x86_64\nmultiversion = provides:multiversion(kernel)\n`);
  for (const { id, path, settings: lines = [] } of repositories) {
    await writeFile(join(root, `etc/zypp/repos.d/${id}.repo`), `[${id}]\nname=${id}\nenabled=1\nautorefresh=0\ntype=rpm-md\ngpgcheck=0\nbaseurl=file://${path}\n${lines.join('\n')}\n`);
  }
  if (installed.length > 0) await must('rpm', ['--root', root, '--dbpath', '/var/lib/rpm', '--justdb', '--nodeps', '--noscripts', '--nosignature', '-i', ...installed]);
  const always = ['--root', root, '--non-interactive', '--xmlout'];
  const env = { ZYPP_CONF: join(root, 'etc/zypp/zypp.conf'), LC_ALL: 'C', LANG: 'C' };
  await must('zypper', [...always, 'refresh'], { env });
  return {
    async ask({ specs, weak }): Promise<DnfAnswer> {
      const outcome = await run('zypper', [...always, '--no-refresh', 'install', '--dry-run', weak ? '--recommends' : '--no-recommends', '--', ...specs], { env });
      if (outcome.status === 0) return { nevras: chosenIn(outcome.stdout) };
      const said = [...outcome.stdout.matchAll(/<(?:message type="error"|prompt-text|text|description)[^>]*>(.*?)</gs)].map(([, text = '']) => text.trim()).join(' ');
      return { error: `${outcome.status}: ${said.slice(0, 600)}` };
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}
