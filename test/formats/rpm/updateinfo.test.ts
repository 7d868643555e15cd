import { describe, expect, it } from 'vitest';
import { type Advisory, readUpdateinfo, renderUpdateinfo } from '../../../formats/rpm/updateinfo.ts';

const update = `<update from="a@example.org" status="final" type="security" version="1"><id>EX-2024:1</id><title>a &lt; b</title><severity>Important</severity>
  <issued date="2024-01-01 00:00:00"/><references><reference href="http://example.org/" id="CVE-2024-0001" type="cve"/><reference href="http://example.org/" id="1" type="bugzilla"/></references>
  <pkglist><collection short="x"><name>x</name><package name="a" version="1.1" release="2" epoch="1" arch="x86_64"><filename>a-1.1-2.x86_64.rpm</filename></package></collection></pkglist></update>`;
const document = `<?xml version="1.0"?>\n<updates>${update}\n${update.replace('EX-2024:1', 'EX-2024:2')}</updates>`;

async function read(text: string): Promise<Advisory[]> {
  const found: Advisory[] = [];
  await readUpdateinfo([Buffer.from(text)], { subject: 'updateinfo' }, (advisory) => { found.push(advisory); });
  return found;
}

describe('updateinfo', () => {
  it('reads advisories and renders those that are wanted', async () => {
    const [first, second] = await read(document);
    expect(first).toEqual({
      id: 'EX-2024:1', type: 'security', title: 'a < b', severity: 'Important', issued: '2024-01-01 00:00:00', cves: ['CVE-2024-0001'],
      packages: [{ name: 'a', arch: 'x86_64', evr: { epoch: 1, version: '1.1', release: '2' } }], text: update,
    });
    if (second === undefined) throw new Error('two expected');
    expect(await read(new TextDecoder().decode(renderUpdateinfo([second])))).toEqual([second]);
  });

  it('refuses an advisory without id', async () => {
    await expect(read(document.replace('<id>EX-2024:1</id>', ''))).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
    await expect(read(document.slice(0, -20))).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });
});
