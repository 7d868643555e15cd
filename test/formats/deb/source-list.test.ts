import { describe, expect, it } from 'vitest';
import { architecturesOf, parseDeb822Sources, parseSourceLine, parseSourceLines } from '../../../formats/deb/source-list.ts';
import { parseWrittenSources } from '../../../formats/deb/written-sources.ts';
import { refusal } from '../../bom/support/documents.ts';

describe('parseSourceLine', () => {
  it('reads options, suite and components', () => {
    expect(parseSourceLine('deb [arch=amd64,arm64 signed-by=/k.gpg trusted=yes check-valid-until=no by-hash=force] http://apt.example.org/debian/ bookworm main contrib # x', 'l')).toMatchObject({
      types: ['deb'], uris: ['http://apt.example.org/debian/'], suites: ['bookworm'], components: ['main', 'contrib'], architectures: ['amd64', 'arm64'],
      signedBy: '/k.gpg', trusted: true, checkValidUntil: false, checkDate: true, byHash: 'force', enabled: true,
    });
    expect(parseSourceLine('deb http://example.org/flat ./', 'l')).toMatchObject({ suites: ['./'], components: [] });
    expect(parseSourceLine('deb [ arch=amd64 ] file:/srv/apt stable/updates main', 'l')).toMatchObject({ architectures: ['amd64'], suites: ['stable/updates'] });
    expect(parseSourceLine('  # only a comment', 'l')).toBeUndefined();
    expect(parseSourceLine('deb [arch=amd64 arch+=i386,armhf arch+=arm64 arch-=armhf lang+=de] http://example.org a b', 'l', { isWritten: true })).toMatchObject({ architectures: ['amd64'], architecturesAdded: ['i386', 'armhf', 'arm64'], architecturesRemoved: ['armhf'] });
  });

  it.each(['deb', 'deb http://example.org', 'deb http://example.org bookworm', 'deb http://example.org ./ main', 'rpm http://example.org a b', 'deb [arch] http://example.org a b', 'deb [signed-by+=/k] http://example.org a b', 'deb [snapshot=20260101T000000Z] http://example.org a b', 'deb [exclude=x] http://example.org a b', 'deb http://example.org ../../x main'])('refuses %s', (line) => {
    expect(() => parseSourceLine(line, 'x.list:3')).toThrow(expect.objectContaining({ code: 'INPUT_FIELD', message: expect.stringContaining('x.list:3') as string }) as Error);
  });

  it('takes architectures away from those of the target, or adds to those that it names', () => {
    const of = (options: string): readonly string[] => architecturesOf(parseSourceLine(`deb [${options}] http://example.org a b`, 'l') ?? { architectures: [] }, [], ['amd64', 'i386', 'arm64']);
    expect(['arch-=i386', 'arch=i386 arch+=arm64', 'arch=arm64', 'arch+=armhf', 'arch=amd64 arch-=amd64'].map(of)).toEqual([['amd64', 'arm64'], ['i386', 'arm64'], ['arm64'], ['amd64', 'i386', 'arm64'], []]);
  });

  it('refuses, in documents, what it would pass over', () => {
    for (const option of ['allow-weak=yes', 'snapshots=x', 'inrelease-path=y']) {
      expect(parseSourceLine(`deb [${option}] http://example.org a b`, 'l')).toBeDefined();
      expect(() => parseSourceLine(`deb [${option}] http://example.org a b`, 'l', { isWritten: true })).toThrow(option);
    }
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

describe('parseWrittenSources', () => {
  const start = 'Types: deb\nURIs: https://example.org/x\nSuites: a\nComponents: main\n';

  it('reads several stanzas with every field, comments and keys', () => {
    const text = `# site\nTypes: deb deb-src\r\nURIs:\n https://a.example.org/x\n# not yet: https://c.example.org\n https://b.example.org/x\nSuites: a a-updates\nComponents: main contrib\nArchitectures: amd64 arm64\nSigned-By: /keys/a.gpg ABCD\nBy-Hash: force\nArchitectures-Add: i386\nArchitectures-Remove: arm64\nSnapshot: no\nCheck-Valid-Until: no \nCheck-Date: no\nLanguages: none\nPDiffs: no\nX-Owner: us\n\n\nEnabled: no\nTypes: deb\nURIs: file:/x\nSuites: ./\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n a/b\n -----END PGP PUBLIC KEY BLOCK-----\n`;
    expect(parseWrittenSources(text, 's')).toEqual([
      {
        types: ['deb', 'deb-src'], uris: ['https://a.example.org/x', 'https://b.example.org/x'], suites: ['a', 'a-updates'], components: ['main', 'contrib'], architectures: ['amd64', 'arm64'], architecturesAdded: ['i386'], architecturesRemoved: ['arm64'],
        signedBy: '/keys/a.gpg ABCD', trusted: false, allowWeak: false, checkValidUntil: false, checkDate: false, byHash: 'force', enabled: true,
      },
      {
        types: ['deb'], uris: ['file:/x'], suites: ['./'], components: [], architectures: [], signedByKey: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\na/b\n-----END PGP PUBLIC KEY BLOCK-----\n',
        trusted: false, allowWeak: false, checkValidUntil: true, checkDate: true, byHash: 'yes', enabled: false,
      },
    ]);
  });

  it.each([
    ['Trusted: yes', 5, 'waiver'], ['Allow-Insecure: yes', 5, 'waiver'], ['Suite: a', 5, 'Did you mean suites?'], ['# c\nArchitectures-Plus: i386', 6, 'architectures-plus'], ['Snapshot: 20260101T000000Z', 5, 'address of the snapshot'], ['Include: a b', 5, 'preferences'], ['Types: deb', 5, 'a second time'],
    ['By-Hash: maybe', 5, 'yes, no or force'], ['Enabled: y', 5, 'yes or no'], ['nonsense', 5, 'without a field name'], ['\nTypes: deb', 6, 'no uris'], ['\nTypes: rpm\nURIs: https://example.org\nSuites: ./', 6, 'rpm'],
    ['\nTypes: deb\nURIs: example.org\nSuites: ./', 7, 'addresses'], ['\nTypes: deb\nURIs: https://example.org\nSuites: b', 8, 'the suite b without a component'],
  ])('refuses %j, naming its line', (field, line, says) => {
    const error = refusal(() => parseWrittenSources(`${start}${field}\n`, 'bom.yaml:7:3'));
    expect(error).toMatchObject({ code: 'INPUT_FIELD', facts: { subject: `bom.yaml:7:3, line ${line} of sources` } });
    expect(`${error.message} ${error.next ?? ''}`).toContain(says);
  });
});
