// bin/pinned-node test/differential/rpm/record-dnf.ts: writes what dnf answers over the hand-made repository, for the unit tests.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDnf } from './dnf.ts';
import { buildHandMade } from './hand-made.ts';
import { handMade, handMadeRequests } from './hand-made-cases.ts';

const made = await buildHandMade(handMade);
const dnf = await openDnf([made.repository]);
const lines: string[] = [];
for (const request of handMadeRequests) {
  const answer = await dnf.ask(request);
  lines.push(JSON.stringify({ ...request, answer: 'error' in answer ? null : answer.nevras }));
}
await dnf.close();
await made.close();
await writeFile(join(import.meta.dirname, '../../fixtures/rpm/dnf-answers.json'), `[\n${lines.join(',\n')}\n]\n`);
