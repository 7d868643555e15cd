// The pages as HTML: what search and lists say, and whether everybody can read them. WCAG 2.2.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageLinks } from '../../repository/catalog/parts.ts';
import { palettes } from '../../repository/catalog/style.ts';
import { type Bed, makeBed, makeDeb, makeFile, makeLock, servedOf } from './support.ts';

/** WCAG 2.2, "contrast ratio". */
function contrast(one: string, other: string): number {
  const luminance = (color: string): number => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)).reduce((sum, part, index) => sum + part * ([0.2126, 0.7152, 0.0722][index] ?? 0), 0);
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(Object.entries(palettes))('the %s palette', (_, { ink, soft, paper, edge, field, link, mark }) => {
  it('can be read: text 4.5 to 1, edges of controls 3 to 1', () => {
    for (const [text, ground] of [[ink, paper], [ink, field], [ink, mark], [soft, paper], [soft, field], [link, paper], [link, field], [link, mark], [paper, link]] as const) expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    for (const ground of [paper, field]) expect(contrast(edge, ground), `${edge} on ${ground}`).toBeGreaterThanOrEqual(3);
  });
});

describe('lists', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await makeBed();
    const targets = ['jammy', 'noble'].map((id) => ({ id, family: 'debian', os: 'ubuntu', release: id, arch: 'amd64' }));
    const packages = await Promise.all(Array.from({ length: 450 }, (_, index) => makeDeb(bed, `lib${String(index).padStart(3, '0')}`, '1', index % 2 === 0 ? 'jammy' : 'noble')));
    bed.served.push(servedOf(makeLock('big', { packages, targets })), servedOf(makeLock('small', { files: [await makeFile(bed, 'lib.tgz', 'x')] })));
    await bed.service.settled();
  });
  afterAll(() => bed.close());
  const page = async (path: string, headers: Record<string, string> = {}): Promise<string> => (await bed.ask(path, { headers })).text();

  it('are in pages, each of which links to the others and keeps what was asked for', async () => {
    const first = await page('/artifacts?q=lib&project=big');
    expect(first).toContain('450 found (project big), page 1 of 3');
    expect(first.match(/<tr><th scope="row">/g)).toHaveLength(200);
    expect(first).toMatch(/<a href="\/artifacts\?q=lib&amp;project=big&amp;page=1" aria-current="page">1<\/a>.*page=3">3<\/a>.*>Next page</);
    expect((await page('/artifacts?q=lib&project=big&page=99')).match(/<tr><th scope="row">/g)).toHaveLength(50);
    for (const number of ['0', '-1', 'x', '1e9']) expect((await bed.ask(`/artifacts?page=${number}`)).status).toBe(200);
    expect(pageLinks(50, 99, String).match(/>\d+</g)?.map((text) => text.slice(1, -1))).toEqual(['1', '48', '49', '50', '51', '52', '99']);
  });

  it('keep the choices of the search chosen, and offer only what is one', async () => {
    const found = await page('/artifacts?target=noble&q=lib001');
    expect(found).toContain('<option value="noble" selected>noble</option>');
    expect(found).toContain('value="lib001"');
    expect(found).toContain('1 found (target noble)');
    expect(found).not.toContain('name="module"');
    expect(await page('/artifacts?q=nothing-like-that')).toContain('role="status">Nothing here is like that.');
  });

  it('say in a column only what differs', async () => {
    expect(await page('/artifacts?q=lib&page=3')).toMatch(/<th scope="col">Kind<\/th><th scope="col">Project<\/th>/);
    expect(await page('/artifacts?project=big')).not.toMatch(/<th scope="col">(Kind|Project)<\/th>/);
    expect(await page('/')).toContain('450 Debian packages');
  });

  it('a name that is not here is a page for a browser, and a line for a program', async () => {
    const answer = await bed.ask('/nowhere', { headers: { accept: 'text/html,*/*' } });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([404, 'text/html; charset=utf-8', expect.stringContaining('<a href="/artifacts">')]);
    expect((await bed.ask('/nowhere')).headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect((await bed.ask('/v2/x/manifests/y', { headers: { accept: 'text/html' } })).headers.get('content-type')).toBe('application/json');
  });
});
