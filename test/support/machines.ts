// Machines of a test: each a copy-on-write view of this system with a network of its own. Those on the segment `outside` reach the recorded
// internet, those on `inside` only each other: no route leads out. Everything is gone when the test ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openOwnTls } from '../../repository/tls/own-tls.ts';
import { longshorePath, must, type Outcome, projectRoot, run } from './command.ts';
import type { World } from './world.ts';

export type Segment = 'outside' | 'inside';
const subnets: Readonly<Record<Segment, string>> = { outside: '10.77.0', inside: '10.78.0' };

/** A machine; commands run as root in `/root`, with `longshore` in the path and the medium at `/media/usb`. */
export interface Machine {
  readonly name: string;
  /** Where its changed files lie on this system: `/etc/x` is `<changes>/etc/x`. */
  readonly changes: string;
  run(script: string, options?: { readonly input?: string }): Promise<Outcome>;
  /** Throws with its output unless the script exits 0; returns stdout. */
  must(script: string): Promise<string>;
  write(path: string, content: string): Promise<void>;
  /** Starts what stays; waits until `ready` is found in its output. */
  start(script: string, ready: RegExp): Promise<{ output(): string; stop(): Promise<void> }>;
}

export interface Network {
  machine(name: string): Machine;
  stop(): Promise<void>;
}

interface Holder { readonly child: ChildProcess; readonly pid: number }

