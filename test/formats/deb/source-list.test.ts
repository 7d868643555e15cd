import { describe, expect, it } from 'vitest';
import { parseDeb822Sources, parseSourceLine, parseSourceLines } from '../../../formats/deb/source-list.ts';

describe('parseSourceLine', () => {
  it('reads options, suite and components', () => {
    expect(parseSourceLine('deb [arch=amd64,arm64 signed-by=/k.gpg trusted=yes check-valid-until=no by-hash=force] http://apt.example.org/debian/ bookworm main contrib # x', 'l')).toMatchObject({
      types: ['deb'], uris: ['http://apt.example.org/debian/'], suites: ['bookworm'], components: ['main', 'contrib'], architectures: ['amd64', 'arm64'],
      signedBy: '/k.gpg', trusted: true, checkValidUntil: false, checkDate: true, byHash: 'force', enabled: true,
    });
    expect(parseSourceLine('deb http://example.org/flat ./', 'l')).toMatchObject({ suites: ['./'], components: [] });
    expect(parseSourceLine('deb [ arch=amd64 ] file:/srv/apt stable/updates main', 'l')).toMatchObject({ architectures: ['amd64'], suites: ['stable/updates'] });
    expect(parseSourceLine('  # only a comment', 'l')).toBeUndefined();
  });

  it.each(['deb', 'deb http://example.org', 'deb http://example.org bookworm', 'deb http://example.org ./ main', 'rpm http://example.org a b', 'deb [arch] http://example.org a b', 'deb http://example.org ../../x main'])('refuses %s', (line) => {
    expect(() => parseSourceLine(line, 'x.list:3')).toThrow(expect.objectContaining({ code: 'INPUT_FIELD', message: expect.stringContaining('x.list:3') as string }) as Error);
  });

  it('names the line of a file', () => {
    expect(parseSourceLines('deb http://example.org a b\n\n# c\ndeb-src http://example.org a b\n', 'f')).toHaveLength(2);
    expect(() => parseSourceLines('\nnonsense\n', 'f')).toThrow('f:2');
  });
});

describe('parseDeb822Sources', () => {
  it('reads entries, comments and an embedded key', () => {
    const [first, second] = parseDeb822Sources('Types: deb deb-src\n# c\nURIs: http://a.example.org http://b.example.org\nSuites: x x-updates\nComponents: main\nArchitectures: amd64\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n\nEnabled: no\nTypes: deb\nURIs: file:/x\nSuites: ./\n', 's.sources');
    expect(first).toMatchObject({ types: ['deb', 'deb-src'], uris: ['http://a.example.org', 'http://b.example.org'], suites: ['x', 'x-updates'], architectures: ['amd64'] });
    expect(first?.signedByKey).toBe('-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n');
    expect(second).toMatchObject({ enabled: false, suites: ['./'] });
  });

  it('refuses an entry without what it needs', () => {
    expect(() => parseDeb822Sources('Types: deb\nURIs: http://example.org\n', 's')).toThrow('s, entry 1');
    expect(() => parseDeb822Sources('Types: deb\nURIs: http://example.org\nSuites: a\n', 's')).toThrow('the suite a without a component');
  });
});
