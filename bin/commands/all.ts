import type { Command } from 'commander';
import { warmSignatureThread } from '../signature-thread.ts';

type Register = (program: Command) => void;

/**
 * Command name -> what registers it, in the order of `longshore --help`: the way of a requirement, then upkeep. A command's modules are loaded
 * only when it is called: most need a part of the packages, and memory counts on small machines.
 */
const loaders: Readonly<Record<string, () => Promise<Register>>> = {
  template: async () => (await import('./template.ts')).registerTemplate,
  bom: async () => (await import('./bom.ts')).registerBom,
  lock: async () => (await import('./lock.ts')).registerLock,
  plan: async () => (await import('./plan.ts')).registerPlan,
  why: async () => (await import('./why.ts')).registerWhy,
  download: async () => (await import('./download.ts')).registerDownload,
  export: async () => (await import('./export.ts')).registerExport,
  prepare: async () => (await import('./prepare.ts')).registerPrepare,
  repo: async () => (await import('../repo-verbs.ts')).registerRepo,
  modules: async () => (await import('./modules.ts')).registerModules,
  module: async () => (await import('./module.ts')).registerModule,
  keygen: async () => (await import('./keygen.ts')).registerKeygen,
  inspect: async () => (await import('./archive.ts')).registerInspect,
  ls: async () => (await import('./archive.ts')).registerLs,
  verify: async () => (await import('./archive.ts')).registerVerify,
  cat: async () => (await import('./extract.ts')).registerCat,
  extract: async () => (await import('./extract.ts')).registerExtract,
  diff: async () => (await import('./differences.ts')).registerDiff,
  import: async () => (await import('./import.ts')).registerImport,
  serve: async () => (await import('./serve.ts')).registerServe,
  publish: async () => (await import('./publish.ts')).registerPublish,
  unstage: async () => (await import('./stages.ts')).registerUnstage,
  instance: async () => (await import('./stages.ts')).registerInstance,
  status: async () => (await import('./status.ts')).registerStatus,
  history: async () => (await import('./status.ts')).registerHistory,
  rollback: async () => (await import('./status.ts')).registerRollback,
  create: async () => (await import('./create.ts')).registerCreate,
  teardown: async () => (await import('./teardown.ts')).registerTeardown,
  sync: async () => (await import('./sync.ts')).registerSync,
  client: async () => (await import('./client.ts')).registerClient,
  gc: async () => (await import('./gc.ts')).registerGc,
  receipt: async () => (await import('./differences.ts')).registerReceipt,
  store: async () => (await import('./store.ts')).registerStore,
};

/** Registers the command that `args` call; all of them when they call none, or for help. */
export async function registerCommands(program: Command, args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  if (name === '--version' || name === '-V') return;
  if (name === 'lock' || name === 'sync' || name === 'prepare') warmSignatureThread(args);
  const called = Object.hasOwn(loaders, name) ? [loaders[name]] : Object.values(loaders);
  for (const load of called) (await load?.())?.(program);
}
