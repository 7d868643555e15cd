import { describe, expect, it } from 'vitest';
import type { Served } from '../../repository/content.ts';
import { renderPackageTrees } from '../../exporter/package-trees.ts';
import { makeBed, makeDeb, makeLock, servedOf } from './support.ts';

const target = { id: 'debian-12-amd64', family: 'debian', arch: 'amd64' };
const plainSigner = { clearsign: async (text: string): Promise<string> => text, detach: async (): Promise<string> => 'signature', publicKeyArmored: 'key' };

describe('apt mirrors of kept generations', () => {
  it('stand under their number with their own packages and a date that stays', async () => {
    const bed = await makeBed({ signer: plainSigner });
    const content = await Promise.all([1, 2].map(async (number) => servedOf(makeLock('site', {
      targets: [target], packages: [await makeDeb(bed, 'app', `${number}`, target.id)],
    }, number), 1_700_000_000 + number)));
    const [first, second] = content as [Served, Served];
    bed.served.push({ ...second, snapshot: async (id) => (id === 1 ? { ...first, date: 1_600_000_000 } : undefined) });
    await bed.service.settled();
    const text = async (path: string): Promise<string> => { const response = await bed.ask(path); return response.status === 200 ? response.text() : `status ${response.status}`; };
    const packages = 'dists/debian-12-amd64/main/binary-amd64/Packages';
    expect(await text(`/apt/site/debian-12-amd64/${packages}`)).toContain('Version: 2\n');
    expect(await text(`/apt/site/debian-12-amd64/@1/${packages}`)).toContain('Version: 1\n');
    expect(await text('/apt/site/debian-12-amd64/@1/dists/debian-12-amd64/InRelease')).toContain('Date: Sun, 13 Sep 2020 12:26:40 UTC\n');
    const [, file = ''] = /^Filename: (.*)$/m.exec(await text(`/apt/site/debian-12-amd64/@1/${packages}`)) ?? [];
    expect((await bed.ask(`/apt/site/debian-12-amd64/@1/${file}`)).status).toBe(200);
    for (const path of ['@3', '@0', '@x', '@1/../@2']) expect(await text(`/apt/site/debian-12-amd64/${path}/${packages}`), path).not.toContain('Version: 1\n');
    expect(await text(`/apt/other/debian-12-amd64/@1/${packages}`)).toBe('status 404');
  });
});

describe('Valid-Until', () => {
  it('is said when asked for, and said anew when half of the time has passed', async () => {
    let nowS = 1_700_000_000;
    const bed = await makeBed({ signer: { ...plainSigner, releases: { validForS: 86_400, nowS: () => nowS } } });
    bed.served.push(servedOf(makeLock('site', { targets: [target], packages: [await makeDeb(bed, 'app', '1', target.id)] })));
    await bed.service.settled();
    const release = async (): Promise<string> => (await bed.ask('/apt/site/debian-12-amd64/dists/debian-12-amd64/InRelease')).text();
    expect(await release()).toContain('Date: Tue, 14 Nov 2023 22:13:20 UTC\nValid-Until: Wed, 15 Nov 2023 22:13:20 UTC\n');
    nowS += 40_000;
    expect(await release()).toContain('Date: Tue, 14 Nov 2023 22:13:20 UTC\n');
    nowS += 10_000;
    expect(await release()).toContain('Valid-Until: Thu, 16 Nov 2023 12:06:40 UTC\n');
  });

  it('counts from the date of the lock in an archive', async () => {
    const bed = await makeBed();
    const lock = makeLock('site', { targets: [target], packages: [await makeDeb(bed, 'app', '1', target.id)] });
    const [release] = (await renderPackageTrees(lock, bed.store, { aptValidForS: 86_400 })).releases;
    expect(Buffer.from(release?.bytes ?? []).toString()).toMatch(/^Date: Tue, 01 Jan 1980 00:00:00 UTC\nValid-Until: Wed, 02 Jan 1980 00:00:00 UTC$/m);
  });
});
