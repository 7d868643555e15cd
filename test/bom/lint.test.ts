import { describe, expect, it } from 'vitest';
import { parseDocuments } from '../../bom/documents/document.ts';
import { lintBom, lintWarnings } from '../../bom/lint.ts';
import { templateText } from '../../bom/template.ts';
import { bom, sha } from './support/documents.ts';

describe('lint', () => {
  it('refuses names of files that leave their folder, or are none', () => {
    const problems = lintBom(bom('a', `variables: {v: {}}
files:
  - {urls: ["https://example.org/a"], saveAs: "../../etc/passwd"}
  - {urls: ["https://example.org/"]}
  - {urls: ["https://example.org/b"], saveAs: "x/\${v}"}`));
    expect(problems.map(({ code, actual }) => [code, actual])).toEqual([['INPUT_FIELD', '"../../etc/passwd"'], ['INPUT_FIELD', '""']]);
  });

  it('finds everything at once, by line', () => {
    const problems = lintBom(bom('a', `targets: [{id: t, family: debian, arch: amd64}]
variables: {v: {default: "1"}, w: {}}
images:
  - {ref: "https://x", id: i}
  - {ref: "x:\${nope}"}
  - {ref: "x:\${w}"}
  - {ref: Upper, id: i}
files:
  - {urls: ["ftp://example.org/x", "relative/y"]}
packages:
  - {manager: deb, target: u, include: [{name: x}]}
tools: [{file: nothing}]`));
    expect(problems.map(({ position: { line }, code, actual }) => [line, code, actual.slice(0, 12)])).toEqual([
      [8, 'INPUT_REFERENCE', '"https://x"'], [9, 'INPUT_FIELD', '${nope}'], [11, 'INPUT_REFERENCE', '"Upper"'], [11, 'INPUT_FIELD', 'i is also at'],
      [13, 'INPUT_FIELD', '"ftp://examp'], [13, 'INPUT_FIELD', '"relative/y"'], [15, 'INPUT_FIELD', 'u'], [5, 'INPUT_FIELD', 'nothing'],
    ].sort(([a], [b]) => Number(a) - Number(b)));
  });

  it('has nothing to say about the template', () => {
    for (const all of [true, false]) for (const one of parseDocuments(templateText(all), 't.yaml').boms) expect(lintBom(one)).toEqual([]);
  });
});

it('what is taken and was probably not meant is said', () => {
  expect(lintWarnings(bom('a', `requires: {strong: [[{key: "name,", operator: eq, values: [b]}]]}
influences: [[{key: kind, operator: "in,", values: [x]}]]
images: [{ref: nginx}, {ref: "host:5000/a"}, {ref: "a:latest"}, {ref: "b:1"}, {ref: nginx, digest: "${sha('1')}"}, {ref: "host:5000/a:1"}, {ref: "c:\${v}"}]
variables: {v: {default: "1"}}`))).toEqual([
    'a.yaml:5:24: a trailing comma in name, eq was dropped', 'a.yaml:6:17: a trailing comma in kind in, was dropped',
    'a.yaml:7:18: nginx means the tag latest, which moves; name a version or a digest', 'a.yaml:7:32: host:5000/a means the tag latest, which moves; name a version or a digest', 'a.yaml:7:54: a:latest means the tag latest, which moves; name a version or a digest',
  ]);
});