/** `machines`: name -> segments it is on, in order. All share one medium, `/media/usb`, as a disk that is carried around. */
export async function startNetwork(folder: string, options: { readonly world: World; readonly machines: Readonly<Record<string, readonly Segment[]>> }): Promise<Network> {
  const { world, machines } = options;
  const hosts = [...world.hosts].sort();
  const tls = await openOwnTls(join(folder, 'tls'), { hosts, now: new Date() });
  await mkdir(join(folder, 'medium'), { recursive: true });
  const names = Object.keys(machines);
  const addressOf = (name: string, segment: Segment): string => `${subnets[segment]}.${names.indexOf(name) + 2}`;
  const known = ['127.0.0.1 localhost', ...hosts.map((host) => `${subnets.outside}.1 ${host}`), ...names.map((name) => `${addressOf(name, machines[name]?.at(-1) ?? 'inside')} ${name}`)];
  const holders: Holder[] = [];
  const made = new Map<string, Machine>();
  const stop = async (): Promise<void> => {
    await Promise.all(holders.map(({ child }) => new Promise<void>((done) => { if (child.exitCode !== null || child.signalCode !== null) done(); else child.once('close', () => done()).kill('SIGKILL'); })));
  };
  try {
    const wires = await hold(['--net'], 'ip link set lo up; for b in outside inside; do ip link add $b type bridge; ip link set $b up; done; ip addr add 10.77.0.1/24 dev outside');
    holders.push(wires);
    await startReplay(wires.pid, [world.folder, `${subnets.outside}.1`, join(folder, 'tls/server.pem'), join(folder, 'tls/server.key')]);
    for (const [number, name] of names.entries()) {
      const home = join(folder, name);
      const holder = await hold(['--net', '--mount', '--uts'], bootScript(folder, { home, name, hosts: known, ca: tls.ca }));
      holders.push(holder);
      for (const segment of machines[name] ?? []) {
        const [near, far] = [`v${number}${segment}`, `${segment}0`];
        await must('nsenter', ['-t', String(wires.pid), '-n', 'sh', '-ec', `ip link add ${near} type veth peer name ${far} netns ${holder.pid}; ip link set ${near} master ${segment} up`]);
        await must('nsenter', ['-t', String(holder.pid), '-n', 'sh', '-ec', `ip addr add ${addressOf(name, segment)}/24 dev ${far}; ip link set ${far} up`]);
      }
      made.set(name, machineOf(name, holder.pid, join(home, 'upper')));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    machine: (name) => made.get(name) ?? missing(name, names),
    stop,
  };
}

function missing(name: string, names: readonly string[]): never {
  throw new Error(`there is no machine ${name}; there are ${names.join(', ')}`);
}

/** A process that keeps namespaces alive; all of its process namespace ends with it. */
async function hold(namespaces: readonly string[], script: string): Promise<Holder> {
  const child = spawn('unshare', [...namespaces, '--pid', '--fork', '--kill-child', 'sh', '-ec', `${script}\necho held\nsleep infinity & wait`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = await new Promise<string>((done) => {
    let text = '';
    const add = (chunk: Buffer): void => { text += chunk.toString(); if (/^held$/m.test(text)) done(text); };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('close', () => done(text));
  });
  if (!/^held$/m.test(output)) throw new Error(`a test machine did not start: ${output}`);
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return { child, pid: Number(children.trim().split(' ')[0]) };
}

async function startReplay(pid: number, args: readonly string[]): Promise<void> {
  const child = spawn('nsenter', ['-t', String(pid), '-n', '-p', process.execPath, join(import.meta.dirname, 'replay-server.ts'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((done, fail) => { child.stdout.once('data', () => done()); child.once('close', () => fail(new Error('the replay server ended'))); });
}

interface Boot { readonly home: string; readonly name: string; readonly hosts: readonly string[]; readonly ca: string }

function bootScript(folder: string, { home, name, hosts, ca }: Boot): string {
  const root = `${home}/root`;
  const shown = [projectRoot, join(projectRoot, 'node_modules')];
  return `
mount --make-rprivate /
mkdir -p ${home}/upper ${home}/work ${home}/home ${home}/store ${root}
mount -t overlay overlay -o lowerdir=/,upperdir=${home}/upper,workdir=${home}/work ${root}
mount -t tmpfs tmpfs ${root}/tmp
mount -t tmpfs tmpfs ${root}/run
mount -t proc proc ${root}/proc
mount --rbind /dev ${root}/dev
mount --rbind /sys ${root}/sys
mkdir -p ${root}/media/usb ${root}/var/lib/longshore
mount --bind ${home}/home ${root}/root
mount --bind ${home}/store ${root}/var/lib/longshore
mount --bind ${folder}/medium ${root}/media/usb
for path in ${shown.join(' ')} $(readlink -f ${projectRoot}/node_modules); do mkdir -p ${root}$path && mount --rbind $path ${root}$path; done
hostname ${name} && echo ${name} > ${root}/etc/hostname && rm -f ${root}/etc/resolv.conf
printf '%s\\n' ${hosts.map((line) => `'${line}'`).join(' ')} > ${root}/etc/hosts
cat > ${root}/etc/ssl/outside.pem <<'END'
${ca.trim()}
END
cat ${root}/etc/ssl/outside.pem >> ${root}/etc/ssl/certs/ca-certificates.crt
mkdir -p ${root}/usr/local/share/ca-certificates
cp ${root}/etc/ssl/outside.pem ${root}/usr/local/share/ca-certificates/outside.crt
mkdir -p ${root}/usr/local/bin
printf '#!/bin/sh\\nexec ${process.execPath} ${longshorePath} "$@"\\n' > ${root}/usr/local/bin/longshore
printf '#!/bin/sh\\nexec "$@"\\n' > ${root}/usr/local/bin/npx
chmod 755 ${root}/usr/local/bin/longshore ${root}/usr/local/bin/npx
ip link set lo up
cd ${root} && exec chroot ${root} sh -c 'echo held; sleep infinity & wait'`;
}

const environment = 'env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive NODE_EXTRA_CA_CERTS=/etc/ssl/outside.pem';

function machineOf(name: string, pid: number, changes: string): Machine {
  const enter = (script: string): string[] => ['-t', String(pid), '-m', '-u', '-n', '-p', '-r', '-w', 'sh', '-c', `cd /root && exec ${environment} sh -ec "$1"`, 'sh', script];
  const runHere: Machine['run'] = (script, options = {}) => run('nsenter', enter(script), options);
  const mustHere: Machine['must'] = async (script) => {
    const { status, stdout, stderr } = await runHere(script);
    if (status !== 0) throw new Error(`${name}$ ${script}: status ${status}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`);
    return stdout;
  };
  return {
    name, changes, run: runHere, must: mustHere,
    write: async (path, content) => { await runHere(`mkdir -p "$(dirname '${path}')" && cat > '${path}'`, { input: content }); },
    start: async (script, ready) => {
      const child = spawn('nsenter', enter(`exec ${script}`), { stdio: ['ignore', 'pipe', 'pipe'] });
      // From the start: who ended before the stop says so only once.
      const ended = new Promise<void>((done) => { child.once('close', () => done()); });
      let output = '';
      await new Promise<void>((done, fail) => {
        const add = (chunk: Buffer): void => { output += chunk.toString(); if (ready.test(output)) done(); };
        child.stdout.on('data', add);
        child.stderr.on('data', add);
        child.once('close', (status) => fail(new Error(`${name}$ ${script}: ended with ${status}\n${output.slice(-3000)}`)));
      });
      // The program is the child of nsenter, which forks into the process namespace.
      const stop = async (): Promise<void> => {
        const inner = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '')).trim();
        if (inner !== '') process.kill(Number(inner.split(' ')[0]), 'SIGTERM');
        await ended;
      };
      return { output: () => output, stop };
    },
  };
}

/** Files that a test wants beside the machines. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}
