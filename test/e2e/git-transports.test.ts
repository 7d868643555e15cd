// How git repositories are reached: https with an authority of one's own, ssh to a real sshd, and a connection that ends in between.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, longshore, must, type Outcome, type Service, startService } from '../support/command.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('git-transports');
const identity = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };
const git = async (cwd: string, ...args: string[]): Promise<string> => (await must('git', ['-c', 'init.defaultBranch=main', ...args], { cwd, env: identity })).trim();
const at = (name: string): string => join(folder, name);

let commit = '';
beforeAll(async () => {
  await mkdir(at('work'));
  await git(at('work'), 'init', '-q');
  // Incompressible, so that a connection can end inside the pack.
  await writeFile(at('work/data.bin'), randomBytes(400_000));
  await writeFile(at('work/bom.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: from-git, version: "1"}\nspec: {}\n');
  await git(at('work'), 'add', '.');
  await git(at('work'), 'commit', '-qm', 'one');
  commit = await git(at('work'), 'rev-parse', 'HEAD');
  await mkdir(at('forge'));
  await git(folder, 'clone', '-q', '--bare', at('work'), at('forge/app.git'));
});

interface Lock { readonly spec: { readonly git: readonly { readonly commit: string; readonly digest: string }[] } }

/** Locks the repository at `url` in a store of its own. */
async function lock(name: string, url: string, { flags = [], env = {} }: { readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Outcome> {
  await writeFile(at(`${name}.yaml`), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: app, version: "1"}\nspec:\n  git:\n    - {id: app, url: "${url}", ref: main}\n`);
  return longshore(['lock', '-f', `${name}.yaml`, '--lock', `${name}.json`, '--store', at(`${name}-store`), ...flags], { cwd: folder, env: { HOME: folder, GIT_CONFIG_GLOBAL: '/dev/null', ...env } });
}
const locked = async (name: string): Promise<Lock> => JSON.parse(await readFile(at(`${name}.json`), 'utf8')) as Lock;
const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

describe('over https with an authority of one\'s own', () => {
  let server: GitServer;
  beforeAll(async () => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await must('openssl', ['req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-days', '2', '-subj', '/CN=test CA']);
    await must('openssl', ['req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=forge']);
    await writeFile(at('server.ext'), 'subjectAltName=IP:127.0.0.1\n');
    await must('openssl', ['x509', '-req', '-in', at('server.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('server.ext'), '-out', at('server.crt')]);
    server = await startGitServer(at('forge'), { tls: { key: await readFile(at('server.key'), 'utf8'), cert: await readFile(at('server.crt'), 'utf8') } });
  });
  afterAll(() => server?.stop());

  it('is refused without --ca-file, and locked with it', async () => {
    expect(await lock('https', `${server.origin}/app.git`)).toMatchObject({ status: 4, stderr: expect.stringContaining('certificate') });
    expect(await isThere(at('https.json'))).toBe(false);
    expect(await lock('https', `${server.origin}/app.git`, { flags: ['--ca-file', 'ca.crt'] })).toMatchObject({ status: 0 });
    expect((await locked('https')).spec.git).toMatchObject([{ commit }]);
    // Fetched again by another store.
    expect(await longshore(['download', '--lock', 'https.json', '--store', at('https-other'), '-f', 'https.yaml', '--ca-file', 'ca.crt'], { cwd: folder, env: { HOME: folder } })).toMatchObject({ status: 0 });
  });

  it('a module that is read from there', async () => {
    const address = `git+${server.origin}/app.git@main#bom.yaml`;
    expect(await longshore(['bom', 'show', '-f', address], { cwd: folder, env: { HOME: folder } })).toMatchObject({ status: 4 });
    const shown = await longshore(['bom', 'show', '-f', address, '--ca-file', 'ca.crt'], { cwd: folder, env: { HOME: folder } });
    expect(shown.stdout + shown.stderr).toContain('from-git');
  });

  it('a file that is no authority says so', async () => {
    expect(await lock('https-none', `${server.origin}/app.git`, { flags: ['--ca-file', 'none.crt'] })).toMatchObject({ status: 2, stderr: expect.stringContaining('none.crt') });
  });
});

describe('over ssh', () => {
  let sshd: Service;
  let url = '';
  const ssh = (known: string, key = 'client'): Readonly<Record<string, string>> => ({ GIT_SSH_COMMAND: `ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -i ${at(key)} -o UserKnownHostsFile=${at(known)} -o StrictHostKeyChecking=yes` });
  beforeAll(async () => {
    for (const name of ['host', 'client', 'stranger']) await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    await writeFile(at('authorized'), await readFile(at('client.pub')));
    await chmod(at('authorized'), 0o600);
    const port = await freePort();
    await mkdir('/run/sshd', { recursive: true });
    await writeFile(at('sshd.conf'), `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${at('host')}\nAuthorizedKeysFile ${at('authorized')}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n`);
    sshd = await startService('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd.conf')], { ready: (output) => output.includes('Server listening') });
    const [type, hostKey] = (await readFile(at('host.pub'), 'utf8')).split(' ');
    await writeFile(at('known'), `[127.0.0.1]:${port} ${type} ${hostKey}\n`);
    await writeFile(at('nobody'), '');
    url = `ssh://${process.env['USER'] ?? 'root'}@127.0.0.1:${port}${at('forge/app.git')}`;
  });
  afterAll(() => sshd?.stop());

  it('with a key that the server knows and a server that is known', async () => {
    expect(await lock('ssh', url, { env: ssh('known') })).toMatchObject({ status: 0 });
    expect((await locked('ssh')).spec.git).toMatchObject([{ commit, url }]);
    const other = await longshore(['download', '--lock', 'ssh.json', '--store', at('ssh-other'), '-f', 'ssh.yaml'], { cwd: folder, env: { HOME: folder, ...ssh('known') } });
    expect(other).toMatchObject({ status: 0 });
  });

  it('a server that is not known is refused, and what to do is said', async () => {
    const refused = await lock('ssh-unknown', url, { env: ssh('nobody') });
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('Host key verification failed') });
    expect(refused.stderr).toContain('known_hosts');
    expect(await isThere(at('ssh-unknown.json'))).toBe(false);
  });

  it('a key that the server does not know is refused', async () => {
    const refused = await lock('ssh-stranger', url, { env: ssh('known', 'stranger') });
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('Permission denied') });
    expect(refused.stderr).toContain('an ssh key');
  });
});

describe('a connection that ends in the middle', () => {
  it('leaves nothing, and the next run gives the same lock as one that was never interrupted', async () => {
    const server = await startGitServer(at('forge'));
    try {
      expect(await lock('whole', `${server.origin}/app.git`)).toMatchObject({ status: 0 });
      server.cutAfter = 100_000;
      const cut = await lock('cut', `${server.origin}/app.git`);
      expect(cut.status, cut.stderr).toBe(4);
      expect(await isThere(at('cut.json'))).toBe(false);
      expect(await readdir(at('cut-store/partial'))).toEqual([]);
      expect(await readdir(at('cut-store/blobs/sha256'))).toEqual([]);
      server.cutAfter = undefined;
      expect(await lock('cut', `${server.origin}/app.git`)).toMatchObject({ status: 0 });
      expect((await locked('cut')).spec.git).toEqual((await locked('whole')).spec.git);
    } finally {
      await server.stop();
    }
  });
});
