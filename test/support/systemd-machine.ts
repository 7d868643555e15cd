// A machine that systemd runs: a copy-on-write view of this system in namespaces of its own (processes, mounts, network, cgroups), with systemd as its
// first process and nothing started but what a service needs. Its network ends at loopback. longshore lies in /opt/longshore, as an operator may have it.
import { spawn } from 'node:child_process';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, type Outcome, projectRoot, run } from './command.ts';

export interface SystemdMachine {
  /** Runs as root with sh -ec, with `longshore` in the path. */
  run(script: string): Promise<Outcome>;
  /** Throws with its output unless the script exits 0; returns stdout. */
  must(script: string): Promise<string>;
  stop(): Promise<void>;
}

/** Boots it, with `<folder>/medium` at /media/usb. Throws with what systemd said when it does not come up: root, overlayfs and a cgroup v2 hierarchy are needed. */
export async function bootSystemd(folder: string): Promise<SystemdMachine> {
  const home = join(folder, 'machine');
  await mkdir(home, { recursive: true });
  await mkdir(join(folder, 'medium'), { recursive: true });
  await writeFile(join(home, 'boot.sh'), bootScript(home, join(folder, 'medium')));
  const group = await cgroupFor(home);
  const child = spawn('sh', ['-c', `echo $$ > ${group}/cgroup.procs && exec unshare --net --mount --uts --ipc --pid --cgroup --fork --kill-child sh -e ${home}/boot.sh`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output = `${output}${chunk.toString()}`.slice(-20_000); });
  const ended = new Promise<void>((done) => { child.once('close', () => { done(); }); });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
    await removeGroup(group);
  };
  try {
    const pid = await firstProcess(child.pid ?? 0);
    const inside = (script: string): Promise<Outcome> => run('nsenter', ['-t', String(pid), '-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w', 'env', '-i', 'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LC_ALL=C.UTF-8', 'sh', '-ec', script]);
    await up(inside, () => output);
    return {
      run: inside, stop,
      must: async (script) => {
        const { status, stdout, stderr } = await inside(script);
        if (status !== 0) throw new Error(`${script}: status ${status}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`);
        return stdout;
      },
    };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function up(inside: SystemdMachine['run'], output: () => string): Promise<void> {
  let state = '';
  for (let tries = 0; tries < 300; tries += 1) {
    state = (await inside('systemctl is-system-running').catch(() => undefined))?.stdout.trim() ?? 'gone';
    if (state === 'running') return;
    if (state === 'degraded') break;
    await new Promise((done) => { setTimeout(done, 100); });
  }
  const failed = await inside('systemctl --failed --no-pager --plain').catch(() => undefined);
  throw new Error(`systemd did not come up here (${state}): ${failed?.stdout ?? ''}\n${output()}`);
}

/** systemd, below `unshare`. */
async function firstProcess(pid: number): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const [child = ''] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim().split(' ');
    // Named sh until it becomes systemd.
    if (child !== '' && (await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')).startsWith('systemd')) return Number(child);
    await new Promise((done) => { setTimeout(done, 100); });
  }
  throw new Error('systemd did not start: the namespaces or mounts that it needs cannot be had here');
}

/** A group of its own in the cgroup v2 hierarchy, which becomes the machine's root. */
async function cgroupFor(home: string): Promise<string> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  const root = mounts.split('\n').map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  if (root === undefined) throw new Error('no cgroup v2 hierarchy is mounted here');
  const group = join(root, `longshore-test-${process.pid}-${home.length}-${Math.floor(performance.now())}`);
  await mkdir(group);
  return group;
}

/** Groups below are systemd's; they are empty once its processes ended. */
async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    await must('find', [group, '-depth', '-type', 'd', '-delete']).catch(() => undefined);
    if (await rmdir(group).then(() => true, (cause: NodeJS.ErrnoException) => cause.code === 'ENOENT')) return;
    await new Promise((done) => { setTimeout(done, 100); });
  }
}

/** systemd.io "Container Interface": what has to be mounted before it starts. */
function bootScript(home: string, medium: string): string {
  const root = `${home}/root`;
  return `
mount --make-rprivate /
mkdir -p ${home}/upper ${home}/work ${root}
mount -t overlay overlay -o lowerdir=/,upperdir=${home}/upper,workdir=${home}/work ${root}
mkdir -p ${root}/opt/longshore ${root}/old ${root}/media/usb
mount --bind ${medium} ${root}/media/usb
mount --rbind ${projectRoot} ${root}/opt/longshore
mount --rbind "$(readlink -f ${projectRoot}/node_modules)" ${root}/opt/longshore/node_modules
mount -t tmpfs tmpfs ${root}/tmp
mount -t tmpfs -o mode=755 tmpfs ${root}/run
mount -t proc proc ${root}/proc
mount -t sysfs -o ro sysfs ${root}/sys
mount -t cgroup2 cgroup2 ${root}/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs ${root}/dev
mkdir ${root}/dev/pts ${root}/dev/shm
for node in null zero full random urandom tty; do touch ${root}/dev/$node; mount --bind /dev/$node ${root}/dev/$node; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ${root}/dev/pts
ln -s pts/ptmx ${root}/dev/ptmx
rm -rf ${root}/etc/systemd/system/*.wants ${root}/etc/fstab
: > ${root}/etc/machine-id
printf '[Unit]\\nRequires=basic.target dbus.socket\\nAfter=basic.target\\nAllowIsolate=yes\\n' > ${root}/etc/systemd/system/machine.target
ln -sf machine.target ${root}/etc/systemd/system/default.target
# Those would reach for the devices and settings of the system around it.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-logind.service \\
  systemd-resolved.service systemd-modules-load.service systemd-sysctl.service systemd-binfmt.service sys-kernel-debug.mount sys-kernel-tracing.mount \\
  systemd-journald-audit.socket systemd-network-generator.service e2scrub_reap.service; do ln -sf /dev/null ${root}/etc/systemd/system/$unit; done
printf '#!/bin/sh\\nexec /opt/longshore/bin/longshore "$@"\\n' > ${root}/usr/local/bin/longshore
chmod 755 ${root}/usr/local/bin/longshore
hostname repo01 && echo repo01 > ${root}/etc/hostname && printf '127.0.0.1 localhost\\n127.0.0.1 repo01\\n' > ${root}/etc/hosts
ip link set lo up
cd ${root} && pivot_root . old && umount -l /old
exec env -i container=longshore-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console --show-status=yes < /dev/null
`;
}
