#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache();
// Whoever reads our output may stop early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(0); else throw error; });
const { main } = await import('./program.ts');
process.exitCode = await main(process.argv.slice(2));
