import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseComps } from '../../../formats/rpm/comps.ts';
import { parseEvr } from '../../../formats/rpm/evr.ts';
import { parseModules } from '../../../formats/rpm/modules.ts';
import { addOwners } from '../../../downloader/solver/solv-files.ts';
import { prepareOffer, streamsOf } from '../../../downloader/solver/solv-offer.ts';
import { type DnfRequest, ourDnfAnswer } from '../../differential/rpm/dnf.ts';
import { handMade, handMadeRequests } from '../../differential/rpm/hand-made-cases.ts';
import { universeOf } from './rpms.ts';

/** dnf's answers over the same packages as real files, recorded by test/differential/rpm/record-dnf.ts; null where it refused. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/rpm/dnf-answers.json'), 'utf8')) as readonly (DnfRequest & { readonly answer: readonly string[] | null })[];
const documents = parseModules(Buffer.from(handMade.modules), 'modules.yaml');
const groups = [parseComps(Buffer.from(handMade.comps), 'comps.xml')];

function ours(request: DnfRequest): readonly string[] | null {
  const universe = universeOf(handMade.packages);
  addOwners(universe, ['/usr/lib/foo/bar'], new Map([[0, new Map([['/usr/lib/foo/bar', ['deep-file-a', 'deep-file-b'].map((name) => ({ name, evr: parseEvr('1-1'), arch: 'noarch' }))]])]]));
  const enabled = request.enable ?? [];
  const choice = { documents: [documents], enabled, platform: 'el9' };
  try {
    const answer = ourDnfAnswer(prepareOffer(universe, { arch: 'x86_64', groups, modules: { ...choice, enabled: [...enabled, ...streamsOf(request.specs, choice)] } }), request);
    return 'error' in answer ? null : answer.nevras;
  } catch {
    return null;
  }
}

describe('every feature, as dnf answered', () => {
  it('asks what was recorded', () => { expect(recorded.map(({ specs, weak, best }) => [specs, weak, best])).toEqual(handMadeRequests.map(({ specs, weak, best }) => [specs, weak, best])); });

  const bySpecs = [...Map.groupBy(recorded, ({ specs, enable = [] }) => `${specs.join(' ')}${enable.length === 0 ? '' : ` with ${enable.join(' ')}`}`)];
  it.each(bySpecs)('%s', (_, requests) => {
    for (const request of requests) expect({ ...request, answer: ours(request)?.toSorted() ?? null }).toEqual({ ...request, answer: request.answer?.toSorted() ?? null });
  });
});
