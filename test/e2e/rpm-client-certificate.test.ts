// A subscription's repository: its server talks to nobody without a client certificate of its own authority.
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longshore, must, type Outcome } from '../support/command.ts';
import { makeRpmUpstream } from '../support/rpm-upstream.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('rpm-certificate');
const file = (name: string): string => join(folder, name);
let server: Server;
let base: string;
/** Asked for, not by Range. */
let wholePackages = 0;

async function certificate(name: string, extension: string): Promise<void> {
  await writeFile(file(`${name}.ext`), extension);
  await must('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`]);
  await must('openssl', ['x509', '-req', '-in', file(`${name}.csr`), '-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', file(`${name}.ext`), '-out', file(`${name}.crt`)]);
}

beforeAll(async () => {
  const upstream = await makeRpmUpstream(file('upstream'));
  await upstream.add([{ name: 'app', version: '1.0' }]);
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('ca.key'), '-out', file('ca.crt'), '-days', '2', '-subj', '/CN=subscription']);
  await certificate('server', 'subjectAltName=IP:127.0.0.1\n');
  await certificate('machine', 'extendedKeyUsage=clientAuth\n');
  const [key, cert, ca] = await Promise.all(['server.key', 'server.crt', 'ca.crt'].map((name) => readFile(file(name))));
  server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    const path = join(upstream.folder, normalize(request.url ?? '/'));
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    void stat(path).then(({ size }) => {
      const [start, end] = [Number(from ?? 0), Math.min(size - 1, to === undefined || to === '' ? size - 1 : Number(to))];
      if (from === undefined && path.endsWith('.rpm')) wholePackages += 1;
      response.writeHead(from === undefined ? 200 : 206, { 'content-length': end + 1 - start, ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }) });
      createReadStream(path, { start, end }).pipe(response);
    }, () => { response.writeHead(404).end(); });
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await writeFile(file('project.yaml'), 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: bom.yaml}]\n  credentials: {certificate: {file: machine.crt}, key: {file: machine.key}, authority: {file: ca.crt}}\n');
}, 120_000);
afterAll(async () => { server.closeAllConnections(); await new Promise((done) => { server.close(done); }); });

