// `longshore client` over the system's ssh on machines of its own: real sshd into chroots of Debian, in a network namespace that ends at loopback.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeSigningKey, parseSigningKey } from '../../formats/pgp/keys.ts';
import { clearsign } from '../../formats/pgp/signature.ts';
import { makeRepository } from '../../scripts/quickstart/deb-repository.ts';
import { makeChroot } from '../support/chroot.ts';
import { longshore, longshorePath, must, type Outcome, run } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe('longshore client over ssh', async () => {
  const folder = await temporaryFolder('ssh');
  let ports: readonly number[] = [];

  async function ok(...args: string[]): Promise<void> {
    const { status, stderr } = await longshore(args, { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'cache') } });
    if (status !== 0) throw new Error(`longshore ${args.join(' ')}: ${status}\n${stderr}`);
  }

  beforeAll(async () => {
    const base = await makeChroot(folder);
    const release = Object.fromEntries((await readFile(join(base, 'etc/os-release'), 'utf8')).split('\n').map((line) => line.split('=', 2)));
    const arch = (await must('dpkg', ['--print-architecture'])).trim();
    const key = await makeSigningKey({ name: 'archive', date: new Date(Date.now() - 60_000) });
    const signer = await parseSigningKey(Buffer.from(key.privateKey), 'key');
    await writeFile(join(folder, 'archive.asc'), key.publicKey);
    await makeRepository(join(folder, 'apt'), [{ name: 'tool', version: '1.0', description: 'a tool' }], (text) => clearsign(text, signer, new Date()));
    await writeFile(join(folder, 'bom.yaml'), `apiVersion: longshore.dev/v1alpha1
kind: ModuleBOM
metadata: {name: site, version: "1"}
spec:
  targets: [{id: t, family: debian, os: ${release['ID']}, release: ${release['VERSION_ID'] ?? release['VERSION_CODENAME']}, arch: ${arch}}]
  packageRepositories: [{id: r, manager: deb, targets: [t], line: "deb file:${folder}/apt stable main", gpgKeys: [{path: archive.asc}]}]
  packages: [{id: p, manager: deb, target: t, dependencies: closure, include: [{name: tool}]}]
`);
    await ok('prepare', '-f', 'bom.yaml', '-o', 'site.tar', '--quiet');
    await ok('import', 'site.tar', '--allow-unsigned', '--store', 'machine');
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host_key')]);
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'user_key')]);
    // Ports of the namespace: nobody else is in it.
    ports = [2201, 2202];
    for (const [index, port] of ports.entries()) {
      const root = join(folder, `m${index + 1}`);
      await must('cp', ['-a', base, root]);
      await writeFile(join(root, 'etc/apt/sources.list'), '# the system\'s own\ndeb http://deb.example.org/debian stable main\n');
      await mkdir(join(root, 'etc/docker'));
      await writeFile(join(root, 'etc/docker/daemon.json'), '{ "log-driver":   "journald" }');
      await writeFile(join(folder, `sshd${port}.conf`), `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host_key
AuthorizedKeysFile ${folder}/user_key.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
ChrootDirectory /mnt/m${index + 1}
`);
    }
    await writeFile(join(folder, 'known_hosts'), (await readFile(join(folder, 'host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ').replace(/^/, '[127.0.0.1]:2201,[127.0.0.1]:2202 '));
    await writeFile(join(folder, 'inventory.ini'), `[cluster]
m1 ansible_port=2201
m2 ansible_port=2202
[gone]
m3 ansible_port=2203
[all:vars]
ansible_host=127.0.0.1
ansible_user=root
ansible_ssh_private_key_file=${folder}/user_key
`);
  });

  /** Runs steps with sshd and the machine serving, and nothing else reachable. */
  async function inNamespace(steps: string): Promise<Outcome> {
    const script = `
      ip link set lo up
      if ip route get 192.0.2.1 2>/dev/null; then exit 99; fi
      mkdir -p /run/sshd
      mount -t tmpfs -o mode=755 tmpfs /mnt
      for m in m1 m2; do mkdir /mnt/$m; mount --bind "$FOLDER/$m" /mnt/$m; done
      for port in 2201 2202; do /usr/sbin/sshd -D -e -f "$FOLDER/sshd$port.conf" 2>"$FOLDER/sshd$port.log" & done
      "$NODE" "$LONGSHORE" serve --store "$FOLDER/machine" --listen 127.0.0.1:5000 >/dev/null 2>&1 &
      for _ in $(seq 150); do curl -fsS -o /dev/null http://127.0.0.1:5000/healthz 2>/dev/null && curl -s -o /dev/null telnet://127.0.0.1:2201 </dev/null --max-time 1 >/dev/null 2>&1; [ $? -le 28 ] && break; sleep 0.1; done
      client() { action=$1; shift; "$NODE" "$LONGSHORE" client $action -i "$FOLDER/inventory.ini" --store "$FOLDER/machine" --origin http://127.0.0.1:5000 --ssh-option UserKnownHostsFile="$FOLDER/known_hosts" --ssh-option GlobalKnownHostsFile=/dev/null "$@"; }
      on() { root=$FOLDER/$1; shift; chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C HOME=/root "$@"; }
      state() { (cd "$FOLDER/$1" && find etc var/lib/longshore-client -not -name ld.so.cache 2>/dev/null | sort | while read -r f; do stat -c '%A %u %g %n' "$f"; [ ! -f "$f" ] || sha256sum < "$f"; done) | sha256sum; }
      ${steps}`;
    return run('unshare', ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script], { cwd: folder, env: { FOLDER: folder, NODE: process.execPath, LONGSHORE: longshorePath } });
  }

  it('sets up, is audited, installs, and is put back byte for byte, on several machines at once', async () => {
    const { stdout, stderr } = await inNamespace(`
      before=$(state m1)
      client audit --limit cluster; echo "audit $?"
      client setup --limit cluster --exclusive; echo "setup $?"
      client setup --limit cluster --exclusive --quiet; echo "again $?"
      client audit --limit cluster --quiet; echo "audit $?"
      on m1 apt-get update -q; on m1 apt-get install -y -q tool; echo "install $?"
      on m2 cat /etc/docker/daemon.json
      on m1 dpkg-query -W tool; on m1 apt-get purge -y -q tool >/dev/null
      client teardown --limit cluster --quiet; echo "teardown $?"
      [ "$before" = "$(state m1)" ] && echo "as before"
      client teardown --limit m2 --quiet`);
    expect(`${stdout}\n${stderr}`).toContain('audit 3\n');
    expect(stdout).toMatch(/m1 +found +\d things found\nm2 +found/);
    expect(stdout).toContain('sources.list:deb http://deb.example.org/debian stable main');
    expect(stdout).toMatch(/m1 +changed +\d+ files\nm2 +changed +\d+ files\nsetup 0\n/);
    expect(stdout).toMatch(/m1 +unchanged\nm2 +unchanged\nagain 0\n/);
    expect(stdout).toMatch(/m1 +clean\nm2 +clean\naudit 0\n/);
    expect(stdout).toMatch(/install 0\n/);
    expect(stdout).toContain('tool\t1.0');
    expect(stdout).toMatch(/"log-driver": +"journald",\s+"registry-mirrors": \[\s+"http:\/\/127.0.0.1:5000"/);
    expect(stdout).toMatch(/teardown 0\nas before\n/);
    expect(stdout).toMatch(/m2 +unchanged/);
  });

  it('does what it can when a machine cannot be reached, or refuses, and says so by its status', async () => {
    const { stdout, stderr } = await inNamespace(`
      client setup --json > "$FOLDER/out.json"; echo "unreachable $?"
      client setup --limit 'all,!gone' --ssh-option IdentityFile=/nonexistent --ssh-option IdentitiesOnly=yes --quiet >/dev/null 2>"$FOLDER/err"; echo "keys $?"
      echo x > "$FOLDER/m2/etc/docker/daemon.json"
      client teardown --limit m2 --quiet; echo '{' > "$FOLDER/m2/etc/docker/daemon.json"
      client setup --limit cluster --quiet; echo "failed $?"
      client setup --limit nobody --quiet; echo "limit $?"`);
    expect(`${stdout}${stderr}`).toMatch(/unreachable 4\nkeys 0\n/);
    const report = JSON.parse(await readFile(join(folder, 'out.json'), 'utf8')) as { readonly error: { readonly details: { readonly hosts: readonly { readonly host: string; readonly status: string }[] } } };
    expect(report.error.details.hosts.map(({ host, status }) => [host, status])).toEqual([['m1', 'changed'], ['m2', 'changed'], ['m3', 'unreachable']]);
    expect(stdout).toMatch(/note|m2 +changed/);
    expect(stdout).toMatch(/m1 +unchanged *\nm2 +failed +\S.*\nfailed 7\nlimit 2\n/);
    expect(await readFile(join(folder, 'm2/etc/docker/daemon.json.longshore-changed'), 'utf8')).toBe('x\n');
  });

  it('may be cut half-way: it can be run again, and undone', async () => {
    const { stdout } = await inNamespace(`
      client teardown --limit cluster --quiet >/dev/null 2>&1; printf '{}' > "$FOLDER/m2/etc/docker/daemon.json"; rm -f "$FOLDER"/m?/etc/docker/daemon.json.longshore-changed
      before=$(state m1)
      for ms in 0.3 0.5 0.7 0.9 1.1; do
        timeout -s KILL $ms "$NODE" "$LONGSHORE" client setup -i "$FOLDER/inventory.ini" --limit m1 --exclusive --store "$FOLDER/machine" --origin http://127.0.0.1:5000 --ssh-option UserKnownHostsFile="$FOLDER/known_hosts" >/dev/null 2>&1
        client setup --limit m1 --exclusive --quiet >/dev/null || echo "setup failed"
        client audit --limit m1 --quiet
        client teardown --limit m1 --quiet >/dev/null || echo "teardown failed"
        [ "$before" = "$(state m1)" ] && echo "as before"
      done`);
    expect(stdout.match(/m1 +clean/g)).toHaveLength(5);
    expect(stdout.match(/as before/g)).toHaveLength(5);
    expect(stdout).not.toContain('failed');
  });
});
