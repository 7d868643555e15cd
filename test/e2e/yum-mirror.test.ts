// Our yum mirror beside createrepo_c's over the same packages, and dnf installing from it with every check on.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRepomd } from '../../formats/rpm/repomd.ts';
import { renderYumMirror } from '../../formats/rpm/mirror.ts';
import { longshore, longshorePath, must, run } from '../support/command.ts';
import { buildRpms, describeRpms, everyFeature, type GpgKey, makeGpgKey, signRpms, stopGpg } from '../support/rpm-build.ts';
import { lockedRpm } from '../support/rpm-lock.ts';
import { dnf, dnfArguments, indexOf, lockFolder, target, writeLock } from '../support/rpm-site.ts';
import { startServe } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder('yum');
const upstream = join(folder, 'upstream');
let key: GpgKey;
let served: Awaited<ReturnType<typeof startServe>>;

async function ok(args: readonly string[]): Promise<string> {
  const outcome = await longshore(args, { cwd: folder });
  if (outcome.status !== 0) throw new Error(`longshore ${args.join(' ')}: ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
}

/** Packs the lock's content, takes it into the machine, and so makes its next generation. */
async function publish(name: string, options: Omit<Parameters<typeof lockFolder>[1], 'store' | 'publicKey'> = {}): Promise<void> {
  await writeLock(join(folder, 'longshore.lock.json'), await lockFolder(upstream, { store: join(folder, 'store'), publicKey: key.publicKey, ...options }));
  await ok(['export', '--store', 'store', '-o', `${name}.tar`, '--sign', 'ops.key']);
  await ok(['import', `${name}.tar`, '--key', 'ops.asc', '--store', 'machine']);
}

beforeAll(async () => {
  await mkdir(upstream);
  key = await makeGpgKey(join(folder, 'gpg'), 'bed@example.org');
  await buildRpms(upstream, everyFeature);
  await signRpms(upstream, key);
  await describeRpms(upstream);
  await ok(['keygen', '--name', 'Site operations', '-o', 'ops']);
  await publish('site');
  served = await startServe(['--store', 'machine'], folder);
  for (const name of ['ours', 'theirs', 'unpacked']) await mkdir(join(folder, 'repos', name), { recursive: true });
  await writeFile(join(folder, 'repos/theirs/bed.repo'), `[bed]\nname=bed\nbaseurl=file://${upstream}\ngpgcheck=0\n`);
  await must('curl', ['-fsS', `${served.url}/client/files/etc/yum.repos.d/longshore-site-alma-9.repo`, '-o', join(folder, 'client.repo')]);
  const text = await readFile(join(folder, 'client.repo'), 'utf8');
  await must('curl', ['-fsS', `${served.url}/keys/longshore.asc`, '-o', join(folder, 'machine.asc')]);
  // The key lies where the client's root is, not this machine's; the name is not to tell the two repositories apart.
  await writeFile(join(folder, 'repos/ours/bed.repo'), text.replace(/^\[.*\]\nname=.*/, '[bed]\nname=bed').replace(/file:\/\/\S+/, `file://${join(folder, 'machine.asc')}`));
});
afterAll(async () => {
  await served?.stop();
  if (key !== undefined) await stopGpg(key);
});

/** The packages of an index, by their bytes; when a file was last touched says nothing about it. */
function records(index: Buffer): string[] {
  return [...index.toString().matchAll(/<package [^]*?<\/package>/g)].map(([text]) => text.replace(/<time file="\d+"/, '<time file=""').replace(/<location [^>]*>/, '<location/>')).sort();
}