async function bom(tls: string): Promise<void> {
  await writeFile(file('bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: rpms, version: "1"}\nspec:\n  targets: [{id: el9, family: rhel, os: rhel, release: "9", arch: amd64}]\n`
    + `  packageRepositories: [{id: cdn, manager: rpm, targets: [el9], baseurl: "${base}", gpgKeys: [{path: upstream/repository/key.asc}]${tls}}]\n  packages: [{id: main, manager: rpm, target: el9, repositories: [cdn], include: [{name: app}]}]\n`);
}

const call = (...args: readonly string[]): Promise<Outcome> => longshore([...args, '--store', 'store', '--no-progress'], { cwd: folder });
const named = ', tls: {clientCert: certificate, clientKey: key, caFile: authority}';

describe('a repository that wants a client certificate', () => {
  it('is locked, downloaded and exported with it, and the key stays where it was', async () => {
    await bom(named);
    const locked = await call('lock', '-f', 'project.yaml');
    expect(wholePackages).toBe(0);
    const outcomes = [locked, await call('download', '-f', 'project.yaml'), await call('export', '-o', 'site.tar')];
    expect(outcomes.map(({ status, stderr }) => [status, stderr.match(/^error.*/gim)])).toEqual([[0, null], [0, null], [0, null]]);
    expect(wholePackages).toBe(1);
    const lock = await readFile(file('longshore.lock.json'), 'utf8');
    expect(JSON.parse(lock)).toMatchObject({ spec: { packages: [{ name: 'app' }], repositories: [{ tls: { clientCert: 'certificate', clientKey: 'key', caFile: 'authority' } }] } });
    const secret = (await readFile(file('machine.key'), 'utf8')).split('\n').find((line) => line.length > 40) ?? '';
    expect(secret).not.toBe('');
    const everything = [lock, ...outcomes.flatMap(({ stdout, stderr }) => [stdout, stderr]), (await readFile(file('site.tar'))).toString('latin1')];
    for (const name of await readdir(file('store'), { recursive: true })) if ((await stat(join(file('store'), name))).isFile()) everything.push((await readFile(join(file('store'), name))).toString('latin1'));
    expect(everything.filter((text) => text.includes(secret))).toEqual([]);
  });

  /** A module whose repository stands in a .repo file, or in the text of one. */
  async function fromRepoFile(source: string): Promise<void> {
    await writeFile(file('bom.yaml'), `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: rpms, version: "1"}\nspec:\n  targets: [{id: el9, family: rhel, os: rhel, release: "9", arch: amd64}]\n`
      + `  packageRepositories: [{id: cdn, manager: rpm, targets: [el9], ${source}}]\n  packages: [{id: main, manager: rpm, target: el9, repositories: [cdn], include: [{name: app}]}]\n`);
  }
  const repoText = (...more: readonly string[]): string => ['[off]', 'enabled = 0', 'baseurl = https://gone.example.org/', '', '[rhel-9-baseos]', 'name = BaseOS', `baseurl = ${base}`, `gpgkey = file://${file('upstream/repository/key.asc')}`, 'sslverify = 1', ...more, ''].join('\n');
  const certificates = (): string[] => [`sslcacert = ${file('ca.crt')}`, `sslclientkey = ${file('machine.key')}`, `sslclientcert = ${file('machine.crt')}`];
  const run = async (command: 'lock' | 'download', folderName: string): Promise<Outcome> => {
    const args = [command, '--lock', `${folderName}/lock.json`, '--store', `${folderName}/store`, '--no-progress'];
    await mkdir(file(folderName), { recursive: true });
    return longshore(command === 'lock' ? [...args, '-f', 'project.yaml'] : args, { cwd: folder });
  };
  const told = ({ status, stderr }: Outcome): readonly unknown[] => [status, stderr.match(/^error.*/gim)];

  it.each([
    ['a .repo file', 'repoFile: site.repo', () => repoText(...certificates())],
    ['a .repo file with certificate and key in one', 'repoFile: site.repo', () => repoText(`sslcacert = ${file('ca.crt')}`, `sslclientcert = ${file('both.pem')}`)],
    ['the text of a .repo file', '', () => repoText(...certificates())],
  ])('is locked and downloaded with the certificate that %s names', async (title, source, text) => {
    const place = title.replaceAll(/\W+/g, '-');
    await writeFile(file('both.pem'), `${await readFile(file('machine.crt'), 'utf8')}${await readFile(file('machine.key'), 'utf8')}`);
    await writeFile(file('site.repo'), text());
    await fromRepoFile(source === '' ? `repoText: ${JSON.stringify(text())}` : source);
    wholePackages = 0;
    expect([told(await run('lock', place)), wholePackages]).toEqual([[0, null], 0]);
    expect([told(await run('download', place)), wholePackages]).toEqual([[0, null], 1]);
    const lock = await readFile(file(`${place}/lock.json`), 'utf8');
    expect(JSON.parse(lock)).toMatchObject({ spec: { repositories: [source === '' ? { tlsFiles: { certFile: file('machine.crt') } } : { repoFile: { path: 'site.repo', section: 'rhel-9-baseos' } }] } });
    expect(lock).not.toContain('PRIVATE');
  });

  it('says what to do where it is downloaded without the .repo file or the certificate that it was locked with', async () => {
    await writeFile(file('site.repo'), repoText(...certificates()));
    await fromRepoFile('repoFile: site.repo');
    expect(told(await run('lock', 'away'))).toEqual([0, null]);
    await rename(file('machine.crt'), file('renewed.crt'));
    const gone = await run('download', 'away');
    expect([gone.status, gone.stderr]).toEqual([2, expect.stringContaining('machine.crt')]);
    for (const change of [() => writeFile(file('site.repo'), repoText()), () => writeFile(file('site.repo'), '[other]\nbaseurl=https://example.org/\n'), () => rename(file('site.repo'), file('moved.repo'))]) {
      await change();
      const refused = await run('download', 'away');
      expect([refused.status, refused.stderr]).toEqual([2, expect.stringMatching(/\[rhel-9-baseos\] of site\.repo[^]*Download on the machine that locked[^]*tls: \{clientCert/)]);
    }
    await writeFile(file('site.repo'), repoText(...certificates()).replace('machine.crt', 'renewed.crt'));
    expect(told(await run('download', 'away'))).toEqual([0, null]);
    await rename(file('renewed.crt'), file('machine.crt'));
  });

  it.each([
    ['without a certificate', ', tls: {caFile: authority}', 4],
    ['without its authority', ', tls: {clientCert: certificate, clientKey: key}', 4],
    ['with a name that the project does not declare', ', tls: {clientCert: nobody}', 2],
  ])('is refused %s, with a word on what to do', async (_, tls, status) => {
    await bom(tls);
    await mkdir(file('other'), { recursive: true });
    const outcome = await call('lock', '-f', 'project.yaml', '--lock', 'other/refused.json');
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringMatching(/certificate|credential/i)]);
    await expect(readFile(file('other/refused.json'))).rejects.toThrow('ENOENT');
  });
});
