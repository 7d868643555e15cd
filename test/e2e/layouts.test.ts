// What `publish --layout` writes, read by those it is for: docker archives by skopeo, packages by apt, the universe's JSON by its schema's words, Zeta's stages.
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAptRoot } from '../support/apt-root.ts';
import { must } from '../support/command.ts';
import { type Machine, type Network, startNetwork } from '../support/machines.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeUsualWorld } from '../support/world.ts';

const folder = await temporaryFolder('layouts');
let network: Network;
let repo: Machine;
const out = join(folder, 'medium');

const bom = (name: string, spec: string, more = ''): string => `apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: ${name}, version: "2.0.2"${more}}\nspec:\n${spec}`;
const broker = { package: { packagingVersion: '4.0', name: 'broker', version: '1.4', maintainer: 'x@example.org', description: 'b', tags: ['b'], upgradesFrom: ['*'] }, resource: {
  assets: { uris: { 'sched-zip': 'https://downloads.example.org/app-1.10.tgz' }, container: { docker: { acme: 'quay.io/acme/kafka:2.8.1', gone: 'quay.io/acme/${x}' } } },
  images: { 'icon-small': 'https://downloads.example.org/tool-1.2.tar.gz' },
} };

beforeAll(async () => {
  const world = await makeUsualWorld(join(folder, 'world'));
  await world.addFile('downloads.example.org/dash.json', '{"dashboard": 1}');
  await world.addFile('downloads.example.org/install_instance.sh', '#!/bin/sh\necho installed\n');
  network = await startNetwork(folder, { world, machines: { dl01: ['outside'], repo01: ['inside'] } });
  const dl = network.machine('dl01');
  repo = network.machine('repo01');
  await dl.write('spark.yaml', bom('spark', `  images: [{ref: "docker.io/library/redis:7", platforms: [linux/amd64]}]
  files:
    - {urls: ["https://downloads.example.org/app-1.10.tgz"], saveAs: spark/spark-2.0.2.tgz}
    - {urls: ["https://downloads.example.org/dash.json"], saveAs: "spark/erlang_1%3a23_amd64.deb"}
    - {urls: ["https://downloads.example.org/install_instance.sh"], saveAs: spark/install_instance.sh, purpose: script, mode: "0755"}
  produces: [{image: "\${registryHost}/spark:2.0.2"}]
  variables: {registryHost: {default: ""}}
`, ', labels: {short: spark}'));
  await dl.write('epi.yaml', bom('epi', `  targets: [{id: u2004, family: debian, os: ubuntu, release: "20.04", arch: amd64}]
  images: [{ref: "quay.io/acme/kafka:2.8.1", platforms: [linux/amd64, linux/arm64]}]
  files: [{urls: ["https://downloads.example.org/dash.json"], saveAs: grafana_7.json, purpose: dashboard}, {urls: ["https://downloads.example.org/tool-1.2.tar.gz"], saveAs: tool.tgz}]
  packageRepositories: [{id: t, manager: deb, targets: [u2004], line: "deb https://deb.example.org/debian stable main", gpgKeys: [{url: "https://deb.example.org/debian/archive.asc"}]}]
  packages: [{id: m, manager: deb, target: u2004, dependencies: closure, include: [{name: greeter}]}]
`));
  await dl.write('universe/packages/B/broker/3/package.json', JSON.stringify(broker.package));
  await dl.write('universe/packages/B/broker/3/resource.json', JSON.stringify(broker.resource));
  await dl.write('universe/packages/B/broker/3/config.json', '{"properties": {"name": {"default": "broker"}}}');
  await dl.write('universe/packages/B/broker/3/marathon.json.mustache', '{"id": "{{name}}", "container": {"docker": {"image": "docker.io/library/redis:7"}}}');
  await dl.write('project.yaml', 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: site}\nspec:\n  modules: [{bom: spark.yaml}, {bom: epi.yaml}, {adapter: universe, from: universe}]\n');
  await dl.must('longshore prepare -f project.yaml -o /media/usb/site.tar');
  await repo.must('longshore import /media/usb/site.tar --allow-unsigned --copy');
});
afterAll(() => network?.stop());

