#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { watchOutput } = await import('./stdout.ts');
const outputLost = watchOutput();
const { main, report } = await import('./program.ts');
const exitCode = await main(process.argv.slice(2));
const lost = await outputLost();
process.exitCode = exitCode === 0 && lost !== undefined ? report(lost, false) : exitCode;
