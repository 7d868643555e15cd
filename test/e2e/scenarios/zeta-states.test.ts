// Zeta's states: absent, staged in several versions side by side, labels for instances; what was taken out of the stage stays in the store until gc.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../support/machines.ts';
import { type Scenario, startScenario } from '../../support/scenario.ts';

let scenario: Scenario;
let dl: Machine;
let repo: Machine;
beforeAll(async () => {
  scenario = await startScenario('zeta', { dl01: ['outside'], repo01: ['inside'] }, async (world) => {
    for (const version of ['2.0.0', '2.0.2']) await world.addFile(`downloads.example.org/spark/spark-${version}-bin.tgz`, `spark ${version}\n`);
  });
  [dl, repo] = [scenario.network.machine('dl01'), scenario.network.machine('repo01')];
  for (const version of ['2.0.0', '2.0.2']) {
    await dl.write(`zetapkgs/spark/spark-${version}.vers`, `APP_VER="${version}"\nAPP_URL_ROOT="http://downloads.example.org/spark/"\nAPP_URL_FILE="spark-\${APP_VER}-bin.tgz"\nAPP_URL="\${APP_URL_ROOT}\${APP_URL_FILE}"\nAPP_IMG="\${ZETA_DOCKER_REG_URL}/spark:\${APP_VER}"\n`);
  }
  await dl.write('zetapkgs/spark/build_pkg.sh', 'FROM docker.io/library/redis:7\nRUN apt-get install -y curl\n');
  await dl.write('project.yaml', 'apiVersion: longshore.dev/v1alpha1\nkind: Project\nmetadata: {name: zeta}\nspec:\n  modules: [{bom: boms/spark.yaml}]\n');
});
afterAll(() => scenario?.stop());

async function bring(version: string): Promise<void> {
  await dl.must(`mkdir -p boms && longshore bom convert zetapkgs --from zeta --select spark:${version} --out boms/spark.yaml`);
  await dl.must('longshore prepare -f project.yaml -o /media/usb/zeta.tar');
  await repo.must('longshore import /media/usb/zeta.tar --allow-unsigned --copy');
  await repo.must('longshore publish --module spark --layout zeta --to /media/usb/zeta/shared --registry repo01:5000');
}

it('stages versions side by side', async () => {
  await bring('2.0.0');
  await bring('2.0.2');
  expect((await readdir(join(scenario.folder, 'medium/zeta/shared/spark/stage/packages'))).sort()).toEqual(['spark-2.0.0-bin.tgz', 'spark-2.0.2-bin.tgz']);
  await dl.must('longshore bom convert zetapkgs --from zeta --select spark:2.0.2 --out boms/spark.yaml && sed "s/spark/gogs/g" boms/spark.yaml | sed "/urls:/,+1d" > boms/gogs.yaml');
});

it('shows them, with the instances that were recorded, and what is absent', async () => {
  await repo.must('longshore instance add spark@2.0.2 sparkfwlogs@etl/prod');
  const text = await repo.must('longshore status');
  expect(text).toMatch(/^PACKAGE +VERSIONS +STATE +INSTANCES \(labels only\)$/m);
  expect(text).toMatch(/^spark +2\.0\.0,2\.0\.2 +staged +sparkfwlogs@etl\/prod \(2\.0\.2\)$/m);
  // A lock that was made, and not imported.
  await dl.write('gogs.yaml', 'apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\nmetadata: {name: gogs, version: "1"}\nspec: {files: [{urls: ["https://downloads.example.org/tool-1.2.tar.gz"]}]}\n');
  await dl.must('longshore lock -f gogs.yaml --lock /media/usb/gogs.lock.json');
  expect(await repo.must('longshore status --lock /media/usb/gogs.lock.json')).toMatch(/^gogs +- +absent\s*$/m);
});

it('unstages a version that nobody uses, and refuses one that somebody does', async () => {
  expect(await repo.run('longshore unstage spark@2.0.2')).toMatchObject({ status: 7, stderr: expect.stringContaining('sparkfwlogs@etl/prod') });
  const blobs = async (): Promise<number> => (JSON.parse(await repo.must('longshore status --json')) as { stored: { blobs: number } }).stored.blobs;
  const before = await blobs();
  await repo.must('longshore unstage spark@2.0.0');
  expect((await readdir(join(scenario.folder, 'medium/zeta/shared/spark/stage/packages'))).sort()).toEqual(['spark-2.0.2-bin.tgz']);
  expect(await blobs()).toBe(before);
  await repo.must('longshore gc --keep 1');
  expect(await blobs()).toBeLessThan(before);
  expect(await repo.must('longshore status')).toMatch(/^spark +2\.0\.2 +staged/m);
});
