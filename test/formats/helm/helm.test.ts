import { describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import fc from 'fast-check';
import { digestOf } from '../../../bom/digest.ts';
import { BundleError } from '../../../bom/errors.ts';
import { parseChart, parseChartLock } from '../../../formats/helm/chart.ts';
import { packChart, readChart, vendoredCharts } from '../../../formats/helm/chart-archive.ts';
import { parseIgnore } from '../../../formats/helm/ignore.ts';
import { provenanceDigests, unverifiedText } from '../../../formats/helm/provenance.ts';
import { chartVersions, renderChartIndex } from '../../../formats/helm/repository-index.ts';
import { chooseVersion, parseConstraint } from '../../../formats/helm/version-constraint.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

// What Masterminds/semver documents (README, "Checking Version Constraints"), range by range.
describe('a version constraint', () => {
  it.each([
    ['1.2.3', '1.2.3', true], ['=1.2.3', '1.2.4', false], ['v1.2.3', '1.2.3', true], ['1.2', '1.2.9', true], ['1.2', '1.3.0', false], ['*', '9.9.9', true], ['', '1.0.0', true], ['*', '1.0.0-rc1', false],
    ['>=1.2', '1.2.0', true], ['>1.2', '1.2.9', false], ['>1.2', '1.3.0', true], ['<=1.2', '1.2.9', true], ['<1.2', '1.1.9', true], ['<1.2', '1.2.0', false], ['!=1.2.3', '1.2.4', true], ['!=1.2', '1.2.7', false],
    ['^1.2.3', '1.9.0', true], ['^1.2.3', '2.0.0', false], ['^0.2.3', '0.2.9', true], ['^0.2.3', '0.3.0', false], ['^0.0.3', '0.0.3', true], ['^0.0.3', '0.0.4', false], ['^0', '0.9.0', true], ['^0.0', '0.0.9', true], ['^0.0', '0.1.0', false],
    ['~1.2.3', '1.2.9', true], ['~1.2.3', '1.3.0', false], ['~1', '1.9.9', true], ['~1.2', '1.3.0', false], ['~>1.2', '1.2.5', true], ['1.x', '1.9.0', true], ['1.2.X', '1.2.0', true], ['1.2.*', '1.3.0', false], ['~1.x', '1.5.0', true],
    ['1.2 - 1.4.5', '1.4.5', true], ['1.2 - 1.4.5', '1.4.6', false], ['>=1.2, <2', '1.9.0', true], ['>=1.2 <2', '2.0.0', false], ['>= 1.2.3, < 2.0.0 || >= 4.2.3', '4.3.0', true], ['>= 1.2.3, < 2.0.0 || >= 4.2.3', '3.0.0', false],
    ['>=1.0.0-0', '1.2.0-beta.1', true], ['^1.0.0', '1.2.0-beta.1', false], ['^1.0.0-0', '1.2.0-beta.1', true], ['=>1.0', '1.0.0', true], ['>1.0.0', 'not-a-version', false], ['1.2.3+build', '1.2.3', true],
  ])('%s and %s: %s', (constraint, version, expected) => {
    expect(parseConstraint(constraint, 's')(version)).toBe(expected);
  });

  it.each(['not a version', '>=', '1.2.3.4.5', '>> 1', '$(x)'])('%s is refused', (text) => {
    expect(() => parseConstraint(text, 's')).toThrow(BundleError);
  });

  it('chooses the exact spelling first, else the newest', () => {
    const offered = ['1.0.0', '1.10.0', '1.9.0', '2.0.0-rc.1', 'v1.8.8'].map((version) => ({ version }));
    expect(chooseVersion(offered, '', 's')?.version).toBe('1.10.0');
    expect(chooseVersion(offered, 'v1.8.8', 's')?.version).toBe('v1.8.8');
    expect(chooseVersion(offered, '2.0.0-rc.1', 's')?.version).toBe('2.0.0-rc.1');
    expect(chooseVersion(offered, '^3', 's')).toBeUndefined();
  });
});

describe('an index', () => {
  const hex = 'a'.repeat(64);
  const index = `apiVersion: v1\nentries:\n  web:\n  - version: 1.10\n    urls:\n    - web-1.10.0.tgz\n    digest: ${hex}\n    description: |\n      has lines\n      entries:\n  - version: "1.2.0"\n    urls: [https://example.org/web.tgz]\n  webber:\n  - version: 9.0.0\n    urls: [x]\n"other":\n  - version: 1\ngenerated: "2024"\n`;

  it('is read one chart at a time, versions as they are written', () => {
    expect(chartVersions(index, 'web', 's')).toEqual([{ version: '1.10', urls: ['web-1.10.0.tgz'], digest: `sha256:${hex}` }, { version: '1.2.0', urls: ['https://example.org/web.tgz'] }]);
    expect(chartVersions(index, 'webber', 's')?.map(({ version }) => version)).toEqual(['9.0.0']);
    expect(chartVersions(index, 'we', 's')).toBeUndefined();
    expect(chartVersions(index, '__proto__', 's')).toBeUndefined();
  });

  it('may be JSON, in flow style, or have carriage returns', () => {
    const chart = { name: 'web', version: '1.0.0', path: 'web-1.0.0.tgz', digest: `sha256:${hex}`, created: 10, metadata: { description: 'x' }, urls: [], size: 1, trust: 'declared', usedBy: [] } as never;
    const rendered = renderChartIndex([chart]);
    expect(chartVersions(rendered, 'web', 's')).toEqual([{ version: '1.0.0', urls: ['web-1.0.0.tgz'], digest: `sha256:${hex}` }]);
    expect(chartVersions(`apiVersion: v1\nentries: {web: [{version: 1.0.0, urls: [a]}]}\n`, 'web', 's')).toEqual([{ version: '1.0.0', urls: ['a'] }]);
    expect(chartVersions(index.replaceAll('\n', '\r\n'), 'webber', 's')?.[0]?.version).toBe('9.0.0');
  });

  it('that is none is refused', () => {
    expect(() => chartVersions('<html>', 'web', 's')).toThrow(BundleError);
    expect(() => chartVersions('{"a":', 'web', 's')).toThrow(BundleError);
    expect(() => chartVersions('entries:\n  web:\n  - {"\n', 'web', 's')).toThrow(BundleError);
  });
});

describe('Chart.yaml', () => {
  it('keeps texts as they are written', () => {
    const facts = parseChart('name: web\nversion: 1.0.0\nappVersion: 1.10\ndeprecated: true\nannotations: {a: "1"}\ndependencies:\n- {name: db, version: ~1.2, repository: "@x", alias: y}\n', undefined, 's');
    expect(facts.metadata).toMatchObject({ appVersion: '1.10', deprecated: true, annotations: { a: '1' } });
    expect(facts.dependencies).toEqual([{ name: 'db', version: '~1.2', repository: '@x' }]);
    expect(parseChart('name: web\nversion: 1.0.0\n', 'dependencies: [{name: old, version: 1.0.0, repository: ""}]', 's').dependencies[0]?.name).toBe('old');
    expect(parseChartLock('dependencies:\n- {name: db, version: 1.2.3}\ndigest: sha256:x\n', 's')).toEqual(new Map([['db', '1.2.3']]));
  });

  it.each(['', 'name: ../x\nversion: 1.0.0', 'name: x', 'name: x\nversion: ../../y', '- a', 'name: [x]\nversion: 1'])('%s is refused', (text) => {
    expect(() => parseChart(text, undefined, 's')).toThrow(BundleError);
  });
});

describe('a packed chart', () => {
  const files = new Map([['values.yaml', bytes('a: 1\n')], ['Chart.yaml', bytes('name: web\nversion: 1.0.0\n')], ['templates/x.yaml', bytes('x')]]);

  it('is read back; the order of the files does not matter', async () => {
    const packed = packChart('web', files);
    expect((await readChart(packed, 's')).files).toEqual(new Map([...files].sort(([a], [b]) => Number(b === 'Chart.yaml') - Number(a === 'Chart.yaml') || (a < b ? -1 : 1)).map(([name, content]) => [name, Buffer.from(content)])));
    expect(digestOf(packChart('web', new Map([...files].reverse())))).toBe(digestOf(packed));
  });

  it('says what lies in charts/', async () => {
    const inner = packChart('db', new Map([['Chart.yaml', bytes('name: db\nversion: 2.0.0\n')]]));
    expect(await vendoredCharts(new Map([['charts/db-2.0.0.tgz', inner], ['charts/cache/Chart.yaml', bytes('name: cache\nversion: 1.0.0')]]), 's')).toEqual(new Set(['db', 'cache']));
  });

  const entry = (path: string, more: object = {}, content = ''): Buffer => {
    const block = Buffer.alloc(512);
    new Header({ path, type: 'File', size: content.length, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), ...more }).encode(block);
    return Buffer.concat([block, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]);
  };
  const chartYaml = entry('web/Chart.yaml', {}, 'name: web\nversion: 1.0.0\n');
  const tgz = (...parts: Buffer[]): Buffer => gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));

  it.each<[string, () => Uint8Array]>([
    ['that leaves its folder', () => tgz(chartYaml, entry('web/../../etc/passwd', {}, 'x'))],
    ['with an absolute name', () => tgz(chartYaml, entry('/etc/passwd', {}, 'x'))],
    ['with a symbolic link', () => tgz(chartYaml, entry('web/values.yaml', { type: 'SymbolicLink', linkpath: '/etc/passwd' }))],
    ['with a hard link', () => tgz(chartYaml, entry('web/values.yaml', { type: 'Link', linkpath: '../x' }))],
    ['with a device', () => tgz(chartYaml, entry('web/dev', { type: 'CharacterDevice' }))],
    ['with two folders', () => tgz(chartYaml, entry('other/x', {}, 'x'))],
    ['with a name twice', () => tgz(chartYaml, chartYaml)],
    ['without Chart.yaml', () => tgz(entry('web/values.yaml', {}, 'x'))],
    ['with a backslash', () => tgz(chartYaml, entry('web\\..\\x', {}, 'x'))],
    ['that is cut', () => tgz(chartYaml).subarray(0, 60)],
    ['that is no gzip', () => bytes('PK')],
    ['that ends inside an entry', () => gzipSync(chartYaml.subarray(0, 512))],
    ['that grows without end', () => gzipSync(Buffer.alloc(101 << 20))],
  ])('%s is refused', async (_, make) => {
    await expect(readChart(make(), 's')).rejects.toMatchObject({ code: 'INTEGRITY_METADATA' });
  });

  it('never crashes on noise', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (noise) => {
      const error: unknown = await readChart(gzipSync(noise), 's').then(() => undefined, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(BundleError);
    }), { numRuns: 200 });
  });
});

