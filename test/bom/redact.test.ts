import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from '../../bom/redact.ts';
import { refusal } from './support/documents.ts';

const cut = (text: string, keys: readonly string[], path = 'x.yml'): string => redact(text, path, keys).text;
const mark = '"REDACTED"';

describe('YAML', () => {
  it.each([
    ['a scalar', 'a: 1 # kept\npassword: hunter2 # kept too\nb: 2\n', ['password'], `a: 1 # kept\npassword: ${mark} # kept too\nb: 2\n`],
    ['a mapping, keeping the lines', 'azure-config:\n  credentials:\n    id: x\n    key: hunter2\n  region: west\n', ['azure-config.credentials'], `azure-config:\n  credentials:\n    ${mark}\n\n  region: west\n`],
    ['a block scalar', 'key: |\n  one\n  two\nnext: 1\n', ['key'], `key: ${mark}\n\n\nnext: 1\n`],
    ['quoted text and flow', 'a: {b: "x, y", c: \'z\'}\n', ['a.b', 'a.c'], `a: {b: ${mark}, c: ${mark}}\n`],
    ['items of lists', 'users:\n- name: a\n  token: t1\n- name: b\n  token: t2\n', ['users.token'], `users:\n- name: a\n  token: ${mark}\n- name: b\n  token: ${mark}\n`],
    ['any one key', 'a: {x: {p: s1}, y: {p: s2}, p: kept}\n', ['a.*.p'], `a: {x: {p: ${mark}}, y: {p: ${mark}}, p: kept}\n`],
    ['keys at any depth', 'p: s0\na: {x: {p: s1}}\n', ['**.p'], `p: ${mark}\na: {x: {p: ${mark}}}\n`],
    ['keys with dots', 'azure-config.credentials: s\n', ['azure-config.credentials'], `azure-config.credentials: ${mark}\n`],
    ['every document and every duplicate', 'p: s0\np: s1\n---\np: s2\n', ['p'], `p: ${mark}\np: ${mark}\n---\np: ${mark}\n`],
    ['what an alias points to', 'shared: &pw hunter2\npassword: *pw\n', ['password'], `shared: &pw ${mark}\npassword: ${mark}\n`],
    ['nothing else', 'password_hint: a\nx: {password: b}\n', ['password'], 'password_hint: a\nx: {password: b}\n'],
    ['an empty value stays', 'password:\nb: 1\n', ['password'], 'password:\nb: 1\n'],
  ])('%s', (_, text, keys, expected) => {
    expect(cut(text, keys)).toBe(expected);
    expect(cut(text, keys).split('\n').length).toBe(text.split('\n').length);
  });

  it('that cannot be read is refused when it mentions a key, and left alone otherwise', () => {
    expect(refusal(() => cut('a: [\npassword: hunter2\n', ['password']))).toMatchObject({ code: 'INPUT_SYNTAX', facts: { subject: expect.stringMatching(/^x\.yml:\d+$/) as string } });
    expect(refusal(() => cut('a: [\npassword: hunter2\n', ['password'])).message).not.toContain('hunter2');
    expect(cut('a: [\n', ['password'])).toBe('a: [\n');
    expect(refusal(() => cut(`password: ${'['.repeat(20_000)}`, ['password'])).code).toBe('INPUT_SYNTAX');
    expect(refusal(() => cut(`x: ${'['.repeat(500)}{password: 1}${']'.repeat(500)}`, ['x.password'])).code).toBe('INPUT_SYNTAX');
  });
});

describe('JSON', () => {
  it('stays JSON', () => {
    const text = JSON.stringify({ a: { credentials: { id: 1, key: ['hunter2'] }, b: true }, list: [{ p: 's' }, { p: null }] }, undefined, 2);
    const result = cut(text, ['a.credentials', 'list.p'], 'x.json');
    expect(JSON.parse(result)).toEqual({ a: { credentials: 'REDACTED', b: true }, list: [{ p: 'REDACTED' }, { p: 'REDACTED' }] });
    expect(JSON.parse(cut('{"p":"s"}', ['p'], 'terraform.state'))).toEqual({ p: 'REDACTED' });
  });

  it('of any shape loses what is named and nothing else', () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'secret'), fc.jsonValue({ maxDepth: 2 })), fc.constantFrom(0, 2), (value, space) => {
      const result: unknown = JSON.parse(cut(JSON.stringify(value, undefined, space), ['secret'], 'x.json'));
      expect(result).toEqual(JSON.parse(JSON.stringify(Object.hasOwn(value, 'secret') ? { ...value, secret: 'REDACTED' } : value)));
    }), { numRuns: 200 });
  });
});

it('of files whose name says nothing is told by its content', () => {
  expect(cut('users:\n- name: a\n  user:\n    token: t1\n', ['users.user.token'], 'kubeconfig')).toBe(`users:\n- name: a\n  user:\n    token: ${mark}\n`);
  expect(cut('{"auths": {"r": {"auth": "x"}}}', ['auths.*.auth'], '.dockercfg')).toBe(`{"auths": {"r": {"auth": ${mark}}}}`);
  expect(cut('A=1\nPASSWORD=x\n', ['PASSWORD'], '.env.local')).toBe('A=1\nPASSWORD=REDACTED\n');
  expect(cut('{% if x %}\npassword: x\n', ['password'], 'site')).toBe('{% if x %}\npassword: REDACTED\n');
});

describe('lines', () => {
  it.each([
    ['.env', 'A=1\nexport PASSWORD="hunter2"\nB=2\n', ['PASSWORD'], 'A=1\nexport PASSWORD=REDACTED\nB=2\n'],
    ['x.ini', '[db]\nuser = a\npassword = hunter2\n[web]\npassword = kept\n', ['db.password'], '[db]\nuser = a\npassword = REDACTED\n[web]\npassword = kept\n'],
    ['x.properties', 'db.password: one\\\n  two\nnext=1\n', ['db.password'], 'db.password: REDACTED\n\nnext=1\n'],
    ['.env', 'KEY="-----BEGIN\nabc\n-----END"\nB=2\n', ['KEY'], 'KEY=REDACTED\n\n\nB=2\n'],
    ['x.toml', '[a]\nkey = """\none\ntwo"""\nb = 1\n', ['a.key'], '[a]\nkey = REDACTED\n\n\nb = 1\n'],
    ['x.tfvars', 'key = <<EOF\none\nEOF\nb = 1\n', ['key'], 'key = REDACTED\n\n\nb = 1\n'],
    ['x.conf', 'a=b\r\npassword=hunter2\r\nc=d\r\n', ['password'], 'a=b\r\npassword=REDACTED\r\nc=d\r\n'],
  ])('of %s', (path, text, keys, expected) => {
    expect(cut(text, keys, path)).toBe(expected);
  });
});

it('says which keys were used', () => {
  expect([...redact('a: 1\n', 'x.yml', ['a', 'b']).used]).toEqual(['a']);
  expect(redact('a: 1\n', 'x.yml', [])).toEqual({ text: 'a: 1\n', used: new Set() });
});

it('never throws anything without a code', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.constantFrom('x.yml', 'x.env', 'x.json', 'x'), (text, path) => {
    try {
      expect(redact(text, path, ['a', '**.b', 'c.*']).text.split('\n').length).toBe(text.split('\n').length);
    } catch (error) {
      expect(error).toMatchObject({ code: 'INPUT_SYNTAX' });
    }
  }), { numRuns: 500 });
});
