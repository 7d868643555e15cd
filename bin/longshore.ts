#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { builtProgram } = await import('./built-program.ts');
const built = builtProgram(import.meta.dirname);
await (built === undefined ? import('./main.ts') : import(built));
