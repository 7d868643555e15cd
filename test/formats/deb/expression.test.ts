import { describe, expect, it } from 'vitest';
import { expressionOf } from '../../../formats/deb/expression.ts';
import { versionMatcher } from '../../../formats/deb/version.ts';
import { releaseMatcher } from '../../../downloader/solver/pins.ts';

describe('expressions of documents', () => {
  it.each(['^php[0-9.]+-(cli|fpm)$', 'lib.*-dev', '(ab)+c', 'a{1,3}', String.raw`\(.+\)`, '[a+*|]x*', '^linux-image-[0-9]+\\.[0-9]+.*-amd64$'])('%s is one', (pattern) => {
    expect(expressionOf(pattern).source).toBe(pattern);
  });

  it.each(['(a+)+$', '(a|b)*c', '((a)b*)+', '(.*){9}', 'a*b*c*d*e*', String.raw`(a)\1`, '(', 'a**', '[b', 'x'.repeat(201)])('%s is refused', (pattern) => {
    expect(() => expressionOf(pattern)).toThrow(expect.objectContaining({ code: 'INPUT_FIELD' }));
  });

  it('are refused wherever they stand, not called a defect', () => {
    expect(() => versionMatcher('/(/')).toThrow(expect.objectContaining({ code: 'INPUT_FIELD' }));
    expect(() => releaseMatcher('n=/(a+)+/')).toThrow(expect.objectContaining({ code: 'INPUT_FIELD' }));
  });
});
