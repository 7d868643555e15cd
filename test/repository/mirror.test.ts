import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexOf } from '../../bom/digest.ts';
import { renderAptMirror } from '../../formats/deb/mirror.ts';
import type { LockedFile, LockedPackage, LockedTarget } from '../../bom/lock.ts';
import { itemsOf } from '../../repository/catalog/inventory.ts';
import { type Bed, makeBed, makeDeb, makeFile, makeImage, makeLock, servedOf } from './support.ts';
import { processorTime } from '../support/processor-time.ts';

const target: LockedTarget = { id: 'debian-12-amd64', family: 'debian', arch: 'amd64' };
const signer = {
  clearsign: async (text: string): Promise<string> => `SIGNED\n${text}`,
  detach: async (content: Uint8Array): Promise<string> => `SIGNATURE of ${content.length}`,
  publicKeyArmored: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n',
};

describe('the apt mirror', () => {
  let bed: Bed;
  let nginx: LockedPackage;
  beforeAll(async () => {
    bed = await makeBed({ signer });
    nginx = await makeDeb(bed, 'nginx', '1.22-1', target.id);
    bed.served.push(servedOf(makeLock('site', { targets: [target, { ...target, id: 'other-amd64' }], packages: [nginx, await makeDeb(bed, 'curl', '8-1', 'other-amd64')] })));
    bed.served.push(servedOf(makeLock('second', { targets: [{ ...target, id: 'other-amd64' }], packages: [await makeDeb(bed, 'jq', '1-1', 'other-amd64')] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  it.each(['/apt/site/debian-12-amd64', '/apt/debian-12-amd64'])('has signed indexes that agree with each other, below %s', async (root) => {
    const dists = `${root}/dists/debian-12-amd64`;
    const release = await (await bed.ask(`${dists}/Release`)).text();
    expect(await (await bed.ask(`${dists}/InRelease`)).text()).toBe(`SIGNED\n${release}`);
    expect(await (await bed.ask(`${dists}/Release.gpg`)).text()).toBe(`SIGNATURE of ${release.length}`);
    const packages = Buffer.from(await (await bed.ask(`${dists}/main/binary-amd64/Packages`)).arrayBuffer());
    const sha256 = createHash('sha256').update(packages).digest('hex');
    expect(release).toContain(`${sha256} ${String(packages.length).padStart(10)} main/binary-amd64/Packages\n`);
    expect(packages.toString()).toContain(`Filename: ${nginx.path}`);
    const zipped = Buffer.from(await (await bed.ask(`${dists}/main/binary-amd64/Packages.gz`)).arrayBuffer());
    expect(gunzipSync(zipped).equals(packages)).toBe(true);
    expect(await (await bed.ask(`${dists}/main/binary-amd64/by-hash/SHA256/${sha256}`)).text()).toBe(packages.toString());
  });

  it('sends packages from the store, in ranges too', async () => {
    const path = `/apt/site/debian-12-amd64/${nginx.path}`;
    expect(await (await bed.ask(path)).text()).toBe('deb nginx 1.22-1');
    expect(await (await bed.ask(path, { headers: { range: 'bytes=4-8' } })).text()).toBe('nginx');
  });

  it('answers an unchanged index with 304, by date as apt asks', async () => {
    const path = '/apt/site/debian-12-amd64/dists/debian-12-amd64/InRelease';
    const date = (await bed.ask(path)).headers.get('last-modified') ?? '';
    expect((await bed.ask(path, { headers: { 'if-modified-since': date } })).status).toBe(304);
    expect((await bed.ask(path, { headers: { 'if-modified-since': new Date(0).toUTCString() } })).status).toBe(200);
  });

  it('has no alias for a target of two projects', async () => {
    expect((await bed.ask('/apt/other-amd64/dists/other-amd64/Release')).status).toBe(404);
    for (const project of ['site', 'second']) expect((await bed.ask(`/apt/${project}/other-amd64/dists/other-amd64/Release`)).status).toBe(200);
  });

  it('is rendered aside when it is big, with the same bytes, while others are answered', async () => {
    const packages = Array.from({ length: 3000 }, (_, i) => ({ ...nginx, name: `p${i}`, path: `pool/main/p${i}_1_amd64.deb`, stanza: nginx.stanza.replace('Package: nginx', `Package: p${i}`) }));
    const options = { target: target.id, label: 'big', date: 1_700_000_000, architectures: ['amd64'] };
    const own = await makeBed({ signer });
    own.served.push(servedOf(makeLock('big', { targets: [target], packages })));
    const settling = processorTime();
    await own.service.settled();
    const settled = settling();
    const rendering = processorTime();
    const { files } = renderAptMirror(packages, options);
    const rendered = rendering();
    for (const { path, bytes } of files) expect(Buffer.from(await (await own.ask(`/apt/big/${target.id}/${path}`)).arrayBuffer()).equals(bytes)).toBe(true);
    expect(settled).toBeLessThan(rendered);
    await own.close();
  });

  it('serves the public key', async () => {
    const response = await bed.ask('/keys/longshore.asc');
    expect([response.status, await response.text()]).toEqual([200, signer.publicKeyArmored]);
  });
});

describe('files and charts', () => {
  let bed: Bed;
  let file: LockedFile;
  beforeAll(async () => {
    bed = await makeBed();
    file = await makeFile(bed, 'tools/kubectl <1>', 'binary');
    const chart = await bed.add('application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'chart');
    bed.served.push(servedOf(makeLock('site', {
      files: [file, await makeFile(bed, 'same', 'one')],
      charts: [{ name: 'ingress', version: '1.2.3', path: 'ingress-1.2.3.tgz', urls: [], digest: chart.digest, size: chart.size, metadata: { apiVersion: 'v2', description: 'x' }, trust: 'declared', usedBy: [] }],
    })));
    bed.served.push(servedOf(makeLock('second', { files: [await makeFile(bed, 'same', 'two')] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  it('come with their checksum', async () => {
    const response = await bed.ask('/files/tools/kubectl%20%3C1%3E');
    expect(await response.text()).toBe('binary');
    expect(response.headers.get('x-checksum-sha256')).toBe(hexOf(file.digest));
    expect([response.headers.get('content-security-policy'), response.headers.get('x-content-type-options')]).toEqual(["default-src 'none'; sandbox", 'nosniff']);
    expect(response.headers.get('repr-digest')).toBe(`sha-256=:${Buffer.from(hexOf(file.digest), 'hex').toString('base64')}:`);
  });

  it('are listed, with SHA256SUMS, escaped', async () => {
    const listing = await (await bed.ask('/files/tools/')).text();
    expect(listing).toContain('<a href="kubectl%20%3C1%3E">kubectl &lt;1&gt;</a>');
    expect(await (await bed.ask('/files/')).text()).toContain('<a href="tools/">tools/</a>');
    expect(await (await bed.ask('/files/tools/SHA256SUMS')).text()).toBe(`${hexOf(file.digest)}  kubectl <1>\n`);
    expect((await bed.ask('/files/SHA256SUMS')).status).toBe(200);
    expect((await bed.ask('/files/none/')).status).toBe(404);
  });

  it('of two projects with one name are told apart', async () => {
    expect((await bed.ask('/files/same')).status).toBe(404);
    expect([await (await bed.ask('/files/site/same')).text(), await (await bed.ask('/files/second/same')).text()]).toEqual(['one', 'two']);
  });

  it('make a Helm repository', async () => {
    const index = (await (await bed.ask('/charts/index.yaml')).json()) as { entries: Record<string, { urls: string[]; digest: string }[]> };
    const [entry] = index.entries['ingress'] ?? [];
    const response = await bed.ask(`/charts/${entry?.urls[0]}`);
    expect(createHash('sha256').update(await response.text()).digest('hex')).toBe(entry?.digest);
  });
});

describe('the catalog', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await makeBed({ signer });
    const nginx = await makeDeb(bed, 'nginx', '1.22-1', target.id);
    bed.served.push(servedOf(makeLock('site', {
      targets: [target], packages: [nginx], images: [await makeImage(bed, 'docker.io/library/app:1')], files: [await makeFile(bed, '<script>alert(1)</script>', 'x')],
    })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());

  it('shows what is here and how to use it, without script or outside assets', async () => {
    const response = await bed.ask('/');
    const html = await response.text();
    for (const text of ['docker.io/library/app:1', 'nginx 1.22-1 amd64', `URIs: ${bed.origin}/apt/site/debian-12-amd64`, 'podman pull --tls-verify=false', '/keys/longshore.asc']) expect(html).toContain(text);
    expect(html).not.toMatch(/<script|src=|@import|https?:\/\/(?!127\.0\.0\.1)/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('finds by word, kind and module, in pages', async () => {
    const list = async (query: string): Promise<string> => (await bed.ask(`/artifacts${query}`)).text();
    expect(await list('?q=NGINX')).toContain('nginx 1.22-1 amd64');
    expect(await list('?q=nginx&kind=image')).toContain('Nothing here is like that');
    expect(await list('?q="><script>')).not.toContain('"><script>');
    expect(await list('?page=99999&module=app')).toContain('3 found (module app)');
    for (const odd of ['?page=-1', '?page=x', '?kind=nonsense', `?q=${'a '.repeat(4000)}`]) expect((await bed.ask(`/artifacts${odd}`)).status).toBe(200);
  });

  it('has a page for each artifact', async () => {
    for (const { digest, kind, name } of bed.served.flatMap(itemsOf)) {
      const html = await (await bed.ask(`/artifact/${digest.slice(7)}`)).text();
      expect([kind, html.includes(digest), html.includes('Wanted by')]).toEqual([kind, true, true]);
      if (kind === 'image') expect(html).toContain('Layers and configs');
      if (kind === 'deb') expect(html).toContain(`apt-get install nginx=1.22-1`);
      if (kind === 'file') expect([html.includes('<script>'), name]).toEqual([false, '<script>alert(1)</script>']);
    }
    expect((await bed.ask(`/artifact/${'0'.repeat(64)}`)).status).toBe(404);
  });

  it('does not show a host that is none', async () => {
    const { request } = await import('node:http');
    const html = await new Promise<string>((done, fail) => {
      request(bed.origin, { headers: { host: '"><b>x' } }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('end', () => { done(text); });
      }).on('error', fail).end();
    });
    expect(html).not.toContain('<b>x');
  });

  it('gives the same as JSON, filtered', async () => {
    const artifacts = async (query: string): Promise<{ kind: string }[]> => ((await (await bed.ask(`/api/v1/artifacts${query}`)).json()) as { artifacts: { kind: string }[] }).artifacts;
    expect((await artifacts('')).map(({ kind }) => kind).sort()).toEqual(['deb', 'file', 'image']);
    expect((await artifacts('?q=NGINX')).length).toBe(1);
    expect((await artifacts('?kind=image&module=nobody')).length).toBe(0);
    const { projects } = (await (await bed.ask('/api/v1/projects')).json()) as { projects: { name: string; counts: { deb: number } }[] };
    expect(projects[0]).toMatchObject({ name: 'site', sequence: 1, counts: { deb: 1, image: 1, file: 1 } });
    expect(((await (await bed.ask('/api/v1/projects/site/lock')).json()) as { kind: string }).kind).toBe('Lock');
    expect(((await (await bed.ask('/api/v1/projects/site/sbom.cdx.json')).json()) as { bomFormat: string }).bomFormat).toBe('CycloneDX');
    expect(((await (await bed.ask('/api/v1/projects/site/sbom.spdx.json')).json()) as { spdxVersion: string }).spdxVersion).toMatch(/^SPDX-/);
    expect((await bed.ask('/api/v1/nothing')).status).toBe(404);
  });

  it('is useful before anything is imported', async () => {
    const empty = await makeBed();
    expect(await (await empty.ask('/')).text()).toContain('Nothing is imported yet');
    await empty.close();
  });
});