const perPackage = ['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'];
const fields = ['name', 'epoch', 'version', 'release', 'arch', 'summary', 'description', 'url', 'license', 'vendor', 'packager', 'sourcerpm', 'buildtime', 'downloadsize', 'installsize', 'group', ...perPackage];
const questions: readonly string[] = [
  ...everyFeature.map(({ name, version, arch }) => `repoquery --list ${name}-*${version}-1.${arch}`),
  ...[...perPackage, 'changelog'].map((what) => `repoquery --${what} "*"`),
  `repoquery --qf "${fields.map((field) => `%{${field}}`).join('|')}" "*"`,
  'repoquery --whatprovides bed-old', 'repoquery --whatrequires bed-lib', 'repoquery --file "/opt/deep/a/b/ü <x>"', 'repoquery --latest-limit=1 "*"',
  'group list --ids', 'group info bed-group', 'group info bed-env', 'module list', 'module info bedmod',
];
/** Each a run of its own: dnf goes on filtering by advisories in the same one. */
const aboutAdvisories = [['--advisory', 'BED-2024:1'], ['--cve', 'CVE-2024-0001'], ['--sec-severity', 'Important']];

/** What dnf answers to every question, in one run: each answer ends with a line of its own. */
async function answers(repository: 'ours' | 'theirs' | 'unpacked'): Promise<Map<string, string>> {
  const script = join(folder, `${repository}.questions`);
  await writeFile(script, questions.flatMap((question) => [question, 'repoquery --qf "=====" bed-old']).join('\n'));
  const place = { root: join(folder, `root-${repository}`), repos: join(folder, 'repos', repository) };
  const outcome = await dnf(place, ['-q', 'shell', script]);
  expect([outcome.status, outcome.stderr.match(/^Error.*|.*verification.*/gm)], outcome.stderr).toEqual([0, null]);
  const texts = outcome.stdout.replaceAll(/^(?:Repository|Repo)\s*:.*\n/gm, '').split('=====\n');
  expect(texts).toHaveLength(questions.length + 1);
  const found = new Map(questions.map((question, index) => [question, texts[index] ?? '']));
  for (const question of aboutAdvisories) found.set(question.join(' '), (await dnf(place, ['-q', 'repoquery', ...question, '*'])).stdout);
  return found;
}

describe('metadata', () => {
  it.each(['primary', 'filelists', 'other'])('has the same %s as createrepo_c makes, package by package', async (type) => {
    const archive = join(folder, 'tree');
    await mkdir(archive, { recursive: true });
    await must('tar', ['-xf', join(folder, 'site.tar'), '-C', archive]);
    const ours = records(await indexOf(join(archive, 'yum', target.id), type));
    expect(ours).toHaveLength(everyFeature.length);
    expect(ours).toEqual(records(await indexOf(upstream, type)));
  });

  it('makes the same entry of primary from a header', async () => {
    const made: string[] = [];
    for (const name of (await readdir(upstream)).filter((each) => each.endsWith('.rpm'))) made.push(lockedRpm(await readFile(join(upstream, name)), target.id).stanza);
    expect(records(Buffer.from(made.join('\n')))).toEqual(records(await indexOf(upstream, 'primary')));
  });

  it('answers dnf as createrepo_c\'s does: relations, file lists, changelogs, groups, modules, advisories', async () => {
    const [ours, theirs] = [await answers('ours'), await answers('theirs')];
    for (const [question, answer] of theirs) {
      expect(ours.get(question), question).toBe(answer);
      expect(answer.trim(), question).not.toBe('');
    }
  });

  it('is the same bytes on every rendering', async () => {
    const lock = await lockFolder(upstream, { store: join(folder, 'store'), publicKey: key.publicKey });
    const options = { target: target.id, date: 1_700_000_000 };
    const [first, second] = [await renderYumMirror(lock.spec.packages, new Map(), options), await renderYumMirror(lock.spec.packages.toReversed(), new Map(), options)];
    expect(second).toEqual(first);
    await ok(['export', '--store', 'store', '-o', 'again.tar', '--sign', 'ops.key', '--concurrency', '1']);
    await must('cmp', ['site.tar', 'again.tar'], { cwd: folder });
  });
});

