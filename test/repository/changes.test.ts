import { describe, expect, it } from 'vitest';
import { changesOf } from '../../repository/catalog/changes.ts';
import { makeBed, makeDeb, makeFile, makeImage, makeLock, servedOf } from './support.ts';

describe('what a generation changed', () => {
  it('is told by identity: version changes are changes, not a removal and an addition', async () => {
    const bed = await makeBed();
    const target = { id: 'debian-12', family: 'debian', arch: 'amd64' };
    const before = makeLock('site', {
      targets: [target], images: [await makeImage(bed, 'docker.io/library/app:1'), await makeImage(bed, 'quay.io/team/old:1')],
      packages: [await makeDeb(bed, 'nginx', '1.0', target.id), await makeDeb(bed, 'same', '1', target.id)], files: [await makeFile(bed, 'a', 'one'), await makeFile(bed, 'same', 's')],
    }, 4);
    const after = makeLock('site', {
      targets: [target], images: [await makeImage(bed, 'docker.io/library/app:2'), await makeImage(bed, 'docker.io/library/app:3')],
      packages: [await makeDeb(bed, 'nginx', '1.1', target.id), await makeDeb(bed, 'same', '1', target.id)], files: [await makeFile(bed, 'a', 'two'), await makeFile(bed, 'same', 's'), await makeFile(bed, 'new', 'n')],
    }, 5);
    const changes = changesOf({ ...servedOf(after), older: [before] });
    expect(changes).toMatchObject({ project: 'site', from: 4, to: 5 });
    expect(changes?.changed.map((item) => [item.before.name, item.after.name])).toEqual([
      ['docker.io/library/app:1', 'docker.io/library/app:2'], ['a', 'a'], ['nginx 1.0 amd64', 'nginx 1.1 amd64'],
    ]);
    expect(changes?.added.map(({ name }) => name)).toEqual(['docker.io/library/app:3', 'new']);
    expect(changes?.removed.map(({ name }) => name)).toEqual(['quay.io/team/old:1']);
    bed.served.push({ ...servedOf(after), older: [before] });
    await bed.service.settled();
    expect(await (await bed.ask('/')).text()).toContain('href="/changes/site"');
    expect(await (await bed.ask('/changes/site')).text()).toContain('nginx 1.0 amd64 →');
    expect(((await (await bed.ask('/api/v1/projects/site/changes')).json()) as { from: number }).from).toBe(4);
    expect([(await bed.ask('/changes/other')).status, (await bed.ask('/api/v1/projects/other/changes')).status]).toEqual([404, 404]);
    await bed.close();
  });

  it('is unknown without what was before', () => {
    expect(changesOf(servedOf(makeLock('site', {})))).toBeUndefined();
  });
});
