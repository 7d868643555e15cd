import { Option, type Command } from 'commander';
import { BundleError } from '../../bom/errors.ts';
import type { Lock } from '../../bom/lock.ts';
import { type Generation, Generations } from '../../store/generations.ts';
import { waitingVolumes } from '../../importer/kept-volumes.ts';
import type { Store } from '../../store/store.ts';
import { defineCommand, lockOption } from '../context.ts';
import { kindsOf, readLock, stockOf } from '../documents.ts';
import { exists } from '../files.ts';
import { lockOf } from '../generation-lock.ts';
import { formatBytes, table } from '../render.ts';
import { type ServiceState, serviceState } from '../seen-clients.ts';
import { onlyProject, optionalStore, withStore } from '../which-store.ts';
import { type Named, statesText, zetaStates } from '../zeta-states.ts';

interface StoreOnly { readonly store?: string }

export function registerStatus(program: Command): void {
  defineCommand<StoreOnly & { readonly lock: string }>(program, 'status', {
    description: 'one place for what is locked, stored, imported and served',
    flags: [optionalStore(), lockOption()],
    action: async (context, options) => withStore(options.store, async (store) => {
      const generations = new Generations(store.root);
      const served = await Promise.all((await generations.projects()).map(async (project) => {
        const [current, all] = await Promise.all([generations.current(project), generations.list(project)]);
        const read = current === undefined ? undefined : await readOrReason(store, current);
        const lock = read?.lock;
        return {
          project, ...(read?.reason === undefined ? {} : { unreadable: read.reason }), generations: all.length, current,
          modules: lock?.spec.boms.map(({ name, version, labels }) => ({ name, version, labels })) ?? [],
          kinds: lock === undefined ? [] : kindsOf(lock).filter((kind) => kind.count > 0),
          influences: lock?.spec.influences ?? [],
        };
      }));
      const blobs = [...store.listBlobs()];
      const stored = { store: store.root, blobs: blobs.length, bytes: blobs.reduce((total, blob) => total + blob.size, 0), looseBytes: await store.looseBytes(), packs: store.packRecords().length };
      const waiting = await waitingVolumes(store);
      const locked = await lockedPart(options.lock, store);
      const named = (modules: readonly { readonly name: string; readonly version: string; readonly labels: Readonly<Record<string, string>> }[]): Named[] => modules.map(({ name, version, labels }) => ({ name: labels['short'] ?? name, version }));
      const packages = await zetaStates(store.root, { imported: served.flatMap(({ modules }) => named(modules)), known: named(locked?.modules ?? []) });
      const { modules: _, ...lockedFacts } = locked ?? { modules: [] };
      const service = await serviceState(store.root);
      context.print({ locked: locked === undefined ? undefined : lockedFacts, stored, waiting, served, packages, ...(service === undefined ? {} : { service }) }, [
        locked === undefined ? `locked: no ${options.lock} here` : `locked: ${locked.project}, sequence ${locked.sequence}: ${locked.blobs} blobs, ${formatBytes(locked.bytes)}, ${locked.missing === 0 ? 'all stored' : `${locked.missing} not stored yet`}`,
        `stored: ${stored.blobs} blobs, ${formatBytes(stored.bytes)} in ${stored.store} (${formatBytes(stored.looseBytes)} loose, ${stored.packs} adopted archive${stored.packs === 1 ? '' : 's'})`,
        ...waiting.map(({ project, sequence, present, missing, bytes }) => `waiting: ${project}, sequence ${sequence}: ${volumesText(present)} (${formatBytes(bytes)}) for ${volumesText(missing)}`),
        ...(served.length === 0 ? ['imported: nothing'] : served.flatMap((each) => [
          `imported: ${each.project}, ${each.generations} generation${each.generations === 1 ? '' : 's'}; serving ${each.current === undefined ? 'none' : `generation ${each.current.id} (sequence ${each.current.sequence}, ${each.current.importedAt})`}`,
          ...(each.unreadable === undefined ? [] : [`  cannot be served: ${each.unreadable}`]),
          ...each.modules.map((module) => `  module ${module.name} ${module.version}${Object.entries(module.labels).map(([key, value]) => ` ${key}=${value}`).join('')}`),
          ...(each.kinds.length === 0 ? [] : [table(each.kinds.map((kind) => [`  ${kind.kind}`, String(kind.count), formatBytes(kind.bytes)]))]),
          ...each.influences.map((item) => `  ${item.module} influences ${item.influences}: look at it again`),
        ])),
        ...serviceLines(service),
        ...(packages.length === 0 ? [] : ['', statesText(packages)]),
      ].join('\n'));
    }),
  });
}

