// npm run differential -- apt|edsp [options]: our solver beside apt itself. Prints the equal share and every difference.
import { parseArgs } from 'node:util';
import { compareWithApt } from './apt.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    arch: { type: 'string', default: 'amd64,arm64' },
    random: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

async function apt(): Promise<boolean> {
  const tally = await compareWithApt({
    architectures: values.arch.split(','), random: Number(values.random), seed: Number(values.seed), every: Number(values.every),
    ...(values.only === undefined ? {} : { only: values.only }),
  }, print);
  const all = tally.same + tally.refusedByBoth + tally.different.length;
  print(`apt: ${tally.same + tally.refusedByBoth} of ${all} equal (${tally.same} closures, ${tally.refusedByBoth} refused by both), ${tally.different.length} different`);
  return tally.different.length === 0;
}

const commands: Readonly<Record<string, () => Promise<boolean>>> = { apt };
const command = commands[positionals[0] ?? ''];
if (command === undefined) {
  print(`usage: run.ts ${Object.keys(commands).join('|')} [--arch amd64,arm64] [--random N] [--seed N] [--every N] [--only TEXT]`);
  process.exitCode = 2;
} else {
  process.exitCode = await command() ? 0 : 1;
}
