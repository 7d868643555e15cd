import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../bom/errors.ts';
import { runs } from '../support/runs.ts';
import { canonicalReference, parseReference } from '../../bom/reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('references', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['grafana/loki', 'docker.io/grafana/loki:latest'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    [`quay.io/a/b@${digest}`, `quay.io/a/b@${digest}`],
    [`quay.io/a/b:1@${digest}`, `quay.io/a/b:1@${digest}`],
    ['localhost/x', 'localhost/x:latest'],
    ['localhost:5000/x', 'localhost:5000/x:latest'],
    ['registry.example.org:443/x/y:v1', 'registry.example.org:443/x/y:v1'],
    ['[::1]:5000/x:1', '[::1]:5000/x:1'],
    ['[2001:DB8:0::1]/x', '[2001:db8::1]/x:latest'],
    ['bücher.example/x:v', 'xn--bcher-kva.example/x:v'],
    ['Registry.Example.org/x', 'registry.example.org/x:latest'],
    ['a.example/b__c/d-e.f:T_1.x-', 'a.example/b__c/d-e.f:T_1.x-'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalReference(text)).toBe(canonical);
    expect(canonicalReference(canonical)).toBe(canonical);
  });

  it.each([
    '', ' ', 'Nginx', 'A/a', 'bücher/x', 'a//b', '/a', 'a/', 'a/b:', 'a:b:c', 'https://quay.io/a', 'docker://a', 'a@md5:12', `a@sha256:${'A'.repeat(64)}`, 'a.example/B', 'a/../b',
    'a.example:99999/x', 'a.example:0/x', 'user@a.example/x', 'a b/c', 'a.example/x?y', `a.example/${'x'.repeat(256)}`, `a:${'t'.repeat(129)}`, '[::1/x', '%61.example/x', 'a\n.example/x',
  ])('refuses %j', (text) => {
    expect(() => parseReference(text, 'images[0]')).toThrow(BundleError);
  });

  it('says where the text stands', () => {
    expect(() => parseReference('A', 'bom.yaml:3:5')).toThrow(/^bom\.yaml:3:5: expected .*; got "A"$/);
  });

  it('is its own canonical form, whatever passes', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'abAB01.:/@-_[]') }), (text) => {
      let canonical: string;
      try { canonical = canonicalReference(text); } catch (error) { expect(error).toBeInstanceOf(BundleError); return; }
      expect(canonicalReference(canonical)).toBe(canonical);
    }), { numRuns: runs(2000) });
  });
});