describe('.helmignore', () => {
  it.each([
    ['*.bak', 'a/b.bak', false, true], ['*.bak', 'b.bakx', false, false], ['/docs', 'docs', true, true], ['/docs', 'a/docs', true, false], ['tmp/', 'tmp', true, true], ['tmp/', 'tmp', false, false],
    ['a/b.txt', 'a/b.txt', false, true], ['# x', '# x', false, false], ['', 'templates/.hidden', false, true], ['[ab].txt', 'a.txt', false, true], ['?.txt', 'ab.txt', false, false],
  ])('%s and %s (folder %s): %s', (rule, path, isFolder, expected) => {
    expect(parseIgnore(rule)(path, isFolder)).toBe(expected);
  });
});

it('a provenance text gives its digests', () => {
  const text = 'name: web\nversion: 1.0.0\n\n...\nfiles:\n  web-1.0.0.tgz: sha256:ab\n';
  expect(provenanceDigests(text, 's')).toEqual(new Map([['web-1.0.0.tgz', 'sha256:ab']]));
  const signed = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${text}-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n`;
  expect(provenanceDigests(unverifiedText(bytes(signed)), 's').size).toBe(1);
  expect(() => provenanceDigests('a: 1', 's')).toThrow(BundleError);
});

describe('hostile text', () => {
  it('gives an error or an answer, soon', () => {
    const pieces = fc.constantFrom('1', '.', '-', ' ', '||', ',', '^', '~', '>=', 'x', '*', 'v', '+', ' - ', 'a', '\n', '\t', 'entries:', '  web:', '  - version: ', '"', "'", '{', '}', '[', ']', ':', '#', '&a', '*a');
    fc.assert(fc.property(fc.array(pieces, { maxLength: 200 }), (parts) => {
      const text = parts.join('');
      for (const run of [() => parseConstraint(text, 's')('1.2.3'), () => chartVersions(text, 'web', 's'), () => parseChart(text, text, 's'), () => parseIgnore(text)('a/b', false), () => provenanceDigests(unverifiedText(bytes(text)), 's')]) {
        try {
          run();
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
        }
      }
    }), { numRuns: 300 });
    expect(() => parseConstraint(' '.repeat(100_000), 's')).toThrow(BundleError);
  });
});
