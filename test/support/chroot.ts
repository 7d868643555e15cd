// A small Debian in a folder, and programs run in it where the network ends at loopback.
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machineSources } from './apt-root.ts';
import { longshorePath, must, type Outcome, run } from './command.ts';

/** Makes the smallest system that has apt, from the machine's own archive, or from what `text` (of a .sources file) names of it. */
export async function makeChroot(folder: string, text?: string): Promise<string> {
  const path = join(folder, 'base');
  const sources = join(folder, 'base.sources');
  await writeFile(sources, text ?? await machineSources());
  // Mounts of its own: what is killed leaves none, under which somebody would remove /proc.
  await must('unshare', ['--mount', 'mmdebstrap', '--variant=apt', '--mode=root', '--aptopt=Acquire::Languages "none"', '--dpkgopt=path-exclude=/usr/share/doc/*', '', path, sources]);
  await rm(join(path, 'etc/apt/sources.list'), { force: true });
  await rm(join(path, 'etc/apt/sources.list.d'), { recursive: true, force: true });
  await mkdir(join(path, 'etc/apt/sources.list.d'), { recursive: true });
  // Packages that bring services must not start them here.
  await writeFile(join(path, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return path;
}

export interface InsideOptions {
  /** The chroot; it is changed. */
  readonly root: string;
  /** A store with an imported generation. */
  readonly machine: string;
  readonly project: string;
  readonly target: string;
  /** Run in the chroot, with sh -ec, once apt knows the mirror alone. */
  readonly script: string;
}

/**
 * Starts `longshore serve` and runs a script in the chroot, both in a network namespace of their own that has nothing but loopback: what is not
 * in the mirror cannot be had.
 */
export async function runInside({ root, machine, project, target, script }: InsideOptions): Promise<Outcome> {
  await mkdir(join(root, 'etc/apt/keyrings'), { recursive: true });
  await cp(join(machine, 'keys/machine.asc'), join(root, 'etc/apt/keyrings/longshore.asc'));
  await writeFile(join(root, 'etc/apt/sources.list.d/longshore.sources'), [
    'Types: deb', `URIs: http://127.0.0.1:5000/apt/${project}/${target}`, `Suites: ${target}`, 'Components: main', 'Signed-By: /etc/apt/keyrings/longshore.asc', '',
  ].join('\n'));
  await writeFile(join(root, 'tmp/inside.sh'), script);
  const outer = `
    ip link set lo up
    if ip route get 192.0.2.1 2>/dev/null; then echo 'there is a route to the outside' >&2; exit 99; fi
    mount -t proc proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev"
    "$NODE" "$LONGSHORE" serve --store "$MACHINE" >/dev/null 2>&1 &
    server=$!
    for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:5000/healthz 2>/dev/null && break; sleep 0.1; done
    chroot "$ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C HOME=/root sh -e /tmp/inside.sh
    status=$?
    kill "$server"; wait "$server" 2>/dev/null
    exit $status`;
  return run('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', outer], {
    env: { ROOT: root, MACHINE: machine, NODE: process.execPath, LONGSHORE: longshorePath },
  });
}
