// A yum repository as a distribution makes it: rpmbuild, rpmsign, createrepo_c, gpg.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './command.ts';

export interface SpecFile {
  readonly name: string;
  readonly version: string;
  /** Lines of the preamble: Requires, Provides, … */
  readonly preamble?: readonly string[];
  readonly arch?: 'noarch' | 'x86_64';
  /** Absolute paths that it brings, beside one of its own. */
  readonly files?: readonly string[];
}

export interface RpmUpstream {
  /** The repository; `key.asc` beside its packages. */
  readonly folder: string;
  /** Builds packages into it (signed unless `unsigned`) and makes its metadata anew. */
  add(specs: readonly SpecFile[], options?: { readonly unsigned?: boolean }): Promise<void>;
}

/** An empty one with a key of its own. */
export async function makeRpmUpstream(folder: string): Promise<RpmUpstream> {
  const [repository, build, home] = [join(folder, 'repository'), join(folder, 'build'), join(folder, 'gnupg')];
  await mkdir(repository, { recursive: true });
  await mkdir(home, { recursive: true, mode: 0o700 });
  const env = { GNUPGHOME: home };
  await must('gpg', ['--batch', '--passphrase', '', '--quick-gen-key', 'upstream@example.org', 'rsa3072', 'sign', 'never'], { env });
  await writeFile(join(repository, 'key.asc'), await must('gpg', ['--batch', '--armor', '--export', 'upstream@example.org'], { env }));
  return {
    folder: repository,
    async add(specs, options = {}) {
      await rm(build, { recursive: true, force: true });
      for (const spec of specs) await buildRpm(build, spec);
      const built = (await must('find', [join(build, 'RPMS'), '-name', '*.rpm'])).trim().split('\n');
      if (options.unsigned !== true) await must('rpmsign', ['--define', '_gpg_name upstream@example.org', '--define', `_gpg_path ${home}`, '--define', '__gpg /usr/bin/gpg', '--addsign', ...built], { env });
      await must('cp', [...built, repository]);
      await must('createrepo_c', ['--quiet', repository]);
      await rm(join(repository, 'repodata/repomd.xml.asc'), { force: true });
      await must('gpg', ['--batch', '--armor', '--detach-sign', join(repository, 'repodata/repomd.xml')], { env });
    },
  };
}

async function buildRpm(build: string, { name, version, preamble = [], arch = 'noarch', files = [] }: SpecFile): Promise<void> {
  const own = `/usr/share/${name}/version`;
  await mkdir(join(build, 'SPECS'), { recursive: true });
  const spec = join(build, 'SPECS', `${name}.spec`);
  await writeFile(spec, [
    `Name: ${name}`, `Version: ${version}`, 'Release: 1', `Summary: The ${name}`, 'License: MIT', 'AutoReqProv: no', ...(arch === 'noarch' ? ['BuildArch: noarch'] : []), ...preamble,
    '%description', `All about ${name}.`, '%install',
    ...[own, ...files].map((path) => `mkdir -p %{buildroot}$(dirname ${path}); echo ${version} > %{buildroot}${path}`), '%files', own, ...files, '',
  ].join('\n'));
  await must('rpmbuild', ['--quiet', '-bb', '--define', `_topdir ${build}`, '--define', 'debug_package %{nil}', '--define', '__os_install_post %{nil}', ...(arch === 'noarch' ? [] : ['--target', `${arch}-linux`]), spec]);
}