describe('the archive', () => {
  it('is served where it lies with the same metadata, file lists out of its packages', async () => {
    const place = await startServe(['site.tar', '--key', 'ops.asc'], folder);
    try {
      const root = `${place.url}/yum/${target.id}`;
      const listed = parseRepomd(Buffer.from(await (await fetch(`${root}/repodata/repomd.xml`)).arrayBuffer()), 'repomd').files;
      for (const type of ['primary', 'filelists', 'other']) {
        const location = listed.find((file) => file.type === type)?.location ?? '';
        expect(records(gunzipSync(Buffer.from(await (await fetch(`${root}/${location}`)).arrayBuffer()))), type).toEqual(records(await indexOf(upstream, type)));
      }
    } finally {
      await place.stop();
    }
  });

  it('goes through a pipe with the same bytes', async () => {
    await must('sh', ['-c', '"$0" "$1" export --store store -o - --sign ops.key > piped.tar && cmp site.tar piped.tar', process.execPath, longshorePath], { cwd: folder });
  });
});

describe('the unpacked archive', () => {
  it('is a signed repository for dnf', async () => {
    const tree = join(folder, 'tree/yum', target.id);
    await must('gpg', ['--homedir', key.home, '--batch', '--quiet', '--import', join(folder, 'ops.asc')]);
    await must('gpg', ['--homedir', key.home, '--batch', '--verify', join(tree, 'repodata/repomd.xml.asc'), join(tree, 'repodata/repomd.xml')]);
    await writeFile(join(folder, 'bed.asc'), key.publicKey);
    const vendor = /^ {2}gpgkey=file:\/\/\/FOLDER\/(\S+)$/m.exec(await readFile(join(folder, 'tree/README.txt'), 'utf8'))?.[1] ?? '';
    await writeFile(join(folder, 'repos/unpacked/bed.repo'), `[bed]\nname=bed\nbaseurl=file://${tree}\ngpgcheck=1\nrepo_gpgcheck=1\nmodule_hotfixes=1\ngpgkey=file://${join(folder, 'ops.asc')}\n       file://${join(folder, 'tree', vendor)}\n`);
    expect(await answers('unpacked')).toEqual(await answers('theirs'));
    const outcome = await dnf({ root: join(folder, 'root-unpacked'), repos: join(folder, 'repos/unpacked') }, ['install', 'bed-files']);
    expect([outcome.status, outcome.stderr.match(/^Error.*/gm)]).toEqual([0, null]);
    expect(await readFile(join(folder, 'tree/README.txt'), 'utf8')).toContain(`/yum/${target.id}`);
  });
});

/** Runs dnf with `longshore serve` in a network namespace that has nothing but loopback. */
async function inside(root: string, repos: string, args: readonly string[]): Promise<{ readonly status: number | null; readonly text: string }> {
  await mkdir(join(root, 'var/log'), { recursive: true });
  const outer = `
    ip link set lo up
    if ip route get 192.0.2.1 2>/dev/null; then echo 'there is a route to the outside' >&2; exit 99; fi
    "$NODE" "$LONGSHORE" serve --store "$MACHINE" >/dev/null 2>&1 &
    server=$!
    for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:5000/healthz 2>/dev/null && break; sleep 0.1; done
    dnf "$@"
    status=$?
    kill "$server"; wait "$server" 2>/dev/null
    exit $status`;
  const outcome = await run('unshare', ['--net', '--pid', '--fork', '--kill-child', 'sh', '-c', outer, 'sh', ...dnfArguments({ root, repos }, args)], {
    env: { MACHINE: join(folder, 'machine'), NODE: process.execPath, LONGSHORE: longshorePath, LC_ALL: 'C.UTF-8' },
  });
  return { status: outcome.status, text: outcome.stdout + outcome.stderr };
}

const installed = async (root: string): Promise<string[]> => (await must('rpm', ['--root', root, '-qa', '--qf', '%{NAME} %{EVR}.%{ARCH}\n'])).trim().split('\n').filter((line) => !line.startsWith('gpg-pubkey')).sort();

