import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockedPackage, LockedRepository } from '../../bom/lock.ts';
import { gzip } from '../../formats/compression.ts';
import { parseKeys } from '../../formats/pgp/keys.ts';
import { signDetached, verifyDetached } from '../../formats/pgp/signature.ts';
import { rpmTag } from '../../formats/rpm/header.ts';
import { parseRepomd } from '../../formats/rpm/repomd.ts';
import type { Served } from '../../repository/content.ts';
import type { Signer } from '../../repository/mirror/signer.ts';
import { makeTestKey } from '../support/apt-repository.ts';
import { basicTags, makeRpm } from '../support/rpm-file.ts';
import { lockedRpm } from '../support/rpm-lock.ts';
import { type Bed, makeBed, makeLock, servedOf } from './support.ts';

const target = { id: 'alma-9', family: 'rhel', os: 'almalinux', release: '9', arch: 'amd64' };
let bed: Bed;
const key = await makeTestKey();
const date = new Date('2026-02-01T00:00:00Z');
const signer: Signer = { clearsign: () => Promise.reject(new Error('not for yum')), detach: (content) => signDetached(content, key.signing, date), publicKeyArmored: key.publicKey };

beforeEach(async () => { bed = await makeBed({ readOnly: true, passwords: false, signer }); });
afterEach(() => bed.close());

async function rpm(name: string, version = '1'): Promise<LockedPackage> {
  const bytes = makeRpm(name, { tags: basicTags(name, [
    [rpmTag.version, { type: 'string', value: version }], [rpmTag.baseNames, { type: 'strings', value: [name] }], [rpmTag.dirNames, { type: 'strings', value: ['/opt/'] }], [rpmTag.dirIndexes, { type: 'int32', value: [0] }],
  ]) });
  await bed.add('application/x-rpm', bytes);
  return lockedRpm(bytes, target.id);
}

async function show(...served: Served[]): Promise<void> {
  bed.served.splice(0, bed.served.length, ...served);
  await bed.service.settled();
}

async function bytesOf(path: string): Promise<Buffer> {
  const answer = await bed.ask(path);
  expect(answer.status, path).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

const locations = async (root: string): Promise<string[]> => parseRepomd(await bytesOf(`${root}/repodata/repomd.xml`), 'repomd').files.map(({ location }) => location);

describe('the yum mirror', () => {
  it('serves signed indexes and packages, with and without the project', async () => {
    const item = await rpm('tool');
    const modules = await bed.add('application/gzip', gzip(Buffer.from('---\ndocument: modulemd\nversion: 2\ndata:\n  name: tool\n  stream: "1"\n  artifacts:\n    rpms: [tool-0:1-2.noarch]\n')));
    const repository: LockedRepository = { id: 'main', target: target.id, manager: 'rpm', uri: 'http://example.org', metadata: modules, indexes: [], keys: [], keyFingerprints: [], verified: true, waivers: [], modules };
    await show(servedOf(makeLock('site', { targets: [target], packages: [item], repositories: [repository] })));
    for (const root of ['/yum/site/alma-9', '/yum/alma-9']) {
      const [repomd, signature] = [await bytesOf(`${root}/repodata/repomd.xml`), await bytesOf(`${root}/repodata/repomd.xml.asc`)];
      await verifyDetached(repomd, signature, await parseKeys(await bytesOf(`${root}/repodata/repomd.xml.key`), 'key'), { subject: 'repomd', now: date });
      const listed = await locations(root);
      expect(listed.map((path) => path.replace(/^repodata\/[0-9a-f]{64}-/, ''))).toEqual(['primary.xml.gz', 'filelists.xml.gz', 'other.xml.gz', 'modules.yaml.gz']);
      for (const path of listed) await bytesOf(`${root}/${path}`);
      expect(await bytesOf(`${root}/${item.path}`)).toHaveLength(item.size);
    }
    expect((await bed.ask('/yum/other/alma-9/repodata/repomd.xml')).status).toBe(404);
    expect((await bed.ask('/yum/alma-9/Packages/t/none.rpm')).status).toBe(404);
    expect(await (await bed.ask('/')).text()).toContain('/etc/yum.repos.d/longshore.repo');
  });

  it('renders many packages in a thread of its own', async () => {
    const items: LockedPackage[] = [];
    for (let index = 0; index < 220; index += 1) items.push(await rpm(`tool${index}`));
    await show(servedOf(makeLock('site', { targets: [target], packages: items })));
    const [primary = '', filelists = ''] = await locations('/yum/alma-9');
    const { gunzipSync } = await import('node:zlib');
    expect(gunzipSync(await bytesOf(`/yum/alma-9/${primary}`)).toString().match(/<package /g)).toHaveLength(220);
    expect(gunzipSync(await bytesOf(`/yum/alma-9/${filelists}`)).toString()).toContain('<file>/opt/tool219</file>');
  });

  it('keeps answering for the repomd.xml that a client has, through a switch', async () => {
    const [old, next] = [await rpm('tool'), await rpm('tool', '2')];
    await show(servedOf(makeLock('site', { targets: [target], packages: [old] }), 1_700_000_000));
    const repomd = await bytesOf('/yum/site/alma-9/repodata/repomd.xml');
    const before = parseRepomd(repomd, 'repomd').files.map(({ location }) => location);
    await show(servedOf(makeLock('site', { targets: [target], packages: [next] }, 2), 1_700_000_100));
    const ring = await parseKeys(Buffer.from(key.publicKey), 'key');
    await verifyDetached(repomd, await bytesOf('/yum/site/alma-9/repodata/repomd.xml.asc'), ring, { subject: 'repomd', now: date });
    for (const path of [...before, old.path]) await bytesOf(`/yum/site/alma-9/${path}`);
    const after = await bytesOf('/yum/site/alma-9/repodata/repomd.xml');
    expect(after.equals(repomd)).toBe(false);
    await verifyDetached(after, await bytesOf('/yum/site/alma-9/repodata/repomd.xml.asc'), ring, { subject: 'repomd', now: date });
    expect(await locations('/yum/site/alma-9')).not.toContain(before[0]);
    await verifyDetached(after, await bytesOf('/yum/site/alma-9/repodata/repomd.xml.asc'), ring, { subject: 'repomd', now: date });
  });

  it('answers for generations from before it was started', async () => {
    const [old, next] = [await rpm('tool'), await rpm('tool', '2')];
    const first = makeLock('site', { targets: [target], packages: [old] });
    await show(servedOf(first));
    const before = await locations('/yum/site/alma-9');
    await show();
    await show({ ...servedOf(makeLock('site', { targets: [target], packages: [next] }, 2), 1_700_000_100), older: [first] });
    for (const path of [...before, old.path]) await bytesOf(`/yum/site/alma-9/${path}`);
  });

  it('stays with what it serves when the next content has a package that is none', async () => {
    const good = await rpm('tool');
    await show(servedOf(makeLock('site', { targets: [target], packages: [good] })));
    await bytesOf('/yum/site/alma-9/repodata/repomd.xml');
    const broken = await bed.add('application/x-rpm', 'no rpm at all');
    await show(servedOf(makeLock('site', { targets: [target], packages: [{ ...good, digest: broken.digest, size: broken.size }] }, 2), 1_700_000_100));
    await bytesOf(`/yum/site/alma-9/${good.path}`);
  });
});
