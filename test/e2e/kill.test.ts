// A sample of what `npm run faults` does at length.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killDownload, killExport, killImport, seeded } from '../support/kill.ts';
import { type Outside, startOutside } from '../support/site.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe('kill -9 at a random moment', () => {
  let outside: Outside;
  const random = seeded(20_261_121);
  beforeAll(async () => { outside = await startOutside(await temporaryFolder('kill'), { packages: ['jq'], fileBytes: 30_000_000, smallFiles: 100, bytesPerSecond: 30_000_000 }); });
  afterAll(() => outside?.stop());

  it('of a download: the rerun completes and fetches nothing finished again', async () => {
    expect(await killDownload(outside, 3, random)).toEqual({ rounds: 3, killed: 3 });
  });

  it('of an export: the rerun gives the same archive', async () => {
    expect((await killExport(outside, 3, random)).rounds).toBe(3);
  });

  it('of an import: what was served is still served, and the rerun completes', async () => {
    expect((await killImport(outside, 3, random)).rounds).toBe(3);
  });
});
