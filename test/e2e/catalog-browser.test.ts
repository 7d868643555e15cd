// The pages in a headless Chromium; no page has a script, and none may run: what a person sees is what the server sent, and it fits.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexOf } from '../../bom/digest.ts';
import { type Bed, makeBed, makeDeb, makeFile, makeImage, makeLock, servedOf } from '../repository/support.ts';
import { must } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe('the catalog in Chromium', async () => {
  const folder = await temporaryFolder('chromium');
  const target = { id: 'debian-12-amd64', family: 'debian', os: 'debian', release: '12', arch: 'amd64' };
  let bed: Bed;
  let image = '';
  let long = '';

  beforeAll(async () => {
    bed = await makeBed({ signer: { clearsign: async (text) => text, detach: async () => '', publicKeyArmored: 'key\n' }, version: '0' });
    const [one, two] = [await makeImage(bed, 'docker.io/library/nginx:1.27'), await makeImage(bed, 'quay.io/a/<b>:1')];
    image = hexOf(one.digest);
    const files = [{ ...(await makeFile(bed, 'bin/kubeadm', 'x')), licence: 'Apache-2.0, or "not"' }];
    const deb = await makeDeb(bed, 'jq', '1.6', target.id);
    const [first, second, third] = [makeLock('site', { files }, 1), makeLock('site', { files, images: [one] }, 2), makeLock('site', { files, images: [one, two], packages: [deb], targets: [target] }, 3)];
    const wide = await makeImage(bed, `registry.example.org_5000/${'a-long-name/'.repeat(8)}${'x'.repeat(60)}:2026.11.21-build.${'1'.repeat(40)}`);
    long = hexOf(wide.digest);
    bed.served.push({ ...servedOf(third), older: [second, first] }, servedOf(makeLock('another-project-with-a-long-name-of-its-own', { images: [wide] })));
    await bed.service.settled();
    await mkdir(join(folder, 'profile'));
  });
  afterAll(() => bed.close());

  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${folder}/profile`];
  const dom = (path: string, ...more: string[]): Promise<string> => must('chromium', [
    ...flags, ...more, '--dump-dom', `${bed.origin}${path}`,
  ]);

  it('shows what is here, how to use it, sizes and documents, and loads nothing from elsewhere', async () => {
    const page = await dom('/');
    for (const text of ['docker.io/library/nginx:1.27', 'quay.io/a/&lt;b&gt;:1', 'jq 1.6 amd64', 'bin/kubeadm', 'client/setup.sh', 'Signed-By:', 'distinct bytes by kind', 'SPDX', 'licences.csv', 'class="bars"']) expect(page).toContain(text);
    // Scripts are forbidden, not only absent: what is seen needs none.
    expect((await bed.ask('/')).headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src/);
    expect(page).not.toMatch(/<script|<link[^>]+href="(?!data:)|src="(?!data:)|url\(/);
    expect(page).toMatch(/<html lang="en">[\s\S]*<a class="skip" href="#main">/);
  });

  it('shows an artifact, and every step of the history that is still here', async () => {
    expect(await dom(`/artifact/${image}`)).toMatch(/podman pull[\s\S]*Manifests[\s\S]*Layers and configs/);
    const changes = await dom('/changes/site');
    expect(changes).toMatch(/Sequence 3 against 2[\s\S]*jq 1\.6 amd64[\s\S]*Sequence 2 against 1[\s\S]*nginx/);
    expect(await (await bed.ask('/api/v1/projects/site/licences.csv')).text()).toContain('file,bin/kubeadm,sha256:');
    expect(await (await bed.ask('/api/v1/projects/site/licences.csv')).text()).toContain('"Apache-2.0, or ""not"""\r\n');
    expect(((await (await bed.ask('/api/v1/projects/site/history')).json()) as { changes: unknown[] }).changes).toHaveLength(2);
  });

  it('fits a telephone of 320 points, whatever names there are', async () => {
    for (const path of ['/', '/artifacts', `/artifact/${long}`, '/changes/site', '/files/', '/nothing']) {
      const page = (await (await bed.ask(path, { headers: { accept: 'text/html' } })).text()).replaceAll('<details>', '<details open>');
      const frame = `<!doctype html><iframe id="frame" width="320" height="800" style="border:0"></iframe><script>
        const frame = document.getElementById('frame');
        frame.onload = () => { const { documentElement: it } = frame.contentDocument; document.body.append(it.scrollWidth <= it.clientWidth && it.clientWidth <= 320 ? 'IT FITS' : 'TOO WIDE ' + it.scrollWidth); };
        frame.srcdoc = ${JSON.stringify(page).replaceAll('</', '<\\/')};</script>`;
      await writeFile(join(folder, 'frame.html'), frame);
      expect([path, /IT FITS<|TOO WIDE \d+/.exec(await must('chromium', [...flags, '--virtual-time-budget=10000', '--dump-dom', `file://${folder}/frame.html`]))?.[0]]).toEqual([path, 'IT FITS<']);
    }
  });
});