describe('epirepo', () => {
  const tree = join(out, 'epirepo');
  it('is written as the roles expect it, and a second time nothing', async () => {
    const first = JSON.parse(await repo.must('longshore publish --layout epirepo --platform linux/amd64 --to /media/usb/epirepo --json')) as { written: string[]; skipped: unknown[] };
    expect(first.written).toEqual([
      'files/app-1.10.tgz', 'files/erlang_1%3a23_amd64.deb', 'files/install_instance.sh', 'files/spark-2.0.2.tgz', 'files/tool-1.2.tar.gz', 'files/tool.tgz', 'grafana_dashboards/grafana_7.json',
      'images/kafka-2.8.1.tar', 'images/redis-7.tar', 'packages/Packages', 'packages/Packages.gz', 'packages/greeter-data_1.0-1_all.deb', 'packages/greeter_1.0-1_all.deb',
    ]);
    const second = JSON.parse(await repo.must('longshore publish --layout epirepo --platform linux/amd64 --to /media/usb/epirepo --json')) as { written: string[]; present: string[] };
    expect([second.written, second.present.length]).toEqual([[], first.written.length]);
  });

  it('repairs what was changed, and removes what a killed writer left', async () => {
    await writeFile(join(tree, 'files/tool.tgz'), 'changed');
    await rm(join(tree, 'images/redis-7.tar'));
    await writeFile(join(tree, 'images/.redis-7.tar.999999999.longshore-part'), 'half');
    const again = JSON.parse(await repo.must('longshore publish --layout epirepo --platform linux/amd64 --to /media/usb/epirepo --json')) as { written: string[] };
    expect(again.written).toEqual(['files/tool.tgz', 'images/redis-7.tar']);
    expect((await readdir(join(tree, 'images'))).sort()).toEqual(['kafka-2.8.1.tar', 'redis-7.tar']);
  });

  it('gives skopeo the image of docker load', async () => {
    const inspected = JSON.parse(await must('skopeo', ['inspect', '--config', `docker-archive:${join(tree, 'images/redis-7.tar')}:redis:7`])) as { architecture: string };
    expect(inspected.architecture).toBe('amd64');
    await must('skopeo', ['copy', '-q', '--insecure-policy', `docker-archive:${join(tree, 'images/kafka-2.8.1.tar')}`, `oci:${join(folder, 'kafka')}:x`]);
  });

  it('gives apt the packages', async () => {
    const root = await makeAptRoot(join(folder, 'apt'), { architecture: 'amd64', sources: `Types: deb\nURIs: file:${tree}/packages\nSuites: ./\nTrusted: yes\n` });
    await root.mustApt(['update', '-q']);
    expect(await root.mustApt(['install', '-y', '-q', '--print-uris', 'greeter'])).toContain('greeter-data');
  });

  it('names with a percent sign are asked for with it encoded again', async () => {
    const service = await repo.start('longshore serve --listen 127.0.0.1:5055', /http:\/\//);
    expect(await repo.must('curl -fsS http://127.0.0.1:5055/files/spark/erlang_1%253a23_amd64.deb')).toContain('dashboard');
    expect((await repo.run('curl -fsS http://127.0.0.1:5055/files/spark/erlang_1%3a23_amd64.deb')).status).toBe(22);
    await service.stop();
  });

  it('is not guessed where an image has several platforms', async () => {
    const { status, stderr } = await repo.run('longshore publish --layout epirepo --to /media/usb/other');
    expect([status, stderr]).toEqual([3, expect.stringContaining('--platform')]);
    await expect(stat(join(out, 'other'))).rejects.toThrow();
  });
});

describe('dcos-universe', () => {
  it('is a repository whose every address leads to the repository machine', async () => {
    const { skipped } = JSON.parse(await repo.must('longshore publish --layout dcos-universe --base-url https://repo01:5000 --to /media/usb/universe --json')) as { skipped: { what: string }[] };
    expect(skipped.map(({ what }) => what)).toEqual(['broker: resource.assets.container.docker.gone quay.io/acme/${x}']);
    const { packages } = JSON.parse(await readFile(join(out, 'universe/repo-v4.json'), 'utf8')) as { packages: Record<string, unknown>[] };
    expect(packages.map(({ name }) => name).sort()).toEqual(['broker', 'epi', 'spark']);
    const found = packages.find(({ name }) => name === 'broker') as { releaseVersion: number; config: unknown; marathon: { v2AppMustacheTemplate: string }; resource: unknown; upgradesFrom: string[] };
    expect(found).toMatchObject({
      packagingVersion: '4.0', version: '1.4', releaseVersion: 3, upgradesFrom: ['*'], config: { properties: { name: { default: 'broker' } } },
      resource: { assets: { uris: { 'sched-zip': 'https://repo01:5000/files/broker/1.4/uris/app-1.10.tgz' }, container: { docker: { acme: 'repo01:5000/quay.io/acme/kafka:2.8.1' } } }, images: { 'icon-small': 'https://repo01:5000/files/broker/1.4/icons/tool-1.2.tar.gz' } },
    });
    expect(Buffer.from(found.marathon.v2AppMustacheTemplate, 'base64').toString()).toContain('"image": "repo01:5000/docker.io/library/redis:7"');
    expect(JSON.parse(await readFile(join(out, 'universe/repo-v3.json'), 'utf8'))).toEqual({ packages: [] });
    expect(await readFile(join(out, 'universe/universe.conf'), 'utf8')).toContain('version=v4');
  });

  it('wants to know where clusters reach the machine', async () => {
    expect(await repo.run('longshore publish --layout dcos-universe --to /media/usb/u2')).toMatchObject({ status: 2, stderr: expect.stringContaining('--base-url') });
    expect(await repo.run('longshore publish --layout dcos-serve --to /media/usb/u2')).toMatchObject({ status: 2, stderr: expect.stringContaining('--explode') });
  });
});

describe('zeta', () => {
  const stage = join(out, 'zeta/shared/spark/stage');
  it('stages versions, shows their states, and unstages what no instance uses', async () => {
    const command = 'longshore publish --layout zeta --module spark --registry repo01:5000 --root /mapr/c/zeta/shared --to /media/usb/zeta/shared';
    expect(await repo.must(command)).toContain('/mapr/c/zeta/shared/spark/stage/packages/spark-2.0.2.tgz');
    expect((await stat(join(stage, 'install_instance.sh'))).mode & 0o777).toBe(0o755);
    const env = await must('sh', ['-c', `. ${stage}/spark-2.0.2.env && echo "$APP_NAME $APP_ROOT $APP_PKG_DIR $APP_IMG $APP_IMG_2"`]);
    expect(env.trim()).toBe('spark /mapr/c/zeta/shared/spark /mapr/c/zeta/shared/spark/stage/packages repo01:5000/spark:2.0.2 repo01:5000/docker.io/library/redis:7');
    await repo.must('longshore instance add spark@2.0.2 sparkfwlogs@etl/prod');
    expect(await repo.must('longshore status')).toMatch(/^spark +2\.0\.2 +staged +sparkfwlogs@etl\/prod$/m);
    expect(await repo.run('longshore unstage spark@2.0.2')).toMatchObject({ status: 7, stderr: expect.stringContaining('sparkfwlogs@etl/prod') });
    await repo.must('longshore instance remove spark@2.0.2 sparkfwlogs@etl/prod');
    await repo.must('longshore unstage spark@2.0.2');
    expect((await readdir(stage)).filter((name) => name !== 'packages')).toEqual([]);
    expect(await repo.run('longshore unstage spark@2.0.2')).toMatchObject({ status: 2 });
  });

  it('refuses names that Zeta cannot have, and archives that keep no record', async () => {
    await mkdir(join(out, 'z2'), { recursive: true });
    expect(await repo.run('longshore publish --layout zeta --module nobody --registry repo01:5000 --to /media/usb/z2')).toMatchObject({ status: 2, stderr: expect.stringContaining('one of') });
    expect(await repo.run('longshore publish /media/usb/site.tar --allow-unsigned --layout zeta --registry repo01:5000 --to /media/usb/z2')).toMatchObject({ status: 2, stderr: expect.stringContaining('Import the archive first') });
    expect(await readdir(join(out, 'z2'))).toEqual([]);
  });
});