describe('dnf', () => {
  const root = join(folder, 'client');
  const repos = join(folder, 'repos/inside');

  beforeAll(async () => {
    await mkdir(repos, { recursive: true });
    const text = await readFile(join(folder, 'repos/ours/bed.repo'), 'utf8');
    await writeFile(join(repos, 'bed.repo'), text.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:5000'));
  });

  it('is told to check everything', async () => {
    const text = await readFile(join(repos, 'bed.repo'), 'utf8');
    expect(text).toMatch(/^gpgcheck=1$/m);
    expect(text).toMatch(/^repo_gpgcheck=1$/m);
  });

  it('installs from an older generation, and upgrades to the newer one for an advisory of a version between, with no way out', async () => {
    await publish('older', { sequence: 2, wanted: ({ version }) => !version.includes('^') });
    const first = await inside(root, repos, ['install', 'bed-app', 'bed-modular']);
    expect([first.status, first.text.match(/^Error.*/gm)], first.text).toEqual([0, null]);
    expect(await installed(root)).toEqual(['bed-app 1:1.0-1.x86_64', 'bed-files 3-1.noarch', 'bed-lib 2.36-1.x86_64', 'bed-modular 1.0-1.noarch', 'bed-shell 5.2-1.x86_64', 'bed-weak 1-1.noarch']);
    await publish('newer', { sequence: 3 });
    const second = await inside(root, repos, ['upgrade', '--refresh', '--security']);
    expect([second.status, second.text.match(/^Error.*/gm)], second.text).toEqual([0, null]);
    expect(await installed(root)).toContain('bed-app 1:1.0^git1-1.x86_64');
  });

  it('sees the default stream of a module without module_hotfixes too', async () => {
    await mkdir(join(folder, 'repos/streams'), { recursive: true });
    await writeFile(join(folder, 'repos/streams/bed.repo'), (await readFile(join(folder, 'repos/ours/bed.repo'), 'utf8')).replace('module_hotfixes=1\n', ''));
    const options = { root: join(folder, 'root-streams'), repos: join(folder, 'repos/streams') };
    expect((await dnf(options, ['-q', 'repoquery', 'bed-modular'])).stdout.trim()).toBe('bed-modular-0:1.0-1.noarch');
    expect((await dnf(options, ['-q', 'module', 'disable', 'bedmod'])).status).toBe(0);
    expect((await dnf(options, ['-q', 'repoquery', 'bed-modular'])).stdout.trim()).toBe('');
  });

  it('refuses metadata that the machine did not sign, and packages that no given key signed', async () => {
    const text = await readFile(join(repos, 'bed.repo'), 'utf8');
    const [, ...vendor] = /^gpgkey=(\S+)((?:\n\s+\S+)*)/m.exec(text)?.[2]?.trim().split(/\s+/) ?? [];
    expect(vendor).toEqual([]);
    const only = async (name: string, keys: string): Promise<string> => {
      await mkdir(join(folder, 'repos', name), { recursive: true });
      await writeFile(join(folder, 'repos', name, 'bed.repo'), text.replace(/^gpgkey=\S+(?:\n\s+\S+)*/m, `gpgkey=${keys}`));
      return join(folder, 'repos', name);
    };
    const foreign = await inside(join(folder, 'foreign'), await only('foreign', `file://${join(folder, 'bed.asc')}`), ['install', 'bed-files']);
    expect([foreign.status, foreign.text]).toEqual([1, expect.stringMatching(/repomd\.xml GPG signature verification error/) as string]);
    const unsigned = await inside(join(folder, 'unsigned'), await only('unsigned', `file://${join(folder, 'machine.asc')}`), ['install', 'bed-files']);
    expect([unsigned.status, unsigned.text]).toEqual([1, expect.stringMatching(/GPG check FAILED/) as string]);
  });
});
