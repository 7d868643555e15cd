import { main, report } from './program.ts';
import { watchOutput } from './stdout.ts';

const outputLost = watchOutput();
const exitCode = await main(process.argv.slice(2));
const lost = await outputLost();
process.exitCode = exitCode === 0 && lost !== undefined ? report(lost, false) : exitCode;
