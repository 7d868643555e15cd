import { describe, expect, it } from 'vitest';
import { type ModuleDocument, parseModules } from '../../../formats/rpm/modules.ts';

const stream = `---
document: modulemd
version: 2
data:
  name: nginx
  stream: 1.10
  version: 8040020210518123456789
  context: 9edba152
  arch: x86_64
  summary: nginx webserver
  description: >-
    Prose with
    data: in it and
      rpms:
  license:
    module:
    - MIT
    content: [BSD]
  xmd:
    mbs: {a: 1}
  dependencies:
  - buildrequires:
      platform: [el8]
    requires:
      platform: [el8]
      perl: []
      python: [-2.7, "3.6"]
  profiles:
    common:
      rpms:
      - nginx
      - nginx-all-modules
    minimal:
      rpms: [nginx]
  api:
    rpms:
    - not-an-artifact
  demodularized:
    rpms:
    - nginx-tools
  artifacts:
    rpms:
    - nginx-1:1.10.3-1.module_el8+1+abc.x86_64
    - nginx-all-modules-1:1.10.3-1.module_el8+1+abc.noarch
...
`;
const defaults = `---
document: modulemd-defaults
version: 1
data:
  module: nginx
  modified: 202001010000
  stream: "1.14"
  profiles:
    1.10: [common]
    "1.14": [common, minimal]
...
`;
const obsoletes = `---
document: modulemd-obsoletes
version: 1
data:
  modified: 2022-01-24T08:54Z
  module: nginx
  stream: 1.10
  eol_date: 2021-11-30T00:00Z
  message: It ended.
  obsoleted_by:
    module: nginx
    stream: 1.14
...
`;
const parse = (text: string): readonly ModuleDocument[] => parseModules(Buffer.from(text), 'modules.yaml');

describe('parseModules', () => {
  it('reads streams, defaults and obsoletes; scalars as they are written', () => {
    const [first, second, third, fourth] = parse(`${stream}${defaults}${obsoletes}---\ndocument: modulemd-translations\nversion: 1\ndata:\n  module: nginx\n`);
    expect(first).toEqual({
      kind: 'stream', name: 'nginx', stream: '1.10', version: '8040020210518123456789', context: '9edba152', arch: 'x86_64', summary: 'nginx webserver',
      requires: [{ platform: ['el8'], perl: [], python: ['-2.7', '3.6'] }],
      profiles: { common: ['nginx', 'nginx-all-modules'], minimal: ['nginx'] },
      artifacts: ['nginx-1:1.10.3-1.module_el8+1+abc.x86_64', 'nginx-all-modules-1:1.10.3-1.module_el8+1+abc.noarch'],
      demodularized: ['nginx-tools'], text: stream,
    });
    expect(second).toEqual({ kind: 'defaults', name: 'nginx', stream: '1.14', profiles: { '1.10': ['common'], 1.14: ['common', 'minimal'] }, modified: '202001010000', text: defaults });
    expect(third).toMatchObject({ kind: 'obsoletes', name: 'nginx', stream: '1.10', eolDate: '2021-11-30T00:00Z', message: 'It ended.', obsoletedBy: { name: 'nginx', stream: '1.14' }, reset: false, text: obsoletes });
    expect(fourth).toMatchObject({ kind: 'other', document: 'modulemd-translations', name: 'nginx' });
  });

  it('reads the same from other ways to write it', () => {
    const [plain] = parse(stream);
    if (plain?.kind !== 'stream') throw new Error('a stream expected');
    const flow = stream.replace(/ {4}rpms:\n {4}- nginx-1.*\n.*\n/, `    rpms: [${plain.artifacts.map((each) => JSON.stringify(each)).join(', ')}]\n`);
    const indented = stream.replaceAll(/^ {4}- (nginx-.*86_64|nginx-.*noarch)$/gm, '      - $1');
    const commented = stream.replace('  artifacts:\n', '  artifacts: # what is in it\n');
    const json = `{"document": "modulemd", "version": 2, "data": {"name": "nginx", "stream": "1.10", "artifacts": {"rpms": ${JSON.stringify(plain.artifacts)}}}}`;
    for (const text of [flow, indented, commented]) expect(parse(text)).toMatchObject([{ ...plain, text: text }]);
    expect(parse(`--- ${json}\n`)).toMatchObject([{ name: 'nginx', stream: '1.10', artifacts: plain.artifacts }]);
    expect(parse(stream.slice(4))).toMatchObject([{ ...plain }]);
    expect(parse(`# comment\n%YAML 1.2\n${stream}# the end\n`)).toHaveLength(1);
  });

  it('reads nothing from nothing', () => {
    expect(parse('')).toEqual([]);
    expect(parse('---\n...\n')).toEqual([]);
  });

  it.each([
    ['a bomb of aliases', 'document: modulemd\nversion: 2\ndata:\n  name: &a [x, x]\n  stream: &b [*a, *a]\n  version: [*b, *b]\n'],
    ['a key twice', stream.replace('  stream: 1.10', '  stream: 1.10\n  stream: 1.12')],
    ['no stream', stream.replace('  stream: 1.10\n', '')],
    ['a list as name', stream.replace('name: nginx', 'name: [nginx]')],
    ['text as artifacts', stream.replace(/ {4}rpms:\n {4}- nginx-1[^]*/, '    rpms: all\n')],
    ['a list as profiles', defaults.replace(/ {2}profiles:[^]*/, '  profiles: [a]\n')],
    ['no YAML', '---\na: [b\n'],
    ['no mapping', '---\n- a\n'],
    ['version 1', stream.replace('version: 2', 'version: 1')],
    ['a document without ---', `${stream}document: modulemd\n`],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseModules(Uint8Array.of(0xff, 0xfe), 'modules.yaml')).toThrow(expect.objectContaining({ code: 'INTEGRITY_METADATA' }) as Error);
  });
});
