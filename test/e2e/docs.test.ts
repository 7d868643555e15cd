// Every command on the pages of docs/ and in the README runs, on machines of the page's own, and prints what the page shows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../support/command.ts';
import { type Machine, type Network, type Segment, startNetwork } from '../support/machines.ts';
import { missingOutput, parsePage, type Step } from '../support/pages.ts';
import { commandsIn, covers, shownCommands } from '../support/shown-commands.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeUsualWorld, type World } from '../support/world.ts';

/** What a page may bring along as `test/e2e/docs/<page>.ts`. */
export interface PageSetting {
  /** Name -> networks; the first is where commands without a machine run. */
  readonly machines?: Readonly<Record<string, readonly Segment[]>>;
  /** Adds to what there is outside. */
  world?(world: World): Promise<void>;
  /** Puts files where the page says they are. */
  machinesReady?(machine: (name: string) => Machine): Promise<void>;
}

const usualMachines = { dl01: ['outside'], repo01: ['inside'], m1: ['inside'] } as const satisfies Record<string, readonly Segment[]>;
const folder = join(projectRoot, 'docs');
const pages = ['README.md', ...readdirSync(folder).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

describe.each(pages)('%s', (name) => {
  const { steps, unmarked } = parsePage(readFileSync(join(projectRoot, name), 'utf8'));

  it.runIf(name.startsWith('docs/'))('says of every block of commands whether it is run', () => {
    expect(unmarked).toEqual([]);
  });

  it.runIf(steps.length > 0)('runs as it stands', async () => {
    const setting = await settingOf(name);
    const work = await temporaryFolder('page');
    const world = await makeUsualWorld(join(work, 'world'));
    await setting.world?.(world);
    const machines = setting.machines ?? usualMachines;
    const network = await startNetwork(work, { world, machines });
    const stays: { stop(): Promise<void> }[] = [];
    try {
      await setting.machinesReady?.((machine) => network.machine(machine));
      for (const step of steps) await runStep(step, { name, network, first: Object.keys(machines)[0] ?? '', stays });
    } finally {
      for (const each of stays) await each.stop();
      await network.stop();
    }
  });
});

/** Commands of the README that no page runs, and the test that does: a file and what stands in it. */
const elsewhere: readonly { readonly shown: string; readonly test: string; readonly says: RegExp }[] = [
  { shown: 'npm ci', test: 'test/lock-file.test.ts', says: /it\('pins every runtime package to one version'/ },
  { shown: 'npm run quickstart', test: 'test/e2e/quickstart.test.ts', says: /scripts\/quickstart\.ts[\s\S]*run\(process\.execPath, \[script\]/ },
  { shown: 'npm test', test: 'package.json', says: /"test": ".*vitest\.mjs run"/ },
  { shown: 'podman pull', test: 'test/e2e/registry-clients.test.ts', says: /podman pulls by full name[\s\S]*'pull', / },
];

it('every command of the README is run by a page, or by a test that is named', () => {
  const steps = pages.filter((name) => name.startsWith('docs/')).flatMap((name) => parsePage(readFileSync(join(projectRoot, name), 'utf8')).steps);
  const run = steps.filter(({ kind }) => kind !== 'file').flatMap(({ text, line }) => commandsIn(text, line));
  const isRunBy = (text: string): boolean => elsewhere.some(({ shown, test, says }) => text.startsWith(shown) && existsSync(join(projectRoot, test)) && says.test(readFileSync(join(projectRoot, test), 'utf8')));
  const shown = shownCommands(readFileSync(join(projectRoot, 'README.md'), 'utf8'));
  expect(shown.length).toBeGreaterThan(20);
  expect(shown.filter((command) => !run.some((known) => covers(known, command)) && !isRunBy(command.text)).map(({ line, text }) => `README.md:${line}: ${text}`)).toEqual([]);
});

async function settingOf(name: string): Promise<PageSetting> {
  const path = join(projectRoot, 'test/e2e/docs', `${name.replace(/^docs\//, '').replace(/\.md$/, '')}.ts`);
  return existsSync(path) ? ((await import(pathToFileURL(path).href)) as { readonly setting: PageSetting }).setting : {};
}

interface Place { readonly name: string; readonly network: Network; readonly first: string; readonly stays: { stop(): Promise<void> }[] }

async function runStep(step: Step, { name, network, first, stays }: Place): Promise<void> {
  const machine = network.machine(step.on ?? first);
  const where = `${name}:${step.line}: ${machine.name}$ ${step.text}`;
  if (step.kind === 'file') { await machine.write(step.path ?? '', step.text); return; }
  if (step.background) {
    const service = await machine.start(step.text, /https?:\/\//);
    stays.push(service);
    expect(missingOutput(step.output, service.output()), where).toEqual([]);
    return;
  }
  const { status, stdout, stderr } = await machine.run(step.text);
  expect(status, `${where}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`).toBe(step.status);
  expect(missingOutput(step.output, `${stdout}\n${stderr}`), `${where}\nprinted:\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`).toEqual([]);
}
