import type { Command } from 'commander';
import { registerArchiveCommands } from './archive.ts';
import { registerBom } from './bom.ts';
import { registerDownload } from './download.ts';
import { registerExport } from './export.ts';
import { registerImport } from './import.ts';
import { registerKeygen } from './keygen.ts';
import { registerLock } from './lock.ts';
import { registerPlan } from './plan.ts';
import { registerPrepare } from './prepare.ts';
import { registerServe } from './serve.ts';
import { registerStatus, registerStoreCommands } from './status.ts';
import { registerTemplate } from './template.ts';

/** In the order of `longshore --help`: the way of a requirement, then upkeep. */
export const commands: readonly ((program: Command) => void)[] = [
  registerTemplate, registerBom, registerLock, registerPlan, registerDownload, registerExport, registerPrepare, registerKeygen, registerArchiveCommands,
  registerImport, registerServe, registerStatus, registerStoreCommands,
];
