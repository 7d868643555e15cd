// What was locked installs: from nothing but the served mirror, where there is no way out.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostSystem } from '../../scripts/quickstart/documents.ts';
import { runInside } from '../support/chroot.ts';
import { longshore, must } from '../support/command.ts';

export interface InstallReport {
  readonly locked: number;
  readonly installed: number;
}

export async function ok(args: readonly string[], cwd: string): Promise<string> {
  const { status, stdout, stderr } = await longshore(args, { cwd, env: { XDG_CACHE_HOME: join(cwd, 'cache') } });
  if (status !== 0) throw new Error(`longshore ${args.join(' ')}: ${status}\n${stderr}`);
  return stdout;
}

/** Locks, exports and imports `packages`, then installs them with apt-get into a copy of the chroot. Throws unless every one of them ends up installed. */
export async function installSet(folder: string, base: string, packages: readonly string[]): Promise<InstallReport> {
  const host = hostSystem();
  if (host === undefined) throw new Error('this machine has no apt sources');
  const target = `${host.os}-${host.release}`;
  const work = join(folder, 'work');
  const root = join(folder, 'root');
  await mkdir(work, { recursive: true });
  await writeFile(join(work, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: installs, version: "1"}
spec:
  targets: [{id: ${target}, family: debian, os: ${host.os}, release: "${host.release}", arch: ${host.arch}}]
  packageRepositories: [{id: system, manager: deb, targets: [${target}], system: true}]
  packages: [{id: set, manager: deb, target: ${target}, dependencies: closure, include: [${packages.map((name) => `{name: ${name}}`).join(', ')}]}]
`);
  await rm(join(work, 'machine'), { recursive: true, force: true });
  const { kinds } = (JSON.parse(await ok(['lock', '-f', 'bom.yaml', '--json'], work)) as { kinds: { kind: string; count: number }[] });
  await ok(['download'], work);
  await ok(['export', '-o', 'installs.tar'], work);
  await ok(['import', 'installs.tar', '--allow-unsigned', '--store', 'machine', '--allow-downgrade'], work);
  await makeMachineKey(work);
  await rm(root, { recursive: true, force: true });
  await must('cp', ['-a', base, root]);
  const outcome = await runInside({
    root, machine: join(work, 'machine'), project: 'installs', target,
    script: `apt-get update -q 2>&1 | tee /tmp/update.log
if grep -E '^(W|E):' /tmp/update.log; then exit 98; fi
before=$(dpkg-query -W | wc -l)
apt-get install -y -q --no-install-recommends ${packages.join(' ')} > /tmp/install.log 2>&1 || { tail -40 /tmp/install.log; exit 97; }
dpkg --audit
for name in ${packages.join(' ')}; do dpkg-query -W -f '\${db:Status-Status}\\n' "$name" | grep -qx installed; done
echo "installed $(($(dpkg-query -W | wc -l) - before))"
`,
  });
  await rm(root, { recursive: true, force: true });
  const installed = /^installed (\d+)$/m.exec(outcome.stdout)?.[1];
  if (outcome.status !== 0 || installed === undefined) throw new Error(`installing ${packages.join(', ')}: ${outcome.status}\n${outcome.stdout.slice(-4000)}\n${outcome.stderr.slice(-1000)}`);
  return { locked: kinds.find((each) => each.kind === 'packages')?.count ?? 0, installed: Number(installed) };
}

/** The machine's key is made when it first serves; the chroot has to trust it before. */
export async function makeMachineKey(work: string): Promise<void> {
  const { startServe } = await import('../support/site.ts');
  const service = await startServe(['--store', 'machine'], work);
  await service.stop();
}

