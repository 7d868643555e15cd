// zypper, in a chroot made from the machine's own archive, installing and upgrading from nothing but our served mirror, with every check on.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machineSources } from '../support/apt-root.ts';
import { longshorePath, must, type Outcome, run } from '../support/command.ts';
import { buildRpms, describeRpms, everyFeature, makeGpgKey, signRpms, stopGpg } from '../support/rpm-build.ts';
import { lockFolder, writeLock } from '../support/rpm-site.ts';

async function makeZypperRoot(folder: string): Promise<string> {
  const path = join(folder, 'zypper');
  const sources = join(folder, 'zypper.sources');
  await writeFile(sources, await machineSources());
  await must('unshare', ['--mount', 'mmdebstrap', '--variant=apt', '--mode=root', '--include=zypper,rpm', '--aptopt=Acquire::Languages "none"', '--dpkgopt=path-exclude=/usr/share/doc/*', '', path, sources]);
  return path;
}

/** Serves the machine and runs a script in the chroot, both where the network ends at loopback; the chroot's only repository is what the machine's setup script writes. */
function inside(root: string, machine: string, script: string): Promise<Outcome> {
  const outer = `
    ip link set lo up
    if ip route get 192.0.2.1 2>/dev/null; then echo 'there is a route to the outside' >&2; exit 99; fi
    mount -t proc proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev"
    "$NODE" "$LONGSHORE" serve --store "$MACHINE" >/dev/null 2>&1 &
    server=$!
    for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:5000/healthz 2>/dev/null && break; sleep 0.1; done
    curl -fsS http://127.0.0.1:5000/client/setup.sh | LONGSHORE_ROOT="$ROOT" sh -s -- --target alma-9 --only zypper
    chroot "$ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root sh -e -c "$SCRIPT"
    status=$?
    kill "$server"; wait "$server" 2>/dev/null
    exit $status`;
  return run('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', outer], { env: { ROOT: root, MACHINE: machine, NODE: process.execPath, LONGSHORE: longshorePath, SCRIPT: script } });
}

/** Throws unless zypper installs from an older generation and upgrades to the newer one. `root` is a chroot with zypper, made when it is not given. */
export async function installWithZypper(folder: string, root?: string): Promise<string> {
  const chroot = root ?? (await makeZypperRoot(folder));
  const upstream = join(folder, 'upstream');
  await mkdir(upstream);
  await mkdir(join(chroot, 'etc/zypp/repos.d'), { recursive: true });
  const key = await makeGpgKey(join(folder, 'gpg'), 'bed@example.org');
  try {
    // Its scripts need programs that the packages only pretend to have.
    await buildRpms(upstream, everyFeature.map(({ rest = '', ...spec }) => ({ ...spec, ...(rest.includes('%pre') ? {} : { rest }) })));
    await signRpms(upstream, key);
    await describeRpms(upstream);
  } finally {
    await stopGpg(key);
  }
  const longshore = (args: readonly string[]): Promise<string> => must(process.execPath, [longshorePath, ...args], { cwd: folder });
  await longshore(['keygen', '--name', 'Site operations', '-o', 'ops']);
  const publish = async (sequence: number, wanted: (item: { readonly version: string }) => boolean): Promise<void> => {
    await writeLock(join(folder, 'longshore.lock.json'), await lockFolder(upstream, { store: join(folder, 'store'), publicKey: key.publicKey, sequence, wanted }));
    await longshore(['export', '--store', 'store', '-o', `${sequence}.tar`, '--sign', 'ops.key']);
    await longshore(['import', `${sequence}.tar`, '--key', 'ops.asc', '--store', 'machine']);
  };
  const machine = join(folder, 'machine');
  const zypper = async (script: string): Promise<string> => {
    const outcome = await inside(chroot, machine, script);
    if (outcome.status !== 0) throw new Error(`zypper: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
    return outcome.stdout;
  };
  await publish(1, ({ version }) => !version.includes('^'));
  await zypper('zypper --non-interactive --gpg-auto-import-keys refresh; zypper --non-interactive install bed-app bed-modular; rpm --dbpath /var/lib/rpm -q bed-files bed-lib bed-weak');
  await publish(2, () => true);
  const installed = await zypper('zypper --non-interactive refresh --force; zypper --non-interactive update; rpm --dbpath /var/lib/rpm -qa --qf "%{NAME} %{EVR}.%{ARCH}\\n" | grep -v ^gpg-pubkey | sort');
  const lines = installed.split('\n').filter((line) => line.startsWith('bed-'));
  if (!lines.includes('bed-app 1:1.0^git1-1.x86_64')) throw new Error(`zypper did not upgrade:\n${installed}`);
  await rm(upstream, { recursive: true });
  return lines.join(', ');
}
