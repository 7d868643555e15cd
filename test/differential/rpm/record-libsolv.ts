// bin/pinned-node test/differential/rpm/record-libsolv.ts: writes what libsolv answers for the universes of the unit tests.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareShape } from './compare-libsolv.ts';
import { shapes } from './shapes.ts';

const recorded: Record<string, { readonly seed: number; readonly answers: readonly unknown[] }> = {};
for (const [name, shape] of Object.entries(shapes)) {
  const { answers, different } = await compareShape(shape, 20_000, 40);
  if (different.length > 0) process.stderr.write(`${name}: differs for seeds ${different.join(' ')}\n`);
  recorded[name] = { seed: 20_000, answers: Object.values(answers) };
}
const lines = Object.entries(recorded).map(([name, { seed, answers }]) => ` ${JSON.stringify(name)}: {"seed": ${seed}, "answers": [\n${answers.map((answer) => `  ${JSON.stringify(answer)}`).join(',\n')}]}`);
await writeFile(join(import.meta.dirname, '../../fixtures/rpm/libsolv-answers.json'), `{\n${lines.join(',\n')}\n}\n`);
