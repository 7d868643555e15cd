import { expect, it } from 'vitest';
import { escapedPath, keyPathsOf, plainPath, withKeyPaths } from '../../bom/apt-sources.ts';
import { aggregated, bom, refusal } from './support/documents.ts';

const targets = 'targets:\n  - {id: deb12, family: debian, os: debian, release: "12", arch: x86_64}\n';

it('repositories take the text of a .sources file, its keys beside the document and its hosts rewritten', () => {
  const text = 'Types: deb\nURIs: https://apt.example.org/x\n https://b.example.org/x\nSigned-By: keys/a.asc, /k/b.gpg\n# keys/c.asc\n ABCD keys/d.asc\n\nTypes: deb\nURIs:file:/srv/x\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n a/b\n';
  const repository = (fields: string): string => `${targets}packageRepositories: [{id: r, manager: deb, ${fields}}]\npackages: [{manager: deb, target: deb12, include: [{name: x}]}]`;
  const sources = `sources: ${JSON.stringify(text)}`;
  const [first] = aggregated([bom('a', repository(sources))], 'targets: [deb12]\nhostRewrites: {apt.example.org: mirror.example.net}').packageSets[0]?.repositories ?? [];
  expect(first?.sources).toMatchObject({ text: text.replace('apt.example.org', 'mirror.example.net').replace('keys/a.asc', '/boms/keys/a.asc').replace(' keys/d.asc', ' /boms/keys/d.asc'), at: { file: 'a.yaml' } });
  const ids = (...texts: string[]): (string | undefined)[] => aggregated(texts.map((each, index) => bom(`m${index}`, `\n${repository(`sources: ${JSON.stringify(each)}`)}`.slice(index === 0 ? 1 : 0))), 'targets: [deb12]').packageSets.map(({ repositories: [own] }) => own?.id);
  expect(ids(text, text)).toEqual(['r', 'r']);
  expect(ids(text, text.replace('a/b', 'a/c'))).toEqual(['r', 'm1-r']);
  expect(refusal(() => aggregated([bom('a', repository(`${sources}, line: "deb https://apt.example.org x main"`))]))).toMatchObject({ code: 'INPUT_FIELD', facts: { expected: 'one of line, sources, uri', actual: '2' } });
  const elsewhere = (each: string): string => refusal(() => aggregated([{ ...bom('a', repository(`sources: ${JSON.stringify(each)}`)), folder: '/boms/in', root: '/boms/in' }])).facts.actual;
  expect(['Types: deb\nURIs:file:/srv/x\n', 'Types: deb\nSigned-By: /etc/k.gpg\n', 'Signed-By: x\n ../k.gpg\n'].map(elsewhere)).toEqual(['"/srv/x"', '"/etc/k.gpg"', '"../k.gpg"']);
});

it('paths among the values of Signed-By, and nothing else', () => {
  const text = 'Signed-By: a.asc a.asc.old,ABCD\nURIs: https://example.org/a.asc\n\nsigned-by:\n # no comment\n /k/b.gpg\n';
  expect(keyPathsOf(text)).toEqual(['a.asc', 'a.asc.old', '/k/b.gpg']);
  expect(withKeyPaths(text, (path) => `<${path}>`)).toBe('Signed-By: <a.asc> <a.asc.old>,ABCD\nURIs: https://example.org/a.asc\n\nsigned-by:\n # no comment\n </k/b.gpg>\n');
});

it('paths with blanks and commas are one word, and come back as they were', () => {
  for (const path of ['/a b/k.asc', '/a,b/100% ä/k\t.asc', '/plain.asc', '/with%20.asc']) {
    expect(escapedPath(path)).not.toMatch(/[\s,]/);
    expect(plainPath(escapedPath(path))).toBe(path);
    expect(plainPath(path)).toBe(path);
  }
  const repository = `${targets}packageRepositories: [{id: r, manager: deb, sources: "Types: deb\\nSigned-By: k.asc\\n"}]\npackages: [{manager: deb, target: deb12, include: [{name: x}]}]`;
  const [set] = aggregated([{ ...bom('a', repository), folder: '/my boms' }], 'targets: [deb12]').packageSets;
  expect(plainPath(/Signed-By: (\S+)$/m.exec(set?.repositories[0]?.sources?.text ?? '')?.[1] ?? '')).toBe('/my boms/k.asc');
});

it.each(['suite: a', 'components: [main]', 'architectures: [amd64]', 'flat: true'])('%s is refused beside a line or sources, which say it themselves', (field) => {
  for (const [place, word] of [['line: "deb https://apt.example.org a b"', 'line'], ['sources: "Types: deb"', 'sources']]) {
    const text = `${targets}packageRepositories: [{id: r, manager: deb, ${place}, ${field}}]\npackages: [{manager: deb, target: deb12, include: [{name: x}]}]`;
    expect(refusal(() => aggregated([bom('a', text)]))).toMatchObject({ code: 'INPUT_FIELD', facts: { expected: `${word} alone, which says suites, components and architectures itself`, actual: `${field.replace(/:.*/, '')} beside it` } });
  }
});