const volumesText = (numbers: readonly number[]): string => `volume${numbers.length === 1 ? '' : 's'} ${numbers.join(', ')}`;

const shownClients = 20;

function serviceLines(service: ServiceState | undefined): string[] {
  if (service === undefined) return [];
  if (!service.running) return [`service: does not answer for ${service.origin} (${service.why})`];
  const { origin, clients } = service;
  const rows = clients.slice(0, shownClients).map(({ address, lastSeen, requests }) => [`  ${address}`, lastSeen, `${requests} requests`]);
  return [`service: ${origin}, ${clients.length} client${clients.length === 1 ? '' : 's'} seen since it started`, ...(rows.length === 0 ? [] : [table(rows)]), ...(clients.length > shownClients ? [`  and ${clients.length - shownClients} more: --json has all`] : [])];
}

/** The lock of a generation, or why it cannot be read: status has to work most of all when something is wrong. */
async function readOrReason(store: Store, generation: Generation): Promise<{ readonly lock?: Lock; readonly reason?: string }> {
  try {
    return { lock: await lockOf(store, generation) };
  } catch (error) {
    if (!(error instanceof BundleError) || error.family !== 'integrity') throw error;
    return { reason: `${error.message}. ${error.next}` };
  }
}

async function lockedPart(path: string, store: Store): Promise<{ project: string; sequence: number; blobs: number; bytes: number; missing: number; modules: Lock['spec']['boms'] } | undefined> {
  if (!(await exists(path))) return undefined;
  const lock = readLock(path);
  const stock = await stockOf(lock, store);
  return { project: lock.metadata.name, sequence: lock.metadata.sequence, blobs: stock.items, bytes: stock.bytes, missing: stock.missing.length, modules: lock.spec.boms };
}

const projectFlag = (): Option => new Option('--project <name>', 'which project, when the machine has several');

export function registerHistory(program: Command): void {
  defineCommand<StoreOnly & { readonly project?: string }>(program, 'history', {
    description: 'generations on this machine, the one served marked',
    flags: [optionalStore(), projectFlag()],
    action: async (context, options) => withStore(options.store, async (store) => {
      const generations = new Generations(store.root);
      const projects = options.project === undefined ? await generations.projects() : [options.project];
      const rows = (await Promise.all(projects.map(async (project) => {
        const current = await generations.current(project);
        return (await generations.list(project)).map((generation) => ({ ...generation, current: generation.id === current?.id }));
      }))).flat();
      context.print({ generations: rows }, rows.length === 0 ? 'nothing was imported yet' : table([
        ['', 'project', 'generation', 'sequence', 'imported', 'bundle', ''],
        ...rows.map((row) => [row.current ? '*' : '', row.project, String(row.id), String(row.sequence), row.importedAt, row.bundle.slice(0, 19), row.collected === true ? 'collected' : '']),
      ]));
    }),
  });
}

export function registerRollback(program: Command): void {
  defineCommand<StoreOnly & { readonly project?: string }>(program, 'rollback [generation]', {
    description: 'serve an earlier generation again: the one before, or the one named',
    flags: [optionalStore(), projectFlag()],
    action: async (context, options, args) => withStore(options.store, async (store) => {
      const generations = new Generations(store.root);
      const project = await onlyProject(store, options.project);
      const all = await generations.list(project);
      const current = await generations.current(project);
      const wanted = args[0] === undefined ? all.filter((each) => each.id < (current?.id ?? 0) && each.collected !== true).at(-1)?.id : Number(args[0]);
      if (wanted === undefined || !Number.isInteger(wanted)) {
        throw new BundleError('INPUT_FLAG', { subject: `project ${project}`, expected: 'an earlier generation to go back to', actual: args[0] ?? 'none before the one served', next: 'See `longshore history`.' });
      }
      const generation = await generations.switchTo(project, wanted);
      context.print({ project, from: current?.id ?? null, to: generation.id }, `${project}: generation ${generation.id} is served now${current === undefined ? '' : ` (was ${current.id})`}`);
    }),
  });
}

